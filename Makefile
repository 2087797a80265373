# `make demo` and `make test` need nothing but make and a Python of at least 3.11.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
	echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
# What is imported gets compiled then, once; compiling all there is would take twice as long.
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile
# A file is one process's work, so that its fixtures are made once; the slowest are first.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help lowest demo test quick lint format docs clean
.DELETE_ON_ERROR:

help:  ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

demo: $(VENV)/.nmt  ## Train the default recipe, score it, translate a sentence and say why (3 to 5 minutes)
	$(BIN)/nmt train starter --resume
	$(BIN)/nmt eval --model checkpoints/starter
	$(BIN)/nmt translate --model checkpoints/starter "Je suis étudiant"
	$(BIN)/nmt explain --model checkpoints/starter --html checkpoints/starter/why.html \
		"Je suis étudiant"

test: $(VENV)/.dev lint  ## Check style and types, and run every test
	$(PYTEST)

quick: $(VENV)/.dev  ## Run the tests that are quick (a minute)
	$(PYTEST) -m 'not slow'

lint: $(VENV)/.dev  ## Check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

lowest:  ## Test translating and serving with the lowest versions that pyproject.toml allows
	$(PYTHON) -m venv --clear .lowest
	$(PYTHON) tests/lowest.py > .lowest/constraints.txt
	.lowest/bin/pip install --quiet --disable-pip-version-check --no-compile \
		--constraint .lowest/constraints.txt '.[serve]' pytest hypothesis
	cd tests && OMP_NUM_THREADS=1 ../.lowest/bin/pytest -c ../pyproject.toml --rootdir .. -q \
		-W default text test_hostile.py translator/test_fuzzed_lines.py

format: $(VENV)/.dev  ## Put the code into the project's format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(VENV)/.docs  ## Build the documentation into site/; a dead link or a warning fails
	$(BIN)/zensical build --clean --strict

clean:  ## Remove what was installed and built (not checkpoints/)
	rm -rf $(VENV) build dist site .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/.nmt: pyproject.toml
	@test -n "$(PYTHON)" || { echo "nmt needs Python 3.11 or newer: make PYTHON=/path/to/it"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "could not make $(VENV): is the venv module of Python installed?"; exit 1; }
	@echo "installing nmt and what it needs into $(VENV)/, about a minute ..."
	@$(INSTALL) --editable '.[train]'
	@touch $@

$(VENV)/.dev: $(VENV)/.nmt
	@echo "installing what its tests need ..."
	@$(INSTALL) --editable '.[dev]'
	@touch $@

$(VENV)/.docs: $(VENV)/.nmt
	@echo "installing what the documentation needs ..."
	@$(INSTALL) --editable '.[docs]'
	@touch $@
