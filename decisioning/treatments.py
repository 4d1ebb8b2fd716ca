"""How an action is said: texts per channel in both languages, with a few variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from string import Formatter
from typing import Annotated, get_args

from pydantic import Field

from decisioning.border import Border
from decisioning.decision import Treatment
from decisioning.request import Channel, Language
from features.spelling import did_you_mean

LANGUAGES: tuple[Language, ...] = get_args(Language)
CHANNELS: tuple[Channel, ...] = get_args(Channel)
FALLBACK: Mapping[Channel, Channel] = {"app": "web"}
"""A channel without texts of its own says what this channel says."""

Text = Annotated[str, Field(min_length=1)]


class Words(Border):
    """One text in every language."""

    en: Text
    """English."""
    de: Text
    """German."""

    def in_language(self, language: Language) -> str:
        """Return the text in one language."""
        return self.de if language == "de" else self.en


class Wording(Border):
    """What is said on one channel in one language; any text may hold variables."""

    title: Text
    """The headline, the subject of an e-mail, the first line for an advisor."""
    text: Text
    """One or two sentences."""
    talking_points: tuple[Text, ...] = ()
    """For an advisor: what to say and what to listen for, one point each."""
    quick_replies: tuple[Text, ...] = ()
    """For a bot: the answers a customer can tap."""


class Template(Border):
    """What is said on one channel, in every language."""

    en: Wording
    """English."""
    de: Wording
    """German."""

    def in_language(self, language: Language) -> Wording:
        """Return the wording of one language."""
        return self.de if language == "de" else self.en


@lru_cache(maxsize=4096)
def inline(name: str, language: Language) -> str:
    """Return a name as it stands inside a sentence.

    English takes the capital off, unless the name looks like a proper one; German keeps it.

    >>> inline("Pasta sauce", "en"), inline("BBQ sauce", "en"), inline("Gold Card", "en")
    ('pasta sauce', 'BBQ sauce', 'Gold Card')
    >>> inline("Pastasauce", "de")
    'Pastasauce'
    """
    if language == "de" or any(letter.isupper() for letter in name[1:]):
        return name
    return name[:1].lower() + name[1:]


def render(
    wording: Wording, channel: Channel, language: Language, variables: Mapping[str, str]
) -> Treatment:
    """Return the texts with their variables filled in.

    Raises
    ------
    ValueError : a text names something else, or holds a brace that closes nothing.

    >>> hello = Wording(title="How about {inline_name}?", text="Have a look.")
    >>> render(hello, "web", "en", {"inline_name": "tea"}).title
    'How about tea?'
    """
    return Treatment(
        channel=channel,
        language=language,
        title=_fill("title", wording.title, variables),
        text=_fill("text", wording.text, variables),
        talking_points=tuple(
            _fill("talking_points", point, variables) for point in wording.talking_points
        ),
        quick_replies=tuple(
            _fill("quick_replies", reply, variables) for reply in wording.quick_replies
        ),
    )


def render_all(
    name: Words,
    attributes: Mapping[str, float | str],
    places: Sequence[tuple[str, Mapping[Channel, Template]]],
) -> dict[tuple[Channel, Language], Treatment]:
    """Return everything that can be said about one action.

    Parameters
    ----------
    attributes : what the texts may name besides `name` and `inline_name`.
    places : where treatments are written, the first that has the channel wins.

    Raises
    ------
    ValueError : a text cannot be filled in; the message begins with its place.
    """
    texts: dict[tuple[Channel, Language], Treatment] = {}
    for channel in CHANNELS:
        found = _find(channel, places)
        if found is None:
            continue
        place, template = found
        for language in LANGUAGES:
            wording, variables = (
                template.in_language(language),
                _variables(name, language, attributes),
            )
            try:
                texts[channel, language] = render(wording, channel, language, variables)
            except ValueError as error:
                raise ValueError(f"{place}.{language}.{error}") from error
    return texts


def _find(
    channel: Channel, places: Sequence[tuple[str, Mapping[Channel, Template]]]
) -> tuple[str, Template] | None:
    """Return the treatment of a channel and where it is written; None where there is none."""
    for said_on in (channel, FALLBACK.get(channel, channel)):
        for place, templates in places:
            if said_on in templates:
                return f"{place}.{said_on}", templates[said_on]
    return None


def _variables(
    name: Words, language: Language, attributes: Mapping[str, float | str]
) -> dict[str, str]:
    own = name.in_language(language)
    told = {
        key: value if isinstance(value, str) else f"{value:g}" for key, value in attributes.items()
    }
    return told | {"name": own, "inline_name": inline(own, language)}


def _fill(key: str, text: str, variables: Mapping[str, str]) -> str:
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"{key}: {error} (value {text!r})") from error
    for _, variable, form, conversion in parts:
        if variable is None:
            continue
        if variable not in variables or form or conversion:
            nearest = did_you_mean(variable, variables)
            raise ValueError(
                f"{key}: unknown variable {variable!r}{nearest} "
                f"(known: {', '.join(sorted(variables))}; value {text!r})"
            )
    return text.format(**variables)
