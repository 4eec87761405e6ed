# make run and make test set up everything they need in .venv; `make help` lists the rest.

VENV := .venv
BIN := $(VENV)/bin
# The first Python that is new enough; choose another with `make PYTHON=python3.12 …`.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt

# What `make run` reads, and further options for it: make run DATA=my/cells ARGS='--set seed=1'
DATA ?= demo
ARGS ?=
# Real cells for the benchmarks and the tests that need them; found by themselves where they lie beside the checkout.
PBC ?= $(wildcard ../shared/data/pbc96.parquet)
ifneq ($(PBC),)
export PBC
endif
BENCHMARKS ?= core_size reading training_step

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test lint types imports unit test-all bench model docs site clean

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

# ---- set-up: the stamps are renewed when the requirements change ---------------------------------------------------

$(VENV)/.created:
	@test -n "$(PYTHON)" || { echo "smearlab needs Python 3.11 or newer, and none was found." \
		"Install one, or name it: make PYTHON=/path/to/python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "smearlab needs Python 3.11 or newer;" \
		"$(PYTHON) is not. Name another: make PYTHON=/path/to/python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments." \
		"On Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# One environment serves both: the second stamp adds the checks' tools to the first, and torch is installed once.
$(VENV)/.train: pyproject.toml constraints.txt | $(VENV)/.created
	@echo "Installing smearlab and what it trains with; the first time takes some minutes."
	$(PIP_INSTALL) -e '.[train]'
	@touch $@

$(VENV)/.dev: $(VENV)/.train
	$(PIP_INSTALL) -e '.[dev]'
	@touch $@

setup: $(VENV)/.train ## make .venv with all that training needs

setup-dev: $(VENV)/.dev ## the same and the tools of the checks

# ---- the main job --------------------------------------------------------------------------------------------------

run: $(VENV)/.train ## the whole way on the synthetic demo, or on DATA=…; ends with the report to open
	$(BIN)/python -m smearlab run '$(DATA)' $(ARGS)

# ---- checks --------------------------------------------------------------------------------------------------------

# Whole files, because a file's tests share what is costly to make; more processes than this want too much memory.
SIDE_BY_SIDE := --numprocesses auto --maxprocesses 4 --dist loadfile

test: lint types imports unit ## every check: ruff, mypy, import-linter, pytest without the slow tests

lint: $(VENV)/.dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

types: $(VENV)/.dev
	$(BIN)/python -m mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

unit: $(VENV)/.dev
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m 'not slow and not gpu'

test-all: lint types imports ## every check, the slow tests too; what cannot be tried here fails
	SMEARLAB_COMPLETE=1 $(BIN)/python -m pytest $(SIDE_BY_SIDE)

bench: $(VENV)/.dev ## the scripts in benchmarks/, on real cells with PBC=path/to/pbc96.parquet
	@status=0; for name in $(BENCHMARKS); do echo "== $$name"; $(BIN)/python -m benchmarks.$$name || status=1; done; \
		exit $$status

CREDIT := PBC data set, Acevedo et al. 2020 (Data in Brief 30:105474), Hospital Clínic Barcelona, CC BY 4.0

SHIPPED := --recipe robust --set 'data.licence="Apache-2.0"' 'data.credit="$(CREDIT)"'
# What `make model` does after the training whose figures stand in MODEL_CARD.md: the same recipe on all but 8 %.
ALL_CELLS := split.train=0.92 split.validation=0.08 split.test=0

model: $(VENV)/.train ## train and stress the model that ships, from PBC=path/to/pbc96.parquet (MobileNetV2's weights beside it)
	@test -n "$(PBC)" || { echo "make model needs the real cells: make model PBC=path/to/pbc96.parquet" >&2; exit 2; }
	rm -rf build/robust build/default
	$(BIN)/python -m smearlab train '$(PBC)' $(SHIPPED) --out build/robust
	$(BIN)/python -m smearlab stress build/robust '$(PBC)' --suite all --out build/robust-stress
	$(BIN)/python -m smearlab train '$(PBC)' $(SHIPPED) $(ALL_CELLS) --out build/default
	rm -f src/smearlab/inference/default/*
	cp build/default/model/* src/smearlab/inference/default/

docs: $(VENV)/.train ## write the tables in docs/ that come from the code
	$(BIN)/python -m docs.recipe_keys
	$(BIN)/python -m docs.operation_tables
	$(BIN)/python -m docs.stress_tables
	$(BIN)/python -m docs.team_tables
	$(BIN)/python -m docs.study_tables
	$(BIN)/python -m docs.option_tables

site: $(VENV)/.dev ## the documentation as a site in build/site, to open without a server
	$(BIN)/python -m mkdocs build --strict --quiet
	@echo "Open build/site/index.html"

clean: ## remove the environment, caches and build outputs; runs/ stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache src/*.egg-info
	find src tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +
