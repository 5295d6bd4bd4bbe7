# Each target makes the environment first where it is missing: with uv where there is one, else with venv and pip.
# Nothing is installed that the hashed lock does not name: it is complete, so that nothing is resolved (--no-deps).

VENV ?= .venv
LOCK ?= requirements.lock
TESTS ?=
READY := $(VENV)/.installed-$(notdir $(LOCK))
PYTEST := $(VENV)/bin/python -m pytest

.PHONY: help install run demo test test-slow torture lint bench docs picture lock audit clean

help:
	@echo "make install    make the environment, as every other target does first"
	@echo "make run        fetch OpenRouter's rankings, build the growth tables, show them (no key needed)"
	@echo "make demo       the same, offline, on a simulated OpenRouter"
	@echo "make test       all tests but the slow ones"
	@echo "make test-slow  a real Prefect server, kills, benches"
	@echo "make torture    200 kills of commands and 30 of Prefect's processes, with a transcript"
	@echo "make lint       ruff, mypy, sqlfluff"
	@echo "make bench      times and memory"
	@echo "make docs       write the generated parts of README.md and docs/ again"
	@echo "make picture    take the README's picture of the report again (needs Chromium)"
	@echo "make audit      look the locked packages up among known vulnerabilities (needs the network)"
	@echo "make lock       resolve the dependencies again (needs uv)"

install: $(READY)

run: $(READY)
	@$(VENV)/bin/tokengrowth run

demo: $(READY)
	@$(VENV)/bin/tokengrowth demo

test: $(READY)
	@$(PYTEST) -n auto --dist worksteal $(TESTS)

# Many of them wait more than they compute; what is timed runs by itself. Files go in their order, because the one with
# the fewest tests takes longest, and would be left to the end.
test-slow: $(READY)
	@$(PYTEST) -m slow -n 3 --dist loadfile --no-loadscope-reorder --ignore=tests/slow/test_bench.py
	@$(PYTEST) -m slow tests/slow/test_bench.py

# An hour on two slow cores; docs/torture.md is what it printed.
torture: $(READY)
	@$(PYTEST) -m slow -q -s tests/slow/test_kills.py --kills 200
	@$(PYTEST) -m slow -q -s tests/slow/test_prefect_kills.py --prefect-kills 30

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/sqlfluff lint --processes 2 sql pipeline/report/queries

bench: $(READY)
	@$(VENV)/bin/python -m tests.bench

docs: $(READY)
	@$(VENV)/bin/python -m tests.generated

picture: $(READY)
	@$(VENV)/bin/python -m tests.picture

PYTHON_IS_SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

$(READY): $(LOCK) pyproject.toml
	@set -e; \
	if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --allow-existing --python '>=3.11,<3.14' $(VENV); \
		uv pip install --quiet --python $(VENV)/bin/python --no-deps --require-hashes -r $(LOCK); \
		uv pip install --quiet --python $(VENV)/bin/python --no-deps --no-build-isolation -e .; \
	else \
		found=; \
		for python in $(PYTHON) python3.12 python3.13 python3.11 python3; do \
			if $$python -c '$(PYTHON_IS_SUPPORTED)' >/dev/null 2>&1; then found=$$python; break; fi; \
		done; \
		if [ -z "$$found" ]; then echo "error: Python 3.11, 3.12 or 3.13 is needed; name it: make PYTHON=/path/to/python3" >&2; exit 1; fi; \
		echo "Installing the locked packages into $(VENV) with $$found; this takes about a minute."; \
		$$found -m venv $(VENV); \
		$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(LOCK); \
		$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

# The older DuckDB is tested without the extras `stats`, `report` and `readers`.
RESOLVE := uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --quiet \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header

lock:
	$(RESOLVE) --extra stats --extra report --extra readers --upgrade -o requirements.lock
	echo 'duckdb<2' | $(RESOLVE) --upgrade --constraint - -o requirements-duckdb15.lock

# pip-audit has an environment of its own: what it needs is no part of the program. The status is 3 where nobody could
# be asked, which make shows as `Error 3`.
AUDIT_VENV ?= .venv-audit
AUDIT_INSTALL ?= python3 -m venv $(AUDIT_VENV) && \
	$(AUDIT_VENV)/bin/python -m pip install --quiet --disable-pip-version-check pip-audit

audit:
	@if ! $(AUDIT_VENV)/bin/python -c 'import pip_audit' >/dev/null 2>&1; then \
		{ $(AUDIT_INSTALL); } || { echo "audit: not run: pip-audit cannot be installed"; exit 3; }; \
	fi
	@$(AUDIT_VENV)/bin/python -m tests.audit

clean:
	rm -rf $(VENV) $(AUDIT_VENV) .pytest_cache .mypy_cache .ruff_cache dist
