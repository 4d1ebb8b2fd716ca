"""What stands around every call of a library that stores features: silence, one kind of error."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

from features.errors import FeatureError, NbaError
from features.places import Places


@contextmanager
def quietly() -> Iterator[None]:
    """Keep Feast's and Ibis' own notices and progress lines from our users."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


class Guarded:
    """Turns whatever a store or registry raises into one error, without its passwords.

    A class, since it stands around every read of a profile: a generator takes longer to enter.
    """

    def __init__(self, what: str, places: Places) -> None:
        self._what, self._places = what, places

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise what was raised, as ours."""
        if isinstance(error, Exception) and not isinstance(error, NbaError):
            told = f"{type(error).__name__}: {error}".splitlines()[0]
            raise FeatureError(f"{self._what}: {self._places.without_passwords(told)}") from error
