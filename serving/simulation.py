"""Simulates a change of configuration with the parts that serve, and reports what it would do."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast, get_args

import numpy as np

from decisioning.champion import load_champion, read_champion
from decisioning.configuration import Configuration, load_configuration
from decisioning.request import Channel, DecisionRequest
from decisioning.simulation import (
    Answered,
    Audience,
    HistoryOf,
    Report,
    Variant,
    compare,
    draw,
    load_changes,
    question,
    report_page,
    run,
)
from decisioning.world import PropensityModel
from features.calendar import Calendar
from features.clock import Clock, open_clock, parse_moment
from features.errors import ConfigError, FeatureError
from features.profiles import Profiles
from features.progress import progress_bar
from serving.settings import Settings
from serving.state import Store


@dataclass(frozen=True)
class Ground:
    """What both configurations are simulated on.

    Attributes
    ----------
    customer_ids : everybody who has a profile, in any order.
    model : None where there is no champion; only fixed propensities count then.
    history_of : None where there is no ledger.
    """

    store: Store
    customer_ids: Iterable[str]
    model: PropensityModel | None
    clock: Clock
    calendar: Calendar
    history_of: HistoryOf | None = None


def simulate(
    settings: Settings,
    changes: Path,
    sample: int = 5_000,
    channel: str = "web",
    seed: int = 0,
    out: Path | None = None,
    as_json: bool = False,
    history_of: HistoryOf | None = None,
    at: str | None = None,
    weak_below: float | None = None,
) -> None:
    """Print what the files in a folder would change, and write it as a page.

    Parameters
    ----------
    changes : folder with any of actions.yaml, policies.yaml and arbitration.yaml.
    sample : how many customers; all where there are less.
    out : where to write the HTML page; None for no page.
    history_of : reads the ledger, such as `Ledger.history`; None to take everybody as new to it.
    at : simulate this time (ISO) instead of now, for instance outside quiet hours.
    weak_below : see `decisioning.simulation.compare`.

    Raises
    ------
    ConfigError : a folder, file, channel, sample or place for the page that cannot be used.
    FeatureError : no customer has a profile.
    ModelError : the champion is not what was promoted.
    """
    _writable(out)
    asked, moment = _channel(channel), parse_moment(at)
    current = load_configuration(settings.catalog_file)
    proposed = load_changes(changes, settings.catalog_file)
    report = report_of(
        ground_of(settings, history_of),
        current,
        proposed.configuration,
        proposed.files,
        sample=sample,
        channel=asked,
        seed=seed,
        at=moment,
        weak_below=weak_below,
        progress=sys.stderr.isatty(),
    )
    show(report, out, as_json)


def show(report: Report, out: Path | None, as_json: bool) -> None:
    """Print a report, as tables or as JSON, and write its page."""
    from serving.simulation_tables import print_report

    if out is not None:
        out.write_text(report_page(report), encoding="utf-8")
    if as_json:
        print(json.dumps(report.as_dict(), indent=2, ensure_ascii=False, allow_nan=False))
        return
    print_report(report)
    if out is not None:
        print(f"wrote {out}")


def ground_of(settings: Settings, history_of: HistoryOf | None = None) -> Ground:
    """Open what the service decides from: profile store, champion, clock.

    Raises
    ------
    FeatureError : no features were built yet.
    ModelError : the champion is not what was promoted.
    """
    from features.store import open_store

    store = open_store(settings.home, settings.feature_repo, settings.places)
    name = settings.model_name
    champion = read_champion(settings.models, name)
    return Ground(
        store=store,
        customer_ids=_customers(settings.home / "features" / "vector.parquet"),
        model=None if champion is None else load_champion(settings.models, name)[1],
        clock=open_clock(settings.clock_file),
        calendar=Calendar(settings.time_zone),
        history_of=history_of,
    )


def report_of(
    ground: Ground,
    current: Configuration,
    proposed: Configuration,
    files: tuple[str, ...],
    *,
    sample: int,
    channel: Channel,
    seed: int,
    at: datetime | None = None,
    weak_below: float | None = None,
    progress: bool = False,
) -> Report:
    """Return what a proposed configuration changes for a sample of the customers.

    Raises
    ------
    ConfigError : the sample is below 1.
    FeatureError : no customer has a profile, or none of those drawn is in the online store.
    LeakError : `at` is before the profiles.
    """
    audience = _audience(ground, sample, seed)
    now = at or ground.clock.now()
    request = question(channel)
    variants = [
        Variant.of(
            configuration,
            ground.model,
            ground.store.layout,
            ground.calendar,
            ground.store.popularity_now(configuration.catalog.action_ids),
        )
        for configuration in (current, proposed)
    ]
    answers = [
        _run(title, variant, audience, request, now, ground.history_of, progress)
        for title, variant in zip(("current", "changed"), variants, strict=True)
    ]
    return compare(
        (variants[0], answers[0]),
        (variants[1], answers[1]),
        audience,
        request,
        now,
        files,
        with_history=ground.history_of is not None,
        weak_below=weak_below,
    )


def _run(
    title: str,
    variant: Variant,
    audience: Audience,
    request: DecisionRequest,
    now: datetime,
    history_of: HistoryOf | None,
    progress: bool,
) -> Answered:
    if not progress:
        return run(variant, audience, request, now, history_of)
    with progress_bar(title) as draw_bar:

        def tell(done: int) -> None:
            draw_bar(done, len(audience))

        return run(variant, audience, request, now, history_of, tell)


def _audience(ground: Ground, sample: int, seed: int) -> Audience:
    known = list(ground.customer_ids)
    chosen = draw(known, sample, seed)
    rows = [ground.store.online(customer_id) for customer_id in chosen]
    profiles = Profiles(
        ground.store.layout,
        np.array(chosen, dtype=object),
        np.concatenate([one.vectors for one in rows]),
    )
    if not profiles.known.any():
        raise FeatureError(
            f"none of {len(chosen)} customers is in the online store; "
            "run `nba features materialize`"
        )
    return Audience(profiles, len(set(known)), seed)


def _customers(path: Path) -> list[str]:
    """Return the customers whose newest profiles were built."""
    import pyarrow.parquet as parquet

    if not path.exists():
        raise FeatureError(f"{path}: no profiles yet; run `nba features build`")
    ids: list[str] = parquet.read_table(path, columns=["customer_id"])["customer_id"].to_pylist()
    return ids


def _channel(channel: str) -> Channel:
    known = get_args(Channel)
    if channel not in known:
        raise ConfigError(f"--channel {channel!r} is none of {', '.join(known)}")
    return cast(Channel, channel)


def _writable(out: Path | None) -> None:
    """Refuse a place that cannot be written before minutes have gone into what belongs there."""
    if out is not None and (out.is_dir() or not out.resolve().parent.is_dir()):
        raise ConfigError(f"--out {out}: not a file in a folder that exists")
