from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_world import LINES, TOUCHES, write_world

from features.canonical.tables import Tables


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return write_world(tmp_path_factory.mktemp("world"), LINES, TOUCHES)


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def kind(
    request: pytest.FixtureRequest, world: Tables, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    # Most tests of this folder need no Feast, which takes seconds to load.
    from online_world import online_home, online_kind

    home = online_home(world, tmp_path_factory.mktemp("home"))
    with online_kind(request.param, home) as made:
        yield made


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder
