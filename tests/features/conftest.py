from pathlib import Path

import pytest
from small_world import LINES, TOUCHES, write_world

from features.canonical.tables import Tables


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return write_world(tmp_path_factory.mktemp("world"), LINES, TOUCHES)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder
