"""Random rule files and charts in few words, so that a disagreement can be read."""

from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date

from cds_service.core.dates import Duration, Span
from cds_service.core.facts import Chart, Concept
from cds_service.core.rule import Bounds, Edition


def brief(thing: object) -> str:
    """Write a value without the fields that are as they always are."""
    if isinstance(thing, Span):
        return (thing.text or f"{thing.first}..{thing.last}") + ("" if thing.readable else " (broken)")
    if isinstance(thing, Concept):
        words = [each.code if "red" in each.system else f"blue:{each.code}" for each in thing.codings]
        return "/".join([*words, *(repr(each) for each in thing.texts)]) or ("none" if thing.readable else "unreadable")
    if isinstance(thing, Bounds):
        return (
            "{"
            + ", ".join(
                f"{each.name}: {getattr(thing, each.name)}" for each in fields(thing) if getattr(thing, each.name)
            )
            + "}"
        )
    if isinstance(thing, Duration):
        return f"{thing.count} {thing.unit}"
    if isinstance(thing, tuple):
        return "[" + ", ".join(brief(each) for each in thing) + "]"
    if is_dataclass(thing):
        told = []
        for each in fields(thing):
            value = getattr(thing, each.name)
            usual = each.default if each.default is not MISSING else None
            if value != usual and value != () and each.name not in ("says", "fact", "has_value", "why"):
                told.append(f"{each.name}={brief(value)}")
        return f"{type(thing).__name__}({', '.join(told)})"
    return str(thing)


@dataclass(frozen=True)
class Situation:
    """A rule file, a chart and a day."""

    edition: Edition
    chart: Chart
    today: date

    def __repr__(self) -> str:
        lines = [f"today {self.today}, hook {self.chart.hook}, {brief(self.chart.patient)}"]
        for (id_, _), definition in self.edition.definitions.items():
            lines += [f"  {id_}.{name}: {brief(each.body)}" for name, each in definition.criteria.items()]
        lines += [f"  {name}: {brief(each.body)}" for name, each in self.edition.rule.criteria.items()]
        rule = self.edition.rule
        if rule.cards:
            lines += [f"  when {brief(rule.when)}", *(f"  {brief(each)}" for each in rule.cards)]
        lines += [f"  row {brief(each)}" for found in self.chart.rows.values() for each in found]
        lines += [f"  gap {fact} {each.source} before {each.before and date.fromordinal(each.before)}"
                  for fact, found in self.chart.gaps.items() for each in found]  # fmt: skip
        return "\n".join(lines)

    def _repr_pretty_(self, printer, cycle: bool) -> None:
        """Let Hypothesis print a failing example in few words."""
        printer.text(repr(self))
