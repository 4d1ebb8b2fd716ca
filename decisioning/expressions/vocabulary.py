"""The names that an expression may use: features, facts of the action and of the request, typed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from features import contacts, declared
from features.spec import Block
from features.spelling import did_you_mean

Kind = Literal["double", "int", "string", "bool", "texts", "facts"]
"""`texts` is a list of strings, `facts` a map from string to string."""

Fact = float | int | str | bool | list[str] | dict[str, str]

REQUEST: Mapping[str, Kind] = {
    "request.channel": "string",
    "request.context": "string",
    "request.direction": "string",
    "request.language": "string",
    "request.placements": "texts",
    "request.contexts": "facts",
    "request.hour": "int",
    "request.weekday": "int",
}
"""What a request says; the hour (0 to 23) and the weekday (1 = Monday) are the customer's."""

EVENT: Mapping[str, Kind] = {
    "event.type": "string",
    "event.channel": "string",
    "event.action_id": "string",
    "event.category": "string",
    "event.session_id": "string",
    "event.amount": "double",
    "event.rating": "double",
    "event.value": "double",
}
"""What an event says; only triggers can ask for it."""

ACTION: Mapping[str, Kind] = {
    "action.id": "string",
    "action.issue": "string",
    "action.group": "string",
    "action.category": "string",
    "action.purpose": "string",
    "action.mandatory": "bool",
    "action.cost": "double",
}
"""What the catalog says of every action; `action.category` is "" where it has none."""

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEYWORDS = {"in", "true", "false", "null"}


class ActionLike(Protocol):
    """What the vocabulary asks of an action; `decisioning.action.Action` is one."""

    @property
    def id(self) -> str:
        """Its name."""
        ...

    @property
    def issue(self) -> str:
        """Its business question."""
        ...

    @property
    def group(self) -> str:
        """Its group."""
        ...

    @property
    def category(self) -> str | None:
        """The category that it is about."""
        ...

    @property
    def purpose(self) -> str:
        """What it is for."""
        ...

    @property
    def mandatory(self) -> bool:
        """Whether it goes first."""
        ...

    @property
    def cost(self) -> float:
        """What taking it costs."""
        ...

    @property
    def attributes(self) -> Mapping[str, float | str]:
        """What else describes it."""
        ...


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Every name of one catalog's expressions.

    Attributes
    ----------
    kinds : the type of each name.
    columns : of the names that are features, the declared feature.
    facts : what never changes of each action, by name, in the order of the catalog; an attribute
        that an action has not got is left out.
    """

    kinds: Mapping[str, Kind]
    columns: Mapping[str, str]
    facts: tuple[Mapping[str, Fact], ...]

    @classmethod
    def of(cls, actions: Sequence[ActionLike]) -> Vocabulary:
        """Return the names for some actions and all declared features.

        >>> names = Vocabulary.of(())
        >>> names.kinds["profile.trips_91d"], names.kinds["known.journey.days_since_complaint"]
        ('double', 'bool')
        """
        columns = _feature_names()
        attributes = _attributes(actions)
        kinds: dict[str, Kind] = {**attributes, **dict.fromkeys(columns, "double"), **ACTION}
        askable = [*columns, *(name for name in attributes if name not in ACTION)]
        kinds |= {f"known.{name}": "bool" for name in askable}
        return cls({**kinds, **REQUEST}, columns, tuple(_facts(one) for one in actions))

    def without_request(self) -> Vocabulary:
        """Return the same names but those of the request, for what has to hold in training too."""
        kept = {name: kind for name, kind in self.kinds.items() if name not in REQUEST}
        return Vocabulary(kept, self.columns, self.facts)

    def with_event(self) -> Vocabulary:
        """Return the same names and those of an event."""
        asked: dict[str, Kind] = {f"known.{name}": "bool" for name in EVENT}
        return Vocabulary({**self.kinds, **EVENT, **asked}, self.columns, self.facts)

    def is_constant(self, name: str) -> bool:
        """Tell whether a name means the same for an action in every decision."""
        asked = name.removeprefix("known.")
        return asked.startswith("action.") and asked not in self.columns

    def nearest(self, name: str) -> str:
        """Return what was probably meant as the end of a message; nothing when nothing is near.

        >>> Vocabulary.of(()).nearest("profile.complaints_91d")
        "; did you mean 'journey.complaints_91d'?"
        """
        if name in REQUEST:
            return "; the request is not known here"
        prefix = "known." if name.startswith("known.") else ""
        last = name.rpartition(".")[2]
        same = [f"{prefix}{one}.{last}" for one in ("profile", "journey", "action", "request")]
        found = next((one for one in same if one in self.kinds and one != name), None)
        return f"; did you mean {found!r}?" if found else did_you_mean(name, self.kinds)


def _feature_names() -> dict[str, str]:
    """Return the features by what expressions call them."""
    of_contacts = {feature.name for feature in (*contacts.STORED, *contacts.DERIVED)}
    names = {}
    for feature in declared.model_inputs():
        if declared.feature(feature).block is not Block.CUSTOMER:
            names[f"action.{feature}"] = feature
        else:
            names[f"{'journey' if feature in of_contacts else 'profile'}.{feature}"] = feature
    return names


def _attributes(actions: Iterable[ActionLike]) -> dict[str, Kind]:
    """Return the attributes that can be written in an expression; of any other kind no name can."""
    return {
        f"action.{key}": "string" if isinstance(value, str) else "double"
        for action in actions
        for key, value in action.attributes.items()
        if _PLAIN_NAME.fullmatch(key) and key not in _KEYWORDS
    }


def _facts(action: ActionLike) -> dict[str, Fact]:
    attributes: dict[str, Fact] = {
        f"action.{key}": value if isinstance(value, str) else float(value)
        for key, value in action.attributes.items()
    }
    return attributes | {
        "action.id": action.id,
        "action.issue": action.issue,
        "action.group": action.group,
        "action.category": action.category or "",
        "action.purpose": action.purpose,
        "action.mandatory": action.mandatory,
        "action.cost": float(action.cost),
    }
