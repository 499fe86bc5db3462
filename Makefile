# Everything that people do with this project. `make demo` and `make test` work on a bare Debian machine with Python, Node and make.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
RUN_PACKAGES := python3-venv libsqlite3-mod-spatialite fonts-noto-cjk libpangoft2-1.0-0 libharfbuzz-subset0 poppler-utils
TEST_PACKAGES := $(RUN_PACKAGES) chromium postgresql postgresql-contrib postgresql-postgis
PORT ?= 8080
# one more than there are cores: some tests wait for a browser, a database or a process of its own
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo serve test all-tests test-fast test-slow check style types arrows bench setup-run setup-test format lock messages docs clean

demo: setup-run ## set everything up, generate the demo district, run the main job, serve the site
	$(PY) -m gis_service demo --port $(PORT)

serve: setup-run ## serve the database that is there
	$(PY) -m gis_service serve --port $(PORT)

test: setup-test ## style, types, arrows, and beside them every test on both databases and in Chromium
	@$(MAKE) --no-print-directory -j2 all-tests style arrows types

all-tests:
	$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-fast: ## units and properties only, under two minutes
	$(PY) -m pytest -n $(WORKERS) tests/unit tests/property -m "not slow and not real_data"

check: style types arrows ## style, types, arrows, translations, docs
	$(PY) -m pytest -q -p no:cacheprovider tests/docs

style:
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
types:
	$(PY) -m mypy
arrows:
	$(VENV)/bin/lint-imports

bench: setup-bench ## compare with named peers; prints tables and writes docs/benchmarks
	$(PY) -m tests.benchmarks.bench_locate --out docs/benchmarks/locate.md
	$(PY) -m tests.benchmarks.bench_districting --out docs/benchmarks/districting.md
	$(PY) -m tests.benchmarks.bench_registers --out docs/benchmarks/registers.md
	$(PY) -m tests.benchmarks.bench_posts --out docs/benchmarks/posts.md
	$(PY) -m tests.benchmarks.bench_transfers --out docs/benchmarks/transfers.md
	$(PY) -m tests.benchmarks.bench_land --out docs/benchmarks/land.md
	$(PY) -m tests.benchmarks.bench_linkage --out docs/benchmarks/linkage.md
	$(PY) -m tests.benchmarks.bench_quarter --out docs/benchmarks/quarter.md
	$(PY) -m tests.benchmarks.bench_scope --out docs/benchmarks/scope.md
	$(PY) -m tests.benchmarks.bench_paint --out docs/benchmarks/paint.md
	$(PY) -m tests.benchmarks.bench_tiles --size large --out docs/benchmarks/tiles.md

format:
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

docs: ## write the generated pages of docs/ (settings, commands, permissions) from the code
	$(PY) -m gis_service.reference

UV := $(PY) -m uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header -q
lock: ## pin everything anew, with hashes and without hosts
	$(UV) --upgrade pyproject.toml --group build -o requirements.lock
	$(UV) --upgrade pyproject.toml --group build --group dev -c requirements.lock -o requirements-dev.lock
	$(UV) --upgrade pyproject.toml --group build --group dev --group bench -c requirements-dev.lock -o requirements-bench.lock
	$(UV) --upgrade --group pyproject.toml:tipg -o requirements-tipg.lock
	npm install --package-lock-only --ignore-scripts --no-audit --no-fund

setup-run: var/.packages-run var/.python-run maps/static/vendor/.stamp
setup-test: var/.packages-test var/.python-dev maps/static/vendor/.stamp
setup-bench: var/.packages-test var/.python-bench var/.python-tipg maps/static/vendor/.stamp

# Debian packages: asked for only when one is missing; elsewhere the commands say what they lack
var/.packages-run var/.packages-test: var/.packages-%: Makefile
	@mkdir -p var
	@wanted="$(if $(filter run,$*),$(RUN_PACKAGES),$(TEST_PACKAGES))"; \
	if command -v apt-get >/dev/null; then \
	  missing=""; for p in $$wanted; do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q "ok installed" || missing="$$missing $$p"; done; \
	  if [ -n "$$missing" ]; then echo "installing Debian packages:$$missing"; \
	    $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; fi; \
	else echo "no apt-get here: install the counterparts of: $$wanted"; fi
	@touch $@

$(VENV)/bin/python: | var/.packages-run
	$(PYTHON) -m venv $(VENV)

var/.python-run: requirements.lock | $(VENV)/bin/python
var/.python-dev: requirements-dev.lock | $(VENV)/bin/python
var/.python-bench: requirements-bench.lock | $(VENV)/bin/python
var/.python-run var/.python-dev var/.python-bench:
	$(PY) -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r $<
	$(PY) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# tipg, which bench_tiles runs as a process of its own, in an environment of its own
var/.python-tipg: requirements-tipg.lock | $(VENV)/bin/python
	$(PY) -m venv var/tipg
	var/tipg/bin/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

maps/static/vendor/.stamp: package-lock.json maps/vendor.py | var/.python-run-or-dev
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	$(PY) -m maps.vendor
	@touch $@

.PHONY: var/.python-run-or-dev
var/.python-run-or-dev:
	@[ -e var/.python-dev ] || [ -e var/.python-bench ] || $(MAKE) --no-print-directory var/.python-run

clean:
	rm -rf var $(VENV) node_modules maps/static/vendor
