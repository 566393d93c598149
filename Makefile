# Every target installs into .venv whatever the target needs.
PYTHON ?= python3
VENV := .venv/bin
LOCAL := .venv/.local-installed
DEV := .venv/.dev-installed
OUTPUT ?=
LOCUST_HERE := .lab/locust/bin/locust
LOCUST ?= $(LOCUST_HERE)
TECHNIQUES ?=
TEST_OPTIONS ?=
UPGRADE :=
WORKERS ?= 2
PARALLEL = -n $(WORKERS) --dist loadscope --no-loadscope-reorder
MODULES ?=
PROMETHEUS ?=
COMPILE := $(VENV)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header pyproject.toml

.PHONY: help setup demo up check format generate questions test test-unit test-mutants test-compose bench bench-techniques bench-chassis bench-loadgen lock lock-upgrade clean

help:  ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

setup: $(LOCAL)  ## Install the lab into .venv

demo: $(LOCAL)  ## Start the lab, measure every technique, print the table, stop (OUTPUT=dir keeps evidence and reports)
	$(VENV)/python -m services.local run -- $(VENV)/python -m loadgen run $(if $(OUTPUT),--output "$(OUTPUT)")

up: $(LOCAL)  ## Run the lab with continuous load until Ctrl-C
	$(VENV)/python -m services.local up

check: $(DEV)  ## Completeness, prose, lint, types, import contracts, figures in documents, generated files
	$(VENV)/python -m tests.architecture.completeness
	$(VENV)/python -m tests.architecture.prose
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	$(VENV)/lint-imports --no-cache
	$(VENV)/python -m loadgen.documents --check
	$(VENV)/python -m monitoring check

format: $(DEV)  ## Format the code, and sort its imports
	$(VENV)/ruff check --fix --quiet --exit-zero .
	$(VENV)/ruff format --quiet .

generate: $(DEV)  ## Write dashboards, rules and scrape configuration from catalog and metrics
	$(VENV)/python -m monitoring generate

questions: $(DEV)  ## Run the queries of monitoring/QUESTIONS.md in the Prometheus at PROMETHEUS, and write the answers there
	$(VENV)/python -m monitoring ask $(if $(PROMETHEUS),--prometheus "$(PROMETHEUS)")

test: $(DEV)  ## The whole test suite, against real servers (about five minutes on two cores)
	$(VENV)/python -m pytest $(PARALLEL) -m 'not measures_time' $(TEST_OPTIONS)
	$(VENV)/python -m pytest -m measures_time $(TEST_OPTIONS)

test-unit: $(DEV)  ## Unit tests alone (about 40 seconds on two cores)
	$(VENV)/python -m pytest $(PARALLEL) tests/unit tests/architecture $(TEST_OPTIONS)

test-mutants: $(DEV)  ## Whether the unit tests of MODULES notice random changes to them
	$(VENV)/python -m tests.mutants $(MODULES)

test-compose: $(DEV)  ## Tests of the lab in containers; needs a container engine
	$(VENV)/python -m pytest tests/compose $(TEST_OPTIONS)

# Exit code 4 means that a point of a sweep is invalid; the curve leaves that point out. The run
# itself must be valid.
BENCH = $(VENV)/loadgen run --variant all --iterations 14 --output loadgen/reports \
	&& { $(VENV)/loadgen sweep --output loadgen/reports/sweeps || [ $$? -eq 4 ]; } \
	&& $(VENV)/loadgen report loadgen/reports --sweeps loadgen/reports/sweeps

bench: $(LOCAL)  ## Measure all techniques, and write the figures into README.md and the cards
	$(VENV)/python -m services.local run -- sh -c '$(BENCH)'
	$(VENV)/python -m loadgen.documents

bench-techniques: $(LOCAL)  ## Measure every promise of speed on the cards against its bound (TECHNIQUES=names; default all)
	$(VENV)/python -m benchmarks.techniques $(TECHNIQUES)

bench-chassis: $(LOCAL)  ## Cost of the chassis: an empty route against a bare aiohttp handler
	$(VENV)/python -m benchmarks.chassis

bench-loadgen: $(LOCAL) $(LOCUST)  ## Speed of the load generator against wrk (if installed) and Locust (LOCUST=path; default: installed into .lab)
	LOCUST="$(LOCUST)" $(VENV)/python -m benchmarks.generator_speed

lock: $(DEV)  ## Add to requirements/*.txt what is new in pyproject.toml; all other versions stay
	$(COMPILE) $(UPGRADE) --group dev -o requirements/dev.txt
	$(COMPILE) --constraints requirements/dev.txt --group local -o requirements/local.txt
	$(COMPILE) --constraints requirements/dev.txt -o requirements/services.txt

lock-upgrade: UPGRADE := --upgrade
lock-upgrade: lock  ## The same, with the newest version of everything that pyproject.toml allows

clean:  ## Remove .venv and all data
	[ ! -L .lab/home ] || rm -rf "$$(readlink -f .lab/home)"
	rm -rf .venv .lab

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "error: Python 3.11 or newer is needed; set PYTHON=python3.x"; exit 1; }
	@$(PYTHON) -m venv .venv \
		|| { rm -rf .venv; echo "error: cannot make .venv; on Debian: apt install python3-venv"; exit 1; }

# Locust is no dependency of the lab. The benchmark compares the load generator with Locust.
$(LOCUST_HERE): | .venv/bin/python
	$(VENV)/python -m venv .lab/locust
	.lab/locust/bin/python -m pip install --quiet --disable-pip-version-check 'locust>=2.40,<3'

INSTALL := $(VENV)/python -m pip install --quiet --disable-pip-version-check

$(LOCAL): requirements/local.txt pyproject.toml | .venv/bin/python
	$(INSTALL) --require-hashes -r $<
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements/dev.txt pyproject.toml | .venv/bin/python
	$(INSTALL) --require-hashes -r $<
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@ $(LOCAL)
