# Two commands do everything: `make demo` shows it, `make test` proves it.
PYTHON ?= python3
BIN := .venv/bin

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

# The environment is made once, and again when these files change.
.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("idic needs Python 3.11 or newer; choose it with: make PYTHON=python3.12 " if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

setup: .venv/ready  ## create the environment in .venv

demo: .venv/ready  ## watch the customers of a small shop go through their journeys, days in minutes
	$(BIN)/idic demo $(DEMO)

# The tests spend much of their time waiting: three processes keep two cores busy. The slowest twenty are listed at the end.
test: .venv/ready  ## the tests, on SQLite and on a PostgreSQL that they start themselves
	$(BIN)/python -m pytest -n 3 --dist worksteal --durations=20 -m "not world and not kill"

test-kill: .venv/ready  ## the long battles: processes are killed and raced, for minutes
	$(BIN)/python -m pytest tests/battles -n 2 --dist worksteal -m kill

test-world: .venv/ready tests/world/node_modules/.ready  ## the tests against Node clients, a browser and a mock of Twilio
	$(BIN)/python -m pytest tests/world -m world

# Exact versions without a lock file, which would name the host of the packages. If they cannot be installed, the tests that
# need them say so.
tests/world/node_modules/.ready: tests/world/package.json
	@cd tests/world && npm install --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error \
		&& touch node_modules/.ready || echo "npm's packages cannot be installed here"

check: .venv/ready  ## style, types, import rules and docstrings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/interrogate idic activities workflows worker.py

docs: .venv/ready  ## the documentation as a site in site/, its tables written anew from the code
	$(BIN)/python -m docs.generate
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

docs-serve: .venv/ready  ## the documentation at http://localhost:8000, built again on every change
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs serve

price: .venv/ready  ## what one enrollment costs, counted on a real server
	$(BIN)/python -m bench.price

bench: .venv/ready  ## how fast, against hand-written code in the same run
	$(BIN)/python -m bench.bench

bench-queues: .venv/ready  ## what is sent first while 100,000 messages wait; takes minutes
	$(BIN)/python -m bench.queues

chaos: .venv/ready  ## a thousand customers while every process is killed in turn; CHAOS="--customers 200 --seconds 90 --seed 7"
	$(BIN)/python -m chaos $(CHAOS)

clean:  ## remove the environment and all local data
	rm -rf .venv .idic site tests/world/node_modules

.PHONY: help setup demo test test-kill test-world check docs docs-serve price bench bench-queues chaos clean
