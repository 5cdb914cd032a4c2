# `make` lists the commands. Everything is installed into .venv from the hashed lock files; nothing else is touched.

VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input
LOCK   := $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe \
          --no-header --no-emit-index-url --no-emit-find-links
HOST   ?= $(or $(CDS_HOST),127.0.0.1)
JOBS   ?= 2
PORT   ?= $(or $(CDS_PORT),8000)

export CDS_RULES ?= rules

.DEFAULT_GOAL := help
.PHONY: help run test slow foreign check bench sbom lock clean
.DELETE_ON_ERROR:

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: $(VENV)/installed ## Set up and serve http://127.0.0.1:8000 without authentication (HOST, PORT may be given)
	@CDS_AUTH=off CDS_HOST=$(HOST) CDS_PORT=$(PORT) exec $(BIN)/cds-service serve

test: $(VENV)/installed-dev ## Set up and run every test but the slow ones, JOBS (2) at a time
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

slow: $(VENV)/installed-dev ## Run the fuzz, fault and soak tests
	@$(BIN)/python -m pytest -m slow
	@TEST_EXAMPLES=20 $(BIN)/python -m pytest tests/unit/test_engine_against_reference.py tests/unit/test_law.py \
	    tests/unit/test_decisions_against_reference.py

foreign: $(VENV)/installed-dev ## Ask a FHIR server that was not written here, installed by npm (Node 20.19 or newer)
	@$(BIN)/python -m pytest -m foreign -rs

check: $(VENV)/installed-dev ## Check format, style, types and rules, then run every test: what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/cds-service rules lint
	$(BIN)/cds-service rules test
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

bench: $(VENV)/installed-dev ## Measure what calls, starts, memory and a cohort cost
	@$(BIN)/python -m bench

sbom: $(VENV)/installed-dev ## Write what the service is made of to var/sbom.cdx.json (CycloneDX)
	@$(BIN)/python -m deploy.sbom var/sbom.cdx.json

lock: $(VENV)/installed-dev ## Renew the lock files from pyproject.toml (UPGRADE=--upgrade takes newer versions)
	$(LOCK) $(UPGRADE) -o requirements.txt pyproject.toml
	$(LOCK) $(UPGRADE) --only-build-deps --build-deps-for wheel --build-deps-for editable \
	    -o requirements-build.txt pyproject.toml
	$(LOCK) $(UPGRADE) --extra dev -c requirements.txt -c requirements-build.txt -o requirements-dev.txt pyproject.toml

clean: ## Remove .venv and caches
	rm -rf $(VENV) .make .mypy_cache .pytest_cache .ruff_cache .hypothesis

# The first Python that is new enough and can make a virtual environment; PYTHON=... names another.
$(VENV)/made:
	@for python in $(PYTHON) python3.11 python3.12 python3.13 python3.14 python3; do \
	    if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "Making $(VENV) with $$("$$python" --version)"; \
	        "$$python" -m venv $(VENV) && touch $@; exit; \
	    fi; \
	done; \
	echo "No Python 3.11 or newer with venv was found." \
	    "Install it (Debian, Ubuntu: apt-get install python3 python3-venv) or name it: make PYTHON=/path/to/python3" >&2; \
	exit 1

# A stamp is made anew when its lock changed, so that a second `make run` starts at once.
$(VENV)/installed: $(VENV)/made requirements.txt requirements-build.txt pyproject.toml
	@echo "Installing what the service needs (once, about a minute)"
	@$(PIP) install --require-hashes -r requirements.txt -r requirements-build.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt
	@echo "Installing what the tests need (once)"
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@
