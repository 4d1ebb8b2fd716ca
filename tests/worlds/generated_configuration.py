"""Random catalogs and policies, as people would write them: the same for the same seed."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from generated_conditions import random_tree, text_of
from generated_limits import arbitration, contact_policy, quiet_hours
from generated_parts import (
    CATEGORIES,
    CHANNELS,
    DIRECTIONS,
    MOMENTS,
    PURPOSES,
    ZONES,
    Content,
    Written,
    some,
)


def write_world(seed: int) -> Written:
    """Write everything of a world."""
    dice = Random(f"world {seed}")
    (first, zone), (second, _) = dice.sample(MOMENTS, 2)
    moments = (first, second)
    written = Written(
        seed=seed,
        zone=zone if dice.random() < 0.6 else dice.choice(ZONES),
        moments=moments,
        catalog=_catalog(dice, moments),
        policies={},
        arbitration={},
        with_model=dice.random() < 0.9,
        evidence={},
    )
    names = [action["id"] for action in written.actions]
    written.evidence |= {name: float(dice.choice((0, 3, 50, 400))) for name in names}
    written.policies |= _policies(dice, written)
    written.arbitration |= arbitration(dice, written)
    return written


def _catalog(dice: Random, moments: tuple[datetime, ...]) -> Content:
    placements = [
        {"id": "hero", "channel": "web", "slots": dice.randint(1, 2)},
        {"id": "side", "channel": "web", "slots": dice.randint(1, 3)},
        {"id": "app_home", "channel": "app"},
        {"id": "letter", "channel": "email", "slots": dice.randint(1, 4)},
    ]
    issue_of = {f"g{at}": f"i{dice.randrange(3)}" for at in range(dice.randint(1, 5))}
    actions = [
        _action(dice, f"a{at:02}", issue_of, moments)
        for at in range(dice.choice((5, 5, 8, 8, 12, 12, 20, 40)))
    ]
    # Conditions may ask for the size, so one action at least has to have one.
    actions[0]["attributes"]["size"] = 2.0
    return {
        "value": _value(dice),
        "eligibility": [_comparison(dice)] if dice.random() < 0.12 else [],
        "placements": placements,
        "treatments": {"web": _template(dice, "web")} if dice.random() < 0.4 else {},
        "default_action": {
            "id": "nothing",
            "name": _both("Nothing"),
            "treatments": {one: _template(None, one) for one in CHANNELS if one != "app"},
        },
        "actions": actions,
    }


def _action(
    dice: Random, name: str, issue_of: dict[str, str], moments: tuple[datetime, ...]
) -> Content:
    group = dice.choice(sorted(issue_of))
    on = {one for one in CHANNELS if dice.random() < 0.75} | {"advisor"}
    action: Content = {
        "id": name,
        "name": _both(f"Name {name}"),
        "issue": issue_of[group],
        "group": group,
        "attributes": {"appeal": dice.randrange(5) / 4.0},
        "cost": dice.choice((0.0, 0.1, 1.0, 2.0)),
        "purpose": dice.choices(PURPOSES, (8, 3, 2))[0],
        "treatments": {one: _template(dice, one) for one in CHANNELS if one in on},
    }
    if dice.random() < 0.6:
        action["attributes"]["size"] = float(dice.randrange(4))
    if dice.random() < 0.5:
        action["category"] = dice.choice((*CATEGORIES, *CATEGORIES, "NEW"))
    for key, share, make in (
        ("value", 0.3, _value),
        ("propensity", 0.35, lambda dice: dice.choice((0.05, 0.2, 0.5, 1.0))),
        ("mandatory", 0.12, lambda _: True),
        ("enabled", 0.06, lambda _: False),
        ("impact", 0.08, lambda _: "significant"),
        ("eligibility", 0.12, lambda dice: [_comparison(dice)]),
    ):
        if dice.random() < share:
            action[key] = make(dice)
    if dice.random() < 0.2:
        action["budget"] = _budget(dice, action["cost"])
    if dice.random() < 0.15:
        action["channels"] = [one for one in CHANNELS if one in on]
    return action | _validity(dice, moments)


def _validity(dice: Random, moments: tuple[datetime, ...]) -> Content:
    validity: Content = {}
    middle = dice.choice(moments)
    if dice.random() < 0.15:
        validity["valid_from"] = _iso(middle - timedelta(hours=dice.randint(-20, 40)))
    if dice.random() < 0.15:
        validity["valid_to"] = _iso(middle + timedelta(hours=dice.randint(41, 60)))
    elif dice.random() < 0.05:
        validity["valid_to"] = _iso(moments[0] - timedelta(hours=41))
        validity.pop("valid_from", None)
    return validity


def _budget(dice: Random, cost: float) -> Content:
    if cost and dice.random() < 0.5:
        return {"amount": round(cost * dice.choice((0.5, 3, 3, 9)), 9)}
    return {"presentations": dice.choice((0, 4, 9))}


def _value(dice: Random) -> Content:
    if dice.random() < 0.3:
        return {"kind": "own_spend_per_trip", "min_trips": 3, "fallback": 1.5}
    return {"kind": "fixed", "amount": dice.choice((0.0, 1.0, 2.0, 2.0, 7.5))}


def _comparison(dice: Random) -> Content:
    sign = dice.choice(("at_least", "at_most", "more_than", "less_than", "equals"))
    condition: Content = {
        "feature": dice.choice(("trips_91d", "spend_91d", "size")),
        sign: float(dice.randrange(5)),
        "when_missing": dice.choice(("pass", "pass", "fail")),
    }
    if dice.random() < 0.5:
        condition |= {"name": f"rule_{dice.randrange(99)}", "reason": f"reason_{dice.randrange(9)}"}
    return condition


def _template(dice: Random | None, channel: str) -> Content:
    mine = {"web": ("hero", "side"), "app": ("app_home",), "email": ("letter",)}.get(channel, ())
    template: Content = {lang: {"title": "{name}", "text": "Text."} for lang in ("en", "de")}
    if dice is not None and mine and dice.random() < 0.5:
        template["placements"] = some(dice, mine, 2)
    return template


def _policies(dice: Random, written: Written) -> Content:
    policies = []
    for at in range(dice.choice((0, 1, 2, 4))):
        of_action = dice.random() < 0.4
        tree = random_tree(dice, of_action)
        name = f"policy{at}"
        written.trees[name] = tree
        policies.append(
            {
                "id": name,
                "tier": dice.choice(("eligibility", "applicability", "suitability")),
                "scope": "action" if of_action else "customer",
                "when": text_of(tree),
                "reason": f"because_{at}",
                **entry(dice, written.actions),
            }
        )
    content: Content = {
        "policies": policies,
        "contact_policies": [
            {"id": f"limit{at}", **contact_policy(dice), **entry(dice, written.actions)}
            for at in range(dice.choice((0, 1, 2, 3, 6)))
        ],
        "quiet_hours": [
            {"id": f"quiet{at}", **quiet_hours(dice)} for at in range(dice.choice((0, 0, 1, 2)))
        ],
        "consent": _consent(dice),
    }
    return content


def entry(dice: Random, actions: list[Content]) -> Content:
    """Write what every policy can say: which actions, on which requests, whether at all."""
    part: Content = {"words": _both("Words")}
    example = dice.choice(actions)
    about = {"issues": "issue", "groups": "group", "actions": "id", "purposes": "purpose"}
    if dice.random() < 0.5:
        keys = some(dice, about, 2)
        part["concerns"] = {
            key: sorted({example[about[key]], dice.choice(actions)[about[key]]}) for key in keys
        }
    if dice.random() < 0.25:
        part["channels"] = some(dice, CHANNELS, 3)
    if dice.random() < 0.25:
        part["directions"] = some(dice, DIRECTIONS, 1)
    if dice.random() < 0.08:
        part["enabled"] = False
    return part


def _consent(dice: Random) -> Content:
    rules: Content = {"assumed": "demo"} if dice.random() < 0.3 else {}
    purposes = {
        purpose: {"needs_consent_on": some(dice, CHANNELS, 3) if dice.random() < 0.8 else []}
        for purpose in ("marketing", "service")
        if dice.random() < 0.6
    }
    return rules | {"purposes": purposes}


def _both(text: str) -> Content:
    return {"en": text, "de": text}


def _iso(moment: datetime) -> str:
    return moment.isoformat()
