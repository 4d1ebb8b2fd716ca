"""Recognises customers by whatever ids a touchpoint has, while the request is being answered.

Ids leave this module only as keyed hashes: they are stored and logged nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from decisioning.identity_rules import IdentityRules, load_identity_rules
from decisioning.ledger.ledger import Ledger
from decisioning.recognition import Login, Presented, Recognised, recognise
from features.errors import IdentityError, LedgerError
from features.identity import CUSTOMER_NAMESPACE, IdentityKey
from serving.desk import Desk
from serving.following import Followed, file_stamp
from serving.logs import log

Identities = Mapping[str, Sequence[str]]
"""Ids by namespace, as they were sent."""


class Recognition:
    """Finds out who is meant, and writes down what is learned by it.

    Parameters
    ----------
    path : of the identity.yaml; followed by `refresh`.

    Raises
    ------
    IdentityError : the rules cannot be used.
    """

    def __init__(self, desk: Desk, key: IdentityKey, path: Path) -> None:
        self._desk, self._key = desk, key
        self._rules: Followed[IdentityRules] = Followed(
            "identity", lambda: file_stamp(path), _following(path)
        )
        self._rules.look()
        if self._rules.value is None:
            raise IdentityError(str(self._rules.trouble)) from self._rules.trouble
        self._failing: set[str] = set()

    @property
    def rules(self) -> IdentityRules:
        """The newest rules that could be used."""
        return self._rules.value or IdentityRules()

    def refresh(self) -> None:
        """Take up changed rules."""
        self._rules.look()

    def degraded(self) -> list[str]:
        """Return what is wrong, as codes."""
        return ["identity_refused"] if self._rules.trouble is not None else []

    def presented(self, identities: Identities) -> Presented:
        """Return ids as they may be kept."""
        hashed = {
            (namespace, self.hash(namespace, one))
            for namespace, ids in identities.items()
            if namespace != CUSTOMER_NAMESPACE
            for one in ids
        }
        named = dict.fromkeys(identities.get(CUSTOMER_NAMESPACE, ()))
        return Presented(tuple(named), tuple(sorted(hashed)))

    def hash(self, namespace: str, written: str) -> str:
        """Return the keyed hash of an id."""
        return self._key.hash(namespace, written, self.rules.of(namespace).in_data)

    async def recognise(self, identities: Identities, now: float) -> Recognised:
        """Return who is meant by ids that came together; what is new is durable then.

        Parameters
        ----------
        now : seconds since 1970, of the service's clock.

        Raises
        ------
        LedgerError : the ledger cannot be read or written; doing the same again is safe.
        """
        (found,) = await self.recognise_all((identities,), now)
        return found

    async def recognise_all(self, several: Sequence[Identities], now: float) -> list[Recognised]:
        """Return who is meant each time, in order, with one look into the ledger for all.

        Raises
        ------
        LedgerError : as `recognise`.
        """
        found = await self._look([self.presented(one) for one in several])
        await self._write([login for one in found for login in one.logins], now)
        return found

    async def for_decision(
        self, presented: Presented, now: float, leave_trace: bool = True
    ) -> Recognised:
        """Return who is meant, at worst nobody: what cannot be read or written is a code.

        Parameters
        ----------
        leave_trace : False for a trial.
        """
        try:
            (found,) = await self._look([presented])
        except LedgerError as error:
            self._tell("read", error)
            return _without_ledger(presented)
        self._failing.discard("read")
        if not found.logins or not leave_trace:
            return found
        try:
            await self._write(found.logins, now)
        except LedgerError as error:
            self._tell("write", error)
            return Recognised(found.customer_id, (*found.codes, "identity_not_recorded"))
        self._failing.discard("write")
        return found

    async def _look(self, asked: Sequence[Presented]) -> list[Recognised]:
        people = self._ledger().people
        if self._desk.remote:
            holders, persons = await self._desk.patience.read(people.look_up, asked)
        else:
            holders, persons = people.look_up(asked)
        return [recognise(one, self.rules, holders, persons) for one in asked]

    async def _write(self, logins: Sequence[Login], now: float) -> None:
        if logins:
            # Waited for: the very next decision, in whichever worker, has to see it.
            await self._desk.patience.written(self._ledger().people.note_logins(logins, now))

    def _ledger(self) -> Ledger:
        if self._desk.ledger is None:
            raise LedgerError("there is no ledger")
        return self._desk.ledger

    def _tell(self, what: str, error: LedgerError) -> None:
        # Once per outage, and only the kind: a database's message may hold what was written.
        if what not in self._failing:
            log().error("identities_failed", what=what, error=type(error).__name__)
        self._failing.add(what)


def _without_ledger(presented: Presented) -> Recognised:
    """Return the one customer that was named outright, or else nobody."""
    if len(presented.customer_ids) == 1 and not presented.hashed:
        return Recognised(presented.customer_ids[0])
    named = presented.customer_ids[0] if len(presented.customer_ids) == 1 else None
    return Recognised(named, ("identity_not_resolved",))


def _following(path: Path) -> Callable[[], IdentityRules]:
    """Return what reads the rules again and again; those in force must not just vanish."""
    seen = False

    def load() -> IdentityRules:
        nonlocal seen
        there = path.exists() and path.stat().st_size > 0
        if seen and not there:
            raise IdentityError(f"{path}: is gone or empty, and was in force until now")
        rules = load_identity_rules(path)
        seen = there
        return rules

    return load
