# Two commands do everything: `make demo` shows it, `make test` proves it.
PYTHON ?= python3
BIN := .venv/bin

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

# The environment is made once, and again whenever what it is made from changes.
.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("idic needs Python 3.11 or newer; say which one: make PYTHON=python3.12 " if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

setup: .venv/ready  ## make the environment in .venv

demo: .venv/ready  ## watch a small shop's customers go through their journeys, days in minutes
	$(BIN)/idic demo $(DEMO)

# Much of their time the tests wait: three at once keep two cores busy.
test: .venv/ready  ## the tests, on SQLite and on a PostgreSQL that they start themselves
	$(BIN)/python -m pytest -n 3 --dist worksteal -m "not world and not kill"

test-kill: .venv/ready  ## the long battles: processes killed and raced, minute after minute
	$(BIN)/python -m pytest tests/battles -n 2 --dist worksteal -m kill

test-world: .venv/ready tests/world/node_modules/.ready  ## the tests against Node clients, a browser and a mock of Twilio
	$(BIN)/python -m pytest tests/world -m world

# Exact versions, and no lock file: it would say where this machine gets its packages from. Where they cannot be had, the
# tests that need them say so themselves.
tests/world/node_modules/.ready: tests/world/package.json
	@cd tests/world && npm install --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error \
		&& touch node_modules/.ready || echo "npm's packages cannot be installed here"

check: .venv/ready  ## style, types and the import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

price: .venv/ready  ## what one enrollment costs, counted on a real server
	$(BIN)/python -m bench.price

bench: .venv/ready  ## how fast, against hand-written code in the same run
	$(BIN)/python -m bench.bench

bench-queues: .venv/ready  ## who is served first while 100,000 messages wait; minutes
	$(BIN)/python -m bench.queues

chaos: .venv/ready  ## a thousand customers while everything is killed in turn; CHAOS="--customers 200 --seconds 90 --seed 7"
	$(BIN)/python -m chaos $(CHAOS)

clean:  ## forget the environment and everything that ran here
	rm -rf .venv .idic tests/world/node_modules

.PHONY: help setup demo test test-kill test-world check price bench bench-queues chaos clean
