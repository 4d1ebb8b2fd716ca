"""The import rule and the habits that keep the packages apart (docs/architecture.md)."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("features", "decisioning", "training", "serving", "feature_repo")
OURS = {*PACKAGES, "nba", "benchmarks", "tests"}

MAY_IMPORT = {
    "features": {"features"},
    "decisioning": {"features", "decisioning"},
    "training": {"features", "decisioning", "training"},
    "serving": {"features", "decisioning", "serving"},
    "feature_repo": {"features", "feature_repo"},
}

# Where a library may be imported: files, or folders that end in a slash.
ONLY_IN = {
    "feast": ("features/store.py", "feature_repo/"),
    "mlflow": ("training/",),
    "bentoml": ("serving/",),
    "_bentoml_sdk": ("serving/",),
    "_bentoml_impl": ("serving/",),
    "starlette": ("serving/",),
    "lightgbm": (
        "decisioning/propensity.py",
        "decisioning/leaf_finder.py",
        "decisioning/bundle_check.py",
        "training/",
    ),
    "cel_expr_python": ("decisioning/expressions/compiled.py",),
    "sqlalchemy": ("decisioning/ledger/",),
    "alembic": ("decisioning/ledger/",),
    "psycopg": ("decisioning/ledger/",),
    "psycopg_pool": ("decisioning/ledger/",),
    "jinja2": ("decisioning/simulation/",),
    "optuna": ("training/",),
    "optuna_integration": ("training/",),
}

# The switch for Feast's type checks must be read before Feast is imported.
WORK_ALLOWED = {"features/lean_feast.py": ["os.environ.get('NBA_FEAST_TYPECHECK')"]}
RUN_CODE_WHEN_READ = {"pickle", "joblib", "dill", "cloudpickle", "skops", "marshal", "shelve"}
HEAVY = {"feast", "mlflow", "pandas", "lightgbm", "bentoml"}
WORK = {
    "getenv", "open", "read_text", "read_bytes", "read_csv", "read_parquet", "connect",
    "Thread", "Process", "Popen", "start", "now", "today", "mkdir",
}  # fmt: skip


def product_files() -> list[Path]:
    """Every Python file that ships, at whatever depth."""
    found = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return found + [path for path in [ROOT / "nba.py"] if path.exists()]


def every_file() -> list[Path]:
    """Every Python file of the project: what ships, the tests and the benchmarks."""
    beside = [
        p for folder in ("tests", "benchmarks") for p in sorted((ROOT / folder).rglob("*.py"))
    ]
    return product_files() + beside


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def imports_in(tree: ast.AST) -> Iterator[str]:
    """The full names of all imported modules, those inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import hides where it points"
            yield str(node.module)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (str(arg.value) for arg in node.args if isinstance(arg, ast.Constant))


def roots_in(path: Path) -> set[str]:
    return {module.split(".")[0] for module in imports_in(tree_of(path))}


def importers(library: str) -> set[str]:
    return {name_of(path) for path in product_files() if library in roots_in(path)}


def test_the_import_detector_sees_every_form_of_import() -> None:
    source = (
        "import feast.x as f\n"
        "def late():\n    from mlflow.tracking import a\n    importlib.import_module('optuna')\n"
    )
    assert set(imports_in(ast.parse(source))) == {"feast.x", "mlflow.tracking", "optuna"}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    wrong = {
        name_of(path): sorted(extra)
        for path in sorted((ROOT / package).rglob("*.py"))
        if (extra := (roots_in(path) & OURS) - MAY_IMPORT[package])
    }
    assert wrong == {}


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_a_library_is_imported_only_behind_its_door(library: str) -> None:
    doors = ONLY_IN[library]
    wrong = {
        name
        for name in importers(library)
        if not any(name == door or (door[-1] == "/" and name.startswith(door)) for door in doors)
    }
    assert wrong == set()


def test_the_kernel_never_imports_the_ledger() -> None:
    """A decision is given a history; who read it is no business of the kernel."""
    kernel = [p for p in (ROOT / "decisioning").rglob("*.py") if "ledger" not in p.parts]
    assert len(kernel) > 40
    wrong = {
        name_of(path)
        for path in kernel
        if any(module.startswith("decisioning.ledger") for module in imports_in(tree_of(path)))
    }
    assert wrong == set()


def test_optuna_is_imported_in_exactly_one_file() -> None:
    assert len(importers("optuna") | importers("optuna_integration")) == 1


def test_nothing_is_stored_in_a_format_that_runs_code_when_it_is_read() -> None:
    """Tests may: they forge such files to see them refused."""
    wrong = {
        name_of(path): sorted(found)
        for path in every_file()
        if ROOT / "tests" not in path.parents
        if (found := roots_in(path) & RUN_CODE_WHEN_READ)
    }
    assert wrong == {}


def test_no_test_folder_is_a_package() -> None:
    """`tests/features/__init__.py` would make `import features` find the tests."""
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_no_file_of_the_feature_repository_hides_a_package() -> None:
    """Feast imports its files by bare name: features.py would be our package, and apply nothing."""
    stems = {path.stem for path in (ROOT / "feature_repo").rglob("*.py")}
    assert stems & OURS == set()


def test_a_file_has_at_most_300_lines() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in every_file()}
    assert {name: lines for name, lines in lengths.items() if lines > 300} == {}


def test_a_function_has_at_most_60_lines() -> None:
    long = {
        f"{name_of(path)}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for path in every_file()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= 60
    }
    assert long == {}


def run_at_import(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node that runs when a module is imported: all but the bodies of functions."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "__main__" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(getattr(node, "decorator_list", []))
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def work_at_import(tree: ast.Module) -> list[str]:
    """Reads of the environment, files or the clock, and started threads or processes."""
    found = []
    for node in run_at_import(tree):
        called = isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in WORK
        environment = isinstance(node, ast.Call) and "environ.get" in ast.unparse(node.func)
        if called or environment or (isinstance(node, ast.Subscript) and _reads(node)):
            found.append(ast.unparse(node))
    return found


def _reads(node: ast.Subscript) -> bool:
    return ast.unparse(node.value) == "os.environ" and isinstance(node.ctx, ast.Load)


def test_the_work_detector_sees_work_at_import_and_not_in_functions() -> None:
    quiet = "import os\nos.environ.setdefault('A', '1')\ndef f():\n    return open('x')\n"
    loud = "A = os.environ['A']\nB = Path('x').read_text()\nclass C:\n    now = datetime.now(UTC)\n"
    assert work_at_import(ast.parse(quiet)) == []
    assert len(work_at_import(ast.parse(loud))) == 3


@pytest.mark.parametrize("package", ["features", "decisioning", "training"])
def test_importing_a_module_does_no_work(package: str) -> None:
    wrong = {
        name_of(path): found
        for path in sorted((ROOT / package).rglob("*.py"))
        if (found := work_at_import(tree_of(path))) != WORK_ALLOWED.get(name_of(path), [])
    }
    assert wrong == {}


def test_help_loads_none_of_the_heavy_libraries() -> None:
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "nba.py", "--help"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-300:]
    lines = (line for line in ran.stderr.splitlines() if line.startswith("import time:"))
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in lines}
    assert "typer" in loaded
    assert loaded & HEAVY == set()
