# Set-up, deploy, test. Nothing but Python 3.11 (or 3.12) and make is needed; all the rest comes from the registries.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
USE := $(VENV)/.use
DEV := $(VENV)/.dev
NPM = PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix dashboard/web
JAVA_FILES = $(shell find gatherer/java/src -name '*.java')

.DEFAULT_GOAL := help
.PHONY: help deploy test lint format java image page diagrams clean

help: ## Show this help
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/'

deploy: $(USE) java ## Set up, deploy on this machine, and show that data flows
	$(BIN)/pipectl deploy --cluster local

# SEED: the order of an earlier run, which it printed as --randomly-seed.
test: lint java ## Set up, check the code, and run every test in random order, the quick ones first (SEED=number repeats an order)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup --no-loadscope-reorder --durations 20 $(if $(SEED),-p randomly --randomly-seed $(SEED))

lint: $(DEV) ## Check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $(JAVA_FILES) || { echo "error: run make format" >&2; exit 1; }

format: $(DEV) ## Format Python and Java
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(JAVA_FILES)

java: $(USE) ## Build the jar of the job's Java classes, if their sources have changed (needs no JDK)
	@$(BIN)/python -m flink_scripts.building gatherer/java

IMAGE ?= pipectl:$(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' cli/__init__.py)
image: ## Build the Docker image of all apps (IMAGE=name:tag)
	docker build --tag $(IMAGE) .

page: $(DEV) ## Build the dashboard's page again, after a change in dashboard/web, and run its tests (Node comes from PyPI)
	$(NPM) ci --no-audit --no-fund
	$(NPM) run build
	$(NPM) test

diagrams: ## Draw docs/diagrams/*.svg again, after a change in their sources (needs graphviz)
	for name in docs/diagrams/*.dot; do dot -Tsvg $$name | sed '/^<!-- Generated/,/^ -->/d' > $${name%.dot}.svg; done

clean: ## End the local cluster, and remove what was installed and built here
	-test ! -x $(BIN)/pipectl || $(BIN)/pipectl destroy --cluster local --yes --purge
	rm -rf $(VENV) gatherer/java/*.jar build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "error: no Python found; install Python 3.11, or run make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(not (3, 11) <= v < (3, 13))' || \
	  { echo "error: $(PYTHON) is not Python 3.11 or 3.12; run make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# The constraints make installs repeatable; the ranges in setup.cfg say what is supported.
$(USE): setup.cfg constraints.txt | $(VENV)/bin/python
	@echo "Installing into $(VENV) (a minute the first time) ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[local]'
	@touch $@

$(DEV): $(USE)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[local,dev]'
	@touch $@
