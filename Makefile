# make demo   the anomalous Hall conductivity of iron: results/iron.nc and results/iron.png
# make wheel   dist/: source archive and the wheel built from it, both as an index of packages wants them
# make wheel-check   installs the wheel into an environment of its own and tries it from an empty folder;
#                    PYTHONS="python3.11 python3.12 python3.13" tries several
# make check   all that a change must pass
# make validation   docs/validation.md: all comparisons with closed forms, other solvers and programs; fails if one does
# make sample   the drawing of the page on conventions
# make first-minute   a terminal as it goes from the wheel to a result, for the first page
# make gallery   the pictures of the gallery: results/gallery; they are shown on docs/gallery.md from docs/img. Those of iron take an
#                hour of one core: PICTURES=quick leaves them out, PICTURES="gap mott" makes some; EPW=FOLDER makes the two of an EPW
#                run of iron as well, whose files are there (an hour and a half of two cores)
# make test | lint | docs | examples   checks and documentation, all in the environment of `make venv`
# make test-all   also the tests of tests/slow.txt; make slowest: with the time of each

PYTHON ?= python3
PYTHONS ?= $(PYTHON)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SOURCES := src tests examples docs $(wildcard benchmarks)
OTHER_EXAMPLES = $(filter-out examples/iron%.toml,$(wildcard examples/*.toml))

# No display is needed, wherever this runs.
export MPLBACKEND := Agg
export NO_MKDOCS_2_WARNING := 1

.PHONY: venv demo test test-all slowest lint docs examples gallery validation sample first-minute wheel wheel-check neighbours check clean

venv: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet -e '.[dev]'
	touch $@

demo: $(STAMP)
	mkdir -p results
	$(BIN)/sidejump run examples/iron.toml -o results/iron.nc --force

PICTURES ?= all

gallery: $(STAMP)
	$(BIN)/sidejump gallery $(PICTURES) -o results/gallery --force
ifdef EPW
	rm -rf results/epw_run
	mkdir -p results/epw_run/epw
	cp -r $(EPW)/. results/epw_run/epw
	chmod -R u+w results/epw_run
	find results/epw_run/epw -maxdepth 1 -name '*.gz' -exec gunzip -f {} +
	cp examples/first_principles/iron_epw.toml results/epw_run
	cd results/epw_run && $(abspath $(BIN))/sidejump gallery iron_epw iron_couplings -o ../gallery --force
endif

VALIDATED ?= docs/validation.md

validation: $(STAMP)
	$(BIN)/python benchmarks/validation.py --output $(VALIDATED)

sample: $(STAMP)
	$(BIN)/python docs/drawings/sample.py docs/img/sample.svg

first-minute: wheel
	$(BIN)/python docs/drawings/first_minute.py docs/img/first_minute.svg $(wildcard dist/*.whl)

# a file stays in one process: what its tests share is made once, and the small files of the end of the alphabet come last
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: $(STAMP)
	$(PYTEST) --durations=15 -m "not slow"

test-all: $(STAMP)
	$(PYTEST) --durations=15

slowest: $(STAMP)
	$(PYTEST) --durations=400 --durations-min=1

lint: $(STAMP)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy src/sidejump

docs: $(STAMP)
	$(BIN)/sidejump input-reference > docs/input.md.partial
	mv docs/input.md.partial docs/input.md
	$(BIN)/mkdocs build --strict --quiet

EXAMPLES := $(OTHER_EXAMPLES) $(wildcard examples/*.py)

examples: $(STAMP)
	mkdir -p results
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target $(addprefix run/,$(EXAMPLES))

run/%.toml: $(STAMP)
	$(BIN)/sidejump run $*.toml -o results/$(notdir $*).nc --force

run/%.py: $(STAMP)
	$(BIN)/python $*.py

wheel: $(STAMP)
	rm -rf dist build
	$(BIN)/python -m build --outdir dist . > /dev/null
	rm -rf build
	$(BIN)/twine check --strict dist/*

wheel-check: wheel
	set -e; for python in $(PYTHONS); do .ci/wheel-check $$python dist/sidejump-*.whl; done

# those that the registries have, in a place of their own: PythTB 2 wants Python 3.12, and the other tests 1.8
neighbours:
	$(PYTHON) -m venv .venv-neighbours
	.venv-neighbours/bin/pip install --quiet -e '.[test,interop]' pymatgen 'pythtb>=2' wannierberri numba
	.venv-neighbours/bin/python -m pytest -n 0 tests/test_neighbours.py tests/test_neighbours_crystals.py

check:
	.ci/run

clean:
	rm -rf $(VENV) results site dist build .pytest_cache .ruff_cache .mypy_cache
