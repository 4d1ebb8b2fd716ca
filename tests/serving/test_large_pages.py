"""Memory in large pages."""

from __future__ import annotations

from serving.large_pages import use_large_pages


def test_what_is_in_memory_stays_as_it_is() -> None:
    content = bytearray(range(256)) * 2**15
    before = bytes(content)
    use_large_pages()
    assert content == before
