# Two commands do all the set-up on a machine that has Python (3.11 or later), git and make:
#   make bench      environment, the main job on the embedded data set, the path of the report
#   make test       environment, then all linters and the tests that every change has to pass
# Beside them:
#   make test-all   those and all that is too dear for every change
#   make test-flux  the tests that need Julia, after: python -m bench setup flux
#   make docs       the documentation, site/index.html; in an environment of its own, no framework
PYTHON ?= python3
VENV := .venv
BIN ?= $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Variants whose certificate is examined with the long tests of their framework; torch:compile is
# skipped where there is no C++ compiler.
LONG_VARIANTS := VARIANTS_torch="torch:compile torch:tutorial" \
	VARIANTS_keras="keras:jit keras:tutorial" VARIANTS_flax="flax:scan flax:tutorial flax:tuned"
# Rows beside the four: for every change they train LeNet-5 as the oracle does; they are certified,
# and have all tests of parity, with the long ones. Most of them share most of their code with
# another. A dot stands for a colon.
OTHERS := equinox mlx keras.jax keras.torch
OF_OTHERS ?= tests/parity/test_training.py::test_training_of_lenet tests/parity/test_work.py
# Rows that need Julia, as Flux does; they are only certified.
OF_JULIA := lux simplechains
CERTIFIED := tests/parity/test_certificate.py::test_no_alarm tests/parity/test_work.py
# Rows that are only certified, with the long tests, and skipped where the compiler is missing that
# they start: tinygrad compiles for minutes.
LONG_OTHERS := tinygrad
# The frameworks that are tested for every change: each folder that declares one, but for the
# oracle, and those that need Julia.
FRAMEWORKS := $(filter-out reference flux $(OF_JULIA) $(OTHERS) $(LONG_OTHERS), \
	$(patsubst impls/%/framework.py,%,$(wildcard impls/[a-z]*/framework.py)))
# All tests but those of one framework a process.
SUITES := tests --ignore tests/parity
# Which tests: those for every change, unless a target below says otherwise; and which of a variant.
TESTS ?= not long
OF_VARIANTS ?= $(TESTS)
# Of these one part of several, such as PART=3/10.
PART ?=
PYTEST = $(BIN)/python -m pytest -q $(if $(PART),--part $(PART))
# Two tests at a time, for two CPUs; each with one thread for NumPy, since more would wait for each
# other. Two frameworks at a time, since most of a parity test is compiling, on one CPU.
FRAMEWORKS_AT_A_TIME ?= 2
ONE_THREAD := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
# A framework that is tested beside another prints when it is done.
IN_TURN := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

# The documentation has a small environment of its own: its pages are made from the program, which
# imports no framework.
DOCS_VENV := .venv-docs
SPHINX ?= $(DOCS_VENV)/bin/sphinx-build
SITE ?= site

.PHONY: docs bench test test-all test-long test-flux install lint type unit beside alone \
	type-and-parity parity parity-% \
	benchmarks benchmarks-% benchmarks-harness clean

bench: install
	$(BIN)/python -m bench run

# On two CPUs: one of them is free while parity compiles for a framework after the other.
test: install
	$(MAKE) lint
	$(MAKE) -j2 beside type-and-parity FRAMEWORKS_AT_A_TIME=1
	$(MAKE) alone

test-all: install
	$(MAKE) lint type unit parity $(addprefix parity-,$(LONG_OTHERS)) TESTS="long or not long" \
		OF_OTHERS=tests/parity $(LONG_VARIANTS)

# What test-all has and test has not; with PART a share of it, as CI takes one at each landing.
test-long: install
	$(MAKE) unit parity $(addprefix parity-,$(LONG_OTHERS)) TESTS=long \
		OF_VARIANTS="long or not long" OF_OTHERS=tests/parity $(LONG_VARIANTS)

install: $(INSTALLED)

# torch goes first and alone: whatever needs it later then finds the one that is pinned.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "lenet-bench needs Python 3.11 or later: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		--editable '.[all,dev]'
	touch $(INSTALLED)

