"""What the repository itself must keep: no traces of a machine, hashed locks, a lean image."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ("serving", "runtime", "dev", "uv")

FORBIDDEN = {
    "address of a package index": re.compile(
        r"(?<![\w-])--(?:extra-)?index-url|https?://\S+/simple\b|https?://registry[.]"
    ),
    "absolute path of a machine": re.compile(r"(?<![\w.\-/*}])/(?:root|work|home|Users)/\w"),
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "API key of ours": re.compile(r"\bnba_[0-9A-Za-z]{4,}_[0-9A-Za-z_\-]{24,}"),
    "cloud or forge key": re.compile(r"\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[0-9A-Za-z]{36}\b"),
    "web token": re.compile(r"\beyJ[\w\-]{16,}[.]eyJ[\w\-]{16,}[.]"),
}

EXAMPLES = {
    "address of a package index": "https://packages.example" + "/simple",
    "absolute path of a machine": "open('/" + "home/ann/data.csv')",
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "API key of ours": "nba_" + "4f2a9c_" + "x" * 32,
    "cloud or forge key": "AKIA" + "A1" * 8,
    "web token": "eyJ" + "a" * 20 + ".eyJ" + "b" * 20 + ".c",
}


@cache
def repository_texts() -> dict[str, str]:
    """Every text file that is tracked or could be: all but what .gitignore names."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    texts = {}
    for name in filter(None, listed):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b"\0"
        if b"\0" not in content:
            texts[name] = content.decode()
    return texts


def read(name: str) -> str:
    return (ROOT / name).read_text()


def requirements_of(lock: str) -> list[str]:
    """The entries of a lock file, each with its continuation lines."""
    joined = read(f"requirements/{lock}.txt").replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def locked_names(lock: str) -> set[str]:
    return {re.split(r"[=\[ ;]", entry)[0].lower() for entry in requirements_of(lock)}


@pytest.mark.parametrize("kind", sorted(FORBIDDEN))
def test_no_file_holds_a_trace_that_must_not_leave_a_machine(kind: str) -> None:
    assert FORBIDDEN[kind].search(EXAMPLES[kind]), "the pattern no longer finds its own example"
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match.group()}"
        for name, text in repository_texts().items()
        for match in FORBIDDEN[kind].finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_is_pinned_and_hashed_and_names_no_place(lock: str) -> None:
    entries = requirements_of(lock)
    assert entries
    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []
    text = read(f"requirements/{lock}.txt")
    assert re.findall(r"https?:|file:|--index|--extra-index|--find-links", text) == []


@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        ("serving", ("production",)),
        ("runtime", ("production", "train", "demo")),
        ("dev", ("production", "train", "demo", "dev")),
    ],
)
def test_a_lock_file_holds_every_direct_dependency(lock: str, extras: tuple[str, ...]) -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    names = {re.split(r"[\[<>=!~ ;]", one)[0].lower() for one in wanted}
    assert names - locked_names(lock) == set()


def test_the_service_installs_nothing_of_training() -> None:
    assert locked_names("serving") & {"mlflow", "optuna", "scikit-learn", "pytest"} == set()


def test_no_lock_file_that_names_a_registry_is_kept() -> None:
    names = {Path(name).name for name in repository_texts()}
    assert names & {"uv.lock", "poetry.lock", "Pipfile.lock", "package-lock.json"} == set()


def test_licence_and_changelog_are_there() -> None:
    licence = tomllib.loads(read("pyproject.toml"))["project"]["license"]
    assert licence == "Apache-2.0"
    assert "Apache License" in read("LICENSE") and "Version 2.0, January 2004" in read("LICENSE")
    assert re.search(r"^## \[", read("CHANGELOG.md"), re.MULTILINE)


def test_the_image_is_lean_unprivileged_and_watched() -> None:
    lines = read("Dockerfile").splitlines()
    assert sum(line.startswith("FROM ") for line in lines) == 2
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users and users[-1].split(":")[0] not in {"root", "0"}
    image = "\n".join(lines)
    assert "--require-hashes" in image and "serving.txt" in image
    assert "compile-bytecode" in image and "compileall" in image
    assert re.search(r"^HEALTHCHECK ", image, re.MULTILINE) and "/healthz" in image
    assert "NBA_HTTP_HOST=0.0.0.0" in image
    assert re.search(r'^VOLUME \["/app/.nba", "/app/models"\]', image, re.MULTILINE)
    assert not re.search(r"^ADD |COPY .*(training|\.env|models)|curl .*\|", image, re.MULTILINE)


def test_every_folder_that_the_image_copies_may_enter_its_build() -> None:
    allowed = {
        line[1:].rstrip("/") for line in read(".dockerignore").splitlines() if line[:1] == "!"
    }
    copies = re.findall(r"^COPY (?!--from)(.+)$", read("Dockerfile"), re.MULTILINE)
    sources = {source.rstrip("/") for line in copies for source in line.split()[:-1]}
    assert sources == allowed


@pytest.mark.parametrize(
    ("library", "switch", "folder"),
    [
        ("bentoml", "BENTOML_DO_NOT_TRACK", "serving"),
        ("mlflow", "MLFLOW_DISABLE_TELEMETRY", "training"),
    ],
)
def test_a_library_that_reports_usage_is_silenced_where_it_is_imported(
    library: str, switch: str, folder: str
) -> None:
    imported = re.compile(rf"^\s*(?:import|from) {library}\b", re.MULTILINE)
    texts = [path.read_text() for path in sorted((ROOT / folder).rglob("*.py"))]
    assert any(imported.search(text) for text in texts)
    assert any(switch in text for text in texts)
    assert switch in read("Makefile")


def python_of_make(**environment: str) -> str:
    shown = subprocess.run(
        ["make", "--silent", "--eval", "shown: ; @echo $(PYTHON)", "shown"],
        cwd=ROOT, env={"PATH": os.environ["PATH"], **environment},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return shown.stdout.strip()


def test_make_takes_a_python_that_can_make_environments_and_otherwise_the_one_it_is_told() -> None:
    asked = subprocess.run([python_of_make(), "-c", "import ensurepip"], check=False)
    assert asked.returncode == 0
    assert python_of_make(PYTHON="/opt/other/python") == "/opt/other/python"
