"""The files that the business edits, as their reference pages and editor schemas name them."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import BaseModel

from decisioning.arbitration import ArbitrationFile
from decisioning.catalog import Catalog
from decisioning.identity_rules import IdentityRules
from decisioning.policies.policy_file import PolicyFile
from decisioning.reference import keys_markdown
from decisioning.triggers import TriggerFile


class EditedFile(NamedTuple):
    """One file: its reference page, what that is called, and the model that reads it."""

    page: str
    title: str
    model: type[BaseModel]


EDITED_FILES = {
    "actions": EditedFile("catalog.md", "Action catalog", Catalog),
    "policies": EditedFile("policies.md", "Policies", PolicyFile),
    "arbitration": EditedFile("arbitration.md", "Arbitration", ArbitrationFile),
    "identity": EditedFile("identity.md", "Identities", IdentityRules),
    "triggers": EditedFile("triggers.md", "Triggers", TriggerFile),
}
"""By name, without `.yaml`."""


def edited_pages() -> dict[str, str]:
    """Return the reference page of each file by its name."""
    return {
        one.page: keys_markdown(one.title, f"The keys of `{name}.yaml`.", one.model)
        for name, one in EDITED_FILES.items()
    }
