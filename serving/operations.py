"""What the service can do, as one table: routes and their documentation are made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from serving.erasures import Erasures
from serving.keys import Caller, KeyRing
from serving.metrics import Metrics
from serving.settings import Settings

if TYPE_CHECKING:
    from serving.desk import Desk
    from serving.engine import Engine
    from serving.recognition import Recognition
    from serving.refilling import Refilling
    from serving.refreshing import Refreshing
    from serving.triggering import Triggering

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Parts:
    """What the handlers work with; `request.app.state.parts`.

    Attributes
    ----------
    refreshing : None where there is no ledger to read events from.
    refilling, triggering : what looks after the online store, and what runs triggers; None outside
        of the service.
    """

    settings: Settings
    engine: Engine
    desk: Desk
    keys: KeyRing
    metrics: Metrics
    recognition: Recognition
    refreshing: Refreshing | None = None
    refilling: Refilling | None = None
    triggering: Triggering | None = None

    @cached_property
    def erasures(self) -> Erasures:
        """The erasures that this process was asked for."""
        return Erasures(self.settings.home / "erasures")

    def touched(self, customer_ids: Iterable[str]) -> None:
        """Have the profiles of customers refreshed soon: something of theirs was stored."""
        if self.refreshing is not None:
            self.refreshing.touched(customer_ids)

    def happened(self, event_ids: Iterable[str]) -> None:
        """Have the profiles of the customers of stored events refreshed soon."""
        if self.refreshing is not None:
            self.refreshing.happened(event_ids)


@dataclass(frozen=True)
class Operation:
    """One method at one path.

    Attributes
    ----------
    scope : the scope a key needs; "" when no key is needed; "decide" when it depends on the body.
    body_types : what the Content-Type of a request may be.
    answer : model of the answer with status 200; None for one that is not JSON.
    problems : statuses beside 200 that come from the handler itself.
    examples : request bodies by name.
    query : what each parameter of the query means, by name; none has to be sent.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    scope: str = ""
    body: type[BaseModel] | None = None
    body_types: tuple[str, ...] = ("application/json",)
    answer: type[BaseModel] | None = None
    media_type: str = "application/json"
    problems: tuple[int, ...] = ()
    examples: Mapping[str, object] = field(default_factory=dict)
    answer_example: object = None
    query: Mapping[str, str] = field(default_factory=dict)


def parts_of(request: Request) -> Parts:
    """Return what the handlers work with."""
    parts: Parts = request.app.state.parts
    return parts


def caller_of(request: Request) -> Caller:
    """Return who is calling.

    Raises
    ------
    ProblemError : `no_key`.
    """
    sent = (value for name, value in request.scope["headers"] if name == b"authorization")
    header = next(sent, None)
    keys = parts_of(request).keys
    return keys.identify(None if header is None else header.decode("latin-1"))
