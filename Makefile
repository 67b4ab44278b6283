# Every command a person or CI runs. `make` alone lists them.
#   BASE_URL=https://...  aims contract, fuzz, boundaries and sweep at a live API; its key is read from COVAL_API_KEY
#   MAX_REQUESTS=n, RATE=n (requests a second), PERSONA_ID=id and TIMEOUT=seconds are for such runs
#   DRY_RUN=1 tells what a command would do; FAULT=name plants a fault in the mock of contract, fuzz, boundaries, mock
#   SEED=n repeats a run, ARGS="..." reaches pytest, PORT=n and MINUTES=n are said beside their targets
# make hands on what its command line and the environment set, and nothing else is exported here: a variable that is
# set and empty, such as a secret that CI does not have, must not look like one that is not set.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
UV := $(or $(shell command -v uv 2>/dev/null),$(VENV)/bin/uv)
UV_VERSION := $(shell sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements.lock)

NOT_INSTALLED = echo "install: the packages of requirements.lock could not be installed; look whether the network or the package index (PIP_INDEX_URL, UV_INDEX_URL) can be reached, then run make again. Details: $(VENV)/install.log" >&2; exit 1

.DEFAULT_GOAL := help
.PHONY: help install contract fuzz boundaries sweep faults mutants mock client client-check lint types self-test test lock clean

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

install: $(VENV)/installed ## make a private environment from requirements.lock; every other command calls it

contract: install ## run the contract tests against the mock, or against BASE_URL
	@$(RUN) -m contract_tests $(ARGS)

fuzz: install ## the generative contract tests, MINUTES=10: no round begins later; goes on from earlier runs
	@$(RUN) -m contract_tests --fuzz $(ARGS)

boundaries: install ## find where acceptance really flips; FIELD=name for one, COMPARE=old.json tells what moved, FRESH=1
	@$(RUN) -m contract_tests.edge_search $(ARGS)

sweep: install ## put right what a killed run has left at BASE_URL; ALL=1 lists what any run has made there, and asks (YES=1)
	@$(RUN) -m contract_tests.sweep

faults: install ## put the suite on trial: a run per planted fault, each must turn red; FAULT=name, SEEDS=n, BUDGET=300, PEER=schemathesis
	@$(RUN) -m contract_tests.catch_faults

mutants: install ## try small changes of the mock, each must turn the suite red; SHARE=0.2, MINUTES=n, MUTANT=id, FRESH=1
	@$(RUN) -m contract_tests.mutants

mock: install ## run the mock API alone, PORT=8400, FAULT=name
	@$(RUN) -m contract_tests.mock $(ARGS)

client: install ## write generated_client from openapi.yaml
	@$(RUN) -m codegen.generate

client-check: install ## fail if generated_client is not what openapi.yaml gives
	@$(RUN) -m codegen.generate --check

lint: install ## check the style of the code
	@$(RUN) -m ruff check . && $(RUN) -m ruff format --check . && $(RUN) -m ruff check --isolated generated_client

types: install ## check the types, of the generated client too
	@$(RUN) -m mypy

self-test: install ## the tests of this repository itself: the page, the mock, the client, the commands
	@$(RUN) -m pytest contract_tests/self_tests -q -n 2 --dist loadfile $(ARGS)

test: lint types client-check contract faults self-test ## everything this repository can say about itself; what CI runs

lock: install ## resolve the dependencies of pyproject.toml anew
	@$(UV) pip compile -q --upgrade --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml -o requirements.lock

clean: ## remove what the commands have made, the environment too
	@rm -rf $(VENV) reports .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "python 3.11 or newer is needed; name one with PYTHON=...")'
	@$(PYTHON) -m venv $(VENV)
	@{ { test -x "$(UV)" || $(RUN) -m pip install -q --disable-pip-version-check uv==$(UV_VERSION); } && "$(UV)" pip sync -q --python $(RUN) requirements.lock || $(RUN) -m pip install -q --require-hashes -r requirements.lock; } >$(VENV)/install.log 2>&1 && touch $@ || { $(NOT_INSTALLED); }
