"""Three real questions to the running demo, and the lines to go on from there."""

from __future__ import annotations

from typing import Any

import httpx
from rich.console import Console

from features.errors import NbaError
from features.places import without_password
from serving.demo_service import base_url
from serving.settings import Settings

console = Console(highlight=False, soft_wrap=True)

QUESTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "a visitor of the website",
        {"customer_id": "1", "channel": "web", "context": "web", "max_results": 3},
    ),
    (
        "a bot, in German",
        {"customer_id": "1228", "channel": "bot", "context": "bot", "language": "de"},
    ),
    (
        "an advisor, who sees the reasons",
        {"customer_id": "900", "channel": "advisor", "context": "advisor", "explain": "top"},
    ),
)


def ask_three_times(settings: Settings) -> None:
    """Ask as a website, a bot and an advisor, and show the answers.

    Raises
    ------
    NbaError : an answer is not a full one.
    """
    key = (settings.home / "demo-key").read_text().strip()
    with httpx.Client(base_url=base_url(settings), timeout=10.0) as client:
        for who, question in QUESTIONS:
            response = client.post(
                "/v1/next-best-actions",
                json=question,
                headers={"Authorization": f"Bearer {key}"},
            )
            if response.status_code != 200:
                raise NbaError(f"{who}: {response.status_code} {response.text}")
            answer = response.json()
            _show(who, question, answer)
            if answer["degraded"]:
                raise NbaError(f"{who}: the answer is degraded by {', '.join(answer['degraded'])}")


def show_what_to_try(settings: Settings) -> None:
    """Print the lines to copy."""
    url = base_url(settings)
    console.print("[b]Pictures[/b]")
    for name in ("adoption", "response"):
        console.print(f"  {settings.home / 'plots' / name}/reliability.png, gain_and_lift.png")
    console.print("[b]Ask the service yourself[/b] (the key is in the file, for you alone)")
    console.print(
        f"  curl -s {url}/v1/next-best-actions \\\n"
        f'    -H "Authorization: Bearer $(cat {settings.home}/demo-key)" \\\n'
        "    -H 'Content-Type: application/json' \\\n"
        '    -d \'{"customer_id": "1", "channel": "advisor", "context": "advisor"}\'',
        markup=False,
    )
    console.print("[b]Look around[/b]")
    console.print(f"  {url}/         the service      {url}/docs   its API")
    console.print("  .venv/bin/nba recommend --customer 1 --channel advisor")
    at = without_password(settings.tracking_place)
    console.print(f"  .venv/bin/mlflow ui --backend-store-uri {at} --port 5000")
    console.print("Stop it with: make demo-stop")


def _show(who: str, question: dict[str, Any], answer: dict[str, Any]) -> None:
    console.print(f"\n  [b]{who}[/b] asks for customer {question['customer_id']}")
    for result in answer["results"]:
        propensity = result.get("propensity")
        score = "" if propensity is None else f"  ({propensity:.1%}, value {result['value']:.2f})"
        console.print(f"  {result['rank']}. {result['name']}{score}", markup=False)
        console.print(f"     {result['treatment']['text']}", markup=False)
        for reason in result.get("reasons") or ():
            console.print(f"     - {reason['text']}", markup=False)
    console.print(f"  at {answer['decided_at']}, degraded: {answer['degraded'] or 'nothing'}")
