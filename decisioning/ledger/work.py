"""What a job has in its hands while it writes."""

from __future__ import annotations

from dataclasses import dataclass, field

from decisioning.ledger.chain import Head
from decisioning.ledger.counting import Counting
from decisioning.ledger.statements import Session
from decisioning.ledger.store import Store


@dataclass
class Work:
    """One transaction of the writer.

    Attributes
    ----------
    head : the end of the chain so far.
    counting : what is counted but not written yet.
    """

    session: Session
    store: Store
    head: Head
    counting: Counting = field(default_factory=Counting)
