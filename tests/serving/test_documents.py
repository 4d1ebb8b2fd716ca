"""docs/api.md says what there is, and nothing else."""

from __future__ import annotations

import re
from typing import get_args

from serving.answer_schemas import NextBestActionsAnswer
from serving.app import OPERATIONS
from serving.keys import Scope
from serving.problems import KINDS
from serving.schemas import NextBestActionsRequest
from serving.settings import ROOT, Settings

TEXT = (ROOT / "docs" / "api.md").read_text()
PAGES = {"/", "/style.css"}


def test_every_setting_is_documented_and_no_other() -> None:
    known = {f"NBA_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"NBA_[A-Z_]+", TEXT)) == known


def test_every_endpoint_is_documented() -> None:
    for operation in OPERATIONS:
        assert operation.path in PAGES or operation.path in TEXT


def test_every_field_scope_and_problem_is_documented() -> None:
    names = {*NextBestActionsRequest.model_fields, *NextBestActionsAnswer.model_fields}
    names |= set(KINDS) | set(get_args(Scope))
    missing = {name for name in names if not re.search(rf"`{name}(\[\])?`", TEXT)}
    assert not missing
