# make demo : set everything up, rebuild the embedded sample in 3-D, open demo/report.html afterwards
# make test : set everything up, run lint, types and tests
# make docs : build the site, open docs/_build/html/index.html afterwards; warnings are errors
PYTHON ?= python3
ifeq ($(OS),Windows_NT)
  BIN := .venv/Scripts
else
  BIN := .venv/bin
endif
STAMP := .venv/.installed

.PHONY: demo test pytest lint docs clean

demo: $(STAMP)
	$(BIN)/porescape demo --out demo --overwrite

# lint beside the tests: either failing fails both; what pytest says comes last, for it takes longer
test: $(STAMP)
	@$(MAKE) --no-print-directory -j2 lint pytest

pytest: $(STAMP)
	$(BIN)/python -m pytest -n auto

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(STAMP)
	$(BIN)/python -c "import myst_nb, pydata_sphinx_theme, sphinx_gallery" || $(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[docs]"
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

$(STAMP): pyproject.toml
	$(PYTHON) -c "import sys; assert sys.version_info >= (3, 11), 'porescape needs Python 3.11 or newer, found ' + sys.version"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -e ".[test]"
	$(BIN)/python -c "open('$(STAMP)', 'w').close()"

clean:
	$(PYTHON) -c "import shutil; [shutil.rmtree(d, ignore_errors=True) for d in ('.venv', 'demo', 'docs/_build', 'docs/method', 'docs/reference')]"
