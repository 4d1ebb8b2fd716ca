"""POST /v1/next-best-actions: what is best for this customer, here, now."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from decisioning.catalog import Catalog
from decisioning.decision import Decision
from decisioning.recognition import Presented, Recognised
from features.spelling import did_you_mean
from serving.answer_schemas import NextBestActionsAnswer
from serving.answers import answer_of, bytes_of
from serving.bodies import read_body
from serving.carried_events import take_in
from serving.desk import Logged
from serving.engine import Answer
from serving.keys import Caller
from serving.logs import hashed, log
from serving.operations import Operation, Parts, caller_of, parts_of
from serving.problems import MOST_ERRORS, FieldError, ProblemError, shortened
from serving.schemas import NextBestActionsRequest


async def next_best_actions(request: Request) -> Response:
    """Answer one question."""
    caller = caller_of(request)
    question = read_body(NextBestActionsRequest, await request.body())
    return await recommend(parts_of(request), caller, question)


async def recommend(parts: Parts, caller: Caller, question: NextBestActionsRequest) -> Response:
    """Return the answer to a question; the same for our route and for BentoML's.

    Raises
    ------
    ProblemError : `scope_missing`; `wrong_field`, an action or a placement that is not in the
        catalog, or an event that cannot be used; `conflict`, the request id was used for another
        question; `not_stored`, the events could not be.
    """
    caller.require(*question.scopes)
    _refuse_unknown_names(question, parts.engine.state.world.catalog)
    presented = parts.recognition.presented(question.whose or {})
    who = await _who(parts, question, presented)
    codes = who.codes
    if question.events:
        codes += await take_in(parts, question.events, who.customer_id)
    asked = question.as_asked(who.customer_id)

    def write(answer: Answer, logged: Logged) -> bytes:
        content = answer_of(
            answer.decision,
            question.seen_by,
            question.explain,
            logged,
            answer.world,
            question.brief,
        )
        return bytes_of(content)

    digest = "" if asked.decision_request_id is None else question.digest(presented.hashed)
    # What was written meanwhile, by this question or its events, may have made others one person.
    people = None if who.logins or question.events else who.people
    desk, durable = parts.desk, question.durable
    decision, body = await desk.take(asked, digest, write, codes, durable, people=people)
    if decision is not None:
        _tell(parts, decision, who.customer_id)
    return Response(body, media_type="application/json")


async def _who(parts: Parts, question: NextBestActionsRequest, presented: Presented) -> Recognised:
    if question.whose is None:
        return Recognised(None)
    now, trial = parts.engine.clock.now().timestamp(), question.mode == "dry_run"
    found = await parts.recognition.for_decision(presented, now, not trial)
    if found.logins and found.customer_id is not None and not trial:
        # What the visitor did belongs to the profile of the customer from now on.
        parts.touched([found.customer_id])
    return found


def _tell(parts: Parts, decision: Decision, customer_id: str | None) -> None:
    parts.metrics.degraded(decision.degraded)
    if parts.settings.log_requests:
        log().info(
            "decided",
            decision_id=decision.decision_id,
            customer=hashed(customer_id) if customer_id else None,
            degraded=decision.degraded,
        )


def _refuse_unknown_names(question: NextBestActionsRequest, catalog: Catalog) -> None:
    """Refuse what cannot be meant: a name that is not in the catalog could be a misspelt one."""
    if not (question.candidates or question.excluded or question.placements):
        return
    actions = {*catalog.position, catalog.default_action.id}
    known_places = catalog.arrays.placements
    places = {name for name, one in known_places.items() if one.channel == question.channel}
    errors = tuple(
        FieldError(
            field=f"{field}.{place}",
            message=f"not {what} of the catalog{did_you_mean(name, known)}",
            value=shortened(name),
        )
        for field, what, names, known in (
            ("candidates", "an action", question.candidates or (), actions),
            ("excluded", "an action", question.excluded, actions),
            ("placements", f"a placement on {question.channel}", question.placements, places),
        )
        for place, name in enumerate(names)
        if name not in known
    )[:MOST_ERRORS]
    if errors:
        raise ProblemError(
            "wrong_field", f"cannot use: {', '.join(error.field for error in errors)[:300]}", errors
        )


EXAMPLES = {
    "advisor": {
        "customer_id": "1053",
        "channel": "advisor",
        "max_results": 3,
        "explain": "all",
        "language": "en",
    },
    "web": {
        "customer_id": "1053",
        "channel": "web",
        "placements": ["home_hero"],
        "contexts": [{"type": "page", "key": "category", "value": "coffee"}],
        "max_results": 1,
    },
}

_ANSWER = {
    "decision_id": "6f0c6d9a-9a53-4a86-9a56-0d4f8a3c8a34",
    "decided_at": "2018-01-01T06:00:12Z",
    "results": [
        {
            "rank": 1,
            "action_id": "pasta_sauce",
            "name": "Pasta sauce",
            "issue": "win_back",
            "group": "pantry",
            "treatment": {
                "channel": "web",
                "language": "en",
                "title": "Pasta sauce again?",
                "text": "It has been a while.",
                "talking_points": [],
                "quick_replies": [],
                "objections": [],
                "accept_label": "Show me",
                "decline_label": "No, thanks",
                "later_label": "Later",
            },
            "placement": "home_hero",
        }
    ],
    "control_group": None,
    "logged": "spooled",
    "versions": {"model": "adoption 1", "catalog": "5f1c", "policies": "", "features": "9a0b"},
    "degraded": [],
    "feature_age_s": 21612.0,
}

OPERATIONS = (
    Operation(
        "POST",
        "/v1/next-best-actions",
        next_best_actions,
        "The next best actions of a customer, ranked and explained.",
        scope="decide",
        body=NextBestActionsRequest,
        answer=NextBestActionsAnswer,
        problems=(409, 503),
        examples=EXAMPLES,
        answer_example=_ANSWER,
    ),
)
