"""Why a candidate may not be offered, stage by stage, read from the rules in plain Python.

Shares no code with the product. An objection is (policy id, reason).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from generated_conditions import verdict
from generated_moments import Case
from generated_parts import CATEGORIES, Content, Written
from oracle_clock import wall
from oracle_limits import Limits, about, counts_here

Objection = tuple[str, str]
LONGEST_AGE_HOURS = 48.0
STAGES = ("request", "catalog", "control", "consent",
          "eligibility", "applicability", "suitability", "contact")  # fmt: skip
TIERS = ("eligibility", "applicability", "suitability")


def chance(*words: str) -> int:
    """Return 64 bits that hang on some words alone."""
    return int.from_bytes(hashlib.sha256("\x1f".join(words).encode()).digest()[:8], "big")


def moment_of(text: str | None) -> datetime | None:
    """Return a moment that was written with its offset, or without one in UTC."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Screening:
    """All objections against the candidates of one decision."""

    def __init__(self, written: Written, case: Case) -> None:
        self.written, self.case = written, case
        self.limits = Limits(written, case)
        self.fresh = bool(case.profile) and case.age_hours <= LONGEST_AGE_HOURS
        self.groups = [one for one in written.arbitration["control_groups"] if self._is_in(one)]
        self._values = self._of_customer()

    def objections(self, action: Content) -> tuple[str, list[Objection]] | None:
        """Return the first stage in which something speaks against an action, and what."""
        for stage in STAGES:
            found = list(self.at_stage(stage, action))
            if found:
                return stage, found
        return None

    def at_stage(self, stage: str, action: Content) -> Iterator[Objection]:
        """Yield what speaks against an action at one stage."""
        if stage == "request" and action["id"] in self.case.request.excluded:
            yield "excluded", "excluded"
        elif stage == "catalog":
            yield from self.catalog(action)
        elif stage == "control":
            yield from ((one["id"], "control_group") for one in self.withholding(action))
        elif stage == "consent" and self.consent(action):
            yield "consent", self.consent(action)
        elif stage in TIERS:
            yield from self.tier(stage, action)
        elif stage == "contact":
            yield from self.limits.objections(action, self.case.now.timestamp())

    def catalog(self, action: Content) -> Iterator[Objection]:
        """Yield what the catalog says against an action here and now."""
        request, now = self.case.request, self.case.now
        begins, ends = moment_of(action.get("valid_from")), moment_of(action.get("valid_to"))
        if not action.get("enabled", True):
            yield "enabled", "disabled"
        if ends is not None and now >= ends:
            yield "valid_to", "expired"
        if begins is not None and now < begins:
            yield "valid_from", "not_yet_valid"
        if self.text(action, request.channel) is None:
            yield "treatments", "no_treatment"
        if request.placements and not any(self.fits(action, one) for one in request.placements):
            yield "placements", "wrong_placement"
        if action.get("impact") == "significant" and request.context != "advisor":
            yield "impact", "needs_advisor"
        if action.get("category") and action["category"] not in CATEGORIES:
            yield "category", "features_not_built"

    def text(self, action: Content, channel: str) -> Content | None:
        """Return what is said about an action on a channel; an app says what the web says."""
        if channel not in action.get("channels", [channel]):
            return None
        for said_on in (channel, "web") if channel == "app" else (channel,):
            for treatments in (action["treatments"], self.written.catalog["treatments"]):
                if said_on in treatments:
                    found: Content = treatments[said_on]
                    return found
        return None

    def fits(self, action: Content, placement: str) -> bool:
        """Tell whether an action may fill a placement of the catalog."""
        known = self.written.catalog["placements"]
        channel = next(one["channel"] for one in known if one["id"] == placement)
        text = self.text(action, channel)
        return text is not None and placement in text.get("placements", [placement])

    def withholding(self, action: Content) -> list[Content]:
        """Return the control groups of the customer that go without an action."""
        if action["purpose"] != "marketing" or action.get("mandatory"):
            return []
        return [
            group
            for group in self.groups
            if group["scope"] == "global"
            or action["issue"] == group["scope"].get("issue")
            or action["group"] == group["scope"].get("group")
            or action["id"] == group["scope"].get("action")
        ]

    def _is_in(self, group: Content) -> bool:
        starts, ends = moment_of(group.get("starts")), moment_of(group.get("ends"))
        if (starts and self.case.now < starts) or (ends and self.case.now >= ends):
            return False
        customer = self.case.request.customer_id
        if customer is None:
            return False
        bucket = chance(group.get("salt") or group["id"], customer) % 10_000
        return bool(bucket < group["share"] * 100)

    def consent(self, action: Content) -> str:
        """Return why consent stops an action; empty where it does not."""
        if action["purpose"] == "transactional":
            return ""
        if self.case.history is None:
            stops = action["purpose"] == "marketing" or self.needs_consent(action)
            return "consent_unreadable" if stops else ""
        status = self._last_word(action["purpose"])
        if status in ("withdrawn", "objected"):
            return "objected" if status == "objected" else "consent_withdrawn"
        if status == "granted" or not self.needs_consent(action) or self.assumes(action):
            return ""
        return "no_consent"

    def needs_consent(self, action: Content) -> bool:
        """Tell whether an explicit consent is needed on this channel."""
        rules = self.written.policies["consent"]["purposes"]
        if action["purpose"] in rules:
            return self.case.request.channel in rules[action["purpose"]]["needs_consent_on"]
        return bool(action["purpose"] == "marketing")

    def assumes(self, action: Content) -> bool:
        """Tell whether consent to an action is only assumed."""
        if "assumed" not in self.written.policies["consent"] or self.case.history is None:
            return False
        status = self._last_word(action["purpose"])
        wanted = action["purpose"] != "transactional" and self.needs_consent(action)
        return wanted and status is None

    def _last_word(self, purpose: str) -> str | None:
        """Return what was said last; objections stay until consent is given again."""
        history, request = self.case.history, self.case.request
        if history is None or request.customer_id is None:
            return None
        now, word = self.case.now.timestamp(), None
        heard = [
            one
            for one in history.consents
            if one.purpose == purpose
            and one.channel in ("all", request.channel)
            and one.valid_from <= now
        ]
        for moment in sorted({one.valid_from for one in heard}):
            said = {one.status for one in heard if one.valid_from == moment}
            if "granted" in said:
                word = "granted"
            if "withdrawn" in said and word != "objected":
                word = "withdrawn"
            if "objected" in said:
                word = "objected"
        return word

    def tier(self, tier: str, action: Content) -> Iterator[Objection]:
        """Yield which conditions of a tier an action does not meet."""
        if tier == "eligibility":
            for condition in (*self.written.catalog["eligibility"], *action.get("eligibility", [])):
                if not self._meets(condition, action):
                    sign = _sign(condition)
                    name = condition.get("name") or f"{condition['feature']}_{sign}"
                    yield name, condition.get("reason", "not_eligible")
        for policy in self.written.policies["policies"]:
            concerned = about(policy, action, action["issue"], action["group"], action["id"])
            if policy["tier"] != tier or not concerned or not counts_here(policy, self.case):
                continue
            said = verdict(self.written.trees[policy["id"]], self._values | _of_action(action))
            if said is not True:
                yield policy["id"], policy["reason"] if said is False else "value_missing"

    def _meets(self, condition: Content, action: Content) -> bool:
        name, sign = condition["feature"], _sign(condition)
        known = self.case.profile if self.fresh else {}
        value = action["attributes"].get(name) if name == "size" else known.get(name)
        if value is None:
            return bool(condition["when_missing"] == "pass")
        least = condition[sign]
        results = {"at_least": value >= least, "at_most": value <= least, "equals": value == least,
                   "more_than": value > least, "less_than": value < least}  # fmt: skip
        return results[sign]

    def _of_customer(self) -> dict[str, Any]:
        request = self.case.request
        local = wall(self.case.now.timestamp(), self.limits.zone)
        known = self.case.profile if self.fresh else {}
        return {
            "profile.trips_91d": known.get("trips_91d"),
            "profile.spend_91d": known.get("spend_91d"),
            "journey.complaints_91d": known.get("complaints_91d"),
            "request.hour": local.hour,
            "request.weekday": local.isoweekday(),
            "request.channel": request.channel,
            "request.direction": request.direction,
            "request.contexts": {f"{one.type}.{one.key}": one.value for one in request.contexts},
        }


def _of_action(action: Content) -> dict[str, Any]:
    return {
        "action.size": action["attributes"].get("size"),
        "action.cost": action["cost"],
        "action.group": action["group"],
        "action.mandatory": action.get("mandatory", False),
    }


def _sign(condition: Content) -> str:
    signs = ("at_least", "at_most", "more_than", "less_than", "equals")
    return next(one for one in signs if one in condition)
