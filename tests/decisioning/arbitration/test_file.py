from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from decisioning.arbitration import ArbitrationFile, load_arbitration
from decisioning.catalog import load_catalog
from features.errors import ArbitrationError

Read = Callable[[str], ArbitrationFile]

CONFIGS = Path(__file__).parents[3] / "configs" / "complete_journey"
FACT = "type: intent, key: reason, value: cancellation"

BAD = {
    "levers: {issues: {win_back: -200}}": "levers.issues.win_back: the percents of 'coffee' add up "
    "to -200; they must stay above -100 (value -200)",
    "levers: {groups: {breakfast: -60}, actions: {tea: -40}}": "levers.groups.breakfast: the "
    "percents of 'tea' add up to -100; they must stay above -100 (value -60)",
    "levers: {issues: {win_bakc: 5}}": "levers.issues.win_bakc: unknown issue 'win_bakc'; did you "
    "mean 'win_back'?",
    "levers: {groups: {brekfast: 5}}": "levers.groups.brekfast: unknown group 'brekfast'; did you "
    "mean 'breakfast'?",
    "levers: {actions: {cofee: 5}}": "unknown action 'cofee'; did you mean 'coffee'?",
    "levers: {actions: {coffee: .inf}}": "levers.actions.coffee: Input should be a finite number",
    "factors: {value: sometimes}": "factors.value: Input should be a valid boolean",
    "lever: {}": "unknown key 'lever'; did you mean 'levers'?",
    f"context_weights: [{{{FACT}, weight: 5}}]": "context_weights.0: give exactly one of issue",
    f"context_weights: [{{{FACT}, issue: duty, group: care, weight: 5}}]": "give exactly one of",
    f"context_weights: [{{{FACT}, issue: duty, weight: -100}}]": "context_weights.0.weight: Input "
    "should be greater than -100 (value -100)",
    f"context_weights: [{{{FACT}, issue: dutty, weight: 5}}]": "context_weights.0.issue: unknown "
    "issue 'dutty'; did you mean 'duty'?",
    f"context_weights: [{{{FACT}, group: cars, weight: 5}}]": "did you mean 'care'?",
    f"context_weights: [{{{FACT}, action: te, weight: 5}}]": "did you mean 'tea'?",
    f"context_weights: [{{{FACT}, action: tea, weight: 5}}, {{{FACT}, action: tea, weight: 6}}]": (
        "context_weights.1: says the same as entry 1"
    ),
    f"contexts: [{{{FACT}, when: 'true'}}, {{{FACT}, when: 'false'}}]": "contexts.1: says the same",
    f"contexts: [{{{FACT}}}]": "contexts.0.when: Field required",
    "thresholds: {propensity: 1.5}": "thresholds.propensity: nothing is above 1 (value 1.5)",
    "thresholds: {propensity: {groups: {care: 2}}}": "thresholds.propensity.groups.care: nothing",
    "thresholds: {priority: -1}": "thresholds.priority: Input should be greater than or equal to 0",
    "thresholds: {priority: {issues: {dutty: 1}}}": "did you mean 'duty'?",
    "smoothing: {start_propensity: 0.3}": "smoothing.start_evidence: Field required",
    "smoothing: {start_propensity: 3, start_evidence: 1}": "smoothing.start_propensity: Input",
    "smoothing: {start_propensity: 0, start_evidence: 1, groups: {cars: 0}}": "mean 'care'?",
    "smoothing: {start_propensity: 0, start_evidence: 1, actions: {te: 0}}": "mean 'tea'?",
    "ramp: {positives: 0}": "ramp.positives: Input should be greater than 0 (value 0)",
    "ramp: {floor: 1.1}": "ramp.floor: Input should be less than or equal to 1 (value 1.1)",
    "ramp: {directions: [sideways]}": "ramp.directions.0: Input should be 'inbound' or 'outbound'",
    "diversity: {per_group: 0}": "diversity.per_group: Input should be greater than or equal to 1",
    "exploration: {web: {kind: epsilon, epsilon: 2}}": "exploration.web.epsilon: Input should be "
    "less than or equal to 1 (value 2)",
    "exploration: {web: {kind: epsilon}}": "exploration.web.epsilon: is needed by the kind 'eps",
    "exploration: {web: {kind: evidence, epsilon: 0.1}}": "means nothing to the kind 'evidence'",
    "exploration: {web: {kind: random}}": "exploration.web.kind: Input should be 'none', 'evid",
    "exploration: {fax: {kind: none}}": "exploration.fax: Input should be 'web', 'app', 'bot'",
    "control_groups: [{id: a, scope: global, share: 101}]": "control_groups.a.share: Input should "
    "be less than or equal to 50 (value 101)",
    "control_groups: [{id: a, scope: all, share: 1}]": "control_groups.a.scope: write global, or",
    "control_groups: [{id: a, scope: {}, share: 1}]": "control_groups.a.scope: write global, or",
    "control_groups: [{id: a, scope: {issue: duty, action: tea}, share: 1}]": "write global, or ex",
    "control_groups: [{id: a, scope: {group: cars}, share: 1}]": "scope.group: unknown group 'ca",
    "control_groups: [{id: a, scope: {issue: service}, share: 1}]": "nothing in it may be withheld",
    "control_groups: [{id: a, scope: global, share: 1, starts: 2018-01-02, ends: 2018-01-02}]": (
        "control_groups.a: starts 2018-01-02T00:00:00+00:00 is not before ends 2018-01-02"
    ),
    "control_groups: [{id: a, scope: global, share: 1}, {id: a, scope: global, share: 2}]": (
        "control_groups.a.id: the control group 'a' is there twice"
    ),
}


