"""Follows what may change while the service runs: files are taken up when they change.

A change that cannot be used is refused and told, and what was there before stays in use.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from decisioning.champion import load_champion, load_former, read_champion
from decisioning.configuration import PARTS, beside
from features.errors import ModelError
from serving.logs import log

if TYPE_CHECKING:
    from decisioning.propensity import Model

Value = TypeVar("Value")
Stamp = tuple[int, int, int]

_KEPT_MODELS = 2


def configuration_stamp(catalog: Path) -> tuple[Stamp | None, ...]:
    """Return what changes with every edit of a catalog, its policies or its arbitration."""
    return tuple(map(file_stamp, (catalog, *(beside(catalog, part) for part in PARTS))))


def file_stamp(path: Path) -> Stamp | None:
    """Return what changes with every replacement of a file, at the price of one stat."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class Followed(Generic[Value]):
    """One thing that is loaded anew when its stamp changes.

    Parameters
    ----------
    former : loads the one before, for when the first that is loaded cannot be used.

    Attributes
    ----------
    value : the newest that could be used; None before the first.
    trouble : why the newest could not be used; None when it could.
    """

    def __init__(
        self,
        name: str,
        stamp: Callable[[], object],
        load: Callable[[], Value],
        former: Callable[[], Value] | None = None,
    ) -> None:
        self.name = name
        self.value: Value | None = None
        self.trouble: Exception | None = None
        self._stamp_now, self._load, self._former = stamp, load, former
        self._stamp: object = object()

    def look(self, again: bool = False) -> bool:
        """Take up a change, or try once more if `again`; return whether there is a new value."""
        stamp = self._stamp_now()
        if stamp == self._stamp and not again:
            return False
        self._stamp = stamp
        try:
            self.value, self.trouble = self._load(), None
        except Exception as error:
            # Whatever is wrong with the new one, the former goes on serving; it is told here,
            # in /readyz and in the answers.
            if str(error) != str(self.trouble):
                log().error("refused", part=self.name, error=f"{type(error).__name__}: {error}")
            self.trouble = error
            return self.value is None and self._take_former()
        log().info("loaded", part=self.name)
        return True

    def _take_former(self) -> bool:
        if self._former is None:
            return False
        try:
            self.value = self._former()
        except Exception:
            # There is none, or it is no better; the trouble that is told is that of the newest.
            return False
        log().warning("loaded_former", part=self.name)
        return True


class Champions:
    """Loads the champion of a model; a rollback to one of the last two is instant."""

    def __init__(self, models: Path, name: str) -> None:
        self._models, self._name = models, name
        self._kept: OrderedDict[tuple[str, str], Model] = OrderedDict()

    def load(self) -> Model:
        """Return the champion's model, checked before it is used.

        Raises
        ------
        ModelError : there is no champion, or its bundle is not what was promoted.
        """
        live = read_champion(self._models, self._name)
        if live is None:
            raise ModelError(f"{self._models / self._name}: no champion yet")
        promoted = (live.version, live.manifest_sha256)
        if promoted not in self._kept:
            champion, model = load_champion(self._models, self._name)
            promoted = (champion.version, champion.manifest_sha256)
            self._kept[promoted] = model
        self._kept.move_to_end(promoted)
        while len(self._kept) > _KEPT_MODELS:
            self._kept.popitem(last=False)
        return self._kept[promoted]

    def former(self) -> Model:
        """Return the model that was champion before, checked before it is used.

        Raises
        ------
        ModelError : there was none, or its bundle is not as it should be.
        """
        return load_former(self._models, self._name)
