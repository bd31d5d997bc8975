# Set-up is part of every target: deploy/setup.sh does only what is not done yet.

BIN := .venv/bin
PYTEST_ARGS ?=
NAME ?=
BENCH_ARGS ?=
UP_ARGS ?=
TARGET ?= envelope
SECONDS ?= 180
PIN := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options

.PHONY: help demo up down test fuzz check bench format pins wheel deb clean \
	setup-check setup-demo setup-test setup-bench
.DEFAULT_GOAL := help

help:
	@echo 'make demo     run the main job on two private brokers; files in var/demo/'
	@echo 'make up       bring the demo federation up with consoles in the browser, and leave it running'
	@echo 'make down     end what make up started'
	@echo 'make test     pass every test (PYTEST_ARGS="tests/protocol -x" for some)'
	@echo 'make fuzz     fuzz one parser for a while (TARGET=envelope SECONDS=180)'
	@echo 'make check    format, lint, types, import contracts'
	@echo 'make bench    measure Ortoo beside its peers (NAME=letters for one); docs/benchmarks.md'
	@echo 'make format   format the code and mend what lint can mend'
	@echo 'make pins     compile requirements/ from pyproject.toml, newest versions within bounds'
	@echo 'make wheel    build dist/ortoo-*.whl'
	@echo 'make deb      build dist/deb/ortoo-*.deb for Debian 12; no network once .venv and var/wheels are there'
	@echo 'make clean    remove .venv, var and everything built'

demo: setup-demo
	@$(BIN)/ortoo-demo --folder var/demo

up: setup-demo
	@$(BIN)/ortoo-demo up --folder var/up $(UP_ARGS)

down: setup-demo
	@$(BIN)/ortoo-demo down --folder var/up

test: setup-test
	@$(BIN)/pytest -n 2 $(PYTEST_ARGS)

fuzz: setup-test
	@PYTHONPATH=.:protocol:node:hub:deploy $(BIN)/python -m tests.fuzz $(TARGET) $(SECONDS)

bench: setup-bench
	@PYTHONPATH=. $(BIN)/python -m tests.bench $(BENCH_ARGS) $(NAME)

check: setup-check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup-check
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

pins: setup-check
	$(PIN) --upgrade --output-file requirements/runtime.txt pyproject.toml
	$(PIN) --upgrade --extra dev --constraint requirements/runtime.txt \
		--output-file requirements/dev.txt pyproject.toml
	$(PIN) --upgrade --extra bench --constraint requirements/dev.txt \
		--output-file requirements/bench.txt pyproject.toml

wheel: setup-check
	$(BIN)/python -m build --wheel --no-isolation

deb: setup-check
	@cmp -s requirements/runtime.txt var/wheels/made-for || { \
		rm -rf var/wheels && $(BIN)/pip download --quiet --require-hashes --only-binary :all: \
			--requirement requirements/runtime.txt --dest var/wheels && \
		cp requirements/runtime.txt var/wheels/made-for; }
	$(BIN)/python -m build --wheel --no-isolation --outdir var/wheels
	deploy/debian/build.sh var/wheels dist/deb

clean:
	rm -rf .venv var build dist *.egg-info */*.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find protocol hub node deploy tests -name __pycache__ -type d -prune -exec rm -rf {} +

setup-check setup-demo setup-test setup-bench:
	@deploy/setup.sh $(@:setup-%=%)
