"""The command line as its users meet it, in this process."""

import json
from pathlib import Path

import pytest
from cli_world import Run, command_line

import nba


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("NBA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NBA_MODELS", str(tmp_path / "models"))
    return command_line(monkeypatch, capsys)


@pytest.fixture
def csv_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "transactions.csv").write_text(
        "transaction_id,customer_id,timestamp,amount,category\n"
        "t1,007,2024-01-01 10:00,5.00,TEA\n"
        "t2,007,2024-01-09 10:00,many,TEA\n"
    )
    return folder


def test_a_folder_is_read_and_what_cannot_be_is_counted(run: Run, csv_folder: Path) -> None:
    code, out, _ = run("ingest", "--from", str(csv_folder))
    assert code == 0
    assert "1 loaded, 1 rejected (not_a_number 1)" in out
    assert "1 rows rejected" in out


def test_past_data_can_bring_its_own_time(run: Run, csv_folder: Path, tmp_path: Path) -> None:
    code, _, _ = run("ingest", "--from", str(csv_folder), "--starts-at", "2024-02-01T00:00")
    assert code == 0
    clock = json.loads((tmp_path / "home" / "clock.json").read_text())
    assert clock["starts_at"] == "2024-02-01T00:00:00+00:00"
    run("ingest", "--from", str(csv_folder))
    assert not (tmp_path / "home" / "clock.json").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ingest", "complete-jurney"), "did you mean 'complete-journey'"),
        (("ingest", "--from", "nowhere"), "nowhere"),
        (("ingest", "--from", ".", "--starts-at", "soon"), "'soon'"),
        (("train", "--config", "nowhere.yaml"), "nowhere.yaml"),
        (("features", "build"), "run an ingest"),
        (("features", "materialize"), "nba features build"),
        (("recommend", "--customer", "1", "--channel", "fax"), "'fax'"),
        (("recommend", "--customer", "1", "--language", "fr"), "'fr'"),
        (("keys", "create", "--scope", "everything"), "'everything'"),
        (("rollback",), "adoption"),
    ],
)
def test_what_a_user_can_act_on_is_one_line_and_no_traceback(
    words: tuple[str, ...], said: str, run: Run
) -> None:
    code, out, err = run(*words)
    assert code == 1
    assert said in err
    assert "Traceback" not in out + err
    assert len(err.strip().splitlines()) == 1


def test_a_data_set_and_a_folder_together_are_refused(run: Run) -> None:
    code, _, err = run("ingest", "complete-journey", "--from", ".")
    assert code == 2
    assert "either a data set or --from" in err


def test_without_features_or_model_the_answer_is_the_default_action_and_says_why(run: Run) -> None:
    code, out, _ = run("recommend", "--customer", "1", "--json")
    assert code == 0
    answer = json.loads(out)
    assert [result["action_id"] for result in answer["results"]] == ["do_nothing"]
    assert {"no_model", "features_unavailable"} <= set(answer["degraded"])


def test_a_key_is_shown_once_and_kept_as_a_hash(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("keys", "create", "--scope", "read", "--scope", "decide:web")
    assert code == 0
    kept = (tmp_path / "home" / "keys.json").read_text()
    assert out.strip().startswith("nba_")
    assert out.strip().split("_")[-1] not in kept


def test_the_generated_pages_are_those_in_docs() -> None:
    folder = Path(nba.__file__).parent / "docs" / "reference"
    for name, text in nba.reference_pages().items():
        assert (folder / name).read_text(encoding="utf-8") == text, f"run `nba docs`: {name}"


def test_a_failed_ingest_leaves_the_clock_as_it_was(
    run: Run, csv_folder: Path, tmp_path: Path
) -> None:
    run("ingest", "--from", str(csv_folder), "--starts-at", "2024-02-01T00:00")
    pinned = (tmp_path / "home" / "clock.json").read_text()
    for words in ((), ("--starts-at", "1999-01-01")):
        code, _, _ = run("ingest", "--from", str(tmp_path / "nowhere"), *words)
        assert code == 1
        assert (tmp_path / "home" / "clock.json").read_text() == pinned


def test_a_time_nobody_can_mean_is_refused(run: Run, csv_folder: Path) -> None:
    code, _, err = run("ingest", "--from", str(csv_folder), "--starts-at", "9999-12-31")
    assert code == 1
    assert "'9999-12-31'" in err


def test_a_data_set_of_a_log_that_is_not_there_yet_is_told_and_not_written(
    run: Run, tmp_path: Path
) -> None:
    code, out, _ = run("dataset", "build")
    assert code == 0
    assert "nothing is logged yet" in out
    assert not (tmp_path / "home").exists()


def test_the_clock_of_past_data_is_shown_and_moved_forward(
    run: Run, csv_folder: Path, tmp_path: Path
) -> None:
    assert run("clock")[1].endswith("(the machine's own)\n")
    assert "no clock is pinned" in run("clock", "--to", "2024-02-03")[2]
    run("ingest", "--from", str(csv_folder), "--starts-at", "2024-02-01T00:00")
    code, out, _ = run("clock", "--to", "2024-02-03T10:00+01:00")
    assert (code, out[:17]) == (0, "2024-02-03T09:00:")
    assert out == run("clock")[1] or run("clock")[1][:14] == out[:14]
    code, out, err = run("clock", "--to", "2024-02-02")
    assert code == 1 and out == "" and "not turned back to 2024-02-02T00:00:00" in err
    assert run("clock", "--to", "yesterday")[0] == 1
