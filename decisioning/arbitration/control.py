"""Control groups: customers who go without, so that one can see what showing an action does."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, model_validator

from decisioning.action import Action
from decisioning.arbitration.chance import BUCKETS, bucket_of
from decisioning.border import Border, Code, Moment


class Scope(Border):
    """Which actions a control group goes without: `global`, or one issue, group or action."""

    everywhere: bool = False
    """Every action; `scope: global` says the same."""
    issue: str | None = None
    """The actions of one issue."""
    group: str | None = None
    """The actions of one group."""
    action: str | None = None
    """One action."""

    @model_validator(mode="before")
    @classmethod
    def _word_alone(cls, content: Any) -> Any:
        if content == "global":
            return {"everywhere": True}
        if isinstance(content, str):
            raise ValueError("write global, or one of issue, group, action with a name")
        return content

    @model_validator(mode="after")
    def _one_part(self) -> Scope:
        given = [one for one in (self.issue, self.group, self.action) if one is not None]
        if len(given) + self.everywhere != 1:
            raise ValueError("write global, or exactly one of issue, group, action")
        return self

    def holds(self, action: Action) -> bool:
        """Tell whether an action is in it."""
        return (
            self.everywhere
            or self.issue == action.issue
            or self.group == action.group
            or self.action == action.id
        )


class ControlGroup(Border):
    """A share of the customers who do not get the actions of a scope.

    Mandatory actions and those that are not marketing are never withheld, and somebody whom nobody
    recognises is in no control group.
    """

    id: Code
    """The name in answers, logs and reports; a new one deals the customers anew."""
    scope: Scope
    """What its customers go without: global, or one of issue, group, action with a name."""
    share: Annotated[float, Field(ge=0, le=50)]
    """Percent of the customers, in steps of 0.01, at most 50."""
    starts: Moment | None = None
    """When it begins; UTC unless an offset is given."""
    ends: Moment | None = None
    """When it ends; that moment itself is outside."""
    salt: Annotated[str, Field(min_length=1)] | None = None
    """Customers are dealt by this text and their id; left out, by the id of the group. Two groups
    of the same salt and share hold the same customers."""

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> ControlGroup:
        if self.starts and self.ends and self.starts >= self.ends:
            raise ValueError(
                f"starts {self.starts.isoformat()} is not before ends {self.ends.isoformat()}"
            )
        return self

    def is_active(self, now: datetime) -> bool:
        """Tell whether it holds at an aware time: from `starts` on, before `ends`."""
        begun = self.starts is None or now >= self.starts
        return begun and (self.ends is None or now < self.ends)

    def has(self, customer_id: str | None) -> bool:
        """Tell whether a customer is dealt into it, at any time the same; None never is.

        >>> half = ControlGroup(id="spring", scope="global", share=50)
        >>> [half.has(customer) for customer in ("1", "2", "3", None)]
        [True, True, False, False]
        """
        if customer_id is None:
            return False
        return bucket_of(self.salt or self.id, customer_id) < self.share * BUCKETS / 100.0
