"""What a job has in its hands while it writes."""

from __future__ import annotations

from dataclasses import dataclass, field

from decisioning.ledger.chain import Head
from decisioning.ledger.counting import Counting
from decisioning.ledger.statements import Session
from decisioning.ledger.store import Store
from features.people import People


@dataclass
class Work:
    """One transaction of the writer.

    Attributes
    ----------
    head : the end of the chain so far.
    counting : what is counted but not written yet.
    people : the persons of everybody whom the transaction decides about; None where they have to
        be read anew.
    """

    session: Session
    store: Store
    head: Head
    counting: Counting = field(default_factory=Counting)
    people: People | None = None
