# Every verb of the project; CI runs the same ones. `make` alone lists them.
# Which build of Python it is makes a part of an answer's time: a distribution's is optimised by
# profiles, one that was built from source is not unless it was told to.
PYTHON ?= $(shell for one in /usr/bin/python3.11 python3.11; do \
	$$one -c 'import ensurepip' 2>/dev/null && echo $$one && exit; done; echo python3)
CONFIG ?= configs/complete_journey/adoption.yaml
VENV := .venv
PY := $(VENV)/bin/python
UV := $(VENV)/bin/uv
STAMP := $(VENV)/.installed
# Test processes, a file to one process; `make test WORKERS=0` runs all in one.
WORKERS ?= 2

# Libraries are read from compiled bytecode: without it each start compiles them anew.
unexport PYTHONDONTWRITEBYTECODE
# An activated environment or a path of another project has no say in this one.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME
# No library of ours reports usage to anybody.
export MLFLOW_DISABLE_TELEMETRY := true
export BENTOML_DO_NOT_TRACK := True
export DO_NOT_TRACK := 1
# A mirror that pip is told of is uv's as well, unless uv has its own.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

.DEFAULT_GOAL := help
.PHONY: help install check test torture demo demo-stop train serve bench docs lock

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP) ## build .venv from the hashed lock file

check: $(STAMP) ## format, lint and types
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy

test: $(STAMP) ## every test
	$(PY) -m pytest -n $(WORKERS) --dist loadfile

torture: $(STAMP) ## kill the service 200 times on each database, under load
	TORTURE_ROUNDS=200 $(PY) -m pytest -n 0 tests/serving/test_kill_over_http.py

demo: $(STAMP) ## demo data, features, a trained model and the running service
	$(PY) nba.py demo

demo-stop: $(STAMP) ## stop the demo's service
	$(PY) nba.py demo --stop

train: $(STAMP) ## train, compare and register a model: CONFIG=path/to/problem.yaml
	$(PY) nba.py train --config $(CONFIG)

serve: $(STAMP) ## start the service
	$(PY) nba.py serve

bench: $(STAMP) ## the figures that the README quotes
	$(PY) -m benchmarks

docs: $(STAMP) ## write the generated reference pages anew
	$(PY) nba.py docs

COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header

lock: $(STAMP) ## resolve the lock files anew; UPGRADE=--upgrade takes newer versions
	echo uv | $(COMPILE) $(UPGRADE) - -o requirements/uv.txt
	$(COMPILE) $(UPGRADE) pyproject.toml --extra production -o requirements/serving.txt
	$(COMPILE) $(UPGRADE) pyproject.toml --extra production --extra train --extra demo -o requirements/runtime.txt
	$(COMPILE) $(UPGRADE) pyproject.toml --extra production --extra train --extra demo --extra dev \
		-o requirements/dev.txt

# The cache is tried first, so that a second environment needs no network. The repository is put on
# the path as it stands: the folders are the packages (docs/decisions/0001-flat-packages.md).
$(STAMP): requirements/dev.txt requirements/uv.txt
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "building $(VENV) from requirements/dev.txt with $$(readlink -f $(PY))"
	@$(PY) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
		--only-binary :all: --require-hashes -r requirements/uv.txt
	@$(UV) pip sync --quiet --offline --python $(PY) --require-hashes requirements/dev.txt 2>/dev/null \
		|| $(UV) pip sync --python $(PY) --require-hashes requirements/dev.txt
	@for site in $(VENV)/lib/python*/site-packages; do \
		echo ../../../.. > $$site/next-best-action.pth; done
	@printf '%s\n' '#!/bin/sh' 'here=$$(dirname "$$(readlink -f "$$0")")' \
		'exec "$$here/python" "$$here/../../nba.py" "$$@"' > $(VENV)/bin/nba
	@chmod +x $(VENV)/bin/nba
	@touch $@
