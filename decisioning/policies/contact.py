"""How often is enough: what contact policies, budgets and quiet hours leave of the candidates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from decisioning.catalog import Catalog
from decisioning.history import NO_HISTORY, History, HistoryNeeds
from decisioning.policies.limits import (
    ContactCheck,
    Occasion,
    Seen,
    Shared,
    transactional,
)
from decisioning.policies.pauses import Pause
from decisioning.policies.personal import PersonalLimit
from decisioning.policies.policy_file import PolicyFile
from decisioning.policies.quiet import Quiet
from decisioning.policies.volumes import VolumeLimit, budgets
from decisioning.policies.words import REASONS
from decisioning.request import Channel, DecisionRequest, Direction
from decisioning.treatments import Words
from features.calendar import Calendar

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Verdicts = npt.NDArray[np.bool_]

Limit = Shared


class ContactJudged(NamedTuple):
    """What contact policies say of candidate rows; arrays are of shape (rows,).

    Attributes
    ----------
    failed : position in `ContactBook.policies` of the first that turns the row down, -1 for none.
    until : when that one lets it through again, in seconds since 1970; NaN where nobody knows.
    capped : whether returning the row takes a place that a limit counts.
    limits : what is left of the limits that several of the rows share, where that is less than
        those rows.
    nobody : whether it is known without looking that none is turned down.
    """

    failed: Index
    until: Array
    capped: Verdicts
    limits: tuple[Limit, ...]
    nobody: bool = False


@dataclass(frozen=True)
class Named:
    """How answers name a limit."""

    id: str
    reason: str
    words: Words


class ContactBook:
    """All limits for one catalog, those on the own account of the product too.

    Attributes
    ----------
    policies : names in the order in which they are asked: contact policies, budgets, quiet hours,
        and last what stands for a history that could not be read.
    needs : what they ask the ledger for.
    """

    def __init__(self, file: PolicyFile, catalog: Catalog, calendar: Calendar) -> None:
        self._checks = _checks(file, catalog, calendar)
        self._zone = calendar.zone
        self._position = catalog.position
        self._transactional: list[bool] = transactional(catalog).tolist()
        unreadable = Named("ledger", "ledger_unavailable", REASONS["ledger_unavailable"])
        self.policies: tuple[Named, ...] = (
            *(Named(one.id, one.reason, one.words) for one in self._checks),
            unreadable,
        )
        # Of actions, each once, there are never more rows.
        self._never = np.full(len(catalog.ordered), np.nan)
        self._never.flags.writeable = False
        self.needs = _needs(self._checks, catalog)
        self._plans = {
            (channel, direction, deferred): _Plan.of(
                self._checks, channel, direction, deferred, catalog
            )
            for channel in get_args(Channel)
            for direction in get_args(Direction)
            for deferred in (False, True)
        }

    def judge(
        self, history: History | None, request: DecisionRequest, action: Index, now: datetime
    ) -> ContactJudged:
        """Return which rows have been offered often enough.

        Nobody is contacted by a deferred decision itself, so quiet hours do not turn it down; they
        are kept when it is sent, for which see `quiet_until`.

        Parameters
        ----------
        history : None where nobody could read it; what a limit needs it for is turned down then.
        action : shape (rows,), positions of the actions, each once.
        """
        plan = self._plans[request.channel, request.direction, request.mode == "deferred"]
        known = history is not None
        failed = (plan.failed if known else plan.blind).take(action)
        capped = plan.capped.take(action) if known else np.zeros(len(action), dtype=bool)
        if plan.has_said_all(history, len(action)):
            nobody = known and plan.lets_all_through
            return ContactJudged(failed, self._never[: len(action)], capped, (), nobody)
        until = np.full(len(action), np.nan)
        shared: list[Limit] = []
        occasion = self._occasion(history, request, action, now, plan.outcomes)
        for at, check in plan.checks if known else plan.without_history:
            if not check.minds(occasion) and check.narrowest >= len(action):
                continue
            said = check.check(occasion, check.applies.take(action))
            if said is not None:
                # Before what is turned down whatever happened, but not instead of the ledger.
                new = said.blocked & ((failed < 0) | ((failed > at) & known))
                failed[new], until[new] = at, said.until[new]
                shared += said.shared
        return ContactJudged(failed, until, capped, _still_shared(shared, failed < 0))

    def quiet_until(
        self, request: DecisionRequest, action: Index, now: datetime, time_zone: str | None
    ) -> float | None:
        """Return when the quiet time is over in which any of some actions may not be sent.

        In seconds since 1970, UTC; None where it is not quiet, and infinite where nobody knows.

        Parameters
        ----------
        action : shape (rows,), positions of the actions; transactional ones are never held up.
        time_zone : the customer's own; None for the company's.
        """
        history = replace(NO_HISTORY, time_zone=time_zone)
        occasion = self._occasion(history, request, action, now, frozenset())
        ends = [
            float(np.nan_to_num(said.until[said.blocked], nan=np.inf).max())
            for check in self._checks
            if isinstance(check, Quiet)
            and check.hours.counts_for(request.channel, request.direction)
            if (said := check.check(occasion, check.applies.take(action))) is not None
            if said.blocked.any()
        ]
        return max(ends, default=None)

    def _occasion(
        self,
        history: History | None,
        request: DecisionRequest,
        action: Index,
        now: datetime,
        outcomes: frozenset[str],
    ) -> Occasion:
        known = NO_HISTORY if history is None else history
        seconds = now.timestamp()
        seen: dict[str, list[Seen]] = {}
        for contact in known.contacts:
            if contact.outcome not in outcomes:
                continue
            lapses = contact.reserved_until
            position = self._position.get(contact.action_id, -1)
            if lapses is None:
                lapses = np.inf
            if lapses > seconds and not (position >= 0 and self._transactional[position]):
                one = Seen(position, contact.at, lapses, contact)
                seen.setdefault(contact.outcome, []).append(one)
        return Occasion(
            seen=seen,
            volumes=known.volumes,
            channel=request.channel,
            action=action,
            now=seconds,
            moment=now,
            zones=(known.time_zone, self._zone),
            position=self._position,
        )


@dataclass(frozen=True)
class _Plan:
    """The limits that count on one kind of request, and what they say before anything happened.

    Attributes
    ----------
    checks : each limit with its position.
    without_history : those that can be asked when nobody could read the history.
    failed : shape (actions,), the first that turns an action down whatever happened; -1 for none.
    blind : shape (actions,), the same when nobody could read the history.
    capped : shape (actions,), whether returning the action takes a place that a limit counts.
    outcomes : what any of them counts.
    narrowest : up to how many rows no limit of an empty history is short of places.
    """

    checks: tuple[tuple[int, ContactCheck], ...]
    without_history: tuple[tuple[int, ContactCheck], ...]
    failed: Index
    blind: Index
    capped: Verdicts
    outcomes: frozenset[str]
    narrowest: float

    @cached_property
    def lets_all_through(self) -> bool:
        """Whether nothing is turned down whatever happened."""
        return not (self.failed >= 0).any()

    @classmethod
    def of(
        cls,
        all_checks: tuple[ContactCheck, ...],
        channel: Channel,
        direction: Direction,
        deferred: bool,
        catalog: Catalog,
    ) -> _Plan:
        checks = tuple(
            (at, check)
            for at, check in enumerate(all_checks)
            if check.entry is None or check.entry.counts_for(channel, direction)
            if not (deferred and isinstance(check, Quiet))
        )
        failed = np.full(len(catalog.ordered), -1, dtype=np.int64)
        blind = failed.copy()
        capped = np.zeros(len(failed), dtype=bool)
        for at, check in checks:
            failed[check.blocked & (failed < 0)] = at
            if check.needs_history:
                blind[check.applies] = len(all_checks)
            if check.takes_places:
                capped |= check.applies
        return cls(
            checks=checks,
            without_history=tuple(one for one in checks if not one[1].needs_history),
            failed=failed,
            blind=blind,
            capped=capped,
            outcomes=frozenset().union(*(check.counts for _, check in checks)),
            narrowest=min((check.narrowest for _, check in checks), default=np.inf),
        )

    def has_said_all(self, history: History | None, rows: int) -> bool:
        """Tell whether no limit has to be asked for so many rows."""
        asked = self.without_history
        if history is not None and (history.contacts or history.volumes):
            asked = self.checks
        return not asked and (history is None or self.narrowest >= rows)


def _checks(file: PolicyFile, catalog: Catalog, calendar: Calendar) -> tuple[ContactCheck, ...]:
    checks: list[ContactCheck] = []
    for policy in file.contact_policies:
        if not policy.enabled:
            continue
        if policy.everyone:
            checks.append(VolumeLimit.of(policy, catalog, calendar))
        elif policy.pause_days is not None:
            checks.append(Pause(policy, catalog))
        else:
            checks.append(PersonalLimit(policy, catalog))
    checks += budgets(catalog, calendar)
    checks += [Quiet(one, catalog) for one in file.quiet_hours if one.enabled]
    return tuple(checks)


def _needs(checks: tuple[ContactCheck, ...], catalog: Catalog) -> HistoryNeeds:
    volumes = [one for one in checks if isinstance(one, VolumeLimit)]
    counted = np.zeros(len(catalog.ordered), dtype=bool)
    for one in volumes:
        counted |= one.applies
    asked = [name for name, is_asked in zip(catalog.action_ids, counted, strict=True) if is_asked]
    days = [one.days for one in volumes]
    return HistoryNeeds(
        contact_seconds=max((one.contact_seconds for one in checks), default=0.0),
        volume_action_ids=tuple(asked),
        volume_days=None if None in days else max((one for one in days if one), default=0),
    )


def _still_shared(shared: list[Limit], alive: Verdicts) -> tuple[Limit, ...]:
    """Leave out rows that are turned down, and limits that are wide enough for the others."""
    left = [limit._replace(rows=limit.rows & alive) for limit in shared]
    return tuple(limit for limit in left if int(limit.rows.sum()) > limit.remaining)
