"""What jobs must not decide about at the same time as others, in whichever process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from decisioning.history import HistoryNeeds
from decisioning.ledger.identities import read_people
from decisioning.ledger.jobs import STATES, Activate, ChangePeople, Job, TakeDecision
from decisioning.ledger.work import Work


def on_people(jobs: Iterable[Job]) -> Literal["change", "decide"] | None:
    """Return what jobs do with the logs of links and merges: change them, or decide by them."""
    found: Literal["decide"] | None = None
    for job in jobs:
        if isinstance(job, ChangePeople):
            return "change"
        if isinstance(job, Activate) or (isinstance(job, TakeDecision) and job.slots):
            found = "decide"
    return found


def contested(work: Work, jobs: Iterable[Job]) -> set[str]:
    """Return what nobody else may decide about meanwhile: persons, volumes and requests.

    Nobody may change who is one person any more: whoever decides about another customer id of the
    same person has to meet the same key.
    """
    keys: set[str] = set()
    asked: list[tuple[str | None, HistoryNeeds]] = []
    activations = [job for job in jobs if isinstance(job, Activate)]
    for job in jobs:
        if isinstance(job, TakeDecision):
            if job.record.request_id is not None:
                keys.add(f"request:{job.record.request_id}")
            if job.slots:
                asked.append((job.record.customer_id, job.record.needs))
    if activations:
        ids = sorted({job.decision_id for job in activations})
        customers = {row[0]: row[1] for row in work.session.about(STATES, ids)}
        asked += [(customers.get(one.decision_id), one.needs) for one in activations]
    if asked:
        who = {customer_id for customer_id, _ in asked if customer_id is not None}
        work.people = read_people(work.session, who)
        keys |= {f"customer:{work.people.root(one)}" for one in who}
        keys |= {f"volume:{name}" for _, needs in asked for name in needs.volume_action_ids}
    return keys
