"""Of somebody unknown nothing is told but what holds for everybody, whatever others did."""

from __future__ import annotations

from typing import Any

import pytest

SCOPES = ("events", "outcomes", "decide:web", "decide:advisor", "read", "privacy")
OTHERS = ("1", "007", "stranger2", "Stranger", "stranger ")
POLICIES = """
consent: {assumed: demo}
contact_policies:
  - {id: once, per: action, at_most: 1, days: 7, words: {en: once, de: einmal}}
"""


@pytest.fixture
def send(house: Any) -> Any:
    (house.folder / "policies.yaml").write_text(POLICIES)
    headers, client = house.key(*SCOPES), house.client()

    def send(method: str, path: str, body: object = None) -> Any:
        answer = client.request(method, path, json=body, headers=headers)
        house.ledger.flush()
        return answer

    return send


def answer_of(send: Any, customer_id: str) -> dict[str, Any]:
    question = {"customer_id": customer_id, "channel": "advisor", "explain": "all"}
    answer = send("POST", "/v1/next-best-actions", question)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return {name: told[name] for name in told if name not in ("decision_id", "decided_at")}


def test_what_a_stranger_is_answered_hangs_on_nobody_else(send: Any) -> None:
    before = answer_of(send, "stranger")
    assert before["degraded"] == ["unknown_customer"]
    for number, customer in enumerate(OTHERS):
        decided = send(
            "POST", "/v1/next-best-actions", {"customer_id": customer, "durable": True}
        ).json()
        outcomes = [
            {"event_id": f"{kind}{number}", "decision_id": decided["decision_id"],
             "action_id": decided["results"][0]["action_id"], "outcome": kind}
            for kind in ("presented", "refused")
        ]  # fmt: skip
        assert send("POST", "/v1/outcomes", outcomes).status_code == 200
        events = [
            {"event_id": f"{kind}{number}", "type": kind, "customer_id": customer,
             "channel": "web", **more}
            for kind, more in (("complaint", {"rating": 1}), ("transaction", {"amount": 9.0}))
        ]  # fmt: skip
        assert send("POST", "/v1/events", events).status_code == 200
        objection = {"purpose": "marketing", "channel": "all", "status": "objected"}
        assert send("POST", f"/v1/customers/{customer}/consents", objection).status_code == 200
    assert answer_of(send, "stranger") == before
    # It is no matter of the answer alone: whoever is known is answered otherwise by now.
    assert answer_of(send, "1") != before


def test_nothing_of_others_is_shown_of_a_stranger(send: Any) -> None:
    secret = {"event_id": "e", "type": "complaint", "customer_id": "1", "channel": "web",
              "attributes": {"note": "only of customer 1"}}  # fmt: skip
    assert send("POST", "/v1/events", secret).status_code == 200
    for customer in ("stranger", "11", "01", "1 ", "%31%00", "1%27%20OR%20%271%27=%271"):
        for what in ("journey", "export"):
            answer = send("GET", f"/v1/customers/{customer}/{what}")
            assert answer.status_code in (200, 404, 422), answer.text
            assert "only of customer 1" not in answer.text
    assert "only of customer 1" in send("GET", "/v1/customers/1/export").text
