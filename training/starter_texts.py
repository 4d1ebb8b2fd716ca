"""What a starter catalog says, before anybody has written a text of their own."""

from __future__ import annotations

from typing import Any

TREATMENTS: dict[str, Any] = {
    "web": {
        "en": {
            "title": "How about {inline_name}?",
            "text": "Have a look at our selection: {inline_name}.",
        },
        "de": {
            "title": "Schon an {name} gedacht?",
            "text": "Werfen Sie einen Blick auf unsere Auswahl: {name}.",
        },
    },
    "bot": {
        "en": {
            "title": "How about {inline_name}?",
            "text": "While you are here, would you like to have a look at {inline_name}?",
            "quick_replies": ["Yes, please", "Maybe later", "No, thanks"],
        },
        "de": {
            "title": "Schon an {name} gedacht?",
            "text": "Haben Sie schon an {name} gedacht? Ich zeige Ihnen gern mehr.",
            "quick_replies": ["Ja, bitte", "Vielleicht später", "Nein, danke"],
        },
    },
    "advisor": {
        "en": {
            "title": "Mention {inline_name}",
            "text": "If it fits the conversation: {inline_name}.",
            "talking_points": [
                "Make sure first that the customer's own question is settled.",
                "Mention {inline_name} once; a no is fine.",
            ],
        },
        "de": {
            "title": "{name} ansprechen",
            "text": "Wenn es zum Gespräch passt: {name}.",
            "talking_points": [
                "Zuerst sicherstellen, dass das eigentliche Anliegen geklärt ist.",
                "{name} einmal erwähnen; ein Nein ist in Ordnung.",
            ],
        },
    },
    "email": {
        "en": {
            "title": "How about {inline_name}?",
            "text": "Perhaps this is something for you: {inline_name}.",
        },
        "de": {
            "title": "Schon an {name} gedacht?",
            "text": "Vielleicht ist das etwas für Sie: {name}.",
        },
    },
}

DEFAULT_ACTION: dict[str, Any] = {
    "id": "do_nothing",
    "name": {"en": "Do nothing", "de": "Nichts vorschlagen"},
    "treatments": {
        "web": {
            "en": {"title": "Welcome", "text": "Good to see you. Have a look around."},
            "de": {
                "title": "Willkommen",
                "text": "Schön, dass Sie da sind. Sehen Sie sich gern um.",
            },
        },
        "bot": {
            "en": {"title": "How can I help?", "text": "What can I do for you today?"},
            "de": {"title": "Wie kann ich helfen?", "text": "Was kann ich heute für Sie tun?"},
        },
        "advisor": {
            "en": {
                "title": "No suggestion",
                "text": "Nothing to suggest right now. Stay with the customer's question.",
            },
            "de": {
                "title": "Kein Vorschlag",
                "text": "Im Moment gibt es nichts vorzuschlagen. Bleiben Sie beim Anliegen des "
                "Kunden.",
            },
        },
        "email": {
            "en": {"title": "No message", "text": "There is nothing to send today."},
            "de": {"title": "Keine Nachricht", "text": "Heute gibt es nichts zu senden."},
        },
    },
}
