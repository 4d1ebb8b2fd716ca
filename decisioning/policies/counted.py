"""What counts together: per action, group, issue or all, and which contacts a policy counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from decisioning.catalog import Catalog
from decisioning.history import Contact
from decisioning.policies.contact_rules import ContactPolicy
from decisioning.policies.limits import (
    Array,
    Checked,
    Index,
    Occasion,
    Seen,
    Shared,
    Verdicts,
    transactional,
)

Kind = Literal["action", "group", "issue", "all"]


@dataclass(frozen=True)
class Keys:
    """What is counted together: a number for every action, group or issue, or one for all.

    Attributes
    ----------
    of_action : shape (actions,), the number of each action.
    """

    per: Kind
    of_action: Index
    by_name: Mapping[str, int]

    @classmethod
    def of(cls, per: Kind, catalog: Catalog) -> Keys:
        """Return the keys of a catalog."""
        if per == "all":
            return cls(per, np.zeros(len(catalog.ordered), dtype=np.int64), {})
        field = "id" if per == "action" else per
        names = [str(getattr(action, field)) for action in catalog.ordered]
        by_name = {name: code for code, name in enumerate(dict.fromkeys(names))}
        return cls(per, np.array([by_name[name] for name in names], dtype=np.int64), by_name)

    @property
    def size(self) -> int:
        """How many there are."""
        return max(len(self.by_name), 1)

    def of_contact(self, contact: Contact) -> int | None:
        """Return the key of a contact by the names that it has; None for an unknown name."""
        if self.per == "all":
            return 0
        name = contact.action_id if self.per == "action" else getattr(contact, self.per)
        return self.by_name.get(name)

    def judge(
        self,
        policy_id: str,
        action: Index,
        rows: Verdicts,
        full: Mapping[int, float],
        left: Array | None,
    ) -> Checked | None:
        """Return which rows have no place left, and where several rows want fewer places.

        Parameters
        ----------
        action, rows : shape (rows,), the candidates and which of them the limit is about.
        full : the keys without a place, each with when there is one again.
        left : shape (keys,), how many places there are; None where returning a row takes none.
        """
        alone = left is None or self.per == "action"
        if not full and (alone or float(np.min(left)) >= len(action)):  # type: ignore[arg-type]
            return None
        keys = self.of_action[action]
        until = np.full(self.size, np.nan)
        blocked_keys = np.zeros(self.size, dtype=bool)
        for key, moment in full.items():
            blocked_keys[key], until[key] = True, moment
        blocked = rows & blocked_keys[keys]
        if alone or left is None:
            return Checked(blocked, until[keys])
        free = rows & ~blocked
        wanted = np.bincount(keys[free], minlength=self.size)
        shared = tuple(
            Shared(policy_id, int(left[key]), free & (keys == key))
            for key in np.flatnonzero(wanted > left)
        )
        return Checked(blocked, until[keys], shared)


class Personal:
    """What a limit on one customer's contacts needs; its subclasses differ in how they count.

    Parameters
    ----------
    places : how many there may be within the window, the last of them included.

    Attributes
    ----------
    shares : whether several candidates can want the same place.
    """

    needs_history = True

    def __init__(self, policy: ContactPolicy, catalog: Catalog, places: int) -> None:
        self.id = policy.id
        self.reason = policy.code
        self.words = policy.words
        self.counts = policy.counts
        self.takes_places = policy.counts_presentations
        self.policy = self.entry = policy
        self.keys = Keys.of("all" if policy.per == "channel" else policy.per, catalog)
        self.applies: Verdicts = policy.concerns.mask(catalog) & ~transactional(catalog)
        self.blocked: Verdicts = self.applies if not places else np.zeros_like(self.applies)
        self.shares = self.takes_places and self.keys.per != "action"
        self.narrowest = float(places) if self.shares else np.inf
        self._same_channel = policy.channel == "same" or policy.per == "channel"
        self._key_of = tuple(
            key if concerned else None
            for key, concerned in zip(self.keys.of_action.tolist(), self.applies, strict=True)
        )

    def minds(self, occasion: Occasion) -> bool:
        """Tell whether anything that happened can count."""
        return not occasion.seen.keys().isdisjoint(self.counts)

    def counted(self, occasion: Occasion) -> Iterator[tuple[int, Seen]]:
        """Yield the contacts that count, whenever they were, each with its key.

        An action that is in the catalog is counted as what it is there now.
        """
        for outcome in self.counts:
            for seen in occasion.seen.get(outcome, ()):
                if self._same_channel and seen.contact.channel != occasion.channel:
                    continue
                known = seen.position >= 0
                key = self._key_of[seen.position] if known else self._key_of_lost(seen.contact)
                if key is not None:
                    yield key, seen

    def _key_of_lost(self, contact: Contact) -> int | None:
        """Return the key of a contact about an action that the catalog has no longer."""
        names = (contact.action_id, contact.issue, contact.group, None)
        return self.keys.of_contact(contact) if self.policy.concerns.include(*names) else None
