"""What people write in identity.yaml: which ids name a person, and what happens at a login."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from decisioning.border import Border, read_border
from decisioning.fault import Told, raise_any
from features.errors import IdentityError
from features.identity import CUSTOMER_NAMESPACE, InData

Strength = Literal["strong", "weak"]
OnLogin = Literal["merge", "keep_apart"]
Shared = Literal["nobody", "first"]


class LoginRule(Border):
    """How far ids of a namespace can be trusted."""

    strength: Strength = "weak"
    """strong: the id names a person, such as a loyalty card. weak: it names a browser or a device,
    whoever uses it."""
    on_login: OnLogin = "merge"
    """What was done anonymously under the id, once it comes together with a person: merge makes it
    the person's, keep_apart leaves it anonymous."""
    shared: Shared = "nobody"
    """Of a weak id whom it stands for once a second person has logged in with it: nobody, or the
    first of them. It is merged into none of the later ones either way."""
    in_data: InData = "as_sent"
    """How ids stand in the ingested identities table: as requests send them (as_sent), as the
    SHA-256 of the id (sha256), or of NAMESPACE:ID (namespace_sha256)."""

    @model_validator(mode="after")
    def _a_person_is_not_shared(self) -> LoginRule:
        if self.strength == "strong" and "shared" in self.model_fields_set:
            told = "only a weak id can be shared; a strong one names the person linked last"
            raise_any([Told(("shared",), told)])
        return self


class NamespaceRule(LoginRule):
    """A namespace of ids and how far it can be trusted."""

    id: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
    """Its name, as in `identities` of a request."""


_USUAL = (
    NamespaceRule(id="loyalty", strength="strong"),
    NamespaceRule(id="loyalty_card", strength="strong"),
    NamespaceRule(id="login", strength="strong"),
    NamespaceRule(id="email", strength="strong"),
    NamespaceRule(id="phone", strength="strong"),
    NamespaceRule(id="device"),
    NamespaceRule(id="cookie"),
)


class IdentityRules(Border):
    """The whole identity.yaml; without it the usual namespaces are known."""

    namespaces: tuple[NamespaceRule, ...] = ()
    """The namespaces, from the most to the least trusted: where ids name different persons, the
    strong namespace that stands first decides. Left out: loyalty, loyalty_card, login, email and
    phone, which are strong, device and cookie."""
    others: LoginRule = LoginRule(on_login="keep_apart")
    """What holds for namespaces that are not listed."""
    most_aliases: Annotated[int, Field(ge=2, le=10_000)] = 100
    """How many customer ids one person may have before logins add no more."""

    @model_validator(mode="after")
    def _every_namespace_once(self) -> IdentityRules:
        seen: set[str] = set()
        faults = []
        for at, one in enumerate(self.namespaces):
            if one.id == CUSTOMER_NAMESPACE:
                told = f"{CUSTOMER_NAMESPACE} always comes first and has no rules"
                faults.append(Told(("namespaces", at, "id"), told))
            elif one.id in seen:
                faults.append(Told(("namespaces", at, "id"), f"{one.id!r} is there twice"))
            seen.add(one.id)
        raise_any(faults)
        return self

    @property
    def known(self) -> tuple[NamespaceRule, ...]:
        """The namespaces that are listed, or else the usual ones."""
        return self.namespaces or _USUAL

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {one.id: at for at, one in enumerate(self.known)}

    def of(self, namespace: str) -> LoginRule:
        """Return what holds for a namespace."""
        at = self._places.get(namespace)
        return self.others if at is None else self.known[at]

    def place(self, namespace: str) -> int:
        """Return how far down a namespace stands; those that are not listed come last."""
        return self._places.get(namespace, len(self.known))


def load_identity_rules(path: Path) -> IdentityRules:
    """Read an identity.yaml; where there is none, the usual rules hold.

    Raises
    ------
    IdentityError : any fault; the message names the file, the line, the key path and the value.
    """
    if not path.exists():
        return IdentityRules()
    return read_border(path, IdentityRules, IdentityError)
