# The door to the project: `make help` lists what there is. CI calls the same targets (.ci/run).

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# PYTHON names the interpreter that the virtual environment is made from, if it is not found by itself.
PYTHON ?=
VENV := .venv
PY := $(VENV)/bin/python
# Extra arguments: make test ARGS='-k journal -x'
ARGS ?=
# Processes that run the tests: of two processors, four keep both busy, as tests of whole sites wait half of the time.
TEST_PROCESSES ?= 4
# What is simulated: a number of seeds or a range, or one SEED; and how many processes do that.
SEEDS ?= 1000
SEED ?=
JOBS ?= 2

# Stamps: files whose age tells make whether the packages have to be installed again.
RUNTIME := $(VENV)/.installed-runtime
DEV := $(VENV)/.installed-dev
PIP_INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check
# The console script `obelisk`, pointing at this checkout; the lock file has what builds it.
INSTALL_CLIENT = $(PIP_INSTALL) --no-deps --no-build-isolation --editable .

# Set where images of containers should stay small. Here hundreds of processes start, each of which would compile the
# same files again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test check simulate screenshots bench chaos fuzz release-records format lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUNTIME) ## Set up, run the headline job and serve until Ctrl-C (PORT, OBELISK_DATA_DIR)
	@$(PY) manage.py serve $(ARGS)

test: $(DEV) ## Run the test suite (ARGS='-k name')
	@$(PY) -m pytest -n $(TEST_PROCESSES) $(ARGS)

# The checks read settings, so they get a data directory of their own and leave var/ alone.
check: export OBELISK_DATA_DIR := $(VENV)/check
check: $(DEV) ## Lint, types, layers, migrations, settings, lock files
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) $(VENV)/bin/lint-imports
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) manage.py check --fail-level WARNING
	$(PY) .ci/check_files.py

# The same seed is the same world; SEED tells what happens in one.
simulate: $(DEV) ## Simulate the engine under faults (SEEDS=10000, SEEDS=17-42, SEED=17, JOBS)
	@$(PY) -m engine.simulation $(if $(SEED),--seed $(SEED),--seeds $(SEEDS) --jobs $(JOBS)) $(ARGS)

screenshots: $(DEV) ## Take the pictures of docs/screenshots anew, in a real browser
	@SCREENSHOTS=docs/screenshots $(PY) -m pytest -n 0 tests/browser -k pictures

bench: $(DEV) ## Measure; a whole run renews docs/performance (ARGS="w1 w5" for some)
	@$(PY) -m bench $(ARGS)

# SECONDS is a variable of bash itself, so it is read from make's own.
chaos: $(DEV) ## Kill, cut off and fill up real processes (SECONDS=300, SEED, DATABASE=sqlite or postgresql)
	@$(PY) -m tests.chaos --seconds $(or $(SECONDS),300) --seed $(or $(SEED),1) --database $(or $(DATABASE),both) $(ARGS)

fuzz: $(DEV) ## Send hostile input (SECONDS=120, SEED for the same again, CASE=file for one)
	@$(PY) -m tests.fuzz --seconds $(or $(SECONDS),120) $(if $(SEED),--seed $(SEED)) $(if $(CASE),--case $(CASE)) $(ARGS)

release-records: $(DEV) ## Keep what tests of upgrades need of a release (VERSION, of CHANGELOG.md, at HEAD)
	@$(PY) -m tests.histories.record
	@$(PY) -m tests.histories.databases.make $(VERSION) HEAD --source

format: $(DEV) ## Sort imports, apply safe fixes, format
	$(PY) -m ruff check --fix --exit-zero --quiet .
	$(PY) -m ruff format .

lock: $(DEV) ## Compile the lock files from pyproject.toml (ARGS=--upgrade for newer versions)
	$(PY) -m uv pip compile --quiet $(ARGS) pyproject.toml --output-file requirements.txt
	$(PY) -m uv pip compile --quiet $(ARGS) --group otel --constraint requirements.txt pyproject.toml --output-file requirements-otel.txt
	$(PY) -m uv pip compile --quiet $(ARGS) --group dev --constraint requirements.txt pyproject.toml --output-file requirements-dev.txt

clean: ## Remove the virtual environment and the tools' caches (never the data directory)
	rm -rf $(VENV) .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

# --- Set-up -----------------------------------------------------------------------------------------------------------

# Pyenv's shims answer to python3.11 even where that version is not there: only running a candidate tells.
$(PY):
	@for candidate in $(or $(PYTHON),python3.11 python3 python); do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then \
	    "$$candidate" -m venv --clear $(VENV) || { \
	      echo "make: $$candidate cannot make a virtual environment; on Debian and Ubuntu, install python3.11-venv." >&2; exit 1; }; \
	    exit 0; \
	  fi; \
	done; \
	echo "make: Python 3.11 is needed and $(or $(PYTHON),python3.11 or python3) is not that; install it or set PYTHON=/path/to/python3.11." >&2; \
	exit 1

define check_version
@$(PY) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { \
  echo "make: $(VENV) was made with another Python than 3.11; run make clean and try again." >&2; exit 1; }
endef

$(RUNTIME): requirements.txt | $(PY)
	$(check_version)
	@echo "Installing the locked packages into $(VENV) ..."
	@$(PIP_INSTALL) --require-hashes -r $<
	@$(INSTALL_CLIENT)
	@touch $@

# The development lock holds the runtime packages too, in the same versions.
$(DEV): requirements-dev.txt requirements.txt | $(PY)
	$(check_version)
	@echo "Installing the locked packages and development tools into $(VENV) ..."
	@$(PIP_INSTALL) --require-hashes -r $<
	@$(INSTALL_CLIENT)
	@touch $(RUNTIME) $@
