"""Names in rule and definition files: criteria, parameters, value sets."""

from collections.abc import Mapping

from cds_service.core.dates import Duration
from cds_service.core.facts import Chart
from cds_service.core.rule import Bounds, Criterion, Edition, Parameter
from cds_service.core.value_set import ValueSet
from tests.reference import days, values
from tests.reference.item import Answer

Scope = tuple[str, int] | None  # a definition (id, major), or None for the rule itself


class Naming:
    """What the names in a file stand for.

    firm: every soft row is taken as doubtful (section 3, firm evidence).
    """

    def __init__(self, edition: Edition, chart: Chart, today: int, firm: bool = False) -> None:
        self.edition, self.chart, self.today, self.firm = edition, chart, today, firm

    def locate(self, name: str, scope: Scope) -> tuple[str, Scope]:
        """Give a criterion's own name and the file it stands in."""
        if "." not in name:
            return name, scope
        definition, own = name.split(".")
        uses = self.edition.rule.uses if scope is None else self.edition.definitions[scope].uses
        return own, next((each.id, each.major) for each in uses if each.id == definition)

    def _criteria(self, scope: Scope) -> Mapping[str, Criterion]:
        return self.edition.rule.criteria if scope is None else self.edition.definitions[scope].criteria

    def _parameters(self, scope: Scope) -> Mapping[str, Parameter]:
        return self.edition.rule.parameters if scope is None else self.edition.definitions[scope].parameters

    def _sets(self, names: tuple[str, ...]) -> list[ValueSet]:
        return [self.edition.value_sets[each] for each in names]

    def _duration(self, name: str, scope: Scope) -> Duration:
        parameter = self._parameters(scope)[name]
        return Duration(int(parameter.value), parameter.unit)

    def _durations(self, bounds: Bounds | None, scope: Scope) -> list[days.Limit]:
        found = values.limits(bounds, self._parameters(scope))
        return [(kind, Duration(int(each.value), each.unit)) for kind, each in found]

    def answer(self, name: str, scope: Scope = None) -> Answer:
        """Answer a criterion by its name as written in `scope`."""
        raise NotImplementedError