# With warnings as errors: links that lead nowhere, pages that nothing leads to, unknown options.
docs: $(if $(findstring $(DOCS_VENV),$(SPHINX)),$(DOCS_VENV)/.installed)
	$(SPHINX) -q -W --keep-going -b html -d $(SITE)/.doctrees docs $(SITE)
	@echo "$(SITE)/index.html"

$(DOCS_VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(DOCS_VENV)
	$(DOCS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		-c constraints.txt --editable '.[docs]'
	touch $@

# The targets below run in any environment: make lint BIN=path/to/bin
lint:
	$(BIN)/ruff check
	$(BIN)/ruff format --check

type:
	$(BIN)/mypy

# What measures time runs by itself afterwards.
unit:
	$(MAKE) beside
	$(MAKE) alone

beside:
	$(ONE_THREAD) $(PYTEST) -n 2 --dist loadgroup -m "($(TESTS)) and not alone" $(SUITES)

alone:
	$(PYTEST) -m "($(TESTS)) and alone" $(SUITES)

# One framework a process, as in the harness. What is named here must be installed; Flux is not
# among them, since it needs Julia.
parity:
	$(MAKE) -j$(FRAMEWORKS_AT_A_TIME) $(IN_TURN) $(addprefix parity-,$(FRAMEWORKS) $(OTHERS))

type-and-parity: type
	$(MAKE) parity

test-flux: install
	$(MAKE) parity-flux TESTS="long or not long"
	$(PYTEST) tests/cli/test_flux.py

$(addprefix parity-,$(OF_JULIA)): OF_OTHERS := $(CERTIFIED)

parity-flux benchmarks-flux $(addprefix parity-,$(OF_JULIA)): export PYTHON_JULIACALL_THREADS ?= 2

$(addprefix parity-,$(OTHERS) $(OF_JULIA)): parity-%:
	BENCH_FRAMEWORKS=$(subst .,:,$*) BENCH_REQUIRE=$(subst .,:,$*) BENCH_SEEDS=2 \
		$(PYTEST) -m "$(OF_VARIANTS)" $(OF_OTHERS)

$(addprefix parity-,$(LONG_OTHERS)): parity-%:
	BENCH_FRAMEWORKS=$* BENCH_SEEDS=1 $(PYTEST) -m "$(OF_VARIANTS)" $(CERTIFIED)

parity-%:
	BENCH_FRAMEWORKS=$* BENCH_REQUIRE=$* $(PYTEST) -m "$(TESTS)" tests/parity
	set -e; for variant in $(VARIANTS_$*); do \
		BENCH_FRAMEWORKS=$$variant BENCH_SEEDS=2 $(PYTEST) -m "$(OF_VARIANTS)" \
			tests/parity/test_certificate.py tests/parity/test_work.py; \
	done

# What the parts of the harness cost; a minute, and no framework.
benchmarks-harness:
	mkdir -p .benchmarks
	$(BIN)/python -m pytest -q tests/benchmarks/test_harness.py --benchmark-only \
		--benchmark-max-time=0.5 --benchmark-columns=median,iqr,rounds \
		--benchmark-json=.benchmarks/harness.json

# Adapters against bare loops, paired in one run; for an idle machine, and not part of the tests.
benchmarks: install
	$(MAKE) $(addprefix benchmarks-,$(FRAMEWORKS) $(OTHERS) $(LONG_OTHERS)) $(LONG_VARIANTS)

benchmarks-%:
	BENCH_FRAMEWORKS=$(subst .,:,$*) BENCH_REQUIRE=$(subst .,:,$*) \
		$(BIN)/python -m pytest -q -s tests/benchmarks \
		--ignore tests/benchmarks/test_harness.py --benchmark-only
	set -e; for variant in $(VARIANTS_$*); do \
		BENCH_FRAMEWORKS=$$variant BENCH_REQUIRE=$$variant $(BIN)/python -m pytest -q -s \
			tests/benchmarks/test_variants.py --benchmark-only; \
	done

clean:
	rm -rf $(VENV) $(DOCS_VENV) $(SITE) docs/reference/commands .tox .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
