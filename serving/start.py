"""Puts the parts of the service together, when it starts and not before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from decisioning.champion import champion_stamp
from decisioning.configuration import (
    PARTS,
    Configuration,
    Part,
    beside,
    load_configuration,
    written,
)
from decisioning.identity_rules import load_identity_rules
from decisioning.ledger.ledger import Ledger
from decisioning.ledger.open import open_ledger
from features.calendar import Calendar
from features.clock import Clock, open_clock
from features.errors import ConfigError
from features.identity import IdentityKey, open_key
from serving.breaker import Breaker, BreakerState
from serving.desk import Desk
from serving.engine import Engine
from serving.following import Champions, configuration_stamp, file_stamp
from serving.keys import KeyRing, ensure_demo_key, load_keys
from serving.logs import log, set_up_logs
from serving.metrics import Metrics
from serving.operations import Parts
from serving.profile_reader import ProfileReader
from serving.recognition import Recognition
from serving.refilling import Refilling
from serving.refreshing import Refreshing
from serving.settings import Settings
from serving.state import Sources
from serving.trigger_service import check_webhooks
from serving.triggering import Triggering
from serving.zones import customer_zones

if TYPE_CHECKING:
    from features.fresh import Refresher


def prepare(settings: Settings) -> None:
    """Check what the service cannot do without, before any worker starts.

    Raises
    ------
    ConfigError : there are no API keys, no such time zone, the demo key is wanted where others
        could reach it, or the catalog, the rules or the key for identities cannot be used.
    """
    set_up_logs(settings.log_level)
    if settings.demo_key:
        if not settings.on_loopback:
            raise ConfigError(
                f"NBA_DEMO_KEY=true with NBA_HTTP_HOST={settings.http_host!r}: the demo key is "
                "for this machine alone; create keys of your own"
            )
        shown = ensure_demo_key(settings.home, settings.keys_path)
        log().info("demo_key", file=str(shown))
    Calendar(settings.time_zone)
    load_keys(settings.keys_path)
    load_configuration(settings.catalog_file)
    load_identity_rules(beside(settings.catalog_file, "identity"))
    identity_key(settings)
    check_webhooks(settings)
    open_desk_ledger(settings).close()


def start(settings: Settings) -> Parts:
    """Load everything a worker needs.

    Raises
    ------
    ConfigError : as `prepare`.
    """
    set_up_logs(settings.log_level)
    metrics = Metrics(settings.metrics_dir)
    desk = Desk(
        open_engine(settings, metrics),
        open_desk_ledger(settings),
        remote=settings.ledger_is_remote,
        seconds=settings.timeout_seconds,
        read_seconds=settings.deadline_ms / 1_000.0,
    )
    recognition = Recognition(
        desk, identity_key(settings), beside(settings.catalog_file, "identity")
    )
    refreshing = None
    if desk.ledger is not None:
        refreshing = open_refreshing(settings, desk.engine, desk.ledger)
        refreshing.start()
    keys = KeyRing(settings.keys_path)
    return Parts(
        settings,
        desk.engine,
        desk,
        keys,
        metrics,
        recognition,
        refreshing,
        Refilling(desk.engine, settings.home),
        Triggering(desk, settings),
    )


def identity_key(settings: Settings) -> IdentityKey:
    """Return the key that ids are hashed with; without a setting it is made in the home folder.

    Raises
    ------
    ConfigError : it cannot be used.
    """
    secret = settings.identity_key
    told = None if secret is None else secret.get_secret_value()
    return open_key(told, settings.identity_key_file)


def open_desk_ledger(settings: Settings) -> Ledger:
    """Open the ledger of the settings.

    Raises
    ------
    LedgerError : it is damaged, newer than this program, or cannot be reached.
    """
    return open_ledger(
        settings.ledger_place,
        spool=settings.spool,
        queue_limit=settings.ledger_queue,
        min_free_bytes=settings.ledger_free_mb * 1_000_000,
    )


def open_refresher(
    settings: Settings, clock: Clock, calendar: Calendar, ledger: Ledger
) -> Refresher:
    """Return what computes profiles anew from the tables and the ledger's events."""
    from features.fresh import Refresher

    return Refresher(
        settings.home,
        settings.feature_repo,
        calendar,
        clock,
        ledger.events.of,
        ledger.people.people,
        settings.places,
    )


def open_refreshing(settings: Settings, engine: Engine, ledger: Ledger) -> Refreshing:
    """Return what keeps profiles current while the service runs; not started yet."""
    from features.prepared import prepared

    # Half a second of pure Python, which must not happen while requests are answered.
    prepared()
    return Refreshing(
        open_refresher(settings, engine.clock, engine.calendar, ledger),
        ledger.events.newest,
        ledger.events.customers,
    )


def open_engine(settings: Settings, metrics: Metrics | None = None) -> Engine:
    """Load what decisions are taken from.

    Parameters
    ----------
    metrics : learns how the reads of profiles end; None outside of the service.

    Raises
    ------
    CatalogError : the catalog cannot be used.
    """
    clock, calendar = open_clock(settings.clock_file), Calendar(settings.time_zone)
    return Engine(_sources(settings), clock, calendar, _reader(settings, metrics))


def _reader(settings: Settings, metrics: Metrics | None) -> ProfileReader:
    seconds = min(settings.features_ms, settings.deadline_ms) / 1_000.0
    if metrics is None:
        return ProfileReader(seconds)

    def changed(state: BreakerState) -> None:
        log().warning("breaker", part="features", state=state)
        metrics.breaker("features", state)

    metrics.breaker("features", "closed")
    return ProfileReader(seconds, Breaker(monotonic, changed), metrics.feature_read)


def following(catalog: Path) -> Callable[[], Configuration]:
    """Return what reads the configuration again and again.

    A file that was in force and is gone, or emptied by an editor about to write it, is a fault: or
    else every limit would vanish with it.
    """
    seen: set[Part] = set()

    def load() -> Configuration:
        configuration = load_configuration(catalog, seen)
        seen.update(part for part in PARTS if written(catalog, part))
        return configuration

    return load


def _sources(settings: Settings) -> Sources:
    from features.store import ProfileStore, open_store

    models, name = settings.models, settings.model_name
    champions = Champions(models, name)

    def open_it() -> ProfileStore:
        return open_store(settings.home, settings.feature_repo, settings.places)

    return Sources(
        configuration_stamp=lambda: configuration_stamp(settings.catalog_file),
        load_configuration=following(settings.catalog_file),
        model_name=name,
        model_stamp=lambda: champion_stamp(models, name),
        load_model=champions.load,
        load_former_model=champions.former,
        layout_file=settings.home / "features" / "layout.json",
        open_store=open_it,
        online_file=None if settings.online_store else settings.home / "feast" / "online.db",
        zones_stamp=lambda: file_stamp(settings.home / "data" / "customers.parquet"),
        load_zones=lambda: customer_zones(settings.home / "data"),
    )
