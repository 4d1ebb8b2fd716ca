"""Who a path or a verb is about: the customer, every id of the person, names on tombstones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from decisioning.ledger.ledger import Ledger
from features.clock import Clock, open_clock
from features.errors import FeatureError, LedgerError
from features.identity import CUSTOMER_NAMESPACE, IdentityKey
from serving.operations import Parts
from serving.problems import FieldError, ProblemError, wrong_fields
from serving.schemas import Name
from serving.settings import Settings
from serving.state import Store


class _Whose(BaseModel):
    """The customer of the path, with the limits that one in a request has."""

    customer_id: Name


def customer_of(request: Request) -> str:
    """Return the customer of a path.

    Raises
    ------
    ProblemError : `wrong_field`, it is no id that a request could have.
    """
    given = request.path_params["customer_id"]
    if "\ufffd" in given:
        # What is not UTF-8 in a path arrives as this: the objection would be nobody's.
        wrong = FieldError(field="customer_id", message="not UTF-8 in the path", value=given)
        raise ProblemError("wrong_field", "cannot use: customer_id", (wrong,))
    try:
        return _Whose(customer_id=given).customer_id
    except ValidationError as error:
        raise wrong_fields(error) from error


async def ids_of(parts: Parts, customer_id: str) -> tuple[str, ...]:
    """Return every id of the person, the given one first.

    Raises
    ------
    ProblemError : `not_readable`, the ledger cannot be read.
    """
    ledger = parts.desk.ledger
    try:
        if ledger is None:
            raise LedgerError("there is no ledger")
        return await parts.desk.patience.read(aliases, ledger, customer_id)
    except LedgerError as error:
        raise ProblemError("not_readable", "the ledger cannot be read") from error


def aliases(ledger: Ledger, customer_id: str) -> tuple[str, ...]:
    """Return every id of a person, the given one first.

    Raises
    ------
    LedgerError : the ledger cannot be read.
    """
    (found,) = ledger.people.people([customer_id]).values()
    return (customer_id, *(one for one in found if one != customer_id))


def subject_of(key: IdentityKey, customer_id: str) -> str:
    """Return the keyed hash under which a customer stands on a tombstone."""
    return key.hash(CUSTOMER_NAMESPACE, customer_id)


@dataclass(frozen=True)
class People:
    """What the command line needs to look after one person.

    Attributes
    ----------
    store : None where no features were built yet.
    """

    ledger: Ledger
    store: Store | None
    clock: Clock
    key: IdentityKey

    def ids_of(self, customer_id: str) -> tuple[str, ...]:
        """Return every id of the person, the given one first."""
        return aliases(self.ledger, customer_id)

    def subjects_of(self, customer_ids: Sequence[str]) -> list[str]:
        """Return the names of customers on tombstones."""
        return [subject_of(self.key, one) for one in customer_ids]


@contextmanager
def open_people(settings: Settings) -> Iterator[People]:
    """Open what the command line needs.

    Raises
    ------
    LedgerError, ConfigError : the ledger or the key cannot be used.
    """
    from features.store import open_store
    from serving.start import identity_key, open_desk_ledger

    try:
        store: Store | None = open_store(settings.home, settings.feature_repo, settings.places)
    except FeatureError:
        store = None
    with open_desk_ledger(settings) as ledger:
        yield People(ledger, store, open_clock(settings.clock_file), identity_key(settings))
