"""One decision, from a customer's profile and history to a ranked and explained answer.

The same arguments always give the same answer: no clock, no store and no chance in here. The stages
are those of `decisioning.decision.STAGES`; each turns candidates down with a reason.
"""

from __future__ import annotations

from datetime import datetime

from decisioning.answer import default_answer, ranked_answers
from decisioning.decision import Decision, RankedAction, Removed
from decisioning.funnel import Funnel
from decisioning.history import History
from decisioning.line_up import LineUp
from decisioning.moment import Moment
from decisioning.ranking import rank_and_choose
from decisioning.request import DecisionRequest
from decisioning.scoring import score, worth_trying
from decisioning.screening import Screened, screen
from decisioning.world import Array, World
from features.errors import FeatureError
from features.profiles import Profiles, no_profile


def decide(
    request: DecisionRequest,
    profiles: Profiles,
    popularity: Array,
    world: World,
    now: datetime,
    history: History | None,
    decision_id: str = "",
) -> Decision:
    """Return the best actions for one customer; at worst the catalog's default action.

    Parameters
    ----------
    profiles : one row.
    popularity : shape (1, actions, popularity features), in the order of `Catalog.action_ids`.
    now : aware; read from the clock after the profile was read, since a profile from after it is
        a leak.
    history : None when the ledger could not be read; what needs it then fails closed.
    decision_id : the caller's random id. A request with a `decision_request_id` has an id that is
        made of that, whatever is given. Exploration draws from the id: the same id and state give
        the same answer.

    Raises
    ------
    LeakError : the profile knows something from at or after `now`.
    FeatureError : `profiles` or `popularity` are not of the shape above.
    """
    _check_shapes(profiles, popularity, world)
    asked = Moment(profiles, popularity, history, now)
    age_s = asked.age_s
    moment, codes = _readable(asked, age_s, world)
    decision_id = request.id_of_decision(decision_id)
    line_up = world.line_ups.of(request, now)
    funnel = world.line_ups.begin(line_up)
    screened = screen(line_up, funnel, request, moment, world)
    results = _results(line_up, funnel, screened, request, world, codes, decision_id)
    if any(one.label_model == "prior" for one in results):
        codes = (*codes, "priors")
    if results and request.candidates and world.catalog.default_action.id in request.candidates:
        funnel.removed.append(_default_outranked(world))
    return Decision(
        decision_id=decision_id,
        decided_at=now,
        results=results or (default_answer(request, world.catalog),),
        removed=tuple(funnel.removed),
        versions=world.versions,
        candidates=len(results) + len(funnel.removed),
        degraded=codes,
        feature_age_s=age_s,
        control_group=screened.control_group,
        consent_assumed=screened.consent_assumed,
    )


def _results(
    line_up: LineUp,
    funnel: Funnel,
    screened: Screened,
    request: DecisionRequest,
    world: World,
    codes: tuple[str, ...],
    decision_id: str,
) -> tuple[RankedAction, ...]:
    scored = score(line_up, funnel, screened, world, codes)
    if scored is None:
        return ()
    scored = worth_trying(funnel, scored, request, world)
    if not len(scored.row):
        return ()
    ranked = rank_and_choose(funnel, scored, screened, request, world, decision_id)
    return ranked_answers(request, scored, ranked, screened, world)


def _default_outranked(world: World) -> Removed:
    return Removed(world.catalog.default_action.id, "arbitration", "", "max_results", "outranked")


def _check_shapes(profiles: Profiles, popularity: Array, world: World) -> None:
    if len(profiles) != 1:
        raise FeatureError(f"a decision takes one profile, not {len(profiles)}")
    actions = len(world.catalog.actions)
    if popularity.shape[:2] != (1, actions):
        raise FeatureError(
            f"popularity has the shape {popularity.shape}; the catalog needs (1, {actions}, ...)"
        )


def _readable(moment: Moment, age_s: float | None, world: World) -> tuple[Moment, tuple[str, ...]]:
    """Return the moment as rules can read it, and what keeps a model from scoring, as codes."""
    layout = moment.profiles.layout
    if age_s is None:
        return moment, ("unknown_customer", *world.degraded)
    if layout is not world.layout and layout.hash != world.layout.hash:
        nobody = no_profile(world.layout, str(moment.profiles.customer_ids[0]))
        moment = Moment(nobody, moment.popularity, moment.history, moment.now)
        return moment, ("profile_layout_mismatch", *world.degraded)
    if layout.has_stale(age_s):
        return moment, ("stale_features", *world.degraded)
    return moment, world.degraded
