# Everything runs through .venv, which `make setup` makes and every other target brings up to date.
# Paths are relative throughout, so that the folder may have any name, spaces included.

PYTHON ?= python3
TEST_WORKERS ?= 2
# Recordings for `make quality`; scripts/rebuild_traces.py makes them from their public sources.
TRACES ?= traces
# Architecture of the Lambda: arm64 or x86_64.
ARCH ?= arm64

BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo quality bench lambda test test-all lint mutants format lock clean distclean venv

help: ## List the targets
	@echo "Usage: make TARGET [PYTHON=python3.12]"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile

setup: ## Make .venv with everything in it (does nothing if it is up to date)
	@"$(PYTHON)" scripts/setup_venv.py

# What the other targets call: the same, but silent when there is nothing to do.
venv:
	@"$(PYTHON)" scripts/setup_venv.py --quiet-when-ready

demo: venv ## Run the demonstration into out/demo (TRACE=file.csv, ARGS="more options")
	$(BIN)/predictive-autoscaler demo --out out/demo $(if $(TRACE),--trace "$(TRACE)") $(ARGS)

quality: venv ## Measure every policy on TRACES=folder, rewrite the tables (ARGS="more options")
	$(BIN)/predictive-autoscaler quality --traces "$(TRACES)" --out out/quality $(ARGS)
	$(BIN)/python scripts/write_quality_tables.py out/quality

lambda: venv ## Build the Lambda's zip (ARCH=arm64, ARGS="more options")
	$(BIN)/python scripts/build_lambda.py --arch "$(ARCH)" $(ARGS)

bench: venv ## Measure the Lambda: cold start, warm tick, a thousand groups (some minutes)
	$(BIN)/python scripts/bench_lambda.py
	$(BIN)/python scripts/bench_fleet.py

test: venv ## Run the tests, all but the slow ones (PYTEST_ARGS="-k name")
	$(BIN)/python -m pytest -m "not slow" -n $(TEST_WORKERS) --dist loadfile $(PYTEST_ARGS)

test-all: venv ## Run all tests, the slow ones too
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --timeout 1800 $(PYTEST_ARGS)

lint: venv ## Check style, types, imports, Terraform files and shell scripts
	@scripts/lint.sh

mutants: venv ## Change the decision's code in many small ways, each of which a test must notice
	@scripts/mutants.sh "$(TEST_WORKERS)"

format: venv ## Put the Python and Terraform files into their standard form
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	@if [ -d terraform ] && command -v terraform >/dev/null; then terraform fmt -recursive terraform; fi

lock: ## Write the hashed requirements files anew (LOCK_ARGS=--upgrade for newer versions)
	PYTHON="$(PYTHON)" scripts/lock.sh $(LOCK_ARGS)

clean: ## Remove what was made, except .venv
	rm -rf out mutants dist build lambda/dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	rm -rf .hypothesis .coverage htmlcov
	find . -name .venv -prune -o -name .git -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

distclean: clean ## Remove the environments as well
	rm -rf .venv .venv.lock .venv-mutants .venv-audit .venv-load
