# `make` prints help. Everything that is needed is set up on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test vm vm-shell check lint type bench bench-quality bench-network bench-fleet bench-durability soak lock clean packages-run packages-test

help: ## this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: packages-run $(VENV)/run.done ## set up what is missing and run the box on the simulated board
	@exec $(BIN)/edge run $(ARGS)

test: packages-test check ## set up what is missing, check, and pass every test ring
	$(BIN)/python -m tests.rings $(ARGS)

vm: packages-test $(VENV)/dev.done ## the tests against real kernel drivers alone; one of them: make vm ARGS="-k name"
	$(BIN)/python -m pytest -q tests/vm $(ARGS)

vm-shell: packages-test $(VENV)/dev.done ## a shell in the machine of those tests
	@$(BIN)/python -m tests.vm.shell

soak: packages-test $(VENV)/dev.done ## cable events at random on a real driver; how many: make soak ARGS=1000
	@$(BIN)/python -m tests.vm.run_soak $(ARGS)

check: lint type ## lint and types

lint: $(VENV)/dev.done ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: $(VENV)/dev.done ## mypy, strict
	$(BIN)/mypy

bench: packages-test $(VENV)/dev.done ## measure and print the figures with their conditions
	$(BIN)/python -m tests.bench $(ARGS)

bench-quality: packages-test $(VENV)/dev.done ## judge the encoders' pictures, about 6 minutes; a trial run: ARGS=--quick
	$(BIN)/python -m tests.bench quality $(ARGS)

bench-network: packages-test $(VENV)/dev.done ## the box through emulated networks, about 40 minutes, as root; one: ARGS="--only rtt40-loss1"
	$(BIN)/python -m tests.bench network $(ARGS)

bench-durability: packages-test $(VENV)/dev.done ## kill -9 of box, broker and controller, hostile envelopes, about 18 minutes; a trial: ARGS=--quick
	$(BIN)/python -m tests.bench durability $(ARGS)

bench-fleet: packages-test $(VENV)/dev.done ## 2,000 simulated boxes at one broker, about 5 minutes; a trial run: ARGS="--boxes 200"
	$(BIN)/python -m tests.bench fleet $(ARGS)

lock: $(VENV)/dev.done ## write constraints.txt anew from what is installed here
	$(BIN)/pip freeze --exclude-editable | grep -v '^scopecast' > constraints.txt

clean: ## remove the virtual environment and everything the box kept
	rm -rf $(VENV) var

packages-run:
	@sh image-build/packages.sh run

packages-test:
	@sh image-build/packages.sh run test

$(BIN)/python: | packages-run
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.done: pyproject.toml constraints.txt | packages-run $(BIN)/python
	$(BIN)/pip install -q -c constraints.txt -e .
	@touch $@

$(VENV)/dev.done: pyproject.toml constraints.txt | packages-test $(BIN)/python
	$(BIN)/pip install -q -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/run.done
