"""Decisions that were written down can be taken again, whatever has changed since."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from generated_moments import Case, random_case
from generated_world import (
    LAYOUT,
    Generated,
    as_the_ledger_reads_it,
    calendar_of,
    model_of,
    popularity_of,
    profiles_of,
)

from decisioning.calibration import Calibration
from decisioning.configuration import Configuration
from decisioning.contributions import contributions_of
from decisioning.decide import decide
from decisioning.decision import Decision
from decisioning.manifest import Manifest, ModelFeature, Priors
from decisioning.propensity import Model
from decisioning.record import (
    Shared,
    digest_of,
    layout_content,
    payload_of,
    popularity_content,
    read_record,
    vectors_of,
)
from decisioning.replay import Replayer
from decisioning.world import World, build_world
from features.errors import LedgerError

WORLDS, EACH = 50, 20
FEATURES = ("trips_91d", "spend_91d", "complaints_91d", "appeal", "size")


@dataclass
class Archive:
    """Where records and what they share are kept, as a ledger would; of one time zone."""

    zone: str
    snapshots: dict[str, bytes] = field(default_factory=dict)
    models: dict[str, Any] = field(default_factory=dict)
    records: list[tuple[bytes, bytes, Decision]] = field(default_factory=list)

    def keep(self, content: bytes) -> str:
        self.snapshots[digest_of(content)] = content
        return digest_of(content)

    def write(self, case: Case, world: World, decision_id: str) -> Decision:
        """Take a decision and write it down."""
        profiles, popularity = profiles_of(case), popularity_of(case, world)
        history = as_the_ledger_reads_it(case, world)
        decision = decide(case.request, profiles, popularity, world, case.now, history, decision_id)
        layout = self.keep(layout_content(world.layout))
        shared = Shared(
            configuration=self.keep(world.configuration.content),
            layout=layout,
            profile_layout=layout,
            popularity=self.keep(popularity_content(popularity)),
            time_zone=self.zone,
        )
        payload = payload_of(case.request, decision, history, shared)
        self.records.append((payload, vectors_of(profiles), decision))
        self.models[world.versions.model] = world.model
        return decision

    def replayer(self) -> Replayer:
        return Replayer(self.snapshots.__getitem__, self.models.__getitem__)


def cases_of(generated: Generated, count: int) -> list[Case]:
    dice = [Random(f"replay {generated.written.seed} {at}") for at in range(count)]
    cases = [random_case(one, generated.written) for one in dice]
    for at in range(0, count, 4):
        request = replace(cases[at].request, decision_request_id=f"request {at}")
        cases[at] = replace(cases[at], request=request)
    return cases


def archived(seed: int, count: int = EACH) -> Archive:
    generated = Generated.of(seed)
    archive = Archive(generated.written.zone)
    for at, case in enumerate(cases_of(generated, count)):
        archive.write(case, generated.world, f"decision {at}")
    return archive


@pytest.mark.parametrize("first", range(1_000, 1_000 + WORLDS, 10))
def test_recorded_decisions_are_taken_again_to_the_last_bit(first):
    for seed in range(first, first + 10):
        archive = archived(seed)
        replayer = archive.replayer()
        for payload, vectors, decision in archive.records:
            again = replayer.take_again(payload, vectors)
            assert again.differences == (), (seed, decision.decision_id)
            # Reasons are not written down, everything else of the answer is the same.
            assert again.decision == decision, (seed, decision.decision_id)


@dataclass
class Changed:
    """The archive of one world after its configuration was changed, and the changed world."""

    archive: Archive
    before: int
    world: World


@pytest.fixture
def changed() -> Changed:
    generated = Generated.of(1_007)
    archive = Archive(generated.written.zone)
    cases = cases_of(generated, 40)
    for at, case in enumerate(cases):
        archive.write(case, generated.world, f"decision {at}")
    content = json.loads(generated.world.configuration.content)
    for action in content["catalog"]["actions"]:
        action["enabled"] = False
    content["policies"]["contact_policies"] = []
    content["arbitration"] = {}
    world = build_world(
        Configuration.from_content(json.dumps(content).encode()),
        generated.world.model,
        LAYOUT,
        calendar_of(archive.zone),
    )
    for at, case in enumerate(cases):
        archive.write(case, world, f"later decision {at}")
    return Changed(archive, len(cases), world)


def test_a_changed_configuration_does_not_leak_into_old_decisions(changed):
    replayer = changed.archive.replayer()
    # Old and new in turn, so that nothing kept of one can slip into the other.
    records = changed.archive.records
    turns = zip(records[: changed.before], records[changed.before :], strict=True)
    differed = 0
    for old, new in turns:
        for payload, vectors, decision in (old, new, old):
            again = replayer.take_again(payload, vectors)
            assert again.differences == ()
            assert again.decision == decision
        assert all(one.action_id == "nothing" for one in new[2].results)
        differed += old[2].results[0].action_id != "nothing"
    assert differed > 5


@pytest.mark.parametrize("part", ["results", "removed", "history", "now", "request"])
def test_a_record_that_was_tampered_with_is_noticed(part):
    noticed = 0
    for payload, vectors, decision in archived(1_011, 60).records:
        content = json.loads(payload)
        if not _tamper(content, part):
            continue
        again = archive_replayer(1_011).take_again(json.dumps(content).encode(), vectors)
        if part in ("results", "removed"):
            assert again.differences, decision
        noticed += bool(again.differences)
    assert noticed > 3


REPLAYERS: dict[int, Replayer] = {}


def archive_replayer(seed: int) -> Replayer:
    if seed not in REPLAYERS:
        REPLAYERS[seed] = archived(seed, 60).replayer()
    return REPLAYERS[seed]


def _tamper(content: dict[str, Any], part: str) -> bool:
    """Change a part of a record; tell whether there was something to change."""
    if part == "results":
        content["results"][0][1] = "another"
    elif part == "removed" and content["removed"]:
        content["removed"].pop()
    elif part == "history":
        content["history"] = None
    elif part == "now":
        content["now"] = datetime(2031, 1, 1, tzinfo=UTC).isoformat()
    elif part == "request":
        content["request"]["excluded"] = [content["results"][0][1]]
    else:
        return False
    return True


@pytest.mark.parametrize("damage", [b"", b"[]", b"{}", b'{"format": 2}', b"\xff"])
def test_what_is_not_a_record_is_refused(damage):
    with pytest.raises(LedgerError, match="not the record of a decision"):
        read_record(damage)


@pytest.fixture(scope="module")
def trained() -> Model:
    """A small real model of features of the customer and attributes of the action."""
    dice = np.random.default_rng(5)
    inputs = dice.integers(0, 6, (1_500, len(FEATURES))).astype(float)
    inputs[dice.random(inputs.shape) < 0.15] = np.nan
    odds = 0.5 * np.nan_to_num(inputs[:, 0]) + np.nan_to_num(inputs[:, 3]) * inputs[:, 4] - 3.0
    labels = np.nan_to_num(odds) + dice.logistic(size=len(odds)) > 0
    data = lgb.Dataset(inputs, labels.astype(float), feature_name=list(FEATURES))
    settings = {
        "objective": "binary",
        "num_leaves": 15,
        "num_threads": 1,
        "seed": 5,
        "verbosity": -1,
    }
    booster = lgb.train(settings, data, 40)
    return Model(_manifest(), booster)


def _manifest() -> Manifest:
    def block(name: str) -> Any:
        return "attribute" if name in ("appeal", "size") else "customer"

    return Manifest(
        name="small",
        version="v1",
        problem="generated",
        label_model="response",
        window_days=28,
        created_at=datetime(2024, 1, 1, tzinfo=UTC),
        features=tuple(ModelFeature(name=name, block=block(name)) for name in FEATURES),
        encodings={},
        layout_hash=LAYOUT.hash,
        calibration=Calibration(kind="sigmoid", a=1.1, b=-0.2),
        actions=("a00", "a01"),
        priors=Priors(overall=0.1, per_action={}, per_segment={}),
        evidence={"a00": 60.0, "a01": 3.0},
        metrics={},
        training={},
        versions={},
    )


def test_what_inputs_add_sums_to_the_score_of_a_real_model(trained):
    told = 0
    for seed in range(1_000, 1_020):
        generated = Generated.of(seed)
        world = build_world(
            generated.world.configuration, trained, LAYOUT, calendar_of(generated.written.zone)
        )
        archive = Archive(generated.written.zone)
        for at, case in enumerate(cases_of(generated, EACH)):
            archive.write(case, world, f"decision {at}")
        replayer = archive.replayer()
        for payload, vectors, decision in archive.records:
            again = replayer.take_again(payload, vectors)
            assert again.decision == decision
            names = [one.action_id for one in decision.results]
            told += _check_contributions(
                contributions_of(names, again.moment, again.world), decision
            )
    assert told > 100


def _check_contributions(found: Any, decision: Decision) -> int:
    for result in decision.results:
        if result.model_propensity is None:
            continue
        parts = found[result.action_id]
        assert set(parts.added) == set(FEATURES) == set(parts.inputs)
        assert abs(parts.bias + sum(parts.added.values()) - parts.raw_score) < 1e-9
        calibrated = 1.0 / (1.0 + np.exp(-(1.1 * parts.raw_score - 0.2)))
        assert abs(calibrated - result.model_propensity) < 1e-12
    return len(found)


def test_models_of_generated_worlds_are_told_apart():
    first, second = Generated.of(1_000).written, Generated.of(1_001).written
    versions = {one.manifest.version for one in (model_of(first), model_of(second)) if one}
    assert versions == {"1000", "1001"}
