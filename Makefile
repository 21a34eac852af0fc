# Each target does its own set-up on a fresh machine with Python 3.11 or newer.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
RIVALS := .venv-rivals
ROWS   ?= 10000000
OUT    ?= benchmarks/results

# Numbers that depend on the number of BLAS or OpenMP threads have no place in a test.
export OMP_NUM_THREADS ?= 1

.PHONY: demo test lint format types contracts docs bench bench-learn bench-large bench-smoke spark clean

demo: $(VENV)/.demo  ## real sky and a synthetic field, end to end: demo/report.html
	$(BIN)/skyquarry demo --to demo

test: $(VENV)/.dev  ## every test, on all cores
	$(BIN)/pytest -n auto --dist loadfile -q

lint: $(VENV)/.dev  ## style, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev  ## write the reference from the code; run every example of the README and of docs/
	$(BIN)/python docs/generate.py
	$(BIN)/pytest -q tests/test_docs.py

bench: $(VENV)/.dev $(RIVALS)/.ready  ## 1e7 rows beside the rivals; JSON into benchmarks/results
	$(BIN)/python benchmarks/run.py --rows $(ROWS) --rivals-python $(RIVALS)/bin/python --out $(OUT)

bench-learn: $(VENV)/.dev  ## real labels: our ensemble beside usual learners, 5 seeds; dated JSON
	$(BIN)/python benchmarks/learn.py --out $(OUT)
	$(BIN)/python benchmarks/learn.py --blanked --out $(OUT)
	$(BIN)/python benchmarks/learn.py --speed --out $(OUT)

bench-large: $(VENV)/.dev  ## ingest at 5e7 rows: memory stays bounded
	$(BIN)/python benchmarks/run.py --large --rows 50000000 --out $(OUT)

bench-smoke: $(VENV)/.dev  ## the same programs at 1e5 rows: do they run at all
	$(BIN)/python benchmarks/run.py --rows 100000 --out build/bench-smoke
	test ! -d ../shared/data || $(BIN)/python benchmarks/learn.py --smoke --seeds 0 --tasks ptsrc

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[demo,nn,names]'
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@ $(VENV)/.demo

spark: $(VENV)/.spark  ## Spark for its tests, which skip without: 430 MB, and wants Java

$(VENV)/.spark: constraints.txt | $(VENV)/.dev
	$(BIN)/python -m pip install --quiet -c constraints.txt pyspark
	touch $@

# The rivals live in an environment of their own: what they pin must not reach ours.
$(RIVALS)/.ready: benchmarks/rivals.txt
	$(PYTHON) -m venv $(RIVALS)
	$(RIVALS)/bin/python -m pip install --quiet --upgrade pip
	$(RIVALS)/bin/python -m pip install --quiet -r benchmarks/rivals.txt
	touch $@

clean:
	rm -rf build dist demo .hypothesis .mypy_cache .ruff_cache .pytest_cache
