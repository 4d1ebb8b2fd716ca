"""What people are told for each reason code that the product itself gives, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from decisioning.request import Language
from decisioning.treatments import Words

_TABLE = {
    # The request and the catalog.
    "unknown_action": ("the catalog does not know it", "im Katalog unbekannt"),
    "excluded": ("the request leaves it out", "von der Anfrage ausgeschlossen"),
    "disabled": ("switched off", "abgeschaltet"),
    "not_yet_valid": ("not valid yet", "noch nicht gültig"),
    "expired": ("no longer valid", "nicht mehr gültig"),
    "no_treatment": ("no text for this channel", "kein Text für diesen Kanal"),
    "wrong_placement": ("does not fit the place", "passt nicht auf den Platz"),
    "needs_advisor": ("needs an advisor to confirm it", "muss von der Beratung bestätigt werden"),
    "features_not_built": (
        "its category is not in the profiles yet",
        "seine Kategorie ist noch in keinem Profil",
    ),
    # Control groups and consent.
    "control_group": ("held back to measure the effect", "zur Wirkungsmessung zurückgehalten"),
    "no_consent": ("no consent on this channel", "keine Einwilligung für diesen Kanal"),
    "consent_withdrawn": ("consent was withdrawn", "Einwilligung wurde widerrufen"),
    "objected": ("the customer objected", "der Kunde hat widersprochen"),
    "consent_unreadable": ("consent cannot be read", "Einwilligung ist nicht lesbar"),
    # Policies.
    "not_eligible": ("does not meet the conditions", "erfüllt die Bedingungen nicht"),
    "bought_recently": ("was bought recently", "wurde vor Kurzem gekauft"),
    "value_missing": ("a value it depends on is missing", "ein nötiger Wert fehlt"),
    "policy_error": ("its policy cannot be evaluated", "seine Regel ist nicht auswertbar"),
    # Contact policies.
    "contacted_too_recently": ("offered often enough", "oft genug angeboten"),
    "paused": ("paused after the customer's answers", "nach Antworten des Kunden pausiert"),
    "volume_used_up": ("offered often enough to everyone", "insgesamt oft genug angeboten"),
    "budget_used_up": ("its budget is used up", "sein Budget ist aufgebraucht"),
    "quiet_hours": ("quiet hours", "Ruhezeit"),
    "ledger_unavailable": (
        "what was offered before cannot be read",
        "frühere Angebote sind nicht lesbar",
    ),
    # Scoring and arbitration.
    "unknown_customer": ("nothing is known of the customer", "über den Kunden ist nichts bekannt"),
    "stale_features": ("the profile is too old", "das Profil ist zu alt"),
    "features_unavailable": ("the profile cannot be read", "das Profil ist nicht lesbar"),
    "profile_layout_mismatch": (
        "the profile is of another version",
        "das Profil hat eine andere Version",
    ),
    "no_model": ("there is no model", "es gibt kein Modell"),
    "model_failed": ("the model failed", "das Modell ist ausgefallen"),
    "model_features_missing": (
        "the model needs values that are not there",
        "dem Modell fehlen Werte",
    ),
    "young_action": ("too new to be sure", "noch zu neu für ein Urteil"),
    "value_not_usable": ("its value cannot be computed", "sein Wert ist nicht berechenbar"),
    "below_propensity": ("too unlikely to succeed", "zu geringe Aussicht"),
    "below_priority": ("not important enough", "nicht wichtig genug"),
    "outranked": ("others go first", "andere gehen vor"),
    "group_full": ("enough of its kind in the answer", "genug dieser Art in der Antwort"),
    "limit_used_up": ("others took the last place", "andere nahmen den letzten Platz"),
    "placements_full": ("all places are taken", "alle Plätze sind belegt"),
}

REASONS: Mapping[str, Words] = {code: Words(en=en, de=de) for code, (en, de) in _TABLE.items()}
"""By reason code."""


def reason_words(code: str, language: Language) -> str:
    """Return a reason in words; a code that people invented is read as it is written.

    >>> reason_words("outranked", "de"), reason_words("service_first", "en")
    ('andere gehen vor', 'service first')
    """
    known = REASONS.get(code)
    return known.in_language(language) if known else code.replace("_", " ")
