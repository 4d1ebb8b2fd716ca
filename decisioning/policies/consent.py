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
        at = now.timestamp()
        said = {
            purpose: self._judge_purpose(history, purpose, request.channel, at)
            for purpose in self._purposes
        }
        if not any(reason or assumed for reason, assumed in said.values()):
            return ConsentJudged(("",) * len(action), False)
        mine = [self._purpose_of[position] for position in action.tolist()]
        assumed = any(said[purpose][1] for purpose in dict.fromkeys(mine))
        return ConsentJudged(tuple(said[purpose][0] for purpose in mine), assumed)

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
        status = status_of(history.consents, purpose, channel, now)
        if status in _STOPPED:
            return _STOPPED[status], False
        if status == "granted" or not needed:
            return "", False
        return ("", True) if self._assumed else ("no_consent", False)
