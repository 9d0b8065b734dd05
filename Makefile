# Everything starts from a clean clone with python3, make and git; PYTHON=python3.13 picks another.
PYTHON ?= python3
export PYTHON
BIN := .venv/bin
# How many tests run at once, on two cores: many of them wait for a process.
WORKERS ?= 4
SOURCES := gateway drivers rules models tests bench scripts

.PHONY: help run test test-long lint bench coverage models locks clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##/\1\t/p' $(MAKEFILE_LIST)

run:  ## the shipped kitchen on emulated hardware, with a broker and the reference ingest
	@scripts/setup.sh run
	@.venv-run/bin/kitchen-gateway demo --config config.yaml $(DEMO)

test:  ## every test but the long ones; those without processes under the other Python too
	@scripts/setup.sh dev
	@scripts/setup.sh run
	@scripts/setup.sh parts
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not long" $(PYTEST)
	@ALSO="$(ALSO)" scripts/also.sh -n $(WORKERS) --dist worksteal -m "not long and not process" $(PYTEST)

test-long:  ## the tests that take minutes each, then every other under the other Python
	@scripts/setup.sh dev
	@scripts/setup.sh parts
	$(BIN)/python -m pytest -m long $(PYTEST)
	@ALSO="$(ALSO)" scripts/also.sh -n $(WORKERS) --dist worksteal -m "not long" $(PYTEST)

lint:  ## layout, style, types, layers, house rules
	@scripts/setup.sh dev
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports --config setup.cfg --no-cache
	$(BIN)/python scripts/check_house.py

bench:  ## our pipeline against the floor, on this machine
	@scripts/setup.sh dev
	$(BIN)/python -m bench $(BENCH)

coverage:  ## which lines the tests reach, the daemon's own processes included
	@scripts/setup.sh dev
	@scripts/setup.sh parts
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n $(WORKERS) --dist worksteal -m "not long" $(PYTEST)
	$(BIN)/coverage combine
	$(BIN)/coverage report

models:  ## trains and writes models/*.onnx and their cards, the same bytes each time
	@scripts/setup.sh dev
	$(BIN)/python -m models.train

locks:  ## requirements/*.lock from setup.cfg; UPGRADE=--upgrade for the newest
	scripts/locks.sh $(UPGRADE)

clean:  ## everything made here but the data
	rm -rf .venv .venv-* .venv*.lock build dist *.egg-info .coverage .coverage.* \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +
