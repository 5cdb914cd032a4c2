"""What a site changed of one rule version, as data: cards, records, pages and explanations tell it from here.

core.overlay makes it. Source: docs/reference/rule-language.md, section 10 ("Site").
"""

from dataclasses import dataclass

from cds_service.core.facts import Coding


@dataclass(frozen=True, slots=True)
class Said:
    """Why the site decided something, who did, and on which day (as 2026-11-28)."""

    why: str
    by: str
    date: str


@dataclass(frozen=True, slots=True)
class SiteMark:
    """The site whose overlay is on a release. digest: sha256 of its file, hexadecimal."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class ParameterChange:
    """A number that the site moved. owner: id of the rule or definition; shipped, value: in `unit`."""

    owner: str
    name: str
    shipped: float
    value: float
    unit: str
    said: Said


@dataclass(frozen=True, slots=True)
class WordingChange:
    """A part of a card that the site wrote itself. key: summary, detail, links or override_reasons."""

    card: str
    key: str
    said: Said


@dataclass(frozen=True, slots=True)
class CodesChange:
    """Codes that the site added to a value set. title: of the set."""

    value_set: str
    title: str
    codes: tuple[Coding, ...]
    said: Said


@dataclass(frozen=True, slots=True)
class SiteChanges:
    """All that a site decided about one rule version, in the order of its file.

    parameters, codes: of the rule and of what it reaches in definitions.
    signed_off:  of exactly this version.
    run, run_said: "active", "trial" or "disabled" where the site chose how the rule runs; else "" and None.
    """

    parameters: tuple[ParameterChange, ...] = ()
    wording: tuple[WordingChange, ...] = ()
    codes: tuple[CodesChange, ...] = ()
    signed_off: Said | None = None
    run: str = ""
    run_said: Said | None = None

    @property
    def changed(self) -> bool:
        """Whether the rule decides or says something else than it does as shipped."""
        return bool(self.parameters or self.wording or self.codes)


UNCHANGED = SiteChanges()
