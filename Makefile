# make up      set up, start everything, deploy the quickstart
# make test    set up, install what the tests need, run every check and test
# make help    the rest

SHELL := /bin/bash
VENV := .venv
PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.installed

.PHONY: help setup up test test-fast check clean unit conformance replay integration acceptance chaos services bench

help:
	@echo "make setup      make .venv with ak in it"
	@echo "make up         run the quickstart on an embedded Temporal and SQLite"
	@echo "make test       all checks and tests (installs Chromium and PostgreSQL on Debian when missing)"
	@echo "make test-fast  the unit tests"
	@echo "make check      format, lint, types, layers, house rules"
	@echo "make bench      measure against plain temporalio; prints docs/performance.md's table"
	@echo "make clean      remove what make made"

setup: $(STAMP)

$(STAMP): pyproject.toml scripts/setup.sh
	@bash scripts/setup.sh $(VENV)
	@touch $(STAMP)

up: setup
	@exec $(VENV)/bin/ak up examples/quickstart

services: setup
	@bash scripts/ensure_temporal.sh $(PYTHON)
	@bash scripts/ensure_postgres.sh
	@bash scripts/ensure_chromium.sh

test: services
	@$(PYTHON) scripts/run_tests.py all

test-fast: setup
	@$(PYTHON) scripts/run_tests.py unit

check: setup
	@$(PYTHON) scripts/run_tests.py check

unit conformance replay integration acceptance chaos: setup
	@$(PYTHON) scripts/run_tests.py $@

bench: setup
	@$(PYTHON) benchmarks/run.py
	@$(PYTHON) benchmarks/talk.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
