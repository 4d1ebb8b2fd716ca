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


@contextmanager
def as_feature_error(what: str, places: Places) -> Iterator[None]:
    """Turn whatever a store or registry raises into one error, without its passwords."""
    try:
        yield
    except NbaError:
        raise
    except Exception as error:
        told = f"{type(error).__name__}: {error}".splitlines()[0]
        raise FeatureError(f"{what}: {places.without_passwords(told)}") from error
