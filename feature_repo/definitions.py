"""What Feast knows: entities, views and services, built from the declared features.

`feast apply` imports this file by its bare name; nothing is listed here by hand.
"""

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import features.lean_feast  # noqa: F401 - before Feast

# isort: split
from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.types import Array, Bytes, Float64, String

from features.declared import BY_NAME, stored
from features.layout import PREFIX
from features.spec import Block

_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Definitions:
    """Everything that is registered for one home folder."""

    customer: Entity
    action: Entity
    customer_profile: FeatureView
    profile_vector: FeatureView
    action_popularity: FeatureView
    adoption: FeatureService
    response: FeatureService
    online: FeatureService

    def everything(self) -> list[Entity | FeatureView | FeatureService]:
        """Return all objects in the order in which they can be applied."""
        return list(vars(self).values())


def define(home: Path) -> Definitions:
    """Return the definitions over the files of `home`/features (made absolute for DuckDB)."""
    customer = _entity("customer", "Somebody the company knows.")
    action = _entity("action", "Something the company can do next.")
    # The build's file, and the one of the rows that were refreshed since.
    profile = _view(home, "profile*", "customer_profile", customer, _profile_fields(), online=False)
    vector = _view(home, "vector", "profile_vector", customer, _vector_fields(), online=True)
    popularity = _view(
        home, "popularity", "action_popularity", action, _action_fields(), online=True
    )
    return Definitions(
        customer=customer,
        action=action,
        customer_profile=profile,
        profile_vector=vector,
        action_popularity=popularity,
        # One service per label model: what its training frames are joined from.
        adoption=FeatureService(name="adoption", features=[profile]),
        response=FeatureService(name="response", features=[profile]),
        online=FeatureService(name="online", features=[vector]),
    )


def _entity(name: str, description: str) -> Entity:
    return Entity(
        name=name,
        join_keys=[f"{name}_id"],
        value_type=ValueType.STRING,
        description=description,
    )


def _view(
    home: Path, file: str, name: str, entity: Entity, fields: list[Field], *, online: bool
) -> FeatureView:
    source = FileSource(
        name=f"{name}_source",
        path=str(home.resolve() / "features" / f"{file}.parquet"),
        timestamp_field="as_of",
        created_timestamp_column="created",
    )
    # No ttl: Feast does not apply it online, so the one door enforces the maximum age itself.
    return FeatureView(
        name=name,
        entities=[entity],
        ttl=timedelta(0),
        schema=fields,
        source=source,
        online=online,
    )


def _profile_fields() -> list[Field]:
    scalars = [Field(name=name, dtype=Float64) for name in PREFIX] + [
        Field(name=name, dtype=Float64, description=BY_NAME[name].meaning)
        for name in stored(Block.CUSTOMER)
    ]
    return scalars + [
        Field(name=name, dtype=Array(Float64), description=BY_NAME[name].meaning)
        for block in (Block.CATEGORY, Block.ACTION)
        for name in stored(block)
    ]


def _vector_fields() -> list[Field]:
    return [Field(name="vector", dtype=Bytes), Field(name="layout", dtype=String)]


def _action_fields() -> list[Field]:
    return [
        Field(name=name, dtype=Float64, description=BY_NAME[name].meaning)
        for name in stored(Block.POPULARITY)
    ]


_defined = define(Path(os.environ.get("NBA_HOME", _ROOT / ".nba")))
customer = _defined.customer
action = _defined.action
customer_profile = _defined.customer_profile
profile_vector = _defined.profile_vector
action_popularity = _defined.action_popularity
adoption = _defined.adoption
response = _defined.response
online = _defined.online
