"""Holds decisions of the product against rules that are worked out apart from it, one by one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from generated_moments import Case
from generated_parts import Content
from generated_world import Generated
from oracle_ranking import FACTORS, Ranking
from oracle_screening import TIERS, Objection, Screening, moment_of

from decisioning.decision import Decision, RankedAction, Removed

STAGES = ("request", "catalog", "control", "consent", "eligibility", "applicability",
          "suitability", "contact", "scoring", "arbitration")  # fmt: skip
IN_ORDER = ("applicability", "suitability", "contact")
"""Stages in which the first objection is the one that is told."""
MUCH_LATER = timedelta(days=4_000)


class Oracle:
    """Everything that must hold of one decision."""

    def __init__(self, generated: Generated, case: Case) -> None:
        self.written, self.case = generated.written, case
        self.screening = Screening(self.written, case)
        self.ranking = Ranking(self.written, case, self.screening)
        self.actions = {one["id"]: one for one in self.written.actions}
        wanted = case.request.candidates
        self.candidates = [*self.actions] if wanted is None else [*dict.fromkeys(wanted)]

    def check(self, decision: Decision) -> None:
        """Check the whole answer."""
        removed = {one.action_id: one for one in decision.removed}
        chosen = [one for one in decision.results if one.action_id != "nothing"]
        self._check_partition(decision, chosen, removed)
        left = []
        for name in self.candidates:
            if name not in self.actions:
                self._check_unknown(name, chosen, removed)
                continue
            if not self._check_screening(self.actions[name], removed.get(name)):
                left.append(self.actions[name])
        self._check_control(decision)
        self._check_consent(decision, chosen)
        self._check_answer(decision, chosen, removed, left)

    def _check_partition(
        self, decision: Decision, chosen: list[RankedAction], removed: dict[str, Removed]
    ) -> None:
        names = [one.action_id for one in chosen]
        assert len(set(names)) == len(names), "an action is answered twice"
        assert len(removed) == len(decision.removed), "an action is removed twice"
        expected = set(self.candidates)
        if not chosen:
            expected.discard("nothing")
            assert [one.action_id for one in decision.results] == ["nothing"]
        else:
            assert len(chosen) == len(decision.results), "the default action is among others"
        assert {*names} & {*removed} == set()
        assert {*names} | {*removed} == expected, "a candidate is neither here nor there"
        assert decision.candidates == len(expected)
        entered = decision.candidates
        for count, stage in zip(decision.funnel, STAGES, strict=True):
            lost = sum(one.stage == stage for one in decision.removed)
            assert count == (stage, entered, lost), (count, stage, entered, lost)
            entered -= lost
        assert entered == len(chosen)

    @staticmethod
    def _check_unknown(name: str, chosen: list[RankedAction], removed: dict[str, Removed]) -> None:
        if name != "nothing":
            expected = (name, "request", "", "candidates", "unknown_action", None)
            assert removed[name] == expected
        elif chosen:
            assert removed[name][1:5] == ("arbitration", "", "max_results", "outranked")

    def _check_screening(self, action: Content, removed: Removed | None) -> bool:
        """Check one candidate up to the contact stage; tell whether it had to go by then."""
        first = self.screening.objections(action)
        if first is not None:
            stage, objections = first
            assert removed is not None, (action["id"], "is answered in spite of", stage, objections)
            told = (removed.stage, (removed.policy_id, removed.reason))
            allowed = objections[:1] if stage in IN_ORDER else objections
            if stage == "eligibility":
                allowed = _first_policy(objections)
            assert told[0] == stage and told[1] in allowed, (action["id"], told, stage, objections)
            assert removed.tier == (stage if stage in TIERS else "")
            self._check_until(action, removed)
            return True
        if removed is not None:
            assert removed.stage in ("scoring", "arbitration"), (removed, "nothing speaks against")
            assert removed.until is None
        return False

    def _check_until(self, action: Content, removed: Removed) -> None:
        objection = (removed.policy_id, removed.reason)
        if removed.reason == "not_yet_valid":
            assert removed.until == moment_of(action["valid_from"]), removed
        elif removed.stage == "contact" and removed.reason != "ledger_unavailable":
            self._check_contact_until(action, objection, removed.until)
        else:
            assert removed.until is None, removed

    def _check_contact_until(
        self, action: Content, objection: Objection, until: datetime | None
    ) -> None:
        def still(at: datetime) -> bool:
            return objection in self.screening.limits.objections(action, at.timestamp())

        if until is None:
            later = self.case.now + MUCH_LATER
            assert still(later), (action["id"], objection, "ends by itself and has no until")
            return
        assert until > self.case.now, (action["id"], objection, until)
        before = until - timedelta(milliseconds=1)
        assert still(before), (action["id"], objection, f"is over before {until}")
        assert not still(until), (action["id"], objection, f"still holds at {until}")

    def _check_control(self, decision: Decision) -> None:
        groups = [one["id"] for one in self.screening.groups]
        assert decision.control_group == (groups[0] if groups else None)

    def _check_consent(self, decision: Decision, chosen: list[RankedAction]) -> None:
        def assumed(names: list[str]) -> bool:
            known = [self.actions[one] for one in names if one in self.actions]
            return any(self.screening.assumes(one) for one in known)

        if decision.consent_assumed:
            assert assumed(self.candidates)
        else:
            assert not assumed([one.action_id for one in chosen])

    def _check_answer(
        self,
        decision: Decision,
        chosen: list[RankedAction],
        removed: dict[str, Removed],
        left: list[Content],
    ) -> None:
        assert sorted(decision.degraded) == sorted(self.ranking.unscored())
        ranked = []
        for action in left:
            objections = self.ranking.objections(action)
            if not objections:
                ranked.append(action)
                continue
            gone = removed.get(action["id"])
            assert gone is not None, (action["id"], "is answered in spite of", objections)
            assert (gone.policy_id, gone.reason) in objections, (gone, objections)
        factors = {one["id"]: self.ranking.factors(one) for one in ranked}
        for place, result in enumerate(chosen):
            assert result.rank == place + 1
            self._check_result(result, factors[result.action_id])
        self._check_choice(chosen, removed, ranked, factors)

    def _check_result(self, result: RankedAction, factors: dict[str, float]) -> None:
        action, switches = self.actions[result.action_id], self.ranking.rules.get("factors", {})
        told = {name: getattr(result, name) for name in FACTORS}
        assert told == factors, (result.action_id, told, factors)
        product = 1.0
        for name in FACTORS:
            product *= told[name] if switches.get(name, True) else 1.0
        assert result.priority == product, (result.action_id, result.priority, product)
        assert 0.0 < result.probability <= 1.0
        assert result.mandatory == action.get("mandatory", False)
        assert result.confirm == (action.get("impact") == "significant")
        assert result.capped == self.screening.limits.takes_place(action), result.action_id
        assert (result.model_propensity is None) == ("propensity" in action)

    def _check_choice(
        self,
        chosen: list[RankedAction],
        removed: dict[str, Removed],
        ranked: list[Content],
        factors: dict[str, dict[str, float]],
    ) -> None:
        def first(action: Content) -> Any:
            own = factors[action["id"]]
            worth = (-self.ranking.priority(own), -own["propensity"], action["id"])
            return not action.get("mandatory", False), *worth

        best = sorted(ranked, key=first)
        names = [one.action_id for one in chosen]
        assert [one.mandatory for one in chosen] == sorted(
            (m.mandatory for m in chosen), reverse=True
        )
        plain = self.ranking.rules.get("exploration", {}).get(self.case.request.channel) is None
        if plain:
            order = best
            assert all(one.probability == 1.0 and not one.explored for one in chosen)
        else:
            # Chance decides who comes first; what is left over has to have had no room.
            answered = [self.actions[name] for name in names]
            order = [*answered, *(one for one in best if one["id"] not in names)]
        self._fill(order, chosen, removed)

    def _fill(
        self, order: list[Content], chosen: list[RankedAction], removed: dict[str, Removed]
    ) -> None:
        """Fill an answer in an order and compare it with the one that was given."""
        used: dict[Any, int] = {}
        taken: dict[str, int] = {}
        answer: list[tuple[str, str | None]] = []
        for action in order:
            quotas = self.ranking.quotas(action)
            full = {(of, why) for name, most, of, why in quotas if used.get(name, 0) >= most}
            spot = self.ranking.spot(action, taken)
            no_spot = bool(self.case.request.placements) and spot is None
            if len(answer) == self.case.request.max_results:
                full.add(("max_results", "outranked"))
            if no_spot:
                full.add(("placements", "placements_full"))
            if full:
                gone = removed.get(action["id"])
                assert gone is not None, (action["id"], "is one too many", full)
                assert gone.stage == "arbitration" and (gone.policy_id, gone.reason) in full, (
                    gone, full, answer,
                )  # fmt: skip
                continue
            for name, *_ in quotas:
                used[name] = used.get(name, 0) + 1
            if spot is not None:
                taken[spot] = taken.get(spot, 0) + 1
            answer.append((action["id"], spot))
        assert [(one.action_id, one.placement) for one in chosen] == answer


def _first_policy(objections: list[Objection]) -> list[Objection]:
    """Return the conditions of the catalog; without any, the first policy."""
    conditions = [one for one in objections if not one[0].startswith("policy")]
    return conditions or objections[:1]
