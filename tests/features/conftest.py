import pytest
from small_world import LINES, TOUCHES, write_world

from features.tables import Tables


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return write_world(tmp_path_factory.mktemp("world"), LINES, TOUCHES)
