"""One condition about a customer as of a moment, for whom no action is considered yet.

It is written in the same language and about the same features as a policy, and what is missing or
cannot be evaluated is no yes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np

from decisioning.expressions import PASSED, Fact, Reader, Vocabulary, compile_condition
from decisioning.local_time import LocalTime
from decisioning.moment import Moment
from decisioning.request import DecisionRequest
from decisioning.world import Array, World
from features.errors import PolicyError
from features.profiles import Profiles

_ANY_ACTION = np.zeros(1, dtype=np.int64)


class CustomerCondition:
    """An expression about the customer and the request, and about an event where there is one.

    Parameters
    ----------
    vocabulary : `Vocabulary.of` the catalog, with the names of an event where there is one.
    place : the key path or option for messages; empty for messages without one.

    Raises
    ------
    PolicyError : it cannot be used, or asks about an action.
    """

    def __init__(self, text: str, vocabulary: Vocabulary, place: str) -> None:
        self._condition = compile_condition(text, vocabulary, place)
        if self._condition.of_action:
            said = f"asks about an action (value {text!r})"
            raise PolicyError(f"{place}: {said}" if place else said)
        self._reader = Reader(vocabulary, self._condition.names)

    def holds(
        self,
        request: DecisionRequest,
        profiles: Profiles,
        popularity: Array,
        world: World,
        now: datetime,
        time_zone: str | None = None,
        event: Mapping[str, Fact] | None = None,
    ) -> bool:
        """Tell whether it is true of a customer.

        Parameters
        ----------
        profiles : one row, read before `now`.
        popularity : shape (1, actions, popularity features).
        time_zone : the customer's own; None for the company's.
        event : values by name, such as `event.type`; what is left out is missing.

        Raises
        ------
        LeakError : the profile knows something from at or after `now`.
        """
        moment = Moment(profiles, popularity, None, now)
        columns = world.builder.columns(moment.candidates(_ANY_ACTION))
        local = LocalTime.at(now, time_zone, world.calendar.zone)
        customer = self._reader.customer(columns, request, local)
        return self._condition.judge(self._reader.bind(customer, event or {})) == PASSED
