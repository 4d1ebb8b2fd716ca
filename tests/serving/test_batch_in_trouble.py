"""A batch whose ledger takes nothing for a moment: it stops, and goes on as if nothing had been."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Any

import outbound_world
import pyarrow.parquet as parquet
import pytest

from features.errors import FeatureError, LedgerBusy, LedgerError
from serving.batch import decide_at
from serving.breaker import Breaker
from serving.outbound import outbound_question


def test_a_batch_that_met_a_busy_ledger_decides_for_everybody_when_it_goes_on(
    house: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = [str(one) for one in range(20)]
    (house.folder / "actions.yaml").write_text(outbound_world.CATALOG)
    (house.folder / "policies.yaml").write_text("consent: {assumed: demo}\n" + outbound_world.LIMIT)
    desk = house.parts(catalog=house.folder / "actions.yaml").desk
    out = tmp_path / "out.parquet"

    def decide(*customers: str, run: str = "r") -> int:
        who = house.folder / f"{run}.csv"
        who.write_text("\n".join(("customer_id", *customers)) + "\n")
        question = outbound_question("email", mode="live")
        return decide_at(desk, house.folder, str(who), question, out, run).customers

    # What records refer to is stored with the first decision, or else none could be spooled.
    assert decide("somebody", run="before") == 1
    with monkeypatch.context() as patch:
        patch.setattr(house.ledger, "take_decision", _busy)
        with pytest.raises(LedgerError):
            decide(*everybody)
    house.ledger.flush()
    assert decide(*everybody) == 20
    told = parquet.read_table(out).to_pylist()
    assert {row["action_id"] for row in told} == {"tea"}
    assert len({row["customer_id"] for row in told}) == 20
    assert decide(*everybody) == 20


def test_a_batch_does_not_decide_without_profiles_that_it_should_have(
    house: Any, tmp_path: Path
) -> None:
    house.store.known = tuple(str(one) for one in range(20))
    (house.folder / "actions.yaml").write_text(outbound_world.CATALOG)
    (house.folder / "policies.yaml").write_text("consent: {assumed: demo}\n")
    desk = house.parts(catalog=house.folder / "actions.yaml").desk
    who, out = house.folder / "who.csv", tmp_path / "out.parquet"
    who.write_text("\n".join(("customer_id", *house.store.known)) + "\n")

    def decide() -> int:
        question = outbound_question("email")
        return decide_at(desk, house.folder, str(who), question, out, "r").customers

    house.store.failure = FeatureError("Redis is gone")
    with pytest.raises(FeatureError, match="no decision is better"):
        decide()
    assert not out.exists()
    house.store.failure = None
    desk.engine.reader.breaker = Breaker(monotonic)
    assert decide() == 20
    assert len(parquet.read_table(out)) == 20


def _busy(*_: Any) -> None:
    raise LedgerBusy("as if somebody else held it")
