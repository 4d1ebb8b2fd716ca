"""What the service follows while it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import PolicyError
from serving.start import following


def test_policies_that_were_in_force_cannot_vanish_but_can_be_emptied_on_purpose(
    tmp_path: Path, catalog
) -> None:
    actions, policies = tmp_path / "actions.yaml", tmp_path / "policies.yaml"
    actions.write_text(catalog("Again?"))
    load = following(actions)
    assert load().policies.contact_policies == ()
    policies.write_text("consent: {assumed: demo}\n")
    assert load().policies.consent.assumed == "demo"
    policies.write_text("")
    with pytest.raises(PolicyError, match="policies.yaml"):
        load()
    policies.unlink()
    with pytest.raises(PolicyError, match="policies.yaml"):
        load()
    policies.write_text("{}\n")
    assert load().policies.consent.assumed is None
