# Targets are verbs. Each sets up what it needs, only once.
.DEFAULT_GOAL := help
.PHONY: help demo dev test test-tool test-unit test-mage test-kind lint lock reference chart-package docs clean

# Where the machine sets it, each program that a test starts would compile hundreds of modules anew.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= $(shell command -v python3.11 || echo python3)
VENV   := .venv/bin/python

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

demo: .venv/installed ## Promote real pipelines to dev, staging, prod on this machine; writes demo/index.html
	@$(VENV) scripts/demo.py

dev: .venv/installed ## Start PostgreSQL and Mage's web UI on mage_project/ (Ctrl-C stops both)
	@$(VENV) scripts/dev.py

# One process more than processors, because tests of Mage mostly wait. Each file runs in one process: its tests share
# what is slow to make. In the order of the files: slow ones are early. Only tests/kind needs pytest-kind, whose import
# is slow.
PROCESSES := $(shell $(PYTHON) -c 'import os; print(1 + os.cpu_count())')
PYTEST := $(VENV) -m pytest --numprocesses=$(PROCESSES) --dist=loadfile --no-loadscope-reorder -p no:pytest-kind
# While the example stands where a team's project will, this repository tests its own tool as well.
test: .venv/installed ## Test the project and its environments: every test this machine can run
	@$(PYTEST) tests/project $(PYTEST_OPTIONS)
	@$(if $(wildcard examples/flights),,$(MAKE) --no-print-directory test-tool)

test-tool: .venv/installed ## Test chart, scripts and what runs in pods, on the example
	@$(PYTEST) --ignore=tests/project --ignore=tests/kind $(PYTEST_OPTIONS)
	@$(MAKE) --no-print-directory test-kind

test-unit: .venv/installed ## Run the tests that need no service
	@$(PYTEST) tests/unit tests/chart $(PYTEST_OPTIONS)

test-mage: .venv/installed ## Run the tests that start Mage and PostgreSQL
	@$(PYTEST) tests/mage $(PYTEST_OPTIONS)

# Three files at a time, because tests mostly wait for the cluster; in the order of tests/kind/conftest.py.
test-kind: .venv/installed ## Run the tests on a real cluster (with Docker, kind, kubectl and helm)
	@$(VENV) -m pytest tests/kind --numprocesses=3 --dist=loadfile --no-loadscope-reorder $(PYTEST_OPTIONS)

# All but the project and packages of a team, which has its own style.
EXAMPLE := $(if $(wildcard examples/flights),examples,mage_project)
OURS := scripts tests charts benchmarks gitops $(EXAMPLE)
lint: .venv/installed ## Check style (ruff), types (mypy --strict), the layers of scripts/ (import-linter), files for CI
	@$(VENV) -m ruff check $(OURS)
	@$(VENV) -m ruff format --check $(OURS)
	@$(VENV) -m mypy
	@PYTHONPATH=scripts $(VENV) -c "from importlinter.cli import lint_imports_command as lint; lint()" --no-cache
	@.venv/bin/zizmor --quiet --offline .github
	@tag=v$(CHART_VERSION); ! git rev-parse --quiet --verify "refs/tags/$$tag" >/dev/null || \
	  git diff --quiet "$$tag" -- charts/mage || \
	  { echo "charts/mage is not what $$tag has: raise the version in Chart.yaml and pyproject.toml"; exit 1; }

lock: .venv/installed ## Lock all packages, those of mage_project/requirements.txt too: writes requirements*.txt
	@$(VENV) scripts/lock.py

reference: .venv/installed ## Write all generated pages again, and the output of the commands in the tutorial
	@$(VENV) scripts/write_reference.py
	@REWRITE_TRANSCRIPT=1 $(VENV) -m pytest --quiet tests/mage/test_transcript.py

CHART_VERSION := $(shell awk '/^version:/ {print $$2}' charts/mage/Chart.yaml)
chart-package: ## Package the chart for a registry: .local/charts/mage-VERSION.tgz
	@command -v helm >/dev/null || { echo "helm is not installed: https://helm.sh/docs/intro/install"; exit 1; }
	@helm package charts/mage --destination .local/charts

# .local/pages has the layout of the repository, so that links work in both.
PAGES := '*.md' 'docs/*' 'benchmarks/*.svg' ':!tests' ':!mage_project' ':!packages/*/*' ':!examples'
docs: .venv/installed ## Check the documentation and build it as a site: .local/site/index.html
	@$(VENV) -m pytest --quiet tests/unit/test_docs.py tests/unit/test_reference.py
	@rm -rf .local/pages && mkdir -p .local/pages
	@git ls-files -z --cached --others --exclude-standard -- $(PAGES) | tar --null -T - -cf - | tar -xf - -C .local/pages
	@$(VENV) -m zensical build --strict
	@! grep -rlE --include='*.html' '<(script|link|img|iframe)[^>]+(src|href)="https?:' .local/site # it loads nothing from another server

clean: ## Remove the virtual environment, local databases and the demo
	rm -rf .venv .local demo

# Byte code is compiled at installation: the first import of Mage's engine takes 9 s without it, 2 s with it.
.venv/installed: requirements-dev.txt
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) .venv && \
	  uv pip install --quiet --compile-bytecode --python $(VENV) -r requirements-dev.txt; \
	else \
	  $(PYTHON) -m venv .venv && \
	  $(VENV) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt; \
	fi
	@touch .venv/installed
