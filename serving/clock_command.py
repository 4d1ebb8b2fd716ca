"""The verb that shows and moves the clock of a data set of the past.

Imports stand inside the verb, so that the command line starts at once.
"""

from __future__ import annotations

from typing import Annotated

import typer


def clock(
    to: Annotated[
        str | None, typer.Option(help="Move it forward to this time (ISO; UTC without an offset).")
    ] = None,
) -> None:
    """Show the time of the service, or move it: every process that runs goes on from there."""
    from features.clock import move_clock, open_clock, parse_moment
    from serving.settings import load_settings

    path = load_settings().clock_file
    moment = parse_moment(to)
    if moment is not None:
        move_clock(path, moment)
    opened = open_clock(path)
    whose = f"pinned in {path}" if opened.pinned else "the machine's own"
    typer.echo(f"{opened.now().isoformat(timespec='seconds')} ({whose})")
