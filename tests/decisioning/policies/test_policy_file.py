from __future__ import annotations

from pathlib import Path

import pytest
from policy_world import policies, read, shop

from decisioning.catalog import load_catalog
from decisioning.policies.policy_file import PolicyFile, load_policies
from features.errors import PolicyError

ROOT = Path(__file__).parents[3]

POLICY = """
policies:
  - id: loyal
    tier: suitability
    when: profile.trips_91d > 3.0
    reason: not_loyal
    words: {en: not loyal, de: nicht treu}
"""
LIMIT = """
contact_policies:
  - id: weekly
    per: all
    at_most: 2
    days: 7
    words: {en: enough, de: genug}
"""
QUIET = """
quiet_hours:
  - id: night
    begins: "21:00"
    ends: "08:00"
    words: {en: night, de: Nacht}
"""


def refusal(text: str, folder: Path) -> str:
    with pytest.raises(PolicyError) as caught:
        read(text, folder)
    return str(caught.value)


def test_an_empty_file_caps_nothing_and_leaves_marketing_to_consent(tmp_path: Path) -> None:
    assert read("", tmp_path) == PolicyFile()
    assert PolicyFile().consent.needed_on("marketing") == ("web", "app", "bot", "advisor", "email")


def test_the_files_of_the_demo_can_be_read_and_speak_both_languages() -> None:
    for path in sorted((ROOT / "configs").glob("*/policies.yaml")):
        file = load_policies(path, load_catalog(path.with_name("actions.yaml")))
        assert file.words
        assert all(words.en != words.de for words in file.words.values())
        written = file.model_dump(mode="json", exclude_defaults=True)
        assert PolicyFile.model_validate(written) == file


def test_the_version_changes_with_the_content_only(tmp_path: Path) -> None:
    one, same = read(POLICY, tmp_path), read("# so\n" + POLICY, tmp_path)
    other = read(POLICY.replace("3.0", "4.0"), tmp_path)
    assert one.version == same.version != other.version
    assert len(one.version) == 12


