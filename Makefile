# The two commands of the README. Each installs what it needs into .venv and does nothing twice.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := configs/characters/ruby
export OMP_WAIT_POLICY := PASSIVE
# Tests run in so many processes, each with one thread; JOBS= runs them in one.
JOBS ?= 2

.PHONY: demo test check pytest install install-dev clean

demo: install
	$(BIN)/bootstrap run $(DEMO)/seed.png $(DEMO)/character.json --out runs/demo
	$(BIN)/bootstrap status runs/demo

# Both at once: what one leaves of the processors, the other takes.
test: install-dev
	$(MAKE) --no-print-directory --jobs 2 check pytest

# Files in the order of tests/conftest.py: those that take long come first, so that no process waits for the other.
pytest: install-dev
	$(if $(JOBS),OMP_NUM_THREADS=1) $(BIN)/pytest $(if $(JOBS),-n $(JOBS) --dist loadfile --no-loadscope-reorder)

check: install-dev
	$(BIN)/ruff check .
	$(BIN)/mypy

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --no-compile --editable .
	touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[dev]'
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache build dist
