# What a newcomer types: `make demo`, `make test`. What CI runs: .ci/run.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test test-real check bench clean

demo: $(STAMP)
	$(BIN)/simsim run mobile-flaky
	@echo "The report: results/latest/report.html"

# A file of tests goes to one of two workers, for most wait more than they work. Terminals want one process.
TERMINALS := tests/loopback/test_proxy_command.py

test: $(STAMP)
	$(BIN)/pytest --run-loopback -n 2 --dist loadfile --ignore $(TERMINALS)
	$(BIN)/pytest --run-loopback $(TERMINALS)

REAL_TOOLS := chromium curl npm # of Debian's packages, each by its own name

test-real: $(STAMP)
	for tool in $(REAL_TOOLS); do command -v $$tool >/dev/null || \
		{ apt-get -qq update && apt-get -qq install -y $$tool; } || exit 1; done
	$(BIN)/simsim servers install tusd
	$(BIN)/simsim servers install fake-gcs-server
	$(BIN)/simsim engines install toxiproxy
	$(BIN)/pytest --run-real tests/real

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
