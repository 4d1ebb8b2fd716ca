"""The same decision as the service gives, for a person at a terminal."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import cast

from rich.console import Console
from rich.table import Table

from decisioning.decision import Decision, RankedAction
from decisioning.request import Channel, Context, DecisionRequest, Language
from features.errors import ConfigError
from serving.answers import answer_of, bytes_of
from serving.logs import set_up_logs
from serving.settings import Settings

_CONTEXT_OF: dict[str, Context] = {
    "web": "web",
    "app": "web",
    "bot": "bot",
    "advisor": "advisor",
    "email": "email",
}


def recommend(
    settings: Settings, customer_id: str, channel: str, language: str, most: int, as_json: bool
) -> None:
    """Decide for one customer and print the answer, with all reasons and factors.

    Raises
    ------
    ConfigError : an unknown channel or language.
    """
    from serving.start import open_desk_ledger, open_engine

    set_up_logs("critical")
    if channel not in _CONTEXT_OF:
        raise ConfigError(f"--channel {channel!r} is none of {', '.join(_CONTEXT_OF)}")
    if language not in ("en", "de"):
        raise ConfigError(f"--language {language!r} is none of en, de")
    request = DecisionRequest(
        customer_id=customer_id,
        channel=cast(Channel, channel),
        context=_CONTEXT_OF[channel],
        language=cast(Language, language),
        max_results=most,
        mode="dry_run",
    )
    engine = open_engine(settings)
    with open_desk_ledger(settings) as ledger:
        now = engine.clock.now().timestamp()
        state = engine.current()
        request = replace(request, customer_id=ledger.people.root(customer_id))
        history = ledger.history(request.customer_id, now, state.world.needs)
    answer = engine.answer(request, history, state=state)
    decision = answer.decision
    if as_json:
        # A terminal is the operator's: it sees what an advisor sees.
        told = answer_of(decision, "advisor", "top", "dry_run", answer.world)
        print(bytes_of(told).decode())
    else:
        _print_table(decision, customer_id, channel)


def _print_table(decision: Decision, customer_id: str, channel: str) -> None:
    table = Table(
        title=f"Next best actions for customer {customer_id} on {channel}", title_style="b"
    )
    for heading, align in (
        ("", "right"), ("action", "left"), ("propensity", "right"), ("value", "right"),
        ("priority", "right"), ("what to say", "left"), ("why", "left"),
    ):  # fmt: skip
        table.add_column(heading, justify=align, overflow="fold")  # type: ignore[arg-type]
    for result in decision.results:
        table.add_row(*_cells(result))
    # Where nobody looks at a screen, nothing needs to be cut to its width.
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    known = sorted({r.label_model for r in decision.results if r.label_model})
    if known:
        console.print(f"propensity: label model {', '.join(known)}")
    console.print(
        f"decided at {decision.decided_at:%Y-%m-%d %H:%M:%S} UTC with {_versions(decision)}"
    )
    console.print(f"degraded: {', '.join(decision.degraded) or 'nothing'}")


def _cells(result: RankedAction) -> tuple[str, ...]:
    propensity = "" if result.propensity is None else f"{result.propensity:.1%}"
    return (
        str(result.rank),
        result.name,
        propensity,
        f"{result.value:.2f}",
        f"{result.priority:.3f}",
        result.treatment.text,
        "\n".join(reason.text for reason in result.reasons),
    )


def _versions(decision: Decision) -> str:
    return f"model {decision.versions.model or 'none'}, catalog {decision.versions.catalog}"
