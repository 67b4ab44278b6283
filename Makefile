# Every command a person or CI runs. `make` alone lists them, with the variables:
#   CONTRACT=file RESOURCE=name OVERLAY=file  another contract than openapi.yaml, one of its resources, what its file does not say
#   BASE_URL=https://...                      a live API for contract, fuzz, boundaries, sweep; the contract names the variable of its key
#   MAX_REQUESTS=n RATE=n TIMEOUT=seconds ITEM_ID=id DRY_RUN=1   limits of such a run, a borrowed item, the plan alone
#   FAULT=name SEED=n ARGS="..."              a fault in the mock, a run repeated, what pytest or the command gets
#   SHARD=2/8 HYPOTHESIS_DATABASE_URL=redis://host   one of several machines that do a run together, what they share
#   OUT=folder                                where make client writes
# make hands on what its command line and the environment set, and nothing else is exported here: a variable that is
# set and empty, such as a secret that CI does not have, must not look like one that is not set.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
UV := $(or $(shell command -v uv 2>/dev/null),$(VENV)/bin/uv)
UV_VERSION := $(shell sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements.lock)

NOT_INSTALLED = echo "install: the packages of requirements.lock could not be installed; look whether the network or the package index (PIP_INDEX_URL, UV_INDEX_URL) can be reached, then run make again. Details: $(VENV)/install.log" >&2; exit 1

.DEFAULT_GOAL := help
.PHONY: help install contract fuzz report boundaries sweep faults field mutants bench mock new-contract client client-check wheel spec-diff release-check lint types self-test test lock clean

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'
	@echo && sed -n 's/^#   /  /p' Makefile

install: $(VENV)/installed ## make a private environment from requirements.lock; every other command calls it

contract: install ## hold the mock, or the API at BASE_URL, to the contract; BASE=ref-or-file to the old one, too
	@$(RUN) -m contract_tests run -- $(ARGS)

fuzz: install ## the generative tests, seed after seed; no round begins after MINUTES=10
	@$(RUN) -m contract_tests fuzz -- $(ARGS)

report: install ## print the last run as markdown; MERGE="a b c" makes the shards of a run one before
	@$(RUN) -m contract_tests report

boundaries: install ## find where acceptance really flips; FIELD=name, LONGEST=n, FRESH=1, COMPARE=old.json
	@$(RUN) -m contract_tests boundaries $(ARGS)

sweep: install ## remove what a killed run has left at BASE_URL; ALL=1 what any run has, after a yes (YES=1)
	@$(RUN) -m contract_tests sweep

faults: install ## try the suite: a run per planted fault, each must turn red; SEEDS=n, BUDGET=n, FRESH=1, PEER=schemathesis
	@$(RUN) -m contract_tests faults

field: install ## hold two published servers to contracts written from their documentation; SERVER=name
	@$(RUN) -m contract_tests field $(SERVER)

mutants: install ## try the suite: small changes of the mock, each must turn it red; SHARE=0.2, MINUTES=n, MUTANT=id, FRESH=1
	@$(RUN) -m contract_tests mutants

bench: install ## the figures of README, each beside a peer; AGAINST=ref beside another commit, ARGS="mock suite" for some
	@$(RUN) -m contract_tests bench -- $(ARGS)

mock: install ## serve the contract on localhost; PORT=8400
	@$(RUN) -m contract_tests mock -- $(ARGS)

new-contract: install ## write a small contract to begin with; NAME=agents
	@$(RUN) -m contract_tests new -- "$$NAME"

client: install ## write the typed client of the contract into generated_client, or into OUT
	@$(RUN) -m contract_tests client

spec-diff: install ## what changed in the contract since the last tag, and whether it breaks callers; BASE=ref-or-file, NEW=file
	@$(RUN) -m contract_tests spec-diff $(ARGS)

release-check: install ## fail if info.version does not say what changed since the last tag
	@$(RUN) -m contract_tests spec-diff --release

client-check: install ## fail if the client is not what the contract gives
	@$(RUN) -m contract_tests client -- --check

wheel: install ## build the client as a wheel and an sdist, into dist
	@$(UV) build -q generated_client -o dist

lint: install ## check the style of the code
	@$(RUN) -m ruff check . && $(RUN) -m ruff format --check . && $(RUN) -m ruff check --isolated generated_client && $(VENV)/bin/zizmor -q --offline .github && $(VENV)/bin/jactionlint --strict-exit --shellcheck= --pyflakes=

types: install ## check the types, of the generated client too
	@$(RUN) -m mypy

self-test: install ## the tests of the suite itself
	@$(RUN) -m pytest contract_tests/self_tests -q -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)

test: lint types client-check release-check contract faults self-test ## all of the checks of this repository; what CI runs

lock: install ## resolve the dependencies of pyproject.toml anew
	@$(UV) pip compile -q --upgrade --universal --generate-hashes --no-header --python-version 3.11 --extra dev pyproject.toml -o requirements.lock

clean: ## remove what the commands have made, the environment too
	@rm -rf $(VENV) reports dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "python 3.11 or newer is needed; name one with PYTHON=...")'
	@$(PYTHON) -m venv $(VENV)
	@{ { test -x "$(UV)" || $(RUN) -m pip install -q --disable-pip-version-check uv==$(UV_VERSION); } && "$(UV)" pip sync -q --python $(RUN) requirements.lock || $(RUN) -m pip install -q --require-hashes -r requirements.lock; } >$(VENV)/install.log 2>&1 && touch $@ || { $(NOT_INSTALLED); }
