"""What a candidate is worth and which of them fit into one answer, one factor at a time.

Shares no code with the product.
"""

from __future__ import annotations

from typing import Any

from generated_moments import Case
from generated_parts import Content, Written
from generated_world import propensity_of
from oracle_screening import Objection, Screening, chance

FACTORS = ("propensity", "context_weight", "value", "lever")


class Ranking:
    """Factors, thresholds and the limits of one answer."""

    def __init__(self, written: Written, case: Case, screening: Screening) -> None:
        self.written, self.case, self.screening = written, case, screening
        self.rules = written.arbitration
        self.slots = {one["id"]: one.get("slots", 1) for one in written.catalog["placements"]}
        self._quotas: dict[str, list[tuple[tuple[str, ...], int, str, str]]] = {}

    def unscored(self) -> list[str]:
        """Return why the model cannot score this customer."""
        reasons = []
        if not self.case.profile:
            reasons.append("unknown_customer")
        elif not self.screening.fresh:
            reasons.append("stale_features")
        return reasons + ["no_model"] * (not self.written.with_model)

    def factors(self, action: Content) -> dict[str, float]:
        """Return the factors of an action that can be scored."""
        return {
            "propensity": self.propensity(action),
            "context_weight": self.context_weight(action),
            "value": self.value(action),
            "lever": self.lever(action),
        }

    def propensity(self, action: Content) -> float:
        """Return the propensity, smoothed by evidence where that is asked for."""
        if "propensity" in action:
            return float(action["propensity"])
        said = propensity_of(self.case.profile.get("trips_91d"), action["attributes"]["appeal"])
        rules = self.rules.get("smoothing")
        if rules is None:
            return said
        start = rules["groups"].get(action["group"], rules["start_propensity"])
        start = rules["actions"].get(action["id"], start)
        worth, seen = rules["start_evidence"], self.written.evidence[action["id"]]
        return float(worth / (worth + seen + 1) * start + seen / (worth + seen + 1) * said)

    def context_weight(self, action: Content) -> float:
        """Return 1 + percents / 100 over the facts of the request, at least 0.01."""
        facts = {(one.type, one.key, one.value) for one in self.case.request.contexts}
        percent = 0.0
        for rule in self.rules["context_weights"]:
            mine = any(
                rule.get(level) == action[key]
                for level, key in (("issue", "issue"), ("group", "group"), ("action", "id"))
            )
            if mine and (rule["type"], rule["key"], rule["value"]) in facts:
                percent += rule["weight"]
        return max(1 + percent / 100, 0.01)

    def lever(self, action: Content) -> float:
        """Return 1 + percents / 100."""
        rules = self.rules["levers"]
        percent = rules["issues"].get(action["issue"], 0) + rules["groups"].get(action["group"], 0)
        return float(1 + (percent + rules["actions"].get(action["id"], 0)) / 100)

    def value(self, action: Content) -> float:
        """Return what a positive outcome is worth for this customer."""
        rule = action.get("value") or self.written.catalog["value"]
        if rule["kind"] == "fixed":
            return float(rule["amount"])
        known = self.case.bought if self.screening.fresh else {}
        trips, spend = known.get(action.get("category"), (0.0, 0.0))
        if trips >= rule["min_trips"]:
            worth = spend / trips
        else:
            worth = self.case.popular.get(action["id"], -1.0)
        return float(worth if worth >= 0 else rule["fallback"])

    def priority(self, factors: dict[str, float]) -> float:
        """Return the product of the factors that count."""
        switches, product = self.rules.get("factors", {}), 1.0
        for name in FACTORS:
            if switches.get(name, True):
                product *= factors[name]
        return product

    def objections(self, action: Content) -> list[Objection]:
        """Return what scoring says against an action."""
        unscored = self.unscored()
        if unscored and "propensity" not in action:
            return [("model", unscored[0])]
        found, factors = [], self.factors(action)
        if not self.reached(action):
            found.append(("ramp", "young_action"))
        if action.get("mandatory"):
            return found
        if factors["propensity"] < self.least("propensity", action):
            found.append(("thresholds.propensity", "below_propensity"))
        if self.priority(factors) < self.least("priority", action):
            found.append(("thresholds.priority", "below_priority"))
        return found

    def least(self, which: str, action: Content) -> float:
        """Return a threshold of an action: its group's, its issue's, or the general one."""
        rule: Any = self.rules.get("thresholds", {}).get(which, 0.0)
        if not isinstance(rule, dict):
            return float(rule)
        general = rule["issues"].get(action["issue"], rule["everywhere"])
        return float(rule["groups"].get(action["group"], general))

    def reached(self, action: Content) -> bool:
        """Tell whether an action is let out to this customer by now."""
        ramp, request = self.rules.get("ramp"), self.case.request
        exempt = action["purpose"] != "marketing" or action.get("mandatory")
        if ramp is None or exempt or "propensity" in action:
            return True
        if request.direction not in ramp["directions"]:
            return True
        grown = min(1.0, self.written.evidence[action["id"]] / ramp["positives"])
        share = ramp["floor"] + (1 - ramp["floor"]) * grown
        if share >= 1 or request.customer_id is None:
            return share >= 1
        drawn = chance("ramp", action["id"], request.customer_id) >> 12
        return (drawn + 0.5) / 2**52 < share

    def quotas(self, action: Content) -> list[tuple[tuple[str, ...], int, str, str]]:
        """Return what limits an action together with others: name, how many, id, reason."""
        if action["id"] not in self._quotas:
            self._quotas[action["id"]] = self._quotas_of(action)
        return self._quotas[action["id"]]

    def _quotas_of(self, action: Content) -> list[tuple[tuple[str, ...], int, str, str]]:
        limits, now, found = self.screening.limits, self.case.now.timestamp(), []
        for policy in limits.policies if self.case.history is not None else ():
            counts = "presented" in policy.get("counts", ["presented"])
            if counts and policy["per"] != "action" and limits.limits(policy, action):
                left, key = limits.left(policy, action, now), limits.key(policy, action)
                found.append(((policy["id"], key), int(left), policy["id"], "limit_used_up"))
        for key, most in self.rules.get("diversity", {}).items():
            name = (key, action[key.removeprefix("per_")])
            found.append((name, most, f"diversity.{key}", "group_full"))
        return found

    def spot(self, action: Content, taken: dict[str, int]) -> str | None:
        """Return the first placement of the request that has room for an action."""
        for place in self.case.request.placements:
            if taken.get(place, 0) < self.slots[place] and self.screening.fits(action, place):
                return place
        return None
