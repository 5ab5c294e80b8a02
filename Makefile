# R4Web. `make help` lists what there is; `make run` and `make test` are all a newcomer needs.

SHELL := /bin/sh
PYTHON_IN_VENV := .venv/bin/python
PYTEST := $(PYTHON_IN_VENV) -m pytest
# One more than there are cores: tests often wait for a browser, a server or a child process.
PROCESSES ?= $(shell expr $$(nproc) + 1)
# `make run LLM=…`: a real LLM on this machine, smollm2 or the path of a GGUF.
LLM = $(R4_LLM)
SBOM ?= var/sbom.cdx.json
SPREAD = -n $(PROCESSES) --dist worksteal

# uv compiles no bytecode: whichever process imports a package first writes it for all others.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install run test test-fast test-oracles cases check check-types check-the-rest audit format lock clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Install what is needed, start everything, print the address and the sample accounts (R4_PORT=8000, LLM=smollm2)
	@scripts/known-llm "$(LLM)"
	@scripts/bootstrap ml $(if $(LLM),llm) $(if $(filter e5-small,$(R4_ENCODER)),e5)
	@R4_LLM="$(LLM)" exec $(PYTHON_IN_VENV) manage.py up $(UP)

install: ## Install everything, the tools of tests and checks included
	@scripts/bootstrap dev

test: install ## Install what tests need and run all: SQLite + Valkey; what may meet a server on PostgreSQL + Redis too
	@scripts/ensure-chromium
	@echo "The whole suite on SQLite and the embedded broker:"
	@$(PYTEST) -q $(SPREAD) $(ARGS)
	@echo "What may meet a database or a broker, on PostgreSQL and Redis:"
	@$(PYTHON_IN_VENV) -m tests.servers $(PYTEST) -q $(SPREAD) --only-servers $(ARGS)

test-fast: install ## The suite on SQLite without browser and slow tests
	@$(PYTEST) -q $(SPREAD) -m "not browser and not slow" $(ARGS)

test-oracles: install ## Our backbones' layers against fuxictr's and torch-rechub's, with the same weights
	@$(PYTHON_IN_VENV) -m pip install --quiet --no-deps --require-hashes -r requirements/oracles.lock
	@$(PYTEST) -q tests/oracles $(ARGS)

cases: install ## Every case of ../shared/cases and the attack set, tried now: a table of before and after (ARGS="--cases FOLDER")
	@$(PYTHON_IN_VENV) -m benchmarks.cases $(ARGS)

check: install ## Lint, types, import contracts, migrations, templates
	@$(MAKE) --no-print-directory -j $(PROCESSES) check-types check-the-rest

check-types: # mypy takes one core, and longest: the rest runs beside it
	$(PYTHON_IN_VENV) -m mypy

check-the-rest:
	$(PYTHON_IN_VENV) -m ruff check .
	$(PYTHON_IN_VENV) -m ruff format --check .
	$(PYTHON_IN_VENV) -c "from importlinter.cli import lint_imports_command as lint; lint()"
	$(PYTHON_IN_VENV) manage.py makemigrations --check --dry-run
	$(PYTHON_IN_VENV) manage.py check
	$(PYTHON_IN_VENV) -m djlint --lint --quiet templates

audit: install ## Known vulnerabilities of the locked packages where advisories can be reached; the bill of materials (SBOM=FILE)
	@$(PYTHON_IN_VENV) scripts/audit.py --sbom "$(SBOM)"

format: install ## Format the code
	@$(PYTHON_IN_VENV) -m ruff check --fix .
	@$(PYTHON_IN_VENV) -m ruff format .

bench-%: install ## Run benchmarks/%.py: one JSON object and a table (ARGS="...")
	@$(PYTHON_IN_VENV) -m benchmarks.$* $(ARGS)

lock: install ## Resolve requirements/*.in into hash-pinned locks, without torch
	@scripts/lock

clean: ## Remove caches and built things; the database and .venv stay
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache htmlcov var/static
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
