"""The command line, one verb per step of the data flow; the only file that sees every package.

Imports stand inside the verbs, so that `nba --help` and the light verbs start at once.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import NbaError
from serving.business_commands import catalog_app, demo, keys_app, recommend, serve, simulate
from serving.clock_command import clock
from serving.customer_commands import customer_app
from serving.feature_commands import features_app
from serving.identity_commands import identity_app
from serving.ledger_commands import consent_app, ledger_app, log_app, replay
from serving.outbound_commands import add_outbound
from training.commands import dataset_app, evaluate, train

if TYPE_CHECKING:
    from serving.settings import Settings
    from training.project import Project

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Ranked, explained next best actions: from events to a running service.",
)
for _name, _verbs in (
    ("features", features_app), ("catalog", catalog_app), ("consent", consent_app),
    ("identity", identity_app), ("log", log_app), ("ledger", ledger_app), ("keys", keys_app),
    ("dataset", dataset_app), ("customer", customer_app),
):  # fmt: skip
    app.add_typer(_verbs, name=_name)


@app.callback()
def _root(context: typer.Context) -> None:
    context.obj = lambda: _open()[1]


Config = Annotated[Path | None, typer.Option(help="Problem file; default: that of NBA_PROBLEM.")]


@app.command()
def ingest(
    data_set: Annotated[str | None, typer.Argument(help="A known data set.")] = None,
    source: Annotated[Path | None, typer.Option("--from", help="Folder of Parquet or CSV.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="YAML that maps your columns.")] = None,
    starts_at: Annotated[
        str | None, typer.Option(help="Start the clock at this time (ISO), for past data.")
    ] = None,
) -> None:
    """Read a data source into the canonical tables."""
    from features.canonical.ingest import ingest_folder
    from features.canonical.sources import first_moment, ingest_data_set
    from features.clock import FixedClock, WallClock, parse_moment, pin_clock

    settings = _settings()
    if (data_set is None) == (source is None):
        raise typer.BadParameter("give either a data set or --from FOLDER")
    start = first_moment(data_set) if data_set else parse_moment(starts_at)
    clock = FixedClock(start) if start else WallClock()
    target = settings.home / "data"
    if source is None:
        report = ingest_data_set(str(data_set), target, clock, typer.echo)
    else:
        report = ingest_folder(source, target, clock, mapping, typer.echo)
    pin_clock(settings.clock_file, start)
    _keep_erased_out(settings)
    first, last = report.period
    typer.echo(f"events from {first} to {last}; {report.rejected:,} rows rejected (rejects.csv)")


@app.command()
def init(
    name: Annotated[str, typer.Option(help="Folder of the new configuration.")] = "my_data",
    source: Annotated[
        Path | None, typer.Option("--from", help="Ingest this folder of canonical data first.")
    ] = None,
) -> None:
    """Write a starter catalog and problem for somebody's own data."""
    from features.canonical.tables import open_tables
    from training.starter import write_starter

    if source is not None:
        ingest(source=source)
    settings, project = _open()
    starter = write_starter(
        open_tables(project.home / "data"),
        settings.config_dir,
        name,
        project.clock.now(),
        project.calendar,
    )
    typer.echo("\n".join((*starter.notes, *(f"wrote {path}" for path in starter.files))))


@features_app.command("build")
def features_build(config: Config = None) -> None:
    """Compute profiles for the decision times of the problems, and as of now."""
    from features.progress import progress_bar

    settings, project = _open()
    file = config or settings.problem_file
    tasks = (project.task(file),) if config else project.tasks(file.parent)
    _keep_erased_out(settings)
    with progress_bar("profiles") as progress:
        report = project.build_features(tasks, progress)
    typer.echo(
        f"{report.profile_rows:,} profiles of {report.customers:,} customers for {report.actions} "
        f"actions in {report.seconds:.1f} s ({report.rows_per_second:,.0f} rows/s)"
    )


@features_app.command("materialize")
def features_materialize() -> None:
    """Register the definitions in Feast and copy the newest profiles to the online store."""
    from feature_repo.definitions import define
    from features.clock import open_clock
    from features.store import open_store
    from serving.feature_commands import catch_up

    settings = _settings()
    store = open_store(settings.home, settings.feature_repo, settings.places)
    store.apply(define(settings.home).everything())
    until = open_clock(settings.clock_file).now()
    try:
        refreshed = catch_up(settings)
    finally:
        # Without the ledger the build alone is better than nothing.
        typer.echo(f"{store.materialize(until):,} customers online")
    typer.echo(f"{refreshed:,} of them had events since the build and were refreshed")


app.command()(train)
app.command()(evaluate)


@app.command()
def promote(
    version: Annotated[
        str, typer.Argument(help="Registry version, alias or bundle version.")
    ] = "challenger",
    config: Config = None,
) -> None:
    """Make a registered version the champion; the service follows without a restart."""
    from training.promote import promote_version

    settings, project = _open()
    name = project.task(config or settings.problem_file).problem.name
    champion = promote_version(project, name, version)
    typer.echo(f"champion of {name}: {champion.version} (before: {champion.previous or 'none'})")


@app.command()
def rollback(config: Config = None) -> None:
    """Make the former champion the champion again."""
    from training.promote import roll_back

    settings, project = _open()
    name = project.task(config or settings.problem_file).problem.name
    champion = roll_back(project, name)
    typer.echo(f"champion of {name}: {champion.version} (before: {champion.previous or 'none'})")


app.command()(recommend)
app.command()(serve)
add_outbound(app)
app.command()(simulate)
app.command()(replay)
app.command()(clock)


app.command()(demo)


@app.command()
def docs() -> None:
    """Write the generated reference pages anew."""
    from serving.settings import ROOT

    for name, text in reference_pages().items():
        path = ROOT / "docs" / "reference" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {path.relative_to(ROOT)}")


def reference_pages() -> dict[str, str]:
    """Return every generated page by its file name."""
    from decisioning.edited_files import EDITED_FILES, edited_pages
    from decisioning.editor_schema import schema_pages
    from decisioning.reference import keys_markdown
    from features.reference import features_markdown
    from serving.reference import commands_markdown, settings_markdown
    from training.problem import Problem

    models = {name: one.model for name, one in EDITED_FILES.items()} | {"problem": Problem}
    return {f"schemas/{name}": text for name, text in schema_pages(models).items()} | {
        **edited_pages(),
        "features.md": features_markdown(),
        "commands.md": commands_markdown(app),
        "settings.md": settings_markdown(),
        "problem.md": keys_markdown("Learning problem", "The keys of a problem file.", Problem),
    }


def _keep_erased_out(settings: Settings) -> None:
    from serving.tombstones import respect_tombstones

    if rows := respect_tombstones(settings):
        typer.echo(f"{rows:,} rows of customers who were erased were taken out")


def _settings() -> Settings:
    from serving.settings import load_settings

    return load_settings()


def _open() -> tuple[Settings, Project]:
    from features.calendar import Calendar
    from features.clock import open_clock
    from training.project import Project

    settings = _settings()
    return settings, Project(
        home=settings.home,
        feature_repo=settings.feature_repo,
        models=settings.models,
        places=settings.places,
        tracking_uri=settings.tracking_place,
        calendar=Calendar(settings.time_zone),
        clock=open_clock(settings.clock_file),
        problem_file=settings.problem_file,
        ledger=settings.ledger_place,
    )


def main() -> None:
    """Run the command line; what a user can act on is one line, not a traceback."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    try:
        app(prog_name="nba")
    except NbaError as error:
        typer.echo(f"{type(error).__name__}: {error}", err=True)
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
