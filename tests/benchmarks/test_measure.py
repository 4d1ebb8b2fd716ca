import pytest

from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.measure import Figure, Sample, by_turns


def test_both_sides_run_equally_often_and_neither_always_first() -> None:
    seen: list[str] = []
    turns = by_turns(lambda: seen.append("ours"), lambda: seen.append("baseline"), 4)
    assert seen == ["baseline", "ours", "ours", "baseline"] * 2
    assert len(turns.ours.wall) == len(turns.baseline.cpu) == 4


def test_the_ratio_is_that_of_the_medians_and_is_held_against_the_target() -> None:
    ours, baseline = Sample((2.0, 90.0, 4.0)), Sample((1.0, 2.0, 3.0))
    figure = Figure("x", "work", "other work", ours, baseline, target=2.0)
    assert (figure.ratio, figure.met, figure.cpu_ratio) == (2.0, True, None)
    assert Figure("x", "", "", ours, baseline, target=1.9).met is False
    assert Figure("x", "", "", ours, baseline).as_dict()["met"] is None


def test_without_a_built_demo_it_is_said_what_to_run(
    tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NBA_HOME", str(tmp_path))
    assert main(["read"]) == 2
    assert "run `make demo` first" in capsys.readouterr().err


def test_an_unknown_benchmark_is_refused_with_the_known_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["reed"])
    told = capsys.readouterr().err
    assert all(name in told for name in BENCHMARKS)
