"""The command line in the process of a test, as its users meet it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import nba

Run = Callable[..., tuple[int, str, str]]
"""Takes the words after `nba`; returns the exit code and what was printed on both streams."""


def command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *verb: str
) -> Run:
    """Return what runs a verb, with the settings of the environment; nothing may end in a trace."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["nba", *verb, *words])
        capsys.readouterr()
        code = 0
        try:
            nba.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        seen = capsys.readouterr()
        assert "Traceback" not in seen.out + seen.err
        return code, seen.out, seen.err

    return run
