# gridnotice. `make help` lists what there is; `make demo` and `make test` do all their own set-up.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
RUN := .venv/.installed-run
TEST := .venv/.installed-test
ASSETS := maps/vendor/manifest.json
PORT ?= 8000

.PHONY: help demo test lint bench soak docs lock screenshots browser postgres

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(RUN) $(ASSETS)  ## install everything into .venv and serve the demonstration on http://127.0.0.1:8000 (PORT=…)
	$(BIN)/gridnotice demo --port $(PORT)

test: $(TEST) $(ASSETS) browser postgres  ## install what the tests need, check style, types and floors, run every test
	@started=$$SECONDS; \
	$(BIN)/ruff format --check .; \
	$(BIN)/ruff check .; \
	$(BIN)/mypy; \
	$(BIN)/lint-imports; \
	$(BIN)/pytest -q -n 2 --dist worksteal; \
	echo "All checks passed in $$((SECONDS - started)) s."

lint: $(TEST)  ## style, types and floors only
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(TEST)  ## measure, as ratios in one run, and write docs/benchmarks.md
	$(BIN)/python -m benchmarks

soak: $(TEST) $(ASSETS) postgres  ## kill servers 1,000 times while outages are entered, and look for what was acknowledged
	GRIDNOTICE_KILLS=500 $(BIN)/pytest -q -s tests/crash

docs: $(TEST)  ## write the pages that are generated from the code
	$(BIN)/python -m docs.generate

screenshots: $(TEST) $(ASSETS) browser  ## take the pictures of the README anew
	@$(BIN)/gridnotice demo --port 8765 & server=$$!; trap "kill $$server" EXIT; \
	for try in {1..60}; do curl -sf http://127.0.0.1:8765/health/live >/dev/null && break || sleep 1; done; \
	$(BIN)/python -m docs.screenshots http://127.0.0.1:8765

lock:  ## choose the newest versions within the bounds of pyproject.toml and write requirements/*.txt anew
	$(PYTHON) -m venv .venv/lock && .venv/lock/bin/pip install -q uv
	@compile="uv pip compile pyproject.toml --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --upgrade --quiet --extra assets --extra build"; \
	.venv/lock/bin/$$compile --extra test --extra quality --extra simbench --extra opendss --extra oidc --extra pdf -o requirements/test.txt; \
	.venv/lock/bin/$$compile -c requirements/test.txt -o requirements/run.txt
	@! grep -n '://' requirements/*.txt

# Debian's Chromium, letters for Chinese text, and what WeasyPrint sets type with, for the tests that look at pages.
browser:
	@if command -v chromium >/dev/null && fc-list 2>/dev/null | grep -i 'noto.*cjk' >/dev/null && ldconfig -p | grep libpangoft2 >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ]; then \
	  echo "The tests of pages need Chromium and Pango: ask for 'apt-get install chromium fonts-noto-cjk fontconfig libpangoft2-1.0-0'."; exit 1; \
	fi; \
	started=$$SECONDS; echo "Installing Chromium and Chinese fonts …"; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	  chromium fonts-noto-cjk fontconfig libatomic1 libpango-1.0-0 libpangoft2-1.0-0 >/dev/null; \
	echo "Installed in $$((SECONDS - started)) s."

# Debian's PostgreSQL with PostGIS, of which the tests run a server of their own. It is installed without a cluster (a database
# server that would run from then on and that nobody asked for); the file that says so is gone afterwards.
NO_CLUSTER := /etc/postgresql-common/createcluster.d/gridnotice-tests.conf
postgres:
	@if ls /usr/lib/postgresql/*/bin/postgres /usr/share/postgresql/*/extension/postgis.control >/dev/null 2>&1; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ]; then \
	  echo "The tests of the store need PostgreSQL with PostGIS: ask for 'apt-get install postgresql-postgis'."; exit 1; \
	fi; \
	started=$$SECONDS; echo "Installing PostgreSQL with PostGIS …"; \
	mkdir -p $(dir $(NO_CLUSTER)); trap 'rm -f $(NO_CLUSTER)' EXIT; echo 'create_main_cluster = false' >$(NO_CLUSTER); \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-postgis >/dev/null; \
	echo "Installed in $$((SECONDS - started)) s."

# An environment of the checkout's own. The test set is the run set with more added, at the same versions.
$(RUN): requirements/run.txt pyproject.toml
	@if [ -e $(TEST) ] && [ $(TEST) -nt requirements/test.txt ]; then touch $@; else $(MAKE) --no-print-directory install SET=run; fi

$(TEST): requirements/test.txt pyproject.toml
	@$(MAKE) --no-print-directory install SET=test

.PHONY: install
install:
	@test -n "$(PYTHON)" || { echo "No python3 found. Install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3"; exit 1; }
	@started=$$SECONDS; echo "Installing into .venv (requirements/$(SET).txt) …"; \
	test -x $(BIN)/python || $(PYTHON) -m venv .venv; \
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements/$(SET).txt; \
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	touch .venv/.installed-$(SET); \
	echo "Installed in $$((SECONDS - started)) s."

$(ASSETS): maps/package-lock.json maps/assets.py | $(RUN)
	@$(BIN)/python -m maps.assets && touch $@
