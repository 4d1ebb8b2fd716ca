"""Verbs of the command line about who is who: explain, link, merge, unmerge, load.

Imports stand inside the verbs, so that the command line starts at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from decisioning.ledger.ledger import Ledger
    from serving.settings import Settings

identity_app = typer.Typer(
    no_args_is_help=True, help="Ids of customers, and which customers are one person."
)

Customer = Annotated[str, typer.Argument(help="A customer id, or NAMESPACE=ID.")]


@identity_app.command("explain")
def identity_explain(one: Customer, other: Customer) -> None:
    """Show why two ids are one person: every link and merge, with time, rule and source."""
    from serving.identities import customer_of_text, explain

    settings = _settings()
    with _ledger(settings) as ledger:
        names = [customer_of_text(settings, ledger, text) for text in (one, other)]
        told, same = explain(ledger.people, names[0], names[1])
    typer.echo("\n".join(told))
    if not same:
        raise typer.Exit(1)


@identity_app.command("link")
def identity_link(
    customer: Annotated[str, typer.Option(help="Customer id, exactly as in the data.")],
    namespace: Annotated[str, typer.Option(help="Such as email or loyalty_card.")],
    id_: Annotated[str, typer.Option("--id", help="The id; only its keyed hash is kept.")],
    unlink: Annotated[bool, typer.Option("--unlink", help="Take the link back.")] = False,
) -> None:
    """Link an id to a customer."""
    from serving.identities import stated

    settings = _settings()
    row = stated(settings, namespace, id_, customer, not unlink)
    with _ledger(settings) as ledger:
        (done,) = ledger.people.state([row], _now(settings), "operator").result()
    typer.echo(f"{done}: {namespace} {row.id_hash[:12]}... {customer}")


@identity_app.command("merge")
def identity_merge(
    absorbed: Annotated[str, typer.Argument(help="The customer id that is the other one.")],
    customer: Annotated[str, typer.Argument(help="The customer whose profile is used.")],
) -> None:
    """Make two customers one person, until it is taken back."""
    settings = _settings()
    with _ledger(settings) as ledger:
        done = ledger.people.merge(absorbed, customer, _now(settings), "operator").result()
        people = ledger.people.people([absorbed, customer])
    told = "merged" if done == "changed" else "unchanged, they are one person already"
    typer.echo(f"{told}: {'; '.join(', '.join(names) for names in people.values())}")


@identity_app.command("unmerge")
def identity_unmerge(
    absorbed: Annotated[str, typer.Argument(help="The customer id that is another one after all.")],
    customer: Annotated[str, typer.Argument(help="The customer it was merged into.")],
) -> None:
    """Take a merge back: everything is as if it had not been."""
    settings = _settings()
    with _ledger(settings) as ledger:
        done = ledger.people.unmerge(absorbed, customer, _now(settings), "operator").result()
        people = ledger.people.people([absorbed, customer])
    told = "unmerged" if done == "changed" else "unchanged, no merge joins them"
    if done == "changed" and len(people) == 1:
        told += ", and other merges still do"
    typer.echo(f"{told}: {'; '.join(', '.join(names) for names in people.values())}")


@identity_app.command("load")
def identity_load() -> None:
    """Take the identities of the ingested tables over into the ledger; again changes nothing."""
    from serving.identities import stated_of_tables

    settings = _settings()
    rows, now, changed = stated_of_tables(settings), _now(settings), 0
    with _ledger(settings) as ledger:
        for start in range(0, len(rows), 500):
            done = ledger.people.state(rows[start : start + 500], now, "ingest").result()
            changed += done.count("changed")
    typer.echo(f"{len(rows):,} identities are in the ledger, {changed:,} of them new")


def _now(settings: Settings) -> float:
    from features.clock import open_clock

    return open_clock(settings.clock_file).now().timestamp()


def _settings() -> Settings:
    from serving.settings import load_settings

    return load_settings()


def _ledger(settings: Settings) -> Ledger:
    from serving.start import open_desk_ledger

    return open_desk_ledger(settings)
