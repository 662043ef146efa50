# One place for every chore. Written for GNU make 3.81 (macOS) and newer; needs
# python3 (3.11 or newer) with its venv module, git and make, nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup serve test test-slow check bench format lock clean

help: ## List the targets, a sentence each.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) ## Make .venv from the hashed lock; redone only when the lock changes.

$(STAMP): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "taskhub needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) ..."
	@$(PIP) install --quiet --require-hashes -r requirements-dev.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

serve: $(STAMP) ## Run the hub from this checkout; give options with ARGS="--port 9000".
	@exec $(BIN)/taskhub serve $(ARGS)

test: $(STAMP) ## Run every quick test and the README's examples, with the coverage floor.
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -m "not slow" $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

test-slow: $(STAMP) ## Run the tests that take their time.
	@$(BIN)/pytest -m slow $(ARGS)

check: $(STAMP) ## Check format, style, types, layers, spelling and the house rules.
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache
	@$(BIN)/codespell
	@$(BIN)/pytest -q tests/test_house.py

format: $(STAMP) ## Write the code in the house's format, sort its imports.
	@$(BIN)/ruff check --select I --fix --quiet .
	@$(BIN)/ruff format .

bench: $(STAMP) ## Measure the hub against a bare echo server and print the table.
	@$(BIN)/python -m bench $(ARGS)

# Package sources set up on the machine must not show in the lock, so pip-compile runs
# in a venv of its own, sees none of them, and is told to write no address. It does not
# read dependency groups, so the group of the hub's own tools is handed to it as a file.
LOCK_VENV := .venv/lock
COMPILE := PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS= PIP_EXTRA_INDEX_URL= CUSTOM_COMPILE_COMMAND="make lock" $(LOCK_VENV)/bin/pip-compile --quiet \
	--generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

lock: ## Pin the newest versions that pyproject.toml allows, with their hashes.
	@test -x $(LOCK_VENV)/bin/pip-compile || { $(PYTHON) -m venv $(LOCK_VENV) && $(LOCK_VENV)/bin/pip install --quiet pip-tools; }
	@rm -f requirements.txt requirements-build.txt requirements-dev.txt
	@$(COMPILE) --output-file requirements.txt pyproject.toml
	@$(COMPILE) --only-build-deps --build-deps-for wheel --output-file requirements-build.txt pyproject.toml
	@$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["develop"], sep="\n")' > $(LOCK_VENV)/develop.in
	@$(COMPILE) --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml $(LOCK_VENV)/develop.in

clean: ## Remove .venv, caches and build output; data folders stay.
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
	@rm -f .coverage .coverage.*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
