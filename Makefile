# Set-up, deploy, test. Needs only Python 3.11 (or 3.12) and make; everything else comes from the registries.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
USE := $(VENV)/.use
DEV := $(VENV)/.dev
NPM = PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix dashboard/web
JAVA_PROJECTS = flink_scripts/java gatherer/java
JAVA_FILES = $(shell find $(JAVA_PROJECTS) bench/java -name '*.java')

.DEFAULT_GOAL := help
.PHONY: help deploy test archives test-long test-flows lint format java bench bench-quick image image-spark image-check compose-check lock lock-base page diagrams clean

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/'

deploy: $(USE) java ## Set up, deploy on this machine, and show that data flows
	$(BIN)/pipectl deploy --cluster local

# More processes than cores: many tests wait for time to pass, and leave their core to the others. What the long ones
# start needs memory, too. pytest keeps what it has compiled of the tests for the next process. SEED: the order of an
# earlier run, which it printed as --randomly-seed.
PYTEST = PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --dist loadscope --no-loadscope-reorder --durations 20 \
	$(if $(SEED),-p randomly --randomly-seed $(SEED))
test: java ## Set up, check the code, and run all tests but the long ones in random order, the quick ones first (SEED=number repeats an order)
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target lint archives
	$(PYTEST) --numprocesses 4 -m "not slow and not e2e"
	$(PYTEST) --numprocesses 4 -m "slow or e2e"

# What each process of a test would otherwise do again at its start.
archives: $(DEV) java
	$(BIN)/python -m compileall -q $(filter-out build/,$(wildcard */))
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --collect-only -qq >/dev/null || true
	$(BIN)/python -m tests.class_archives

test-long: archives ## Run the longer forms of tests, which `make test` leaves out (about an hour)
	$(PYTEST) --numprocesses 2 -m long

test-flows: $(DEV) java ## Test the flows one by one: Socket.IO, Spark Streaming, Spark
	$(BIN)/python -m pytest tests/dashboard/test_flows_api.py tests/dashboard/test_flow_pages.py
	$(BIN)/python -m pytest tests/spark_jobs/test_stream.py
	$(BIN)/python -m pytest tests/spark_jobs --ignore tests/spark_jobs/test_stream.py

lint: $(DEV) ## Check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $(JAVA_FILES) || { echo "error: run make format" >&2; exit 1; }

format: $(DEV) ## Format Python and Java
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(JAVA_FILES)

java: $(USE) ## Build the jars of the Java classes if their sources have changed (needs no JDK)
	@for project in $(JAVA_PROJECTS); do $(BIN)/python -m flink_scripts.building $$project || exit 1; done

bench: $(DEV) java ## Measure the speed beside the peers; writes bench/RESULTS.md (about two hours)
	$(BIN)/python bench/run.py

bench-quick: $(DEV) java ## The costs of a tick and of a pane, with fewer ticks and rounds, into bench/quick: about five minutes on two idle cores
	$(BIN)/python bench/run.py --quick

IMAGE ?= pipectl:$(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' cli/__init__.py)
image: ## Build the Docker image of all apps (IMAGE=name:tag)
	docker build --tag $(IMAGE) .

image-spark: ## Build the image of the apps and jobs of Spark (IMAGE=name:tag; the default ends in -spark)
	docker build --target spark --tag $(if $(filter file,$(origin IMAGE)),$(IMAGE)-spark,$(IMAGE)) .

image-check: $(DEV) ## Build the images with buildah, and run the bundle and Spark's jobs with podman (needs Debian and root)
	$(BIN)/python bench/image_check.py

compose-check: $(DEV) ## Run the commands of compose.yaml with podman-compose (needs Debian and root)
	$(BIN)/python bench/compose_check.py

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)
BUILD_REQUIRES := import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")
lock: $(DEV) ## Lock packages and jars by hash, after you change setup.cfg or a coordinate (UPGRADE=1: to the newest)
	$(BIN)/python -c '$(BUILD_REQUIRES)' | $(COMPILE) -o requirements-build.txt -
	$(COMPILE) --extra local -o requirements.txt setup.cfg
	grep -oE '^ +pyspark==.*' setup.cfg | sort -u | $(COMPILE) --no-deps -o requirements-spark.txt -
	$(COMPILE) --extra local --extra dev -c requirements.txt -o requirements-dev.txt setup.cfg
	for peer in bench/peers/requirements-*.in; do $(COMPILE) -o $${peer%.in}.txt $$peer || exit 1; done
	$(BIN)/python -m flink_scripts.locked
	$(BIN)/python -m local_dcos.services.jars
	$(BIN)/python -m spark_jobs.locked
	$(BIN)/python bench/javac.py

BASE = $(shell sed -nE 's/^FROM ([^@ ]+)[^ ]* AS base$$/\1/p' Dockerfile)
lock-base: ## Lock the image's base by the digest that its registry has for the version (needs Docker)
	digest=$$(docker buildx imagetools inspect $(BASE) --format '{{.Manifest.Digest}}') && \
	echo "$$digest" | grep -qxE 'sha256:[0-9a-f]{64}' || { echo "error: no digest of $(BASE): $$digest" >&2; exit 1; } && \
	sed -E "s|^FROM [^ ]+ AS base$$|FROM $(BASE)@$$digest AS base|" Dockerfile > Dockerfile.new && mv Dockerfile.new Dockerfile

page: $(DEV) ## Build the dashboard's page again after you change dashboard/web, and run its tests (Node comes from PyPI)
	$(NPM) ci --no-audit --no-fund
	$(NPM) run build
	$(NPM) test

diagrams: ## Draw docs/diagrams/*.svg again after you change their sources (needs graphviz)
	for name in docs/diagrams/*.dot; do dot -Tsvg $$name | sed '/^<!-- Generated/,/^ -->/d' > $${name%.dot}.svg; done

clean: ## Stop the local cluster, and remove everything that was installed and built here
	-test ! -x $(BIN)/pipectl || $(BIN)/pipectl destroy --cluster local --yes --purge
	rm -rf $(VENV) */java/*.jar build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "error: no Python found; install Python 3.11, or run make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(not (3, 11) <= v < (3, 13))' || \
	  { echo "error: $(PYTHON) is not Python 3.11 or 3.12; run make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# Exact versions with their hashes; the ranges in setup.cfg say what is supported. First what builds packages, so that nothing is
# built with what has no hash.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation
$(USE): setup.cfg requirements-build.txt requirements.txt | $(VENV)/bin/python
	@echo "Installing into $(VENV) (a minute the first time) ..."
	$(INSTALL) --require-hashes -r requirements-build.txt
	$(INSTALL) --require-hashes --use-pep517 -r requirements.txt
	$(INSTALL) --no-deps -e .
	@touch $@

$(DEV): $(USE) requirements-dev.txt
	$(INSTALL) --require-hashes --use-pep517 -r requirements-dev.txt
	@touch $@