def test_a_time_without_quotes_is_read_as_it_was_meant(tmp_path: Path) -> None:
    file = read(QUIET.replace('"21:00"', "21:00").replace('"08:00"', "10:30"), tmp_path)
    assert (file.quiet_hours[0].begins, file.quiet_hours[0].ends) == ("21:00", "10:30")


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        (
            POLICY.replace("trips_91d", "trip_91d"),
            "5:11: policies.loyal.when",
            "did you mean 'profile.trips_91d'?",
        ),
        (POLICY.replace("3.0", "3"), "5:11: policies.loyal.when", "write 3.0 instead of 3"),
        (
            POLICY.replace("profile.trips_91d > 3.0", "action.cost > 3.0"),
            "policies.loyal.when",
            "asks for 'action.cost', so it needs `scope: action`",
        ),
        (
            POLICY.replace(", de: nicht treu", ""),
            "policies.loyal.words.de",
            "German text is missing",
        ),
        (POLICY.replace("tier: suitability", "tier: nice"), "policies.loyal.tier", "'nice'"),
        (POLICY.replace("reason:", "reson:"), "policies.loyal", "did you mean 'reason'?"),
        (
            POLICY + "    concerns: {groups: [diary]}\n",
            "policies.loyal.concerns.groups.0",
            "unknown group 'diary'; did you mean 'dairy'?",
        ),
        (POLICY + "    concerns: {actions: [bred]}\n", "actions.0", "did you mean 'bread'?"),
        (POLICY + "    concerns: {issues: [sel]}\n", "issues.0", "did you mean 'sell'?"),
        (POLICY + "    concerns: {purposes: [sales]}\n", "purposes.0", "'marketing'"),
        (
            POLICY + "    concerns: {groups: [dairy], actions: [bread]}\n",
            "policies.loyal.concerns",
            "no action of the catalog",
        ),
        (POLICY + "    channels: [wep]\n", "policies.loyal.channels.0", "'web'"),
        (POLICY + "    channels: [web, web]\n", "policies.loyal", "names one twice"),
        (POLICY + LIMIT.replace("weekly", "loyal"), "contact_policies.loyal.id", "there twice"),
        (LIMIT.replace("weekly", "budget"), "contact_policies.budget.id", "taken by the product"),
        (LIMIT.replace("days: 7", "days: 0"), "contact_policies.weekly.days", "greater than"),
        (LIMIT.replace("    days: 7\n", ""), "weekly", "needs days, or `window: ever`"),
        (LIMIT + "    window: ever\n", "weekly", "has no days where the window is ever"),
        (LIMIT + "    pause_days: 3\n", "weekly", "is either a limit (at_most) or a pause"),
        (LIMIT.replace("at_most: 2", "at_least: 2"), "weekly", "at_least and pause_days"),
        (LIMIT.replace("at_most: 2", "enabled: true"), "weekly", "needs at_most"),
        (
            LIMIT.replace("at_most: 2", "at_least: 2\n    pause_days: 3\n    window: calendar"),
            "weekly",
            "a pause counts in a rolling window",
        ),
        (LIMIT + "    counts: []\n", "weekly.counts", "at least one entry"),
        (LIMIT + "    counts: [shown]\n", "weekly.counts.0", "'shown'"),
        (LIMIT + "    counts: [viewed, viewed]\n", "weekly", "names one twice"),
        (
            LIMIT.replace("per: all", "per: channel\n    channel: any"),
            "weekly",
            "on the same channel",
        ),
        (LIMIT + "    everyone: true\n", "weekly", "`window: calendar` or `window: ever`"),
        (
            LIMIT + "    everyone: true\n    counts: [refused]\n    window: calendar\n",
            "weekly",
            "only presentations are counted",
        ),
        (
            LIMIT.replace("per: all", "per: channel") + "    everyone: true\n    window: calendar",
            "weekly",
            "`channel: same` for a channel",
        ),
        (QUIET.replace("08:00", "8:00"), "quiet_hours.night.ends", "'8:00'"),
        (QUIET.replace("08:00", "25:00"), "quiet_hours.night.ends", "'25:00'"),
        (QUIET.replace("08:00", "21:00"), "quiet_hours.night", "write 00:00 and 24:00"),
        (QUIET.replace("21:00", "24:00"), "quiet_hours.night", "write 00:00 and 24:00"),
        (QUIET + "    weekdays: [sunday]\n", "quiet_hours.night.weekdays.0", "'sun'"),
        ("consent: {assumed: real}", "consent.assumed", "'demo'"),
        (
            "consent: {purposes: {transactional: {needs_consent_on: []}}}",
            "consent.purposes",
            "'marketing' or 'service'",
        ),
        ("consent: {purposes: {marketing: {}}}", "marketing.needs_consent_on", "Field required"),
        ("policy: []", "policy", "did you mean 'policies'?"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(
    text: str, place: str, told: str, tmp_path: Path
) -> None:
    message = refusal(text, tmp_path)
    assert "policies.yaml:" in message
    assert place in message
    assert told in message


def test_a_disabled_policy_has_to_be_right_too(tmp_path: Path) -> None:
    text = POLICY.replace("3.0", "3") + "    enabled: false\n"
    assert "policies.loyal.when" in refusal(text, tmp_path)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    text = POLICY.replace("trips_91d", "trip_91d") + "    concerns: {groups: [diary]}\n"
    assert "2 faults" in refusal(text, tmp_path)


def test_concerns_choose_the_actions_that_fit_all_that_is_given() -> None:
    def chosen(**concerns: list[str]) -> list[str]:
        entry = {"id": "p", "tier": "eligibility", "when": "true", "reason": "r"}
        file = policies(policies=[entry | {"concerns": concerns}])
        mask = file.policies[0].concerns.mask(shop())
        return [name for name, is_in in zip(shop().action_ids, mask, strict=True) if is_in]

    assert chosen() == ["bread", "cheese", "milk", "recall", "survey"]
    assert chosen(issues=["sell"], groups=["dairy", "opinion"]) == ["cheese", "milk"]
    assert chosen(purposes=["service", "transactional"]) == ["recall", "survey"]
    assert chosen(actions=["bread", "milk"], groups=["dairy"]) == ["milk"]
