"""Records: the values of which one call makes hundreds, such as rows and results.

A frozen dataclass takes four times as long to build as a plain one, for each of its fields goes through
`object.__setattr__`. A record is a frozen dataclass to the type checker, which refuses to change one, and to whoever
reads the code; at run time it is a plain dataclass with the equality and the hash of a frozen one.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

__all__ = ["record"]

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:

    def record(*, frozen: bool, slots: bool) -> Any:
        """Make a class a record; one with a hash of its own keeps it."""
        return lambda cls: dataclass(slots=slots, unsafe_hash=frozen and "__hash__" not in vars(cls))(cls)
