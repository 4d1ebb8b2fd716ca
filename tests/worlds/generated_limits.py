"""Random contact policies, quiet hours and arbitration, as people would write them."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from generated_parts import CHANNELS, DIRECTIONS, OUTCOMES, Content, Written, some

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def contact_policy(dice: Random) -> Content:
    """Write a limit on one customer, a pause, or a limit on everybody."""
    kind = dice.random()
    if kind < 0.25:
        return _for_everyone(dice)
    per = dice.choice(("action", "group", "issue", "channel", "all"))
    policy: Content = {"per": per}
    if per == "channel" or dice.random() < 0.3:
        policy["channel"] = "same"
    policy["counts"] = ["presented"] if dice.random() < 0.6 else some(dice, OUTCOMES, 3)
    if kind < 0.5:
        return policy | {
            "at_least": dice.randint(1, 3),
            "days": dice.choice((1, 2, 7, 30)),
            "pause_days": dice.choice((1, 3, 14, 60)),
        }
    policy["at_most"] = dice.choice((0, 1, 1, 2, 2, 3, 4))
    policy["window"] = dice.choice(("rolling", "rolling", "calendar", "calendar", "ever"))
    if policy["window"] != "ever":
        policy["days"] = dice.choice((1, 1, 2, 7, 30))
    if dice.random() < 0.2:
        policy["reason"] = "too_often"
    return policy


def _for_everyone(dice: Random) -> Content:
    window = dice.choice(("calendar", "calendar", "ever"))
    policy: Content = {
        "everyone": True,
        "per": dice.choice(("action", "group", "issue", "all")),
        "window": window,
        "at_most": dice.choice((0, 3, 8, 15, 30)),
    }
    if window == "calendar":
        policy["days"] = dice.choice((1, 2, 7))
    if dice.random() < 0.3:
        policy["channel"] = "same"
    return policy


def quiet_hours(dice: Random) -> Content:
    """Write quiet hours; many begin or end where clocks are changed."""
    edges = ("00:00", "00:30", "01:00", "01:45", "02:00", "02:15", "03:00", "08:00", "20:30")
    begins, ends = dice.sample(edges, 2)
    if dice.random() < 0.15:
        ends = "24:00"
    hours: Content = {"begins": begins, "ends": ends, "words": {"en": "Quiet", "de": "Ruhe"}}
    if dice.random() < 0.5:
        hours["directions"] = list(DIRECTIONS)
    if dice.random() < 0.3:
        hours["channels"] = some(dice, CHANNELS, 3)
    if dice.random() < 0.4:
        hours["weekdays"] = some(dice, WEEKDAYS, 5)
    return hours


def arbitration(dice: Random, written: Written) -> Content:
    """Write an arbitration.yaml that goes with a catalog."""
    actions = written.actions
    content: Content = {
        "levers": {
            "issues": _some_percents(dice, {one["issue"] for one in actions}),
            "groups": _some_percents(dice, {one["group"] for one in actions}),
            "actions": _some_percents(dice, {one["id"] for one in actions}),
        },
        "context_weights": _context_weights(dice, actions),
        "control_groups": _control_groups(dice, written),
    }
    if dice.random() < 0.4:
        content["factors"] = {
            factor: dice.random() < 0.6
            for factor in ("propensity", "context_weight", "value", "lever")
        }
    if dice.random() < 0.5:
        content["thresholds"] = {
            "propensity": _minimum(dice, actions, (0.05, 0.2, 0.3)),
            "priority": _minimum(dice, actions, (0.1, 0.5, 1.0)),
        }
    if dice.random() < 0.4:
        content["diversity"] = {
            key: dice.randint(1, 2) for key in some(dice, ("per_group", "per_issue"))
        }
    if dice.random() < 0.4:
        content["smoothing"] = {
            "start_propensity": 0.3,
            "start_evidence": 50,
            "groups": {dice.choice(actions)["group"]: 0.1},
            "actions": {dice.choice(actions)["id"]: 0.6},
        }
    if dice.random() < 0.3:
        content["ramp"] = {"positives": 200, "floor": 0.3, "directions": some(dice, DIRECTIONS)}
    if dice.random() < 0.5:
        content["exploration"] = {one: _exploration(dice) for one in some(dice, CHANNELS, 4)}
    return content


def _some_percents(dice: Random, names: set[str]) -> dict[str, int]:
    return {name: dice.choice((-25, 25, 50, 100)) for name in sorted(names) if dice.random() < 0.25}


def _context_weights(dice: Random, actions: list[Content]) -> list[Content]:
    weights: list[Content] = []
    for key, value in (("category", "tea"), ("category", "milk"), ("kind", "news")):
        if dice.random() < 0.5:
            level = dice.choice(("issue", "group", "action"))
            name = dice.choice(actions)["id" if level == "action" else level]
            weight = dice.choice((-75, -50, 50, 100))
            weights.append(
                {"type": "page", "key": key, "value": value, level: name, "weight": weight}
            )
    return weights


def _minimum(dice: Random, actions: list[Content], least: tuple[float, ...]) -> Any:
    if dice.random() < 0.5:
        return dice.choice(least)
    return {
        "everywhere": dice.choice((0.0, least[0])),
        "issues": {dice.choice(actions)["issue"]: dice.choice(least)},
        "groups": {dice.choice(actions)["group"]: dice.choice(least)},
    }


def _exploration(dice: Random) -> Content:
    kind = dice.choice(("evidence", "epsilon", "epsilon_first"))
    chosen: Content = {"kind": kind, "draws": 100}
    return chosen if kind == "evidence" else chosen | {"epsilon": dice.choice((0.2, 0.8))}


def _control_groups(dice: Random, written: Written) -> list[Content]:
    groups: list[Content] = []
    for at in range(dice.choice((0, 0, 1, 2))):
        eligible = [
            one
            for one in written.actions
            if one["purpose"] == "marketing" and not one.get("mandatory")
        ]
        if not eligible:
            break
        level = dice.choice(("issue", "group", "action"))
        example = dice.choice(eligible)["id" if level == "action" else level]
        group: Content = {
            "id": f"control{at}",
            "scope": "global" if dice.random() < 0.3 else {level: example},
            "share": dice.choice((12.5, 50)),
        }
        middle = dice.choice(written.moments)
        if dice.random() < 0.4:
            group["starts"] = (middle - timedelta(hours=dice.randint(-20, 20))).isoformat()
        if dice.random() < 0.4:
            group["ends"] = (middle + timedelta(hours=dice.randint(21, 40))).isoformat()
        if dice.random() < 0.3:
            group["salt"] = "pepper"
        groups.append(group)
    return groups
