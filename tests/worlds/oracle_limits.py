"""What contact policies, budgets and quiet hours allow, by their rules, one contact at a time.

Shares no code with the product.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from generated_moments import Case
from generated_parts import Content, Written
from oracle_clock import day_begins, day_number, is_quiet, wall, zone_or

DAY = 86_400.0
FOREVER = float("inf")


def about(policy: Content, action: Content | None, issue: str, group: str, name: str) -> bool:
    """Tell whether a policy concerns an action; None for one that the catalog has no more."""
    concerns = policy.get("concerns", {})
    purpose = None if action is None else action["purpose"]
    for key, value in (("issues", issue), ("groups", group), ("actions", name)):
        if concerns.get(key) and value not in concerns[key]:
            return False
    purposes = concerns.get("purposes")
    return not purposes or purpose is None or purpose in purposes


def counts_here(policy: Content, case: Case) -> bool:
    """Tell whether an entry of policies.yaml counts on a request."""
    if not policy.get("enabled", True):
        return False
    channels, directions = policy.get("channels"), policy.get("directions")
    return (not channels or case.request.channel in channels) and (
        not directions or case.request.direction in directions
    )


class Limits:
    """Every limit that counts on one request, at any time with the same history."""

    def __init__(self, written: Written, case: Case) -> None:
        self.case = case
        self.actions = {action["id"]: action for action in written.actions}
        self.company = written.zone
        told = case.history.time_zone if case.history else None
        self.zone = zone_or(told, written.zone)
        policies = written.policies["contact_policies"]
        self.policies = [one for one in policies if counts_here(one, case)]
        hours = written.policies["quiet_hours"]
        self.quiet = [one for one in hours if counts_here({"directions": ["outbound"]} | one, case)]
        self._left: dict[Any, float] = {}

    def objections(self, action: Content, at: float) -> Iterator[tuple[str, str]]:
        """Yield id and reason of what turns an action down, in the order of the files."""
        if self.case.history is None and self._needs_history(action):
            yield "ledger", "ledger_unavailable"
        if self.case.history is not None:
            for policy in self.policies:
                if self.limits(policy, action) and self.left(policy, action, at) <= 0:
                    yield policy["id"], self._reason(policy)
            if self._budget_used_up(action):
                yield "budget", "budget_used_up"
        if action["purpose"] != "transactional":
            for hours in self.quiet:
                days = hours.get("weekdays", [])
                if is_quiet(hours["begins"], hours["ends"], days, at, self.zone):
                    yield hours["id"], "quiet_hours"

    def limits(self, policy: Content, action: Content) -> bool:
        """Tell whether a contact policy limits an action."""
        return action["purpose"] != "transactional" and about(
            policy, action, action["issue"], action["group"], action["id"]
        )

    def left(self, policy: Content, action: Content, at: float) -> float:
        """Return how many actions like this one may still be presented at a time."""
        key = (policy["id"], self.key(policy, action), at)
        if key not in self._left:
            counter = self._volume_left if policy.get("everyone") else self._personal_left
            self._left[key] = counter(policy, key[1], at)
        return self._left[key]

    def key(self, policy: Content, action: Content) -> str:
        """Return what is counted together with an action."""
        per = {"action": "id", "group": "group", "issue": "issue"}.get(policy["per"])
        return action[per] if per else ""

    def takes_place(self, action: Content) -> bool:
        """Tell whether presenting an action is counted by any limit."""
        counted = [one for one in self.policies if "presented" in one.get("counts", ["presented"])]
        return "budget" in action or any(self.limits(one, action) for one in counted)

    def _needs_history(self, action: Content) -> bool:
        return "budget" in action or any(self.limits(one, action) for one in self.policies)

    @staticmethod
    def _reason(policy: Content) -> str:
        usual = "paused" if "pause_days" in policy else "contacted_too_recently"
        return policy.get("reason") or ("volume_used_up" if policy.get("everyone") else usual)

    def _personal_left(self, policy: Content, key: str, at: float) -> float:
        moments = [moment for moment in self._counted(policy, key, at)]
        if "pause_days" in policy:
            return self._pause_left(policy, moments, at)
        if policy["window"] == "rolling":
            moments = [one for one in moments if at - one < policy["days"] * DAY]
        if policy["window"] == "calendar":
            first = wall(at, self.zone).date() - timedelta(days=policy["days"] - 1)
            moments = [one for one in moments if one >= day_begins(self.zone, first)]
        return float(policy["at_most"] - len(moments))

    @staticmethod
    def _pause_left(policy: Content, moments: list[float], at: float) -> float:
        window, pause, least = policy["days"] * DAY, policy["pause_days"] * DAY, policy["at_least"]
        for moment in moments:
            before = [one for one in moments if moment - window < one <= moment]
            if len(before) >= least and at < moment + pause:
                return 0.0
        # The next may begin a new pause; several at once may not go beyond that.
        return max(1.0, least - sum(at - one < window for one in moments))

    def _counted(self, policy: Content, key: str, at: float) -> Iterator[float]:
        """Yield when what a policy counts together happened."""
        if self.case.request.customer_id is None or self.case.history is None:
            return
        same = policy.get("channel") == "same" or policy["per"] == "channel"
        field = {"action": "action_id", "group": "group", "issue": "issue"}.get(policy["per"])
        for contact in self.case.history.contacts:
            action = self.actions.get(contact.action_id)
            if contact.outcome not in policy.get("counts", ["presented"]):
                continue
            if same and contact.channel != self.case.request.channel:
                continue
            if contact.reserved_until is not None and contact.reserved_until <= at:
                continue
            if action is not None and action["purpose"] == "transactional":
                continue
            mine = about(policy, action, contact.issue, contact.group, contact.action_id)
            if mine and (field is None or getattr(contact, field) == key):
                yield contact.at

    def _volume_left(self, policy: Content, key: str, at: float) -> float:
        assert self.case.history is not None
        today, total = day_number(at, self.company), 0
        for volume in self.case.history.volumes:
            action = self.actions[volume.action_id]
            if not self.limits(policy, action) or self.key(policy, action) != key:
                continue
            if policy.get("channel") == "same" and volume.channel != self.case.request.channel:
                continue
            if policy["window"] == "ever" or today - volume.day < policy["days"]:
                total += volume.presented
        return float(policy["at_most"] - total)

    def _budget_used_up(self, action: Content) -> bool:
        assert self.case.history is not None
        budget = action.get("budget")
        if budget is None:
            return False
        mine = [one for one in self.case.history.volumes if one.action_id == action["id"]]
        one_more = 1 + sum(one.presented for one in mine)
        spent = one_more * Decimal(str(action["cost"]))
        return one_more > budget.get("presentations", FOREVER) or (
            "amount" in budget and spent > Decimal(str(budget["amount"]))
        )


__all__ = ["Limits", "about", "counts_here"]
