"""Verbs of the command line for what goes out: decide for an audience, take back what was sent.

Imports stand inside the verbs, so that the command line starts at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def decide_batch(
    audience: Annotated[
        str,
        typer.Option(help="File with a column customer_id, all, or an expression (CEL)."),
    ],
    out: Annotated[Path, typer.Option(help="File to write, .parquet or .csv.")],
    channel: Annotated[str, typer.Option(help="web, app, bot, advisor or email.")] = "email",
    max_results: Annotated[
        int, typer.Option(min=1, max=100, help="Actions per customer at most.")
    ] = 1,
    language: Annotated[str, typer.Option(help="en or de.")] = "en",
    placement: Annotated[
        list[str] | None, typer.Option(help="Place to fill; may be given more than once.")
    ] = None,
    catalog: Annotated[
        Path | None, typer.Option(help="Another actions.yaml than the one that is served.")
    ] = None,
    live: Annotated[
        bool,
        typer.Option("--live/--deferred", help="Take places from limits now, or when activated."),
    ] = False,
    run: Annotated[
        str | None, typer.Option(help="Name of the run; the same one goes on where it was.")
    ] = None,
) -> None:
    """Decide for a whole audience and write a file for a mail tool."""
    from serving.batch import decide_batch as decide
    from serving.batch import told
    from serving.outbound import outbound_question
    from serving.settings import load_settings

    settings = load_settings()
    if catalog is not None:
        settings = settings.model_copy(update={"catalog": catalog})
    request = outbound_question(
        channel,
        language=language,
        max_results=max_results,
        placements=tuple(placement or ()),
        mode="live" if live else "deferred",
    )
    report = decide(settings, audience, request, out, run, typer.echo)
    typer.echo("\n".join(told(report, out)))


def activate_batch(
    sent: Annotated[
        Path, typer.Option("--in", help="File with a column decision_id, .parquet or .csv.")
    ],
    sent_at: Annotated[
        str | None,
        typer.Option(help="Column with the time of sending; its rows are recorded as presented."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File for the rows that may be sent, .parquet or .csv.")
    ] = None,
) -> None:
    """Make deferred decisions count, and record what was sent; again changes nothing.

    Ends with 1 where a presentation cannot be recorded.
    """
    from serving.sending import activate_batch as activate
    from serving.sending import told
    from serving.settings import load_settings

    report = activate(load_settings(), sent, sent_at, out)
    typer.echo("\n".join(told(report)))
    if report.refused:
        raise typer.Exit(1)


triggers_app = typer.Typer(no_args_is_help=True, help="Decisions that events lead to.")


@triggers_app.callback()
def triggers() -> None:
    """Decisions that events lead to."""


@triggers_app.command("run")
def triggers_run(
    once: Annotated[
        bool, typer.Option("--once", help="One round, instead of rounds until it is stopped.")
    ] = False,
) -> None:
    """Decide for what triggers wait for and deliver it; the service does so by itself."""
    from serving.settings import load_settings
    from serving.trigger_service import run_triggers

    run_triggers(load_settings(), once, typer.echo)


def add_outbound(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.add_typer(triggers_app, name="triggers")
    app.command()(decide_batch)
    app.command()(activate_batch)
