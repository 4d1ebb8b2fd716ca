"""Verbs of the command line for whoever trains: train, evaluate, build a data set from the log.

Imports stand inside the verbs, so that the command line starts at once. How a project is opened is
the business of `nba.py`, which leaves a function for it in the context.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from training.project import Project

dataset_app = typer.Typer(no_args_is_help=True, help="What the decision log teaches.")

Config = Annotated[Path | None, typer.Option(help="Problem file; default: that of NBA_PROBLEM.")]


def train(
    context: typer.Context,
    config: Config = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Instead of the problem's.")] = None,
) -> None:
    """Tune, calibrate, fit, judge and register a model as challenger."""
    from features.progress import progress_bar
    from training.report_text import print_report
    from training.train import Workplace
    from training.train import train as train_model

    project = _project(context)
    task = project.task(config)
    if task.problem.learns_from_log:
        with progress_bar("logged decisions") as progress:
            dataset, layout_hash = project.dataset(task, progress)
        if dataset.log is None:
            typer.echo("nothing is logged yet: the history alone is learnt from")
    else:
        dataset, layout_hash = project.dataset(task)
    place = Workplace(
        home=project.home,
        tracking_uri=project.tracking_uri,
        calendar=project.calendar,
        now=project.clock.now(),
        layout_hash=layout_hash,
        progress=True,
        say=typer.echo,
    )
    trained = train_model(task.problem.with_trials(trials), dataset, place)
    print_report(trained.report)
    if trained.leaks is not None:
        typer.echo("A metric lies above its ceiling: read the leak report before promoting.")
    registered = f"nba.{task.problem.name} version {trained.registered_version}"
    typer.echo(f"registered {registered} as challenger ({trained.version}, run {trained.run_id})")


def evaluate(
    context: typer.Context,
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Judge the champion on the test slice again, beside the baselines."""
    import json

    from training.judge import evaluate_champion
    from training.report_text import print_report

    project = _project(context)
    task = project.task(config)
    dataset, _ = project.dataset(task)
    report = evaluate_champion(task.problem, dataset, project.models, project.calendar)
    if as_json:
        typer.echo(json.dumps(report.as_dict(), indent=2, allow_nan=False))
    else:
        print_report(report)


@dataset_app.command("build")
def dataset_build(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", "--problem", help="Problem file; default: that of NBA_PROBLEM."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Decisions from then on (ISO, UTC); default: all.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Decisions before then (ISO, UTC); default: now.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Parquet file; default: datasets/PROBLEM.parquet.")
    ] = None,
) -> None:
    """Write a row per shown (decision, action) with its label, and account for the whole log."""
    from features.clock import parse_moment
    from features.progress import progress_bar
    from training.blend import wanted_of
    from training.dataset_file import report_of, write_dataset
    from training.reconciliation import reconciliation_table
    from training.report_text import print_table

    project = _project(context)
    task = project.task(config)
    period = parse_moment(since), parse_moment(until)
    with progress_bar("decisions") as progress:
        logged = project.logged(task, *period, progress)
    if logged is None:
        typer.echo("nothing is logged yet: there is no ledger, so no file was written")
        return
    wanted = wanted_of(task.problem, task.catalog)
    name, now = task.problem.name, project.clock.now()
    report = report_of(logged, wanted, name, now, since or "", until or "")
    print_table(reconciliation_table(report["reconciliation"]))
    if not logged.reconciliation.totals["decisions"]:
        typer.echo("nothing is logged in that period: no file was written")
        return
    path = out or project.home / "datasets" / f"{name}.parquet"
    written, beside = write_dataset(logged, report, path)
    typer.echo(f"wrote {len(logged.rows):,} rows with {len(logged.names)} inputs to {written}")
    typer.echo(f"wrote {beside}")


def _project(context: typer.Context) -> Project:
    project: Project = context.obj()
    return project
