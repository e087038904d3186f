# Two commands: `make demo` and `make test`. Each sets up .venv by itself. `make test-long` runs what takes long: whole
# films, every provider.
#
# torch: plain `pip install torch` takes a CUDA build of several GB on Linux. For the CPU build say
#   make demo TORCH="torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu"
# A GPU machine wants the plain build: make demo TORCH=torch
PYTHON ?= python3
TORCH  ?= torch==2.13.0
VENV   := .venv
BIN    := $(VENV)/bin
SEED   ?= 7

PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-long lint types clean

# tests start many programs; these find their modules compiled
export PYTHONDONTWRITEBYTECODE :=

$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $@

demo: $(VENV)/ready
	rm -rf demo
	$(BIN)/suture sample launch-day --seed $(SEED) -o demo
	@code=0; $(BIN)/suture pass demo || code=$$?; \
	if [ $$code -eq 0 ] || [ $$code -eq 3 ]; then exit 0; else exit $$code; fi

test: $(VENV)/ready
	$(PYTEST) -m "not long"

test-long: $(VENV)/ready
	$(PYTEST) -m long

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/ready
	$(BIN)/mypy

clean:
	rm -rf $(VENV) demo
