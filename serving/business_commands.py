"""Verbs of the command line for those who run the business: check, simulate, hand out keys.

Imports stand inside the verbs, so that the command line starts at once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

catalog_app = typer.Typer(no_args_is_help=True, help="What is written in the YAML files.")
keys_app = typer.Typer(no_args_is_help=True, help="API keys of the service.")


@catalog_app.command("check")
def catalog_check(
    file: Annotated[
        Path | None, typer.Argument(help="An actions.yaml; by default the one that is served.")
    ] = None,
) -> None:
    """Read catalog, policies and arbitration as the service does, and tell every fault."""
    from serving.checking import check_files
    from serving.settings import load_settings

    settings = load_settings()
    told, usable = check_files(settings, file or settings.catalog_file)
    typer.echo("\n".join(told))
    if not usable:
        raise typer.Exit(1)


def simulate(
    changes: Annotated[
        Path, typer.Option(help="Folder with a changed actions, policies or arbitration.yaml.")
    ],
    sample: Annotated[int, typer.Option(help="How many customers at most.")] = 5_000,
    channel: Annotated[str, typer.Option(help="web, app, bot, advisor or email.")] = "web",
    seed: Annotated[int, typer.Option(help="Which customers; the same seed, the same ones.")] = 7,
    out: Annotated[Path | None, typer.Option(help="HTML report to write.")] = None,
    at: Annotated[str | None, typer.Option(help="Another time than now (ISO).")] = None,
    weak_below: Annotated[
        float | None, typer.Option(help="Propensity below which an action is weak.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Show what a changed configuration would do, over real profiles, before it is live."""
    from serving.settings import load_settings
    from serving.simulation import simulate as run
    from serving.start import open_desk_ledger

    settings = load_settings()
    with open_desk_ledger(settings) as ledger:
        run(settings, changes, sample, channel, seed, out, as_json, ledger.history, at, weak_below)


def recommend(
    customer: Annotated[str, typer.Option(help="Customer id, exactly as in the data.")],
    channel: Annotated[str, typer.Option(help="web, app, bot, advisor or email.")] = "web",
    language: Annotated[str, typer.Option(help="en or de.")] = "en",
    max_results: Annotated[int, typer.Option(min=1, max=100, help="Actions to return.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Decide for one customer, here in the terminal."""
    from serving.settings import load_settings
    from serving.terminal import recommend as answer

    answer(load_settings(), customer, channel, language, max_results, as_json)


@keys_app.command("create")
def keys_create(
    scope: Annotated[list[str], typer.Option(help="May be given more than once.")],
) -> None:
    """Create an API key and show it, once."""
    from serving.keys import create_key, parse_scopes
    from serving.settings import load_settings

    path = load_settings().keys_path
    typer.echo(create_key(path, parse_scopes(scope), datetime.now(UTC)))


def serve() -> None:
    """Start the service on NBA_HTTP_HOST and NBA_HTTP_PORT."""
    from serving.launch import serve as launch
    from serving.settings import load_settings

    launch(load_settings())


def demo(
    stop: Annotated[bool, typer.Option("--stop", help="Stop the demo's service.")] = False,
) -> None:
    """Run everything on the demo data, from ingest to three requests to the running service."""
    from serving.demo import run_demo, stop_demo
    from serving.settings import load_settings

    (stop_demo if stop else run_demo)(load_settings())
