"""The list of faults names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

TESTS = Path(__file__).parent
FAULTS = yaml.safe_load((TESTS / "faults.yaml").read_text())


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_tests_and_each_is_there(fault: str) -> None:
    assert FAULTS[fault]
    for named in FAULTS[fault]:
        file, name = named.split("::")
        found = re.search(rf"^def {name}\(", (TESTS / file).read_text(), re.MULTILINE)
        assert found, named
