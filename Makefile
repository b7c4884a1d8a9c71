# The five promises: demo, test, check, bench, nightly. Each sets up what it needs.
PY     ?= python3.11
VENV   := .venv
B      := $(VENV)/bin
export OMP_WAIT_POLICY := PASSIVE
export BENTOML_DO_NOT_TRACK := True
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true

.PHONY: demo test check bench nightly lock clean
demo: $(VENV)/.ok            ## simulate a county and print its weekly list
	$(B)/earlyhelp demo

test: $(VENV)/.ok $(VENV)/.system $(VENV)/.spark   ## every fast test
	$(B)/python -m pytest -q -m "not nightly" -n 2 --durations=10

check: $(VENV)/.ok           ## style, types, import arrows
	$(B)/ruff check .
	$(B)/ruff format --check .
	$(B)/mypy
	$(B)/python -m pytest -q tests/test_arrows.py

bench: $(VENV)/.ok           ## measure; prints ratios, changes nothing
	$(B)/python -m benchmarks

nightly: $(VENV)/.ok $(VENV)/.system $(VENV)/.spark   ## the long tests, figures printed
	$(B)/python -m pytest -q -s -m "nightly or hypothesis" --hypothesis-profile=search

$(VENV)/.ok: requirements.lock pyproject.toml
	$(PY) -m venv $(VENV)
	$(B)/python -m pip install -q --disable-pip-version-check uv==0.13.9
	$(B)/uv pip sync -q --compile-bytecode --python $(B)/python --require-hashes requirements.lock
	$(B)/uv pip install -q --python $(B)/python --no-deps --no-build-isolation -e .
	$(B)/python -c "from features.kernel import compile_ahead; compile_ahead()"
	$(B)/python -c "from models.contributions import compile_ahead; compile_ahead()"
	touch $@

# A browser for the tests of pages, where we may install one; elsewhere those tests skip and say so.
$(VENV)/.system: $(VENV)/.ok
	@if ! command -v chromium >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium) >/dev/null 2>&1 \
	  || echo "Chromium could not be installed: the tests of pages will skip."; fi
	@touch $@

# Spark (half a gigabyte) for its tests, where there is Java to run it; elsewhere those tests skip and say so.
$(VENV)/.spark: requirements-spark.lock $(VENV)/.ok
	@if command -v java >/dev/null; then \
	  echo "Installing Spark, because Java is here"; \
	  $(B)/uv pip install -q --compile-bytecode --python $(B)/python --no-deps --no-build-isolation --require-hashes -r $<; fi
	@touch $@

COMPILE = $(B)/uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate
lock:                        ## renew the locks after a change of pyproject.toml
	$(COMPILE) pyproject.toml --group dev -o requirements.lock
	echo pyspark | $(COMPILE) - -c requirements.lock -o requirements-spark.lock

clean:
	rm -rf $(VENV) workspace county build *.egg-info
