"""Takes a recorded decision again and tells whether the ranking is the same, to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from decisioning.configuration import Configuration
from decisioning.decide import decide
from decisioning.decision import Decision
from decisioning.moment import Moment
from decisioning.record import (
    Array,
    Record,
    layout_from,
    popularity_from,
    profiles_from,
    read_record,
)
from decisioning.request import DecisionRequest, Explain
from decisioning.world import PropensityModel, World, build_world
from features.calendar import Calendar
from features.layout import Layout

COMPARED = ("action_id", "placement", "priority", "propensity", "probability", "explored")
"""What has to be the same of every result; the reasons for removals are compared too."""


@dataclass(frozen=True)
class Again:
    """A record and the decision that was taken again from it.

    Attributes
    ----------
    differences : what is not the same, in words; empty when nothing is.
    """

    record: Record
    decision: Decision
    moment: Moment
    world: World
    differences: tuple[str, ...]


class Replayer:
    """Takes decisions again with the configuration, layout, popularity and model of then.

    Parameters
    ----------
    snapshot : returns the content of a digest.
    model : returns the model of a version such as `adoption/20180101T060000`.
    """

    def __init__(
        self,
        snapshot: Callable[[str], bytes],
        model: Callable[[str], PropensityModel | None],
    ) -> None:
        self._snapshot, self._model = snapshot, model
        self._world = lru_cache(maxsize=8)(self._build)
        self._popularity = lru_cache(maxsize=32)(self._read_popularity)
        self._layout = lru_cache(maxsize=8)(self._read_layout)

    def take_again(self, payload: bytes, vectors: bytes, explain: Explain | None = None) -> Again:
        """Return the decision of a record, taken again; with `explain`, told in more detail.

        Raises
        ------
        LedgerError, ModelError : the record, a snapshot or the model is not there any more.
        """
        record = read_record(payload)
        shared = record.shared
        world = self._world(
            shared.configuration,
            shared.layout,
            record.model,
            shared.time_zone,
            shared.without_model,
        )
        request = record.request if explain is None else replace(record.request, explain=explain)
        moment = Moment(
            profiles_from(vectors, request.customer_id, self._layout(shared.profile_layout)),
            self._popularity(shared.popularity),
            record.history,
            record.now,
        )
        decision = decide_at(moment, request, world, record.decision_id)
        return Again(record, decision, moment, world, differences(record, decision))

    def _build(
        self, configuration: str, layout: str, model: str, time_zone: str, without_model: bool
    ) -> World:
        return build_world(
            Configuration.from_content(self._snapshot(configuration)),
            self._model(model) if model else None,
            self._layout(layout),
            Calendar(time_zone),
            without_model,
        )

    def _read_layout(self, digest: str) -> Layout:
        return layout_from(self._snapshot(digest))

    def _read_popularity(self, digest: str) -> Array:
        return popularity_from(self._snapshot(digest))


def decide_at(moment: Moment, request: DecisionRequest, world: World, decision_id: str) -> Decision:
    """Take a decision at a moment."""
    return decide(
        request,
        moment.profiles,
        moment.popularity,
        world,
        moment.now,
        moment.history,
        decision_id,
    )


def differences(record: Record, decision: Decision) -> tuple[str, ...]:
    """Return what is not the same in a decision and its record, in words."""
    found = []
    then = [tuple(one[name] for name in COMPARED) for one in record.results]
    now = [tuple(getattr(one, name) for name in COMPARED) for one in decision.results]
    if then != now:
        found.append(f"results were {then}, are {now}")
    gone = sorted((one[0], one[1], one[3], one[4]) for one in record.removed)
    again = sorted((r.action_id, r.stage, r.policy_id, r.reason) for r in decision.removed)
    if gone != again:
        differing = sorted({*gone} ^ {*again})[:5]
        found.append(f"removals differ, e.g. {differing}")
    return tuple(found)
