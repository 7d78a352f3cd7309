# make demo [DATA=folder]   the whole path on this machine: localaws, deploy, prepare, train, transform, deploy, predict
# make test                 lint, types and tests
# make app [STAGE=dev]      the Streamlit app on the deployed API of that stage
# make clean                stop nothing, remove what the commands above made (not your data)

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAGE ?= dev
INSTALLED := $(VENV)/.installed
export PATH := $(CURDIR)/$(VENV)/bin:$(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: setup demo test lint app clean

setup: $(INSTALLED)

# One stamp for Python and Node packages: a second run reinstalls nothing until a pin changes.
$(INSTALLED): requirements.txt constraints.txt package.json package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"Python 3.11 or newer is needed; $(PYTHON) is {sys.version.split()[0]}. Set PYTHON=/path/to/python3.11.")'
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "Installing Python packages into $(VENV) (about 3 GB, once) ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt -c constraints.txt
	@echo "Installing the CDK CLI into node_modules ..."
	@npm ci --loglevel error --no-audit --no-fund
	@touch $@

demo: setup
	@$(PY) -m demo $(if $(DATA),--data "$(DATA)") $(DEMO_FLAGS)

lint: setup
	ruff check .
	ruff format --check .
	mypy --strict app.py infra ml radiograph frontend localaws lambda demo

# Two processes on two cores: the end-to-end tests in one, the rest beside them.
test: lint
	pytest -n logical --maxprocesses 4 --no-loadscope-reorder

app: setup
	@exports=$$($(PY) -m ml.api --stage $(STAGE)) && eval "$$exports" && streamlit run frontend/app.py

clean:
	rm -rf cdk.out .localaws .cache build .pytest_cache .mypy_cache .ruff_cache .hypothesis
