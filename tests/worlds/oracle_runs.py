"""Runs the oracle over many random decisions, and makes what it finds as small as it can."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta
from random import Random

from decision_oracle import STAGES, Oracle
from generated_moments import Case, random_case
from generated_world import Generated

from decisioning.decision import Decision, Removed
from decisioning.history import History


def check_world(seed: int, cases: int) -> int:
    """Check random decisions of one world; return how many."""
    generated = Generated.of(seed)
    return sum(check_number(generated, number) for number in range(cases))


def check_number(generated: Generated, number: int) -> int:
    """Check one random decision and its variations, the same for the same number.

    Raises
    ------
    AssertionError : with the case, made smaller as long as it still fails.
    """
    dice = Random(f"case {generated.written.seed} {number}")
    case = random_case(dice, generated.written)
    try:
        return check_case(generated, case, dice)
    except Exception as error:
        told = f"world {generated.written.seed}, case {number}: {type(error).__name__} {error}"
        smallest = shrink(generated, case)
    # Outside, so that the first failure is not reported with every smaller one.
    raise AssertionError(f"{told}\n\nsmallest case that fails: {smallest}")


def shrink(generated: Generated, case: Case) -> Case:
    """Leave out of a case whatever it fails without; a case that only its variations fail stays."""
    smaller: Case | None = case if _fails(generated, case) else None
    while smaller is not None:
        case = smaller
        smaller = next((one for one in _smaller(case, generated) if _fails(generated, one)), None)
    return case


def _fails(generated: Generated, case: Case) -> bool:
    try:
        Oracle(generated, case).check(generated.decide(case))
    except Exception:
        return True
    return False


def _smaller(case: Case, generated: Generated) -> Iterator[Case]:
    names = case.request.candidates or tuple(one["id"] for one in generated.written.actions)
    for name in names if len(names) > 1 else ():
        left = tuple(one for one in names if one != name)
        yield replace(case, request=replace(case.request, candidates=left))
    for field in ("placements", "contexts", "excluded"):
        if getattr(case.request, field):
            yield replace(case, request=replace(case.request, **{field: ()}))
    history = case.history
    for field in ("contacts", "consents", "volumes") if history is not None else ():
        entries = getattr(history, field)
        for at in range(len(entries)):
            yield replace(case, history=_without(history, field, at))


def _without(history: History | None, field: str, at: int) -> History:
    assert history is not None
    entries = getattr(history, field)
    return replace(history, **{field: entries[:at] + entries[at + 1 :]})


def check_case(generated: Generated, case: Case, dice: Random) -> int:
    """Decide and check one case, and now and then its variations; return how many decisions."""
    name = f"decision {dice.randrange(1_000_000)}"
    decision = generated.decide(case, name)
    Oracle(generated, case).check(decision)
    decided = 1
    if generated.written.seed % 2 and dice.random() < 0.2:
        check_order_does_not_matter(generated, case, name, decision, dice)
        decided += 1
    ending = [one for one in decision.removed if one.until is not None]
    if ending and dice.random() < 0.2:
        decided += check_until(generated, case, dice.choice(ending), name)
    return decided


def check_order_does_not_matter(
    generated: Generated, case: Case, name: str, decision: Decision, dice: Random
) -> None:
    """Check that the order of catalog and candidates changes nothing."""
    request = case.request
    candidates = request.candidates and tuple(
        dice.sample(request.candidates, len(request.candidates))
    )
    excluded = tuple(dice.sample(request.excluded, len(request.excluded)))
    request = replace(request, candidates=candidates, excluded=excluded)
    again = generated.decide(replace(case, request=request), name, shuffled=True)
    assert again.results == decision.results
    assert sorted(again.removed) == sorted(decision.removed)
    assert again.funnel == decision.funnel
    assert again.versions == decision.versions


def check_until(generated: Generated, case: Case, removed: Removed, name: str) -> int:
    """Ask again just before a removal ends by itself, and when it does."""
    assert removed.until is not None
    for at, ended in ((removed.until - timedelta(milliseconds=1), False), (removed.until, True)):
        # The profile stays as old as it was, or conditions would see other values.
        later = replace(case, now=at.astimezone(UTC))
        decision = generated.decide(later, name)
        Oracle(generated, later).check(decision)
        mine = next((one for one in decision.removed if one.action_id == removed.action_id), None)
        same = mine is not None and mine[1:5] == removed[1:5]
        if ended:
            assert not same, (removed, "at that time", mine)
        else:
            earlier = mine is not None and STAGES.index(mine.stage) <= STAGES.index(removed.stage)
            assert same or earlier, (removed, "just before", mine)
    return 2
