"""What the customer agreed to, per purpose and channel, and the absolute right to object."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from decisioning.action import Purpose
from decisioning.catalog import Catalog
from decisioning.consent_status import status_of
from decisioning.history import History
from decisioning.policies.policy_file import PolicyFile
from decisioning.request import DecisionRequest

Index = npt.NDArray[np.int64]
Verdicts = npt.NDArray[np.bool_]
PurposeRows = tuple[tuple[Purpose, Verdicts], ...]
"""Purposes, and of each which rows it is of."""

_STOPPED = {"withdrawn": "consent_withdrawn", "objected": "objected"}


class ConsentJudged(NamedTuple):
    """What consent says of candidate rows.

    Attributes
    ----------
    reason : one code per row: no_consent, consent_withdrawn, objected, consent_unreadable, or
        empty where it may be offered.
    assumed : whether a row is only allowed because consent is assumed.
    """

    reason: tuple[str, ...]
    assumed: bool


class ConsentBook:
    """Who may be told about what, for one catalog.

    Attributes
    ----------
    needed : whether the consent log has to be read at all.
    """

    def __init__(self, file: PolicyFile, catalog: Catalog) -> None:
        purposes: tuple[Purpose, ...] = get_args(Purpose)
        self._needed_on = {one: file.consent.needed_on(one) for one in purposes}
        self._assumed = file.consent.assumed is not None
        self._purpose_of = tuple(action.purpose for action in catalog.ordered)
        self._purposes = tuple(one for one in purposes if one in self._purpose_of)
        self.needed = self._purposes != ("transactional",)

    def judge(
        self, history: History | None, request: DecisionRequest, action: Index, now: datetime
    ) -> ConsentJudged:
        """Return which rows consent turns down.

        Parameters
        ----------
        history : None where nobody could read it; marketing is turned down then.
        action : shape (rows,), positions of the actions.
        """
        purposes = self.purposes_of(action)
        stopped, assumed = self.stopped(history, request, purposes, now.timestamp())
        reason = np.full(len(action), "", dtype=object)
        for code, rows in stopped:
            reason[rows] = code
        return ConsentJudged(tuple(reason), assumed)

    def purposes_of(self, action: Index) -> PurposeRows:
        """Return what some rows are for, and of each purpose which rows, shape (rows,)."""
        mine = np.array([self._purpose_of[position] for position in action.tolist()], dtype=object)
        return tuple((one, mine == one) for one in self._purposes if (mine == one).any())

    def stopped(
        self,
        history: History | None,
        request: DecisionRequest,
        purposes: PurposeRows,
        at: float,
    ) -> tuple[list[tuple[str, Verdicts]], bool]:
        """Return the rows that consent turns down, by reason code, and whether any is assumed.

        Parameters
        ----------
        at : when, in seconds since 1970.
        """
        stopped, any_assumed = [], False
        for purpose, rows in purposes:
            reason, assumed = self._judge_purpose(history, purpose, request.channel, at)
            any_assumed = any_assumed or assumed
            if reason:
                stopped.append((reason, rows))
        return stopped, any_assumed

    def _judge_purpose(
        self, history: History | None, purpose: Purpose, channel: str, now: float
    ) -> tuple[str, bool]:
        """Return the reason code of a purpose, and whether it is only allowed by assumption."""
        if purpose == "transactional":
            return "", False
        needed = channel in self._needed_on[purpose]
        if history is None:
            unreadable = needed or purpose == "marketing"
            return ("consent_unreadable" if unreadable else ""), False
        log = history.consents
        status = status_of(log, purpose, channel, now) if log else None
        if status in _STOPPED:
            return _STOPPED[status], False
        if status == "granted" or not needed:
            return "", False
        return ("", True) if self._assumed else ("no_consent", False)
