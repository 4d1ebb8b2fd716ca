"""What is not in the documentation fails the build; what is there must hold."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_settings import BaseSettings

from features.declared import FEATURES
from features.reference import features_markdown

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference" / "features.md"

# The models of the files that people edit; those that are not there have no keys to document.
EDITED = (
    "decisioning.identity_rules",
    "decisioning.catalog",
    "decisioning.action",
    "decisioning.placements",
    "decisioning.treatments",
    "decisioning.value",
    "decisioning.rules",
    "decisioning.policies.policy_file",
    "decisioning.policies.policy",
    "decisioning.policies.concerns",
    "decisioning.policies.contact_rules",
    "decisioning.arbitration.file",
    "decisioning.arbitration.control",
    "decisioning.triggers",
    "training.problem",
    "features.canonical.mapping",
)

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")


@cache
def pages() -> dict[str, str]:
    """The text of every page, by its path from the root."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "models" / "README.md"]
    return {p.relative_to(ROOT).as_posix(): p.read_text() for p in found if p.exists()}


def fences_in(text: str, *languages: str) -> list[str]:
    return [
        body for language, body in _FENCE.findall(text) if not languages or language in languages
    ]


@cache
def all_code() -> str:
    """Everything set as code in README and docs: what counts as a mention of a name."""
    texts = [text for name, text in pages().items() if name != "CHANGELOG.md"]
    blocks = [block for text in texts for block in fences_in(text)]
    return "\n".join(blocks + [span for text in texts for span in _INLINE.findall(text)])


def is_mentioned(name: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", all_code()) is not None


def module_or_none(name: str) -> ModuleType | None:
    path = ROOT / Path(*name.split("."))
    there = path.with_suffix(".py").exists() or (path / "__init__.py").exists()
    return importlib.import_module(name) if there else None


def models_in(module: ModuleType) -> Iterator[type[BaseModel]]:
    for member in vars(module).values():
        is_model = isinstance(member, type) and issubclass(member, BaseModel)
        if is_model and member.__module__ == module.__name__:
            yield member


def keys_in(module: ModuleType) -> set[str]:
    return {
        field.alias or name
        for model in models_in(module)
        for name, field in model.model_fields.items()
    }


def cli_verbs() -> set[str]:
    """Every verb of the CLI in full, such as `features build`."""
    import typer

    nba = importlib.import_module("nba")
    return set(_verbs_below(typer.main.get_command(nba.app), ()))


def _verbs_below(command: Any, path: tuple[str, ...]) -> Iterator[str]:
    below = getattr(command, "commands", {})
    if path and not below:
        yield " ".join(path)
    for name, inner in below.items():
        if not inner.hidden:
            yield from _verbs_below(inner, (*path, name))


def make_verbs() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def environment_names() -> set[str]:
    """The environment variable of each setting."""
    names = set()
    for model in models_in(importlib.import_module("serving.settings")):
        if issubclass(model, BaseSettings):
            prefix = str(model.model_config.get("env_prefix", ""))
            names |= {f"{prefix}{field}".upper() for field in model.model_fields}
    return names


def served_paths() -> set[str]:
    """The path of every route that is declared in serving/."""
    route = re.compile(r"/(v1/[a-z0-9/{}_-]+|healthz|readyz|metrics|openapi[.]json)")
    return {
        node.value
        for file in sorted((ROOT / "serving").rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if route.fullmatch(node.value)
    }


def test_every_verb_of_the_command_line_is_documented() -> None:
    verbs = cli_verbs()
    assert verbs
    assert {verb for verb in verbs if not is_mentioned(f"nba {verb}")} == set()


def test_every_verb_of_make_is_documented() -> None:
    assert {verb for verb in make_verbs() if not is_mentioned(f"make {verb}")} == set()


def test_every_setting_is_documented() -> None:
    names = environment_names()
    assert names
    assert {name for name in names if not is_mentioned(name)} == set()


def test_every_endpoint_is_documented() -> None:
    paths = served_paths()
    assert "/v1/next-best-actions" in paths
    assert {path for path in paths if path not in all_code()} == set()


def test_every_feature_is_documented() -> None:
    assert {feature.name for feature in FEATURES if not is_mentioned(feature.name)} == set()


@pytest.mark.parametrize("name", EDITED)
def test_every_key_of_a_file_that_people_edit_is_documented(name: str) -> None:
    module = module_or_none(name)
    keys = keys_in(module) if module else set()
    assert {key for key in keys if not is_mentioned(key)} == set()


def test_the_keys_of_the_catalog_and_of_a_problem_are_found() -> None:
    for required in ("decisioning.catalog", "training.problem"):
        assert keys_in(importlib.import_module(required)), required


def test_the_reference_is_what_the_declarations_say() -> None:
    hint = "docs/reference/features.md is not what the features declare; run `make docs`"
    assert REFERENCE.read_text() == features_markdown(), hint


def anchors_of(text: str) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


def broken_links(page: Path) -> list[str]:
    broken = []
    for target in _LINK.findall(_FENCE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        missing = not file.exists()
        if missing or (
            anchor and file.suffix == ".md" and anchor not in anchors_of(file.read_text())
        ):
            broken.append(target)
    return broken


def test_a_link_to_no_file_or_no_heading_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Run it\n[here](#run-it) [gone](nowhere.md) [lost](page.md#nothing)\n")
    assert broken_links(page) == ["nowhere.md", "page.md#nothing"]


def test_every_relative_link_leads_somewhere() -> None:
    broken = {page: found for page in pages() if (found := broken_links(ROOT / page))}
    assert broken == {}


def commands_in(block: str) -> Iterator[list[str]]:
    """The commands of a shell block as words, without prompts and variables set before them."""
    for line in re.sub(r"\\\n", " ", block).splitlines():
        for command in re.split(r"&&|;|\|", line.strip().removeprefix("$ ")):
            words = shlex.split(command, comments=True) if _closes(command) else command.split()
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words = words[1:]
            if words:
                yield words


def _closes(command: str) -> bool:
    return command.count("'") % 2 == 0 and command.count('"') % 2 == 0


def shell_commands() -> Iterator[tuple[str, list[str]]]:
    for page, text in pages().items():
        for block in fences_in(text, "bash", "sh", "console"):
            yield from ((page, words) for words in commands_in(block))


def test_shell_blocks_call_only_verbs_of_make_that_exist() -> None:
    called = {
        (page, word)
        for page, words in shell_commands()
        if words[0] == "make"
        for word in words[1:]
        if "=" not in word and not word.startswith("-")
    }
    assert ("README.md", "demo") in called
    assert {(page, word) for page, word in called if word not in make_verbs()} == set()


def test_shell_blocks_call_only_verbs_of_the_command_line_that_exist() -> None:
    verbs = cli_verbs()
    called = {
        (page, " ".join(words[1:]))
        for page, words in shell_commands()
        if words[0].split("/")[-1] == "nba" and len(words) > 1
    }
    assert {
        (page, call)
        for page, call in called
        if not call.startswith("-") and not any(f"{call} ".startswith(f"{verb} ") for verb in verbs)
    } == set()


def test_every_file_that_the_map_names_is_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"\b(\w+\.py)\b", text))
    there = {path.name for path in ROOT.rglob("*.py") if ".venv" not in path.parts}
    assert named
    assert named - there == set()
