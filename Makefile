# PYTHON: the interpreter that makes .venv; python3.11, of the tested versions, where it is there. A laptop without a GPU
# installs the CPU build of torch first: see README.md.
PYTHON ?= $(shell python3.11 -c 'print("python3.11")' 2>/dev/null || echo python3)
VENV ?= .venv
BIN := $(VENV)/bin

# What is imported is compiled then (see --no-compile below), and kept. Where an image forbids that, every process would
# compile PyTorch and Lightning anew, which takes longer than importing them.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check bench clean
.DELETE_ON_ERROR:

demo: $(VENV)/.ready
	$(BIN)/msd-mtl demo

# worksteal leaves a worker what it has begun with: the cluster of the tests, which starts first and mostly waits.
test: $(VENV)/.ready-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

check: $(VENV)/.ready-dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

bench: $(VENV)/.ready-dev
	$(BIN)/python benchmarks/speed.py --repeats 3
	$(BIN)/python benchmarks/scale.py
	$(BIN)/python benchmarks/prepare.py
	$(BIN)/python benchmarks/report.py
	$(BIN)/python benchmarks/wandb_cost.py

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	"PYTHON must be 3.11 or newer; got %d.%d. Set it: make demo PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

# --no-compile: of 250 MB of Python about a third is ever imported, and that is compiled when it is.
$(VENV)/.ready: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable .
	touch $@

$(VENV)/.ready-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[dev]'
	touch $@ $(VENV)/.ready

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
