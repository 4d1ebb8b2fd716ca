"""What the business decides with, read together: catalog, policies and arbitration.

The three files stand beside each other. A catalog `actions.yaml` goes with `policies.yaml` and
`arbitration.yaml`, any other `NAME.yaml` with `NAME.policies.yaml` and `NAME.arbitration.yaml`.
The last two may be missing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from decisioning.arbitration import ArbitrationFile, load_arbitration
from decisioning.catalog import Catalog, load_catalog
from decisioning.policies.policy_file import PolicyFile, load_policies
from features.errors import ArbitrationError, PolicyError

Part = Literal["policies", "arbitration"]
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True)
class Configuration:
    """Catalog, policies and arbitration that fit together."""

    catalog: Catalog
    policies: PolicyFile = PolicyFile()
    arbitration: ArbitrationFile = ArbitrationFile()

    @cached_property
    def content(self) -> bytes:
        """The whole configuration as JSON, from which `from_content` makes the same one."""
        parts = {
            "catalog": self.catalog.model_dump(mode="json", exclude_defaults=True),
            "policies": self.policies.model_dump(mode="json", exclude_defaults=True),
            "arbitration": self.arbitration.model_dump(mode="json", exclude_defaults=True),
        }
        return json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()

    @cached_property
    def rules_version(self) -> str:
        """Twelve hexadecimal digits that change with the policies or the arbitration."""
        parts = json.loads(self.content)
        rules = json.dumps([parts["policies"], parts["arbitration"]], sort_keys=True)
        return hashlib.sha256(rules.encode()).hexdigest()[:12]

    @classmethod
    def from_content(cls, content: bytes) -> Configuration:
        """Return the configuration of `content`."""
        parts = json.loads(content)
        return cls(
            Catalog.model_validate(parts["catalog"]),
            PolicyFile.model_validate(parts["policies"]),
            ArbitrationFile.model_validate(parts["arbitration"]),
        )


def beside(catalog: Path, part: Part | Literal["identity", "triggers"]) -> Path:
    """Return where the policies of a catalog, or another file that goes with it, are written.

    >>> beside(Path("a/actions.yaml"), "policies").name
    'policies.yaml'
    >>> beside(Path("a/campaigns.yaml"), "arbitration").name
    'campaigns.arbitration.yaml'
    """
    name = f"{part}.yaml" if catalog.stem == "actions" else f"{catalog.stem}.{part}.yaml"
    return catalog.with_name(name)


def written(catalog: Path, part: Part) -> bool:
    """Tell whether the policies or the arbitration of a catalog are written down."""
    path = beside(catalog, part)
    return path.exists() and path.stat().st_size > 0


def load_configuration(path: Path, needed: Collection[Part] = ()) -> Configuration:
    """Read a catalog and what stands beside it.

    Parameters
    ----------
    needed : what must not be missing or without a single byte.

    Raises
    ------
    CatalogError, PolicyError, ArbitrationError : any fault; the message names the file, the place
        and the value.
    """
    for part in needed:
        if not written(path, part):
            refused = PolicyError if part == "policies" else ArbitrationError
            raise refused(f"{beside(path, part)}: is gone or empty, and was in force until now")
    catalog = load_catalog(path)
    policies, arbitration = beside(path, "policies"), beside(path, "arbitration")
    return Configuration(
        catalog,
        load_policies(policies, catalog) if policies.exists() else PolicyFile(),
        load_arbitration(arbitration, catalog) if arbitration.exists() else ArbitrationFile(),
    )
