# make demo [DATA=folder]   the whole path on this machine: localaws, deploy, prepare, train, transform, deploy, predict;
#                           ALGORITHM=pytorch trains the project's own network in SageMaker's PyTorch container
# make test                 lint, types and all tests but the end-to-end ones
# make e2e                  the demo, the app in a browser, the notebook, the deployment workflow and a promotion
# make coverage             the branches that `make test` reaches
# make app [STAGE=dev]      the Streamlit app on the deployed API of that stage
# make lock                 resolve requirements.txt into requirements.lock; move only what requirements.txt asks for
# make openapi              write lambda/inference_proxy/openapi.json from the routes, types and problem kinds
# make clean                remove what the commands above wrote, but no data of yours

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAGE ?= dev
INSTALLED := $(VENV)/.installed
export PATH := $(CURDIR)/$(VENV)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
# Without bytecode, each process would compile the CDK's modules again, which takes six seconds. uv writes none: `setup`
# imports the large packages once.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup lock openapi demo test e2e lint coverage app clean

setup: $(INSTALLED)

# One stamp for Python and Node packages: a second run installs nothing until a pin changes. Every Python package is
# checked against its hash in a lock. pip installs uv, and PyTorch's CPU build if it finds one; uv installs the rest.
$(INSTALLED): requirements.lock requirements-cpu.lock package.json package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"Python 3.11 or newer is needed; $(PYTHON) is {sys.version.split()[0]}. Set PYTHON=/path/to/python3.11.")'
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "Installing Python packages into $(VENV) (about 3 GB, once) ..."
	@sed -n '/^uv==/,/[^\]$$/p' requirements.lock > $(VENV)/uv.lock
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(VENV)/uv.lock
	@cp requirements.lock $(VENV)/all.lock
	@if $(PY) -m pip install --quiet --no-index --no-deps --require-hashes -r requirements-cpu.lock 2> /dev/null; then \
	  awk '/^[a-z]/ {cuda = /^(cuda|nvidia|triton)/} !cuda' requirements.lock > $(VENV)/all.lock; \
	fi
	@uv pip install --quiet --no-deps --require-hashes -r $(VENV)/all.lock
	@$(PY) -c 'import aws_cdk, infra.api, infra.observability, localaws.server, ml.transform, network.train, onnxruntime'
	@echo "Installing the CDK CLI into node_modules ..."
	@npm ci --loglevel error --no-audit --no-fund
	@touch $@

lock: setup
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" \
	  --output-file requirements.lock requirements.txt

openapi: setup
	@PYTHONPATH=. $(PY) lambda/openapi.py

demo: setup
	@$(PY) -m demo $(if $(DATA),--data "$(DATA)") $(if $(ALGORITHM),--algorithm "$(ALGORITHM)") $(DEMO_FLAGS)

lint: setup
	ruff check .
	ruff format --check .
	mypy

test: lint
	pytest -n auto --no-loadscope-reorder --ignore tests/e2e

# Two local clouds: one of the demo, one of the notebook.
e2e: setup
	pytest -n 2 tests/e2e

coverage: setup
	pytest -n auto --no-loadscope-reorder --ignore tests/e2e --cov --cov-report term:skip-covered

app: setup
	@exports=$$($(PY) -m ml.api --stage $(STAGE)) && eval "$$exports" && streamlit run frontend/app.py

clean:
	rm -rf cdk.out .localaws .cache build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
