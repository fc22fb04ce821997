# `make demo` and `make test` build their own environment in .venv/ and need nothing installed by hand but Python.
#
#   make demo       install the base (no torch), chunk a digital PDF and a scan, write an HTML view to out/
#   make test       install the test and training extras, run the quick tests
#   make test-full  the slow tests too
#   make align      alignment in full on the shipped model; gold from DOCALIGN_DATA, or GOLD= and DEV=
#   make bench      docalign beside other chunkers: a report card in report/, in under an hour; bench-quick in minutes
#   make fuzz       every reader under a coverage-guided fuzzer, SECONDS=300 each
#   make check      format, lint, types
#   make docs       the documentation's site, strictly: out/site/index.html
#   make dist       wheel and sdist in dist/
#   make sbom       what the base install brings, as CycloneDX: dist/sbom.json
#   make audit      known vulnerabilities of every pinned package; asks the network
#   make samples    draw data/samples/ again from their typst sources
#   make clean      remove .venv/ and everything built

SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
PY := $(VENV)/bin/python
DOCALIGN := $(VENV)/bin/docalign
PIP := $(PY) -m pip --disable-pip-version-check install -qq --constraint constraints.txt
# The first Python of at least 3.11; `make demo PYTHON=/path/to/python` chooses another.
PYTHON ?= $(firstword $(foreach p,python3.13 python3.12 python3.11 python3,$(shell \
    command -v $(p) >/dev/null 2>&1 && $(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(p))))
# Where PyTorch keeps its CPU builds; used when it answers, so that no CUDA libraries are pulled.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
# Tests run in this many processes.
JOBS ?= 2

STAMP_VENV := $(VENV)/.made
STAMP_BASE := $(VENV)/.base
STAMP_TEST := $(VENV)/.test
STAMP_BENCH := $(VENV)/.bench
STAMP_SYSTEM := $(VENV)/.system
STAMP_RELEASE := $(VENV)/.release

SAMPLES := data/samples
OUT := out

# How long each reader is fuzzed.
SECONDS_EACH := $(or $(SECONDS),300)

.PHONY: help demo test test-full align bench bench-quick bench-card fuzz check docs dist sbom audit samples clean
help:
	@sed -n '3,16s/^# *//p' Makefile

$(STAMP_VENV):
	@test -n "$(PYTHON)" || { echo "docalign needs Python 3.11 or newer and found none."; \
	    echo "  On Debian or Ubuntu: apt-get install python3 python3-venv   Elsewhere: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq python3-venv; \
	    else echo "This Python cannot make virtual environments. Run: sudo apt-get install python3-venv"; exit 1; fi; }
	@echo "» making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(STAMP_BASE): pyproject.toml constraints.txt | $(STAMP_VENV)
	@echo "» installing docalign and its base dependencies"
	@$(PIP) --editable .
	@touch $@

$(STAMP_TEST): pyproject.toml constraints.txt | $(STAMP_VENV)
	@echo "» installing the test and training extras (torch first, CPU build)"
	@index=; $(PY) -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1] + "/torch/", timeout=5)' $(TORCH_INDEX) 2>/dev/null \
	    && index="--extra-index-url $(TORCH_INDEX)"; $(PIP) $$index torch==2.13.0
	@$(PIP) --editable '.[dev,train]'
	@touch $@ $(STAMP_BASE)

