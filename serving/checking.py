"""Checks what people write as the service will read it: the catalog and the files beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from decisioning.arbitration import load_arbitration
from decisioning.catalog import load_catalog
from decisioning.catalog_check import Finding, check_catalog
from decisioning.configuration import PARTS, beside
from decisioning.identity_rules import load_identity_rules
from decisioning.policies.policy_file import load_policies
from decisioning.triggers import load_triggers
from features.canonical.tables import open_tables
from features.clock import open_clock
from features.errors import ConfigError
from serving.settings import Settings


def check_files(settings: Settings, catalog: Path) -> tuple[Sequence[str], bool]:
    """Return what there is to say about a catalog and the files beside it, and whether it is used.

    What stands beside it is checked once the catalog has no fault, since most of it names actions.
    """
    catalog = _catalog_of(catalog)
    now = open_clock(settings.clock_file).now()
    findings = check_catalog(catalog, now, _categories(settings.home / "data"))
    told = [str(finding) for finding in findings]
    if _refused(findings):
        return told, False
    faults = _beside(catalog)
    if not faults:
        actions = len(load_catalog(catalog).actions)
        told.append(f"{catalog}: {actions} actions, no fault ({_company(catalog)})")
    return [*told, *faults], not faults


def _catalog_of(path: Path) -> Path:
    """Return the catalog that is meant by a folder, or by a file that stands beside it."""
    if path.is_dir():
        return path / "actions.yaml"
    for part in (*PARTS, "identity", "triggers"):
        if path.name == f"{part}.yaml":
            return path.with_name("actions.yaml")
        if path.name.endswith(f".{part}.yaml"):
            return path.with_name(path.name.removesuffix(f".{part}.yaml") + ".yaml")
    return path


def _company(catalog: Path) -> str:
    """Return which files beside a catalog were read, and which are not there."""
    paths = (
        *(beside(catalog, part) for part in PARTS),
        beside(catalog, "identity"),
        beside(catalog, "triggers"),
    )
    there = ", ".join(path.name for path in paths if path.exists()) or "nothing"
    missing = ", ".join(path.name for path in paths if not path.exists())
    return f"with {there}" + (f"; not there: {missing}" if missing else "")


def _refused(findings: Sequence[Finding]) -> bool:
    return any(finding.level == "fault" for finding in findings)


def _beside(path: Path) -> list[str]:
    catalog, faults = load_catalog(path), []
    for file, load in (
        (beside(path, "policies"), load_policies),
        (beside(path, "arbitration"), load_arbitration),
        (beside(path, "identity"), lambda file, _: load_identity_rules(file)),
        (beside(path, "triggers"), load_triggers),
    ):
        if not file.exists():
            continue
        try:
            load(file, catalog)
        except ConfigError as error:
            faults.append(str(error))
    return faults


def _categories(data: Path) -> frozenset[str] | None:
    """Return the categories of the transactions; None where there are no data."""
    if not (data / "transactions.parquet").exists():
        return None
    column = open_tables(data).transactions.category
    return frozenset(name for name in column.to_pyarrow().unique().to_pylist() if name)
