"""What is wrong in a file that people write, and where: file, line, column and key path."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

KeyPath = tuple[str | int, ...]
"""The keys from the top of a file down; an entry of a list is named by its position or its id."""


class Told(NamedTuple):
    """One fault before it is known where in a file it stands.

    Attributes
    ----------
    path : empty for the file as a whole; the last key may be one that should have been written.
    key : a key that is wrong itself: the last of the path, or one directly below the path.
    unknown : the name that was looked for and not found; such a fault is not told while an entry
        that has the name is faulty itself.
    """

    path: KeyPath
    message: str
    key: str | int | None = None
    unknown: str = ""

    def below(self, path: KeyPath) -> Told:
        """Return the same fault as it is seen from further up."""
        return self._replace(path=path + self.path)


class Faults(ValueError):  # noqa: N818 - it holds any number of errors, also one
    """Everything that a check found at once; raise it in a validator of a `Border` model.

    Parameters
    ----------
    found : `Told`, or shorter (path, message), with paths relative to the model that is checked.

    >>> raise Faults([(("actions", "tea"), "costs nothing"), (("value",), "is lost")])
    Traceback (most recent call last):
    ...
    decisioning.fault.Faults: actions.tea: costs nothing; value: is lost
    """

    def __init__(self, found: Iterable[Told | tuple[KeyPath, str]]) -> None:
        self.found = tuple(told if isinstance(told, Told) else Told(*told) for told in found)
        said = (
            ": ".join(part for part in (dotted(told.path), told.message) if part)
            for told in self.found
        )
        super().__init__("; ".join(said))


@dataclass(frozen=True)
class Fault:
    """One fault of a file.

    Attributes
    ----------
    line, column : from 1 on; 0 where the file could not be read at all.
    place : the key path with dots between; empty for the file as a whole.

    >>> str(Fault(Path("actions.yaml"), 3, 5, "actions.tea.cost", "is negative (value -1)"))
    'actions.yaml:3:5: actions.tea.cost: is negative (value -1)'
    """

    file: Path
    line: int
    column: int
    place: str
    message: str

    def __str__(self) -> str:
        """Return the fault as one line, which editors and terminals can jump from."""
        where = f"{self.file}:{self.line}:{self.column}" if self.line else str(self.file)
        return ": ".join(part for part in (where, self.place, self.message) if part)


def raise_any(found: list[Told]) -> None:
    """Raise all faults as one error; do nothing where there is none.

    Raises
    ------
    Faults : there is any.
    """
    if found:
        raise Faults(found)


def dotted(path: KeyPath) -> str:
    """Return a key path as people read it."""
    return ".".join(str(part) for part in path)
