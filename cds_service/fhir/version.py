"""What a module of one FHIR version gives the reader: paths and code maps, nothing about lists or patients."""

from collections.abc import Callable, Mapping
from typing import Protocol

from cds_service.core.dates import Span
from cds_service.core.facts import Concept
from cds_service.fhir.scope import Reader, Scope
from cds_service.fhir.shapes import Resource
from cds_service.fhir.spelling import Spelling


class Version(Protocol):
    """r4, and r5 and stu3 beside it.

    READERS: a function for each resource type that becomes rows; FACT: the fact of those rows.
    START:   the start that a resource's row has, for telling whether a page is sorted newest first.
    DRAFTS:  types of draft orders, and the elements in which each names the order that it renews.
    BESIDE:  types that may stand beside them; any other could be an order and is told as not readable.
    SPELLING: how resources that the version spells otherwise are spelled as in R4; empty in R4.
    TYPES:   the version's types that answer for a type of R4, where it has others.
    QUERIES: how a server of the version is asked for a prefetch key, where it has no parameter or type that
             fhir.prefetch asks for.
    """

    @property
    def READERS(self) -> Mapping[str, Reader]: ...  # noqa: N802 - a module's constant
    @property
    def FACT(self) -> Mapping[str, str]: ...  # noqa: N802
    @property
    def START(self) -> Mapping[str, Callable[[Resource], Span | None]]: ...  # noqa: N802
    @property
    def DRAFTS(self) -> Mapping[str, tuple[str, ...]]: ...  # noqa: N802
    @property
    def BESIDE(self) -> frozenset[str]: ...  # noqa: N802

    @property
    def SPELLING(self) -> Spelling: ...  # noqa: N802
    @property
    def TYPES(self) -> Mapping[str, tuple[str, ...]]: ...  # noqa: N802
    @property
    def QUERIES(self) -> Mapping[str, str]: ...  # noqa: N802

    def entered_in_error(self, resource: Resource, /) -> bool: ...
    def draft_concept(self, resource: Resource, scope: Scope, /) -> Concept: ...
    def draft_is_stopped(self, resource: Resource, /) -> bool: ...
    def can_be_renewed(self, resource: Resource, /) -> bool: ...
