"""Every setting of the product, read from environment variables that begin with `NBA_`.

The environment is read here and nowhere else, and only when `load_settings` is called. The module
stays light (no Feast, BentoML, pandas), so that the CLI may import it.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from features.errors import ConfigError
from features.places import Places, without_password
from serving.setting_types import FeatureRegistry, HostNames, IpAddress, OnlineStore, Webhooks

ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds pyproject.toml, or the source folder of a built Bento."""

LOOPBACK = ("127.0.0.1", "::1")


class Settings(BaseSettings):
    """The settings; each is the environment variable `NBA_` + its name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="NBA_", env_ignore_empty=True, extra="ignore", frozen=True
    )

    home: Path = Field(
        default=ROOT / ".nba",
        description="Folder of everything that is built: tables, features, keys.",
    )
    config_dir: Path = Field(
        default=ROOT / "configs", description="Folder of the YAML files people edit."
    )
    feature_repo: Path = Field(
        default=ROOT / "feature_repo",
        description="Folder of feature_store.yaml, which Feast reads.",
    )
    problem: str = Field(
        default="complete_journey/adoption",
        pattern=r"^[a-z0-9][a-z0-9_-]*/[a-z0-9][a-z0-9_-]*$",
        description="Which problem is served, as DATA SET/PROBLEM below the config folder.",
    )
    catalog: Path | None = Field(
        default=None,
        description="The action catalog; by default actions.yaml beside the problem's file.",
    )
    models: Path = Field(
        default=ROOT / "models", description="Folder of model bundles, NAME/VERSION."
    )
    model: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$",
        description="Name of the model to serve; by default the name of the problem.",
    )
    ledger: str | None = Field(
        default=None,
        description="Where decisions, outcomes and consents are kept: a path of a SQLite file, or "
        "postgresql://USER:PASSWORD@HOST/DATABASE; by default ledger.db in the home folder.",
    )
    online_store: OnlineStore = Field(
        default="",
        description="Where profiles are read from: redis://USER:PASSWORD@HOST:PORT/DB, or "
        "rediss:// with TLS; by default a SQLite file in the home folder.",
    )
    feature_registry: FeatureRegistry = Field(
        default="",
        description="Where Feast keeps its definitions: "
        "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE; by default a SQLite file in the home "
        "folder.",
    )
    features_ms: float = Field(
        default=50.0,
        gt=0,
        le=10_000,
        description="Longest time in milliseconds that reading a profile may take; without one the "
        "answer is degraded.",
    )
    deadline_ms: float = Field(
        default=150.0,
        gt=0,
        le=60_000,
        description="Longest time in milliseconds that everything a decision has to read may take "
        "together: the profile, then the ledger.",
    )
    tracking_uri: str = Field(
        default="",
        description="MLflow's server or database: http://HOST:PORT or "
        "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE; by default MLFLOW_TRACKING_URI, or a "
        "SQLite file in the home folder.",
    )
    ledger_queue: int = Field(
        default=2_000,
        ge=1,
        le=1_000_000,
        description="How many writes may wait; more are refused with status 503.",
    )
    ledger_free_mb: int = Field(
        default=64,
        ge=0,
        description="Free disk space in megabytes below which nothing more is written.",
    )
    identity_key: SecretStr | None = Field(
        default=None,
        description="The secret that ids of customers are hashed with, at least 16 characters; the "
        "same for every machine, and kept for good. By default identity-key in the home folder is "
        "made.",
    )
    retention_days: int = Field(
        default=730,
        ge=1,
        description="After how many days `nba log purge` erases what decisions were made of.",
    )
    outbox: Path | None = Field(
        default=None,
        description="Folder for what triggers deliver to an outbox; by default outbox in the home "
        "folder.",
    )
    webhooks: Webhooks = Field(
        default=(),
        description="Addresses that triggers may deliver to, as NAME=URL by commas; https, or http "
        "on this machine.",
    )
    webhook_secret: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="Key that signs what is delivered to webhooks; they are not called without it.",
    )
    time_zone: str = Field(
        default="UTC", description="Time zone of business days, e.g. Europe/Berlin."
    )
    http_host: IpAddress = Field(
        default="127.0.0.1", description="Address to listen on (an IP address)."
    )
    http_port: int = Field(default=3000, ge=1, le=65_535, description="Port to listen on.")
    workers: int = Field(
        default=1, ge=1, le=64, description="Worker processes; each holds the model."
    )
    keys_file: Path | None = Field(
        default=None, description="The API keys; by default keys.json in the home folder."
    )
    demo_key: bool = Field(
        default=False,
        description="Create an API key for trying out and leave it in the home folder as demo-key; "
        "only on a loopback address.",
    )
    allowed_hosts: HostNames = Field(
        default=(),
        description="Host names that requests may name, by commas; empty allows every name.",
    )
    max_body_bytes: int = Field(
        default=1_000_000, ge=1_000, le=100_000_000, description="Longest request body in bytes."
    )
    body_seconds: float = Field(
        default=1.0,
        gt=0,
        le=60,
        description="Longest time in seconds that a request body may take.",
    )
    timeout_seconds: float = Field(
        default=2.0,
        gt=0,
        le=60,
        description="Longest time in seconds that a request may take in all.",
    )
    open_metrics: bool = Field(
        default=False,
        description="Let /metrics be read without a key, for a scraper in a closed network.",
    )
    metrics_dir: Path | None = Field(
        default=None,
        description="Folder where workers share counters; the service makes one by itself.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least important level that is logged."
    )
    log_requests: bool = Field(
        default=False,
        description="Log one line per request (never bodies; customer ids are hashed).",
    )

    @property
    def outbox_folder(self) -> Path:
        """Where outbox files are."""
        return self.outbox or self.home / "outbox"

    @property
    def catalog_file(self) -> Path:
        """Where the action catalog is."""
        return self.catalog or self.config_dir / self.problem.split("/")[0] / "actions.yaml"

    @property
    def problem_file(self) -> Path:
        """Where the problem is."""
        return self.config_dir / f"{self.problem}.yaml"

    @property
    def tracking_place(self) -> str:
        """MLflow's store or server: the setting, MLFLOW_TRACKING_URI, or a SQLite file."""
        default = f"sqlite:///{(self.home / 'mlflow.db').resolve()}"
        return self.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or default

    @property
    def places(self) -> Places:
        """Where Feast keeps profiles and definitions."""
        return Places(self.online_store, self.feature_registry, self.features_ms)

    @property
    def model_name(self) -> str:
        """Which model is served."""
        return self.model or self.problem.split("/")[1]

    @property
    def keys_path(self) -> Path:
        """Where the API keys are."""
        return self.keys_file or self.home / "keys.json"

    @property
    def identity_key_file(self) -> Path:
        """Where the key is that ids are hashed with, unless a setting says it."""
        return self.home / "identity-key"

    @property
    def ledger_place(self) -> str:
        """Where the ledger is: a path or an address."""
        return self.ledger or str(self.home / "ledger.db")

    @property
    def spool(self) -> Path | None:
        """Where decisions wait for a ledger on a server; None for a file, which has its own.

        Each ledger has a folder of its own: what waits for one must not end in another.
        """
        if not self.ledger_is_remote:
            return None
        name = hashlib.sha256(self.ledger_place.encode()).hexdigest()[:12]
        return self.home / f"ledger-{name}" / "spool"

    @property
    def ledger_is_remote(self) -> bool:
        """Whether the ledger is a server and not a file."""
        return self.ledger_place.startswith(("postgresql://", "postgres://"))

    @property
    def clock_file(self) -> Path:
        """Where a data set's pinned clock is, if it has one."""
        return self.home / "clock.json"

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        return self.http_host in LOOPBACK


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises
    ------
    ConfigError : a variable has a value that cannot be used; the message names both.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = [
            f"NBA_{str(fault['loc'][0]).upper()}{_shown(fault)}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise ConfigError("; ".join(faults)) from error


def _shown(fault: Any) -> str:
    """Return the value of a setting for a message; never a secret or a password."""
    name, value = str(fault["loc"][0]), fault["input"]
    if "secret" in name or "key" in name:
        return ""
    return f"={(without_password(value) if isinstance(value, str) else value)!r}"
