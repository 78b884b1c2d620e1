# What a newcomer types: `make demo`, `make test`. What CI runs: .ci/run.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test test-real check bench clean

demo: $(STAMP)
	$(BIN)/simsim run mobile-flaky
	@echo "The report: results/latest/report.html"

# A file of tests goes to one of two workers, for most wait more than they work. What measures the instrument
# is run alone, and so is what needs a terminal.
ALONE := $(addprefix tests/loopback/test_,proxy_command.py truth.py calibrate.py engine_contract.py)

test: $(STAMP)
	$(BIN)/pytest --run-loopback -n 2 --dist loadfile $(addprefix --ignore=,$(ALONE))
	$(BIN)/pytest --run-loopback $(ALONE)

# Commands, each with Debian's package where its name is another.
REAL_TOOLS := chromium curl npm cargo javac:default-jdk-headless mvn:maven
REAL_GO := tusd fake-gcs-server versitygw
REAL_OTHERS := tus-node-server tuspyserver tus-java-server uploadx
# rustus is built for its answers, not for its speed: half the time of what `simsim servers install` builds.
QUICK_CARGO := CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off \
	CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 $(shell pkg-config --exists openssl && echo OPENSSL_NO_VENDOR=1)

.PHONY: real-tools real-go real-cargo real-others

test-real: $(STAMP) real-tools
	$(MAKE) -j2 real-cargo real-go real-others
	$(BIN)/pytest --run-real tests/real

real-tools:
	for tool in $(REAL_TOOLS); do command -v $${tool%:*} >/dev/null || \
		{ apt-get -qq update && apt-get -qq install -y $${tool#*:}; } || exit 1; done

real-go: $(STAMP)
	for name in $(REAL_GO); do $(BIN)/simsim servers install $$name || exit 1; done
	$(BIN)/simsim engines install toxiproxy

real-cargo: $(STAMP)
	$(QUICK_CARGO) $(BIN)/simsim servers install rustus

real-others: $(STAMP)
	for name in $(REAL_OTHERS); do $(BIN)/simsim servers install $$name || exit 1; done
	$(BIN)/python -m tests.helpers.foreign

check: $(STAMP)
	$(BIN)/ruff format --check simulator locustfiles tests
	$(BIN)/ruff check simulator locustfiles tests
	$(BIN)/mypy
	$(BIN)/pytest -q tests/fast/test_layering.py tests/fast/test_sizes_of_code.py

bench: $(STAMP)
	-$(BIN)/simsim engines install toxiproxy
	-command -v haproxy || apt-get install -y haproxy
	failed=0; for each in tests/bench/bench_*.py; do \
		echo "== $$each"; $(BIN)/python $$each || failed=1; done; exit $$failed

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
