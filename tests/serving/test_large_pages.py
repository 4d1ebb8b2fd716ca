"""Memory in large pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving import large_pages
from serving.large_pages import use_large_pages


def test_what_is_in_memory_stays_as_it_is() -> None:
    content = bytearray(range(256)) * 2**15
    before = bytes(content)
    use_large_pages()
    assert content == before


def test_a_worker_that_may_not_read_its_map_starts_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_pages, "_MAPS", tmp_path / "not there")
    use_large_pages()
