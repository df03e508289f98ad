# make demo   the anomalous Hall conductivity of iron: results/iron.nc and results/iron.png
# make wheel-check   builds the wheel, installs it into an environment of its own and tries it from an empty folder
# make observables   spin currents, spin and torque of a Rashba ferromagnet: results/observables_parts.png
# make skew   conventional and Gaussian skew scattering of a massive Dirac model: results/skew.png
# make magnons   side jump of a massive Dirac model with magnons: results/magnons.png
# make sample   the drawing of the page on conventions
# make heat   Seebeck and Nernst effect, Lorenz ratio of massive Dirac electrons: results/heat_parts.png
# make competition   impurities against phonons in a massive Dirac model: results/competition_parts.png
# make test | lint | docs | examples | figure1   checks and documentation, all in the environment of `make venv`

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SOURCES := src tests examples $(wildcard benchmarks)
OTHER_EXAMPLES = $(filter-out examples/iron.toml,$(wildcard examples/*.toml))

# No display is needed, wherever this runs.
export MPLBACKEND := Agg
export NO_MKDOCS_2_WARNING := 1

.PHONY: venv demo test lint docs examples figure1 heat observables competition skew magnons sample wheel wheel-check clean

venv: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet -e '.[dev]'
	touch $@

demo: $(STAMP)
	mkdir -p results
	$(BIN)/sidejump run examples/iron.toml -o results/iron.nc --force

observables: $(STAMP)
	mkdir -p results
	$(BIN)/sidejump run examples/observables.toml -o results/observables.nc --force
	$(BIN)/sidejump plot results/observables.nc --observables -o results/observables_parts.png --force

skew: $(STAMP)
	$(BIN)/python examples/skew_scattering.py results/skew.png

magnons: $(STAMP)
	$(BIN)/python examples/magnons.py results/magnons.png

sample: $(STAMP)
	$(BIN)/python docs/drawings/sample.py docs/img/sample.svg

heat: $(STAMP)
	mkdir -p results
	$(BIN)/sidejump run examples/heat.toml -o results/heat.nc --force
	$(BIN)/sidejump plot results/heat.nc --kind heat -o results/heat_parts.png --force

competition: $(STAMP)
	mkdir -p results
	$(BIN)/sidejump run examples/competition.toml -o results/competition.nc --force
	$(BIN)/sidejump plot results/competition.nc --kind competition --times 0.01 --times 0.1 --times 1 --times 10 \
	  -o results/competition_parts.png --force

figure1: $(STAMP)
	mkdir -p results
	$(BIN)/sidejump figure1 -o results/figure1.png --force

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist worksteal --durations=15

lint: $(STAMP)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy src/sidejump

docs: $(STAMP)
	$(BIN)/sidejump input-reference > docs/input.md.partial
	mv docs/input.md.partial docs/input.md
	$(BIN)/mkdocs build --strict --quiet

examples: $(STAMP)
	mkdir -p results
	set -e; for input in $(OTHER_EXAMPLES); do \
	  echo "== $$input"; \
	  $(BIN)/sidejump run $$input -o results/$$(basename $$input .toml).nc --force; \
	done
	set -e; for script in $(wildcard examples/*.py); do echo "== $$script"; $(BIN)/python $$script; done

wheel: $(STAMP)
	rm -rf dist build
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .
	rm -rf build

wheel-check: wheel
	.ci/wheel-check $(PYTHON) dist/sidejump-*.whl

clean:
	rm -rf $(VENV) results site dist build .pytest_cache .ruff_cache .mypy_cache
