"""Reference pages of the command line and the settings (`nba docs`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from serving.settings import ROOT, Settings

_HEAD = "Made by `nba docs` from the code; edit that, not this page."


def commands_markdown(app: typer.Typer) -> str:
    """Return a page with every verb of the command line and its options."""
    root = typer.main.get_command(app)
    sections = [_verb(path, command) for path, command in _verbs(root, ())]
    return "\n\n".join(["# Commands", _HEAD, *sections]) + "\n"


def settings_markdown() -> str:
    """Return a page with every setting."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = (
            str(field.default).replace(str(ROOT), ".") if field.default not in (None, ()) else ""
        )
        shown = f"`{default}`" if default else ""
        rows.append(f"| `NBA_{name.upper()}` | {shown} | {field.description} |")
    intro = "Settings are environment variables; a path that begins with `.` is in the repository."
    return "\n\n".join(["# Settings", _HEAD, intro, "\n".join(rows)]) + "\n"


def _verbs(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    # Typer brings a Click of its own, whose classes have no public name.
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
        return
    for name, inner in below.items():
        yield from _verbs(inner, (*path, name))


def _verb(path: tuple[str, ...], command: Any) -> str:
    lines = [f"## `nba {' '.join(path)}`", "", command.help or ""]
    context = command.context_class(command)
    records = [record for p in command.params if (record := p.get_help_record(context))]
    told = [(names, text) for names, text in records if not names.startswith("--help")]
    if told:
        lines += ["", "| option | meaning |", "| --- | --- |"]
        lines += [f"| `{names}` | {' '.join(text.split())} |" for names, text in told]
    return "\n".join(lines)
