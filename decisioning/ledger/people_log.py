"""Who is who, as the service asks and tells it: links and merges of one ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from decisioning.ledger import identities
from decisioning.ledger.identities import Change, Stated
from decisioning.ledger.jobs import ChangePeople
from decisioning.ledger.store import Readers
from decisioning.ledger.work import Work
from decisioning.ledger.writer import Writer
from decisioning.recognition import Login, Presented, concerned
from features.identity import Link, holders
from features.people import People

Holders = Mapping[tuple[str, str], tuple[str, ...]]


class PeopleLog:
    """The links and merges of a ledger; every method may be called from any thread.

    Methods that write return a future, as those of the ledger do. Everybody who reads afterwards,
    in whichever process, sees what was written.
    """

    def __init__(self, readers: Readers, writer: Writer) -> None:
        self._readers, self._writer = readers, writer

    def look_up(self, presented: Iterable[Presented]) -> tuple[Holders, People]:
        """Return whom ids are linked to, and the persons of everybody who may be meant.

        Raises
        ------
        LedgerError : the ledger cannot be read.
        """
        asked = tuple(presented)
        hashes = {id_hash for one in asked for _, id_hash in one.hashed}
        with self._readers.lend() as session:
            held = holders(identities.read_links(session, hashes)) if hashes else {}
            customers = {found for one in asked for found in concerned(one, held)}
            return held, identities.read_people(session, customers)

    def people(self, customer_ids: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """Return the persons of some customers: by root all customer ids, the root first.

        Raises
        ------
        LedgerError : the ledger cannot be read.
        """
        asked = sorted(set(customer_ids))
        with self._readers.lend() as session:
            return identities.read_people(session, asked).of(asked)

    def persons(self) -> Mapping[str, tuple[str, ...]]:
        """Return everybody who has several customer ids: all of them by root, the root first.

        Raises
        ------
        LedgerError : the ledger cannot be read.
        """
        with self._readers.lend() as session:
            return identities.read_persons(session)

    def root(self, customer_id: str) -> str:
        """Return the customer id that the profile of a customer is kept under.

        Raises
        ------
        LedgerError : the ledger cannot be read.
        """
        with self._readers.lend() as session:
            return identities.read_people(session, [customer_id]).root(customer_id)

    def log_of(self, customer_ids: Sequence[str]) -> tuple[tuple[Link, ...], People]:
        """Return all links and the persons of some customers, to explain them.

        Raises
        ------
        LedgerError : the ledger cannot be read.
        """
        with self._readers.lend() as session:
            people = identities.read_people(session, customer_ids)
            everybody = {alias for one in customer_ids for alias in people.aliases(one)}
            return tuple(identities.links_of(session, everybody)), people

    def note_logins(self, logins: Sequence[Login], now: float) -> Future[None]:
        """Link ids to the persons they came together with, by their rules."""
        kept = tuple(logins)
        return self._change(lambda work: identities.note_logins(work, kept, now), len(kept))

    def state(self, stated: Sequence[Stated], now: float, source: str) -> Future[list[Change]]:
        """Link ids to customers, or take links back, because somebody says so."""
        kept = tuple(stated)
        return self._change(lambda work: identities.state_links(work, kept, now, source), len(kept))

    def merge(self, absorbed_id: str, customer_id: str, now: float, source: str) -> Future[Change]:
        """Make one customer another one, until it is taken back."""
        return self._change(
            lambda work: identities.merge_customers(work, absorbed_id, customer_id, now, source)
        )

    def unmerge(
        self, absorbed_id: str, customer_id: str, now: float, source: str
    ) -> Future[Change]:
        """Take a merge back: everything is as if it had not been."""
        return self._change(
            lambda work: identities.unmerge_customers(work, absorbed_id, customer_id, now, source)
        )

    def _change(self, do: Callable[[Work], Any], weight: int = 1) -> Future[Any]:
        return self._writer.submit(ChangePeople(do, weight=max(weight, 1)))