@pytest.mark.parametrize("text", BAD)
def test_a_fault_is_told_with_file_key_and_value(read: Read, text: str) -> None:
    with pytest.raises(ArbitrationError, match=re.escape(BAD[text])) as caught:
        read(text)
    assert "arbitration.yaml:1:" in str(caught.value)


def test_every_fault_against_the_catalog_is_told_at_once(read: Read) -> None:
    with pytest.raises(ArbitrationError, match="2 faults"):
        read("levers: {issues: {win_bakc: 5}, groups: {brekfast: 5}}")


def test_a_file_may_be_empty(read: Read) -> None:
    assert read("# nothing yet\n") == ArbitrationFile()


def test_a_file_is_the_same_after_it_was_stored(read: Read) -> None:
    file = read(
        "thresholds: {priority: 0.5}\n"
        "control_groups: [{id: a, scope: global, share: 1, starts: 2018-01-02}]\n"
        "exploration: {web: {kind: epsilon, epsilon: 0.1}}\n"
    )
    stored = file.model_dump(mode="json", exclude_defaults=True)
    assert ArbitrationFile.model_validate(stored) == file


def test_the_version_changes_with_the_content_alone(read: Read) -> None:
    one = read("levers: {actions: {tea: 5, coffee: 6}}").version
    assert read("# said\nlevers: {actions: {coffee: 6, tea: 5}}").version == one
    assert read("levers: {actions: {coffee: 6, tea: 6}}").version != one


def test_the_file_of_the_demo_fits_its_catalog() -> None:
    catalog = load_catalog(CONFIGS / "actions.yaml")
    file = load_arbitration(CONFIGS / "arbitration.yaml", catalog)
    assert file.contexts and file.context_weights and not file.control_groups
    assert {exploration.kind for exploration in file.exploration.values()} == {"none"}


def test_what_the_file_of_the_demo_has_commented_out_can_be_switched_on(tmp_path: Path) -> None:
    text = (CONFIGS / "arbitration.yaml").read_text(encoding="utf-8")
    blocks = r"^# ((?:smoothing|ramp|diversity|control_groups):|  .*)$"
    path = tmp_path / "arbitration.yaml"
    path.write_text(re.sub(blocks, r"\1", text, flags=re.MULTILINE), encoding="utf-8")
    file = load_arbitration(path, load_catalog(CONFIGS / "actions.yaml"))
    assert (
        file.smoothing and file.ramp and file.diversity.per_group and len(file.control_groups) == 2
    )
