"""The demo repeats nothing that is done, and touches no process but its own."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from features.errors import NbaError
from serving import demo
from serving.demo import STEPS, Step, _run_steps, run_demo
from serving.demo_service import ensure_running, refuse_other_port, stop_service
from serving.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose nba.py writes its words down, and fails on the word `fail`."""
    root = tmp_path / "repository"
    (root / "configs").mkdir(parents=True)
    (root / "configs" / "a.yaml").write_text("a: 1\n")
    (root / "nba.py").write_text(
        "import sys, pathlib\n"
        "log = pathlib.Path(__file__).with_name('log')\n"
        "log.write_text((log.read_text() if log.exists() else '') + sys.argv[1] + ' ')\n"
        "sys.exit(sys.argv[1] == 'fail')\n"
    )
    monkeypatch.setattr(demo, "ROOT", root)
    return root


def steps(*verbs: str) -> tuple[Step, ...]:
    return tuple(Step(verb, "", (verb,), ("configs",)) for verb in verbs)


def test_finished_steps_are_not_repeated(settings: Settings, repository: Path) -> None:
    _run_steps(settings, steps("one", "two"))
    _run_steps(settings, steps("one", "two"))
    assert (repository / "log").read_text().split() == ["one", "two"]


def test_an_interrupted_demo_goes_on_where_it_stopped(settings: Settings, repository: Path) -> None:
    with pytest.raises(NbaError, match="the step 'fail' failed: nba fail"):
        _run_steps(settings, steps("one", "fail", "three"))
    _run_steps(settings, steps("one", "two", "three"))
    assert (repository / "log").read_text().split() == ["one", "fail", "two", "three"]


def test_a_changed_configuration_repeats_what_depends_on_it_and_all_after(
    settings: Settings, repository: Path
) -> None:
    first = Step("one", "", ("one",), ())
    chain = (first, *steps("two"), Step("three", "", ("three",), ()))
    _run_steps(settings, chain)
    (repository / "configs" / "a.yaml").write_text("a: 2\n")
    _run_steps(settings, chain)
    assert (repository / "log").read_text().split() == ["one", "two", "three", "two", "three"]


def test_what_was_replaced_since_is_made_again_and_all_after(
    settings: Settings, repository: Path
) -> None:
    left = settings.home / "data.json"
    left.parent.mkdir(parents=True)
    left.write_text("of the demo")
    chain = (Step("one", "", ("one",), (), leaves="data.json"), *steps("two"))
    _run_steps(settings, chain)
    _run_steps(settings, chain)
    left.write_text("of somebody")
    _run_steps(settings, chain)
    assert (repository / "log").read_text().split() == ["one", "two", "one", "two"]


def test_every_step_of_the_demo_depends_on_files_that_exist() -> None:
    for step in STEPS:
        assert all((demo.ROOT / need).exists() for need in step.needs), step.name


def test_a_taken_port_is_named_with_what_to_do(settings: Settings) -> None:
    settings.home.mkdir(parents=True)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = settings.model_copy(update={"http_port": other.getsockname()[1]})
        for ask in (ensure_running, run_demo):
            with pytest.raises(NbaError, match=rf"port {taken.http_port} .* NBA_HTTP_PORT="):
                ask(taken)


def test_another_port_than_that_of_the_running_service_is_refused(settings: Settings) -> None:
    settings.home.mkdir(parents=True)
    # Its command line is what the service's looks like; the first line shows that it is there.
    loop = "import time; print(flush=True); time.sleep(60)"
    service = subprocess.Popen(
        [sys.executable, "-c", loop, "serving.service"],
        start_new_session=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert service.stdout is not None and service.stdout.readline()
        (settings.home / "service.json").write_text(json.dumps({"pid": service.pid, "port": 3218}))
        other = settings.model_copy(update={"http_port": 3221})
        with pytest.raises(NbaError, match="runs on port 3218 already, not on 3221; stop it"):
            refuse_other_port(other)
        refuse_other_port(settings.model_copy(update={"http_port": 3218}))
    finally:
        service.kill()
        service.communicate()


def test_a_process_that_is_not_the_service_is_left_alone(settings: Settings) -> None:
    settings.home.mkdir(parents=True)
    other = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
    )
    try:
        (settings.home / "service.json").write_text(json.dumps({"pid": other.pid, "port": 1}))
        assert not stop_service(settings)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
