# doorward: what people type. `make help` lists it.
# Every target installs what it needs from requirements/*.txt, pinned and hashed, into .venv, and does so once.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
HASHED := --require-hashes --requirement

.PHONY: help setup dev serve test lint interop bench soak-tabs docs translations screenshots update audit build check-install release lower-bounds clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- the environment ------------------------------------------------------------------------------------------------

$(VENV)/.made:
	@scripts/make-venv $(VENV)
	@touch $@

$(VENV)/.runtime: requirements/runtime.txt requirements/build.txt pyproject.toml | $(VENV)/.made
	@$(PIP) install $(HASHED) requirements/runtime.txt $(HASHED) requirements/build.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@$(PIP) install $(HASHED) requirements/dev.txt
	@touch $@

setup: $(VENV)/.runtime ## make the environment in .venv, with the program at .venv/bin/doorward

dev: $(VENV)/.dev ## the same, with everything for tests, lint and releases

# --- the two that everybody needs -----------------------------------------------------------------------------------

serve: setup ## serve on https://localhost:8443; makes a configuration first if there is none
	@if [ ! -e .env ] && [ ! -e doorward.toml ] && [ -z "$$DOORWARD_SECRET$$DOORWARD_SECRET_FILE" ]; then \
		$(BIN)/doorward init; \
	fi
	@exec $(BIN)/doorward serve

test: dev ## lint, types, import contracts, the tests on both engines, and full branch coverage
	@scripts/ensure-programs postgresql chromium nginx caddy
	@$(BIN)/python scripts/check.py

# --- and those for people who work on doorward ----------------------------------------------------------------------

lint: dev ## only what reads the code: ruff, mypy, import-linter
	@$(BIN)/python scripts/check.py --static

interop: dev ## what other languages make of our tokens; needs node and npm, go, a JDK and Maven
	@$(BIN)/python -m scripts.interop

bench: dev ## measure against the aims; see docs/reference/benchmarks.md
	@scripts/ensure-programs postgresql
	@$(BIN)/python -m benchmarks

soak-tabs: dev ## two tabs that renew at once, in Chromium, for minutes; SECONDS=180 each way
	@scripts/ensure-programs chromium
	@DOORWARD_SOAK_SECONDS=$(or $(SECONDS),180) $(BIN)/python -m pytest -q --durations=5 tests/browser/test_javascript.py -k tabs

docs: dev ## write the generated pages of docs/reference/
	@$(BIN)/python -m scripts.generate_reference

translations: dev ## collect the texts of pages into the catalogues, and compile them
	@$(BIN)/python -m scripts.translations

screenshots: dev ## a picture of every page into docs/pictures/pages/
	@scripts/ensure-programs chromium
	@$(BIN)/python -m scripts.screenshots

update: dev ## newest versions into requirements/*.txt, then the tests and the vulnerability check
	@UV=$(BIN)/uv scripts/compile-requirements
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory audit

audit: dev ## look the pinned versions up among the known vulnerabilities
	@$(BIN)/python scripts/audit.py

build: dev ## source distribution and wheel into dist/, the same bytes for the same commit
	@rm -rf dist
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct 2>/dev/null || echo 1767225600) $(BIN)/python -m build --no-isolation --outdir dist .

check-install: build ## the wheel in an empty environment: version, init, serve, one request over TLS; and the verifier alone
	@rm -rf build/install
	@$(BIN)/python -m venv --without-pip build/install/venv
	@$(PIP) --python build/install/venv install $(HASHED) requirements/runtime.txt
	@$(PIP) --python build/install/venv install --no-deps --no-index dist/*.whl
	@build/install/venv/bin/python scripts/check_install.py
	@$(BIN)/python scripts/check_light_install.py

release: check-install ## build, prove that it installs, and add a bill of materials (CycloneDX) and checksums
	@$(BIN)/python scripts/bill_of_materials.py
	@cd dist && sha256sum * > SHA256SUMS && cat SHA256SUMS

lower-bounds: ## the tests with the oldest dependencies that pyproject.toml allows; TESTS=… for a part of them
	@scripts/ensure-programs postgresql
	@scripts/make-venv build/lowest
	@build/lowest/bin/python -m pip --disable-pip-version-check --quiet install $(HASHED) requirements/lowest.txt
	@build/lowest/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation --editable .
	@build/lowest/bin/python -m pytest -q -n auto -p no:cacheprovider \
		-W ignore::DeprecationWarning --ignore=tests/architecture --ignore=tests/docs $(TESTS)

clean: ## remove what the targets made; not .env and not data/
	@rm -rf $(VENV) build dist .coverage .coverage.* .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
