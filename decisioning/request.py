"""What is asked of a decision: plain values, already checked at the border."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

Channel = Literal["web", "app", "bot", "advisor", "email"]
Context = Literal["web", "bot", "advisor", "email"]
Direction = Literal["inbound", "outbound"]
Mode = Literal["live", "dry_run", "deferred"]
Explain = Literal["none", "top", "all"]
Language = Literal["en", "de"]


@dataclass(frozen=True)
class ContextEntry:
    """One fact of the moment, e.g. page / category / coffee."""

    type: str
    key: str
    value: str


@dataclass(frozen=True)
class DecisionRequest:
    """One question: what is best for this customer, here, now.

    Attributes
    ----------
    customer_id : None when nobody is recognised.
    candidates : only these actions are considered; None means the whole catalog.
    max_results : 1 to 100.
    """

    customer_id: str | None
    channel: Channel = "web"
    context: Context = "web"
    direction: Direction = "inbound"
    placements: tuple[str, ...] = ()
    contexts: tuple[ContextEntry, ...] = ()
    candidates: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()
    max_results: int = 3
    mode: Mode = "live"
    explain: Explain = "top"
    language: Language = "en"
    decision_request_id: str | None = None

    def id_of_decision(self, given: str) -> str:
        """Return the id of the decision: `given`, or for a request with an id always the same one.

        >>> asked = DecisionRequest("7", decision_request_id="r-1")
        >>> asked.id_of_decision("a") == asked.id_of_decision("b")
        True
        """
        if self.decision_request_id is None:
            return given
        return hashlib.sha256(self.decision_request_id.encode()).hexdigest()[:32]