# What some tests drive and no wheel brings: PostgreSQL and a browser. Without them those tests skip, and say so.
$(STAMP_SYSTEM): | $(STAMP_VENV)
	@wanted=; command -v chromium >/dev/null || wanted="$$wanted chromium"; \
	    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || wanted="$$wanted postgresql"; \
	    if [ -n "$$wanted" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	        echo "» installing Debian's$$wanted for the tests that use them"; \
	        quick="-qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20"; \
	        export DEBIAN_FRONTEND=noninteractive; \
	        timeout 600 apt-get $$quick update >/dev/null 2>&1; \
	        timeout 900 apt-get $$quick install -y --no-install-recommends $$wanted >/dev/null 2>&1 \
	            || echo "  not to be had now: the tests that need$$wanted will skip"; \
	    fi
	@if command -v chromium >/dev/null && ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then touch $@; fi

demo: $(STAMP_BASE)
	@for name in report.pdf report-scan.pdf; do \
	    echo; echo "━━━ $(SAMPLES)/$$name"; \
	    $(DOCALIGN) chunk $(SAMPLES)/$$name --format preview --out - || exit $$?; \
	done
	@mkdir -p $(OUT)
	@for name in report report-scan; do \
	    $(DOCALIGN) chunk $(SAMPLES)/$$name.pdf --format html --out $(OUT)/$$name.html || exit $$?; done
	@echo; echo "Pages with the chunks drawn on them: $(CURDIR)/$(OUT)/report.html and $(CURDIR)/$(OUT)/report-scan.html"

test: $(STAMP_TEST) $(STAMP_SYSTEM)
	@$(PY) -m pytest -q -n $(JOBS) -m "not slow"

test-full: $(STAMP_TEST) $(STAMP_SYSTEM)
	@DOCALIGN_TEST_FULL=1 $(PY) -m pytest -q -n $(JOBS)

# docs/alignment.md in full, from the shipped model; killed, it goes on when it is run again. Gold comes from the corpora
# that DOCALIGN_DATA names, or is given: make align GOLD=gold.jsonl DEV=gold.dev.jsonl (and PREFS="--prefs human.jsonl").
ALIGN := $(OUT)/align
GOLD ?= $(ALIGN)/gold.jsonl
DEV ?= $(ALIGN)/gold.dev.jsonl
RECIPE ?= data/recipes/align.toml
ALIGN_LINES ?= 160

$(ALIGN)/gold.jsonl: | $(STAMP_TEST)
	@test -d "$$DOCALIGN_DATA" || { echo "make align needs gold: set DOCALIGN_DATA, or give GOLD=… DEV=…"; exit 1; }
	@mkdir -p $(ALIGN)
	@$(PY) data/recipes/make_gold.py held-out --number 24 --seed 41 --out $(ALIGN)/gold.dev.jsonl
	@$(PY) data/recipes/make_gold.py plain --number $(ALIGN_LINES) --seed 41 --weights 0 1 0 --out $@

align: $(STAMP_TEST) $(GOLD)
	@$(DOCALIGN) train $(GOLD) --method recipe --recipe $(RECIPE) --init docalign-smollm2-16l --dev $(DEV) $(PREFS) \
	    --out $(ALIGN)/run
	@$(DOCALIGN) eval $(DEV) --alignment --aligned $(ALIGN)/run --out $(ALIGN)/alignment.html
	@$(DOCALIGN) export $(ALIGN)/run --out $(ALIGN)/model
	@$(DOCALIGN) eval $(DEV) --model $(ALIGN)/model
	@$(DOCALIGN) chunk $(SAMPLES)/report.pdf --model $(ALIGN)/model --format preview --out -

# docling-core asks for older libraries than docalign pins and works with the newer: it goes into a folder beside.
$(STAMP_BENCH): $(STAMP_TEST) benchmarks/peers.txt
	@echo "» installing the chunkers to compare with"
	@$(PIP) --editable '.[dev,train,bench]'
	@$(PIP) --no-deps --upgrade --target $(VENV)/peers --requirement benchmarks/peers.txt \
	    || echo "  docling-core is not to be had now: the report lists it as not run"
	@touch $@

bench: $(STAMP_BENCH)
	@OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(DOCALIGN) bench --out report

bench-quick: $(STAMP_BENCH)
	@OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(DOCALIGN) bench --quick --out report

# The run that the README quotes, on DOCALIGN_DATA, and its table there.
bench-card: $(STAMP_BENCH)
	@OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(DOCALIGN) bench --out benchmarks/card --base "$$($(DOCALIGN) models pull)"
	@$(PY) benchmarks/readme_table.py

fuzz: $(STAMP_TEST)
	@$(PIP) --editable '.[fuzz]'
	@mkdir -p $(OUT)/fuzz
	@$(PY) -m tests.fuzz list | xargs -P $(JOBS) -I NAME bash -c '\
	    $(PY) -m tests.fuzz NAME --seconds $(SECONDS_EACH) > $(OUT)/fuzz/NAME.log 2>&1 && state=clean || state=FINDING; \
	    echo "NAME: $$state, $$(grep -o "executed_units:.*" $(OUT)/fuzz/NAME.log | tr -dc "0-9\n" | awk "{ n += \$$1 } END { print n }") files"; [ $$state = clean ]'

check: $(STAMP_TEST)
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy

# The variable silences the theme's notice about its successor.
docs: $(STAMP_TEST)
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --quiet --strict
	@echo "$(CURDIR)/$(OUT)/site/index.html"

$(STAMP_RELEASE): pyproject.toml constraints.txt | $(STAMP_VENV)
	@$(PIP) --editable '.[release]'
	@touch $@

dist: $(STAMP_RELEASE)
	@rm -rf dist
	@PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(PY) -m build --quiet --outdir dist .
	@ls dist

# Of an environment that holds the wheel and what it needs, and nothing else.
sbom: dist
	@rm -rf $(OUT)/bare && $(PYTHON) -m venv --without-pip $(OUT)/bare
	@$(PY) -m pip --disable-pip-version-check --python $(OUT)/bare/bin/python install -qq --constraint constraints.txt dist/*.whl
	@sed "s/^dynamic = .*/version = \"$$($(PY) -c 'import docalign; print(docalign.__version__)')\"/" pyproject.toml \
	    > $(OUT)/bare/pyproject.toml
	@$(VENV)/bin/cyclonedx-py environment --pyproject $(OUT)/bare/pyproject.toml --output-reproducible --of JSON \
	    --output-file dist/sbom.json $(OUT)/bare/bin/python
	@echo dist/sbom.json

# --strict: a package that the service does not know fails it, too; else a mirror that answers nothing would pass.
audit: $(STAMP_RELEASE)
	@$(VENV)/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict --progress-spinner off

samples: $(STAMP_TEST)
	@$(PY) $(SAMPLES)/make.py

clean:
	rm -rf $(VENV) $(OUT) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
