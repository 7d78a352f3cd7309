VENV := .venv
PY := $(VENV)/bin/python
.PHONY: setup demo test lint clean
STAMP := $(VENV)/.installed

$(STAMP): requirements.txt constraints.txt package-lock.json
	test -x $(PY) || python3 -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt -c constraints.txt
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" npm ci --silent --no-audit --no-fund
	touch $@

setup: $(STAMP)
