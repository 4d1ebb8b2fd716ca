"""How an action is said: texts per channel in both languages, with a few variables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from string import Formatter
from typing import Annotated, Any, get_args

from pydantic import Field

from decisioning.border import Border, Code, Faults, KeyPath, Told
from decisioning.decision import Objection, Treatment
from decisioning.request import Channel, Language
from features.spelling import did_you_mean

LANGUAGES: tuple[Language, ...] = get_args(Language)
LANGUAGE_NAMES: Mapping[str, str] = {"en": "English", "de": "German"}
CHANNELS: tuple[Channel, ...] = get_args(Channel)
FALLBACK: Mapping[Channel, Channel] = {"app": "web"}
"""A channel without texts of its own says what this channel says."""
BUTTONS = ("accept", "decline", "later")
"""The answers that every channel can offer as buttons."""
BUILT_IN_LABELS: Mapping[Language, Mapping[str, str]] = {
    "en": {"accept": "Yes, please", "decline": "No, thanks", "later": "Maybe later"},
    "de": {"accept": "Ja, bitte", "decline": "Nein, danke", "later": "Vielleicht später"},
}

Text = Annotated[str, Field(min_length=1)]


class Bilingual(Border):
    """Anything that has to be said in every language."""

    @classmethod
    def faults_as_written(cls, content: Mapping[str, Any]) -> Iterable[Told]:
        """Name each language in which nothing is written."""
        for language in LANGUAGES:
            if content.get(language) in (None, ""):
                yield Told((language,), f"the {LANGUAGE_NAMES[language]} text is missing")


class Words(Bilingual):
    """One text in every language."""

    en: Text
    """English."""
    de: Text
    """German."""

    def in_language(self, language: Language) -> str:
        """Return the text in one language."""
        return self.de if language == "de" else self.en


class ObjectionWords(Border):
    """What a customer may say against it, and what an advisor can answer."""

    objection: Text
    """What the customer says."""
    answer: Text
    """What the advisor can say to that."""


class ButtonLabels(Border):
    """What the buttons for an answer say; what is left out is built in."""

    accept: Text | None = None
    """For a yes."""
    decline: Text | None = None
    """For a no."""
    later: Text | None = None
    """For not now."""


class Labels(Border):
    """What the buttons for an answer say in every language."""

    en: ButtonLabels = ButtonLabels()
    """English."""
    de: ButtonLabels = ButtonLabels()
    """German."""

    def in_language(self, language: Language) -> ButtonLabels:
        """Return the labels of one language."""
        return self.de if language == "de" else self.en


class Wording(ButtonLabels):
    """What is said on one channel in one language; any text may hold variables."""

    title: Text
    """The headline, the subject of an e-mail, the first line for an advisor."""
    text: Text
    """One or two sentences."""
    talking_points: tuple[Text, ...] = ()
    """For an advisor: what to say and what to listen for, one point each."""
    objections: tuple[ObjectionWords, ...] = ()
    """For an advisor: how to handle a no, one objection each."""
    quick_replies: tuple[Text, ...] = ()
    """For a bot: the answers a customer can tap."""


class Template(Bilingual):
    """What is said on one channel, in every language."""

    placements: tuple[Code, ...] = ()
    """The placements of the channel that it may fill; left out, any."""
    en: Wording
    """English."""
    de: Wording
    """German."""

    def in_language(self, language: Language) -> Wording:
        """Return the wording of one language."""
        return self.de if language == "de" else self.en


def inline(name: str, language: Language) -> str:
    """Return a name as it stands inside a sentence.

    English takes the capital off, unless the name looks like a proper one; German keeps it.

    >>> inline("Pasta sauce", "en"), inline("BBQ sauce", "en"), inline("Gold Card", "en")
    ('pasta sauce', 'BBQ sauce', 'Gold Card')
    >>> inline("Pastasauce", "de")
    'Pastasauce'
    """
    rest = name[1:]
    if language == "de" or rest != rest.lower():
        return name
    return name[:1].lower() + rest


def render(
    wording: Wording,
    channel: Channel,
    language: Language,
    variables: Mapping[str, str],
    labels: ButtonLabels | None = None,
    placements: tuple[str, ...] = (),
) -> Treatment:
    """Return the texts with their variables filled in.

    Parameters
    ----------
    labels : for the buttons that the wording has no label for; built in where these have none.

    Raises
    ------
    Faults : a text names something else, or holds a brace that closes nothing.

    >>> hello = Wording(title="How about {inline_name}?", text="Have a look.")
    >>> render(hello, "web", "en", {"inline_name": "tea"}).title
    'How about tea?'
    """
    faults = [
        told for path, text in texts_of(wording) for told in wrong_variables(path, text, variables)
    ]
    if faults:
        raise Faults(faults)
    own = [getattr(wording, button) for button in BUTTONS]
    accept, decline, later = (
        label.format(**variables) if label else _label(button, labels, language)
        for button, label in zip(BUTTONS, own, strict=True)
    )
    return Treatment(
        channel=channel,
        language=language,
        title=wording.title.format(**variables),
        text=wording.text.format(**variables),
        talking_points=tuple(point.format(**variables) for point in wording.talking_points),
        quick_replies=tuple(reply.format(**variables) for reply in wording.quick_replies),
        objections=tuple(
            Objection(one.objection.format(**variables), one.answer.format(**variables))
            for one in wording.objections
        ),
        accept_label=accept,
        decline_label=decline,
        later_label=later,
        placements=placements,
    )


def render_all(
    name: Words,
    attributes: Mapping[str, float | str],
    places: Sequence[tuple[KeyPath, Mapping[Channel, Template]]],
    labels: Labels | None = None,
    channels: Sequence[Channel] = CHANNELS,
) -> dict[tuple[Channel, Language], Treatment]:
    """Return everything that can be said about one action.

    Parameters
    ----------
    attributes : what the texts may name besides `name` and `inline_name`.
    places : where treatments are written, the first that has the channel wins.
    channels : those that it may be said on.

    Raises
    ------
    Faults : texts cannot be filled in; each with its place.
    """
    texts: dict[tuple[Channel, Language], Treatment] = {}
    faults: dict[Told, None] = {}
    for channel in channels:
        found = find_template(channel, places)
        if found is None:
            continue
        place, template = found
        for language in LANGUAGES:
            wording, said = template.in_language(language), variables(name, language, attributes)
            buttons = labels.in_language(language) if labels else None
            try:
                texts[channel, language] = render(
                    wording, channel, language, said, buttons, template.placements
                )
            except Faults as error:
                faults |= dict.fromkeys(one.below((*place, language)) for one in error.found)
    if faults:
        raise Faults(faults)
    return texts


def find_template(
    channel: Channel, places: Sequence[tuple[KeyPath, Mapping[Channel, Template]]]
) -> tuple[KeyPath, Template] | None:
    """Return the treatment of a channel and where it is written; None where there is none."""
    for said_on in (channel, FALLBACK.get(channel, channel)):
        for place, templates in places:
            if said_on in templates:
                return (*place, said_on), templates[said_on]
    return None


def variables(
    name: Words, language: Language, attributes: Mapping[str, float | str]
) -> dict[str, str]:
    """Return what the texts about an action may name, in one language."""
    own = name.in_language(language)
    told = {
        key: value if isinstance(value, str) else f"{value:g}" for key, value in attributes.items()
    }
    return told | {"name": own, "inline_name": inline(own, language)}


def texts_of(wording: ButtonLabels) -> Iterator[tuple[KeyPath, str]]:
    """Return every text of a wording or of labels, with its path."""
    for key, content in wording:
        if isinstance(content, str):
            yield (key,), content
        for at, entry in enumerate(content if isinstance(content, tuple) else ()):
            if isinstance(entry, ObjectionWords):
                yield (key, at, "objection"), entry.objection
                yield (key, at, "answer"), entry.answer
            else:
                yield (key, at), entry


def wrong_variables(path: KeyPath, text: str, known: Iterable[str]) -> Iterator[Told]:
    """Find what a text names and cannot be filled in."""
    known = sorted(known)
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        yield Told(path, f"{error} (value {text!r})")
        return
    for _, variable, form, conversion in parts:
        if variable is None:
            continue
        told = f"known: {', '.join(known)}; value {text!r}"
        if variable not in known:
            nearest = did_you_mean(variable, known)
            yield Told(path, f"unknown variable {variable!r}{nearest} ({told})", unknown=variable)
        elif form or conversion:
            yield Told(
                path, f"unknown variable {variable!r} with a format; leave that out ({told})"
            )


def _label(button: str, labels: ButtonLabels | None, language: Language) -> str:
    common: str | None = getattr(labels, button) if labels else None
    return common or BUILT_IN_LABELS[language][button]
