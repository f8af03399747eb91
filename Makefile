# `make` alone lists the targets.

VENV := .venv
PAGES := tests/browser tests/contract/collector
PYTHON := $(VENV)/bin/python
.DEFAULT_GOAL := help
.PHONY: help run test test-unit test-lab test-lab-failed lint types fix bench bench-small fuzz deb lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp  ## a collector and an agent watching this machine, from nothing
	@$(PYTHON) deploy/here.py

test: $(VENV)/dev.stamp  ## everything the tests need, then all tests
	@deploy/debian-packages deploy/locks/debian-test.txt
	@mkdir -p .wardwatch
	@# Four at a time: tests/fault and tests/e2e mostly wait for processes and for answers.
	@run() { name=$$1; shift; $(PYTHON) -m pytest -p no:cacheprovider "$$@" >.wardwatch/tests-$$name.log 2>&1; }; \
	run fault tests/fault & fault=$$!; \
	run e2e tests/e2e & e2e=$$!; \
	run pages $(PAGES) & pages=$$!; \
	$(PYTHON) -m pytest $(addprefix --ignore=,tests/fault tests/e2e $(PAGES)); others=$$?; \
	wait $$pages; pages=$$?; cat .wardwatch/tests-pages.log; \
	wait $$e2e; e2e=$$?; cat .wardwatch/tests-e2e.log; \
	wait $$fault; fault=$$?; cat .wardwatch/tests-fault.log; \
	exit $$((others || pages || e2e || fault))

test-unit: $(VENV)/dev.stamp  ## the fast ones
	$(PYTHON) -m pytest -q tests/unit tests/architecture

test-lab: $(VENV)/dev.stamp  ## real USB hot-plug in a virtual machine: WARDWATCH_LAB=path/to/labctl
	$(PYTHON) -m pytest tests/lab

test-lab-failed: $(VENV)/dev.stamp
	$(PYTHON) -m pytest tests/lab --last-failed --last-failed-no-failures none

lint: $(VENV)/dev.stamp  ## style and import contracts
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports

types: $(VENV)/dev.stamp  ## strict types
	$(VENV)/bin/mypy

fix: $(VENV)/dev.stamp  ## format, and mend what a machine can mend
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

bench: $(VENV)/dev.stamp  ## every figure, into .wardwatch/bench.json (about 20 minutes)
	@deploy/debian-packages deploy/locks/debian-test.txt
	$(PYTHON) -m tests.bench

bench-small: $(VENV)/dev.stamp  ## the same with small loads (about 2 minutes)
	@deploy/debian-packages deploy/locks/debian-test.txt
	$(PYTHON) -m tests.bench --small

fuzz: $(VENV)/dev.stamp  ## mutated captures against replay, MINUTES=30
	$(PYTHON) -m tests.fault.fuzz_replay --minutes $(or $(MINUTES),30)

deb: $(VENV)/run.stamp  ## build/*.deb: the agent and the collector as Debian packages
	@deploy/debian/build $(VENV)/bin/pip build

lock: $(VENV)/dev.stamp  ## new lock files from pyproject.toml
	@deploy/locks/relock $(VENV)/bin/uv

clean:  ## forget the virtual environment and the state of `make run`
	rm -rf $(VENV) .wardwatch

$(VENV)/run.stamp: pyproject.toml deploy/locks/agent.txt deploy/locks/collector.txt
	@deploy/virtualenv $(VENV) deploy/locks/agent.txt deploy/locks/collector.txt
	@touch $@

$(VENV)/dev.stamp: pyproject.toml deploy/locks/dev.txt
	@deploy/virtualenv $(VENV) deploy/locks/dev.txt
	@touch $@ $(VENV)/run.stamp
