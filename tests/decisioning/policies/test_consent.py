from __future__ import annotations

import pytest
from policy_world import IDS, NOW, agreed, judge_consent, policies, shop

from decisioning.history import Consent
from decisioning.policies.consent import ConsentBook
from decisioning.policies.policy_file import PolicyFile

STRICT = PolicyFile()
DEMO = policies(consent={"assumed": "demo"})
EMAIL_ONLY = policies(consent={"purposes": {"marketing": {"needs_consent_on": ["email"]}}})
NOON = NOW.timestamp()


def reason(
    file: PolicyFile, consents: list[Consent] | None, channel: str = "web", action: str = "bread"
) -> str:
    return judge_consent(file, consents, channel).reason[IDS.index(action)]


def test_without_any_word_marketing_needs_a_grant_and_the_rest_does_not() -> None:
    judged = judge_consent(STRICT, [])
    assert judged.reason == ("no_consent", "no_consent", "no_consent", "", "")
    assert not judged.assumed


@pytest.mark.parametrize(
    ("consents", "web", "email"),
    [
        ([agreed("granted")], "", ""),
        ([agreed("granted", "email")], "no_consent", ""),
        ([agreed("withdrawn")], "consent_withdrawn", "consent_withdrawn"),
        ([agreed("granted"), agreed("withdrawn", "email", 1)], "", "consent_withdrawn"),
        ([agreed("withdrawn"), agreed("granted", "email", 1)], "consent_withdrawn", ""),
        ([agreed("granted", "email"), agreed("withdrawn", "all", 1)], "consent_withdrawn",
         "consent_withdrawn"),
        ([agreed("objected")], "objected", "objected"),
        ([agreed("granted", valid_from=1), agreed("objected", "email", 2)], "", "objected"),
        ([agreed("objected"), agreed("withdrawn", "email", 1)], "objected", "objected"),
        ([agreed("objected"), agreed("granted", "email", 1)], "objected", ""),
        ([agreed("objected", "email"), agreed("granted", "all", 1)], "", ""),
        ([agreed("objected", "bot")], "no_consent", "no_consent"),
        ([agreed("granted", valid_from=NOON)], "", ""),
        ([agreed("granted", valid_from=NOON + 1)], "no_consent", "no_consent"),
        ([agreed("granted"), agreed("objected", valid_from=NOON + 1)], "", ""),
        ([agreed("granted"), agreed("withdrawn")], "consent_withdrawn", "consent_withdrawn"),
        ([agreed("withdrawn"), agreed("granted")], "consent_withdrawn", "consent_withdrawn"),
        ([agreed("objected"), agreed("granted")], "objected", "objected"),
        ([agreed("withdrawn", "all", 2), agreed("granted", "all", 1)], "consent_withdrawn",
         "consent_withdrawn"),
        ([agreed("granted", purpose="service")], "no_consent", "no_consent"),
    ],
)  # fmt: skip
def test_the_newest_valid_entry_of_the_purpose_and_the_channel_counts(
    consents: list[Consent], web: str, email: str
) -> None:
    assert (reason(STRICT, consents), reason(STRICT, consents, "email")) == (web, email)


def test_where_no_grant_is_needed_only_a_no_stops() -> None:
    assert reason(EMAIL_ONLY, []) == ""
    assert reason(EMAIL_ONLY, [], "email") == "no_consent"
    assert reason(EMAIL_ONLY, [agreed("withdrawn", "web")]) == "consent_withdrawn"
    assert reason(EMAIL_ONLY, [agreed("objected")]) == "objected"
    nowhere = policies(consent={"purposes": {"marketing": {"needs_consent_on": []}}})
    assert reason(nowhere, [], "email") == ""


def test_an_assumed_consent_is_told_and_a_no_still_stops() -> None:
    assumed = judge_consent(DEMO, [])
    assert (set(assumed.reason), assumed.assumed) == ({""}, True)
    granted = judge_consent(DEMO, [agreed("granted")])
    assert (set(granted.reason), granted.assumed) == ({""}, False)
    for status, code in (("objected", "objected"), ("withdrawn", "consent_withdrawn")):
        judged = judge_consent(DEMO, [agreed(status)])
        assert (judged.reason[0], judged.assumed) == (code, False)


def test_where_no_grant_is_needed_none_is_assumed() -> None:
    file = policies(
        consent={"assumed": "demo", "purposes": {"marketing": {"needs_consent_on": ["email"]}}}
    )
    assert not judge_consent(file, [], "web").assumed
    assert judge_consent(file, [], "email").assumed


@pytest.mark.parametrize("file", [STRICT, DEMO, EMAIL_ONLY])
def test_when_nobody_can_read_consents_marketing_stops_and_service_goes_on(
    file: PolicyFile,
) -> None:
    judged = judge_consent(file, None)
    assert judged.reason == ("consent_unreadable",) * 3 + ("", "")
    assert not judged.assumed


def test_service_may_need_a_consent_too_and_an_objection_to_it_always_stops() -> None:
    file = policies(consent={"purposes": {"service": {"needs_consent_on": ["web"]}}})
    assert reason(file, [], action="survey") == "no_consent"
    assert reason(file, [], "bot", action="survey") == ""
    assert reason(file, None, action="survey") == "consent_unreadable"
    objected = [agreed("objected", purpose="service")]
    assert reason(STRICT, objected, action="survey") == "objected"


def test_an_objection_to_marketing_does_not_stop_service_or_duty() -> None:
    judged = judge_consent(STRICT, [agreed("objected")])
    assert judged.reason == ("objected",) * 3 + ("", "")


def test_the_consent_log_is_needed_unless_everything_is_duty() -> None:
    catalog = shop()
    assert ConsentBook(STRICT, catalog).needed
    duty = catalog.model_copy(update={"actions": (catalog.ordered[3],)})
    duty.__dict__.pop("ordered")
    assert not ConsentBook(STRICT, duty).needed
