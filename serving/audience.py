"""Whom a batch is for: the customers of a file, everybody, or those that an expression names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from decisioning.customer_condition import CustomerCondition
from decisioning.expressions import Vocabulary
from decisioning.request import DecisionRequest
from features.errors import ConfigError, FeatureError
from serving.engine import Engine
from serving.files import KINDS, read_columns

EVERYBODY = "all"


def audience(
    wanted: str,
    request: DecisionRequest,
    engine: Engine,
    home: Path,
    tell: Callable[[int, int], None] = lambda done, total: None,
    root_of: Callable[[str], str] = lambda customer_id: customer_id,
) -> tuple[str, ...]:
    """Return the ids of an audience, each once, in order of id.

    Of a person with several ids all that are named, or have a profile, are returned.

    Parameters
    ----------
    wanted : a CSV or Parquet file with a column `customer_id`, `all`, or an expression such as
        `profile.trips_91d >= 12.0`.
    request : what will be asked, for expressions that ask about it.
    tell : is told how many persons an expression was asked about, and of how many.
    root_of : returns whose profile an expression is asked about for a customer.

    Raises
    ------
    ConfigError : no such file or column, an id that is missing or no text, a wrong expression.
    FeatureError : no customer has a profile.
    """
    path = Path(wanted)
    if path.suffix in KINDS:
        return _ordered(read_columns(path, ("customer_id",))["customer_id"], path)
    known = known_customers(home)
    if wanted == EVERYBODY:
        return known
    return _where(wanted, _by_root(known, root_of), request, engine, tell)


def known_customers(home: Path) -> tuple[str, ...]:
    """Return everybody who has a profile, in order of id.

    Raises
    ------
    FeatureError : there are none.
    """
    import pyarrow.parquet as parquet

    path = home / "features" / "vector.parquet"
    if not path.exists():
        raise FeatureError(f"{path}: no profiles yet; run `nba features build`")
    return tuple(sorted(set(parquet.read_table(path, columns=["customer_id"])[0].to_pylist())))


def _ordered(ids: Iterable[str | None], path: Path) -> tuple[str, ...]:
    found = set()
    for row, one in enumerate(ids, start=1):
        if not one:
            raise ConfigError(f"{path}: row {row} has no customer_id")
        found.add(one)
    return tuple(sorted(found))


def _by_root(known: Iterable[str], root_of: Callable[[str], str]) -> Mapping[str, list[str]]:
    persons: dict[str, list[str]] = {}
    for customer_id in known:
        persons.setdefault(root_of(customer_id), []).append(customer_id)
    return persons


def _where(
    text: str,
    persons: Mapping[str, list[str]],
    request: DecisionRequest,
    engine: Engine,
    tell: Callable[[int, int], None],
) -> tuple[str, ...]:
    state = engine.current()
    condition = CustomerCondition(text, Vocabulary.of(state.world.catalog.ordered), "--audience")
    if state.store is None:
        raise FeatureError("no profiles can be read; run `nba features materialize`")
    chosen: list[str] = []
    for done, (customer_id, known) in enumerate(persons.items(), start=1):
        profiles, zone = state.store.online(customer_id), engine.zone_of(customer_id)
        now = engine.clock.now()
        if condition.holds(request, profiles, state.popularity, state.world, now, zone):
            chosen += known
        tell(done, len(persons))
    return tuple(sorted(chosen))
