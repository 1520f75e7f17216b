# `make help` lists the targets. Everything runs from a clean checkout with Python 3.11+, Node 20+, make and git.

PYTHON ?= $(shell for p in python3.11 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps

export PATH := $(CURDIR)/$(BIN):$(CURDIR)/node_modules/.bin:$(PATH)
export SOLCX_BINARY_PATH := $(CURDIR)/$(VENV)/solcx
unexport PYTHONPATH PYTHONHOME

SOLIDITY_FILES := 'contracts/**/*.sol'
WEB_FILES := 'src/everstock/**/*.{css,js}'

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMPS)/provision ## Install everything into .venv and node_modules (a second run does nothing)

$(STAMPS)/venv:
	@$(MAKE) --no-print-directory check-tools
	@"$(PYTHON)" -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/python: requirements.lock pyproject.toml $(STAMPS)/venv
	@echo "Installing Python packages (about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(STAMPS)/node: package.json package-lock.json .npmrc | $(STAMPS)/venv
	@echo "Installing Node packages"
	@npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

$(STAMPS)/provision: toolchain/provision.py toolchain/solc.cjs $(STAMPS)/python $(STAMPS)/node
	@$(BIN)/python toolchain/provision.py
	@touch $@

.PHONY: check-tools
check-tools:
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or newer is missing: install it, or pass PYTHON=/path/to/python" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "error: PYTHON=$(PYTHON) is not Python 3.11 or newer" >&2; exit 1; }
	@command -v node >/dev/null || { echo "error: node is missing: install Node.js 20 or newer" >&2; exit 1; }
	@command -v npm >/dev/null || { echo "error: npm is missing: install the npm that comes with Node.js" >&2; exit 1; }
	@node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' || { echo "error: Node.js $$(node --version) is too old: 20 or newer is needed" >&2; exit 1; }

.PHONY: compile
compile: setup ## Compile what changed in the contracts, and what imports it
	@python toolchain/compile.py

.PHONY: demo
demo: compile ## Play the Tesla-shorts-in-bitcoin scenario on a local chain (PRICES=file, WINDOW=from:to)
	@ape run scenario tsla-shorts-btc $(if $(PRICES),--prices "$(PRICES)") $(if $(WINDOW),--window "$(WINDOW)")

.PHONY: report
report: compile ## Play the liquidity lab, and write build/report/index.html (PRICES=, WINDOW=, SEED=, ONLY=, QUICK=1)
	@python -m everstock.lab $(if $(PRICES),--prices "$(PRICES)") $(if $(WINDOW),--window "$(WINDOW)") \
		$(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only "$(ONLY)") $(if $(QUICK),--quick)

.PHONY: node
node: compile ## Run a local chain with everything deployed, seeded and alive (PORT=8545)
	@python -m everstock.node $(if $(PORT),--port $(PORT))

.PHONY: fork
fork: compile ## Test on a forked chain beside real third parties (BASE_RPC_URL: on Base itself)
	@python toolchain/vendors.py
	@pytest tests/fork $(PYTEST_ARGS)

.PHONY: abi
abi: compile ## Write the ABIs of this version into dist/
	@python -m everstock.report.abi

.PHONY: wheel
wheel: compile ## Build the Python package into dist/, with contracts and parameters in it
	@python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

.PHONY: test
test: lint compile ## Lint, then run every test
	@pytest -n auto $(PYTEST_ARGS) && echo "make test: lint clean, all tests passed" \
		|| { code=$$?; echo "make test: FAILED (pytest exit code $$code)" >&2; exit $$code; }

.PHONY: lint
lint: setup ## Check style and types, Python and Solidity
	ruff check .
	ruff format --check .
	mypy
	solhint --max-warnings 0 $(SOLIDITY_FILES)
	prettier --check --log-level warn $(SOLIDITY_FILES) $(WEB_FILES)

.PHONY: format
format: setup ## Rewrite the sources in the common format
	ruff check --fix .
	ruff format .
	prettier --write --log-level warn $(SOLIDITY_FILES) $(WEB_FILES)

.PHONY: gas
gas: compile ## Measure gas and code sizes, and update the snapshot and docs/gas.md
	@python -m everstock.gas
	@python -m everstock.report.gas_table

.PHONY: attacks
attacks: compile ## Play the attacks on earlier drafts in process, and write docs/attacks.md
	@python -m everstock.attacks

.PHONY: lending-gas
lending-gas: compile ## Measure lending beside the real Morpho Blue, and update the snapshot and docs/lending-gas.md
	@python toolchain/morpho.py
	@python -m everstock.lending_gas

$(STAMPS)/verify: toolchain/verify-requirements.txt $(STAMPS)/provision
	@echo "Installing slither and halmos into $(VENV)/verify"
	@"$(PYTHON)" -m venv $(VENV)/verify
	@$(VENV)/verify/bin/python -m pip install --quiet --disable-pip-version-check -r toolchain/verify-requirements.txt
	@touch $@

.PHONY: verify
verify: setup $(STAMPS)/verify ## Static analysis with explained findings, and proofs of the arithmetic and the ledger
	@python -m everstock.prove.verify

.PHONY: fuzz
fuzz: compile ## Random walks of contracts and model in lock-step for MINUTES=n (5), from SEED=n
	@python -m everstock.testing.fuzz --minutes $(or $(MINUTES),5) $(if $(SEED),--seed $(SEED))

.PHONY: mutants
mutants: compile ## Break the contracts in a hundred ways, and see whether the tests notice (ONLY=numbers or a name)
	@python -m everstock.prove.mutants $(if $(ONLY),--only "$(ONLY)")

.PHONY: coverage
coverage: compile ## Measure which statements and conditions of the core contracts the unit tests run
	@python -m everstock.prove.coverage

.PHONY: lock
lock: check-tools ## Pin the newest Python packages that pyproject.toml allows in requirements.lock
	@PYTHON="$(PYTHON)" toolchain/lock.sh

.PHONY: clean
clean: ## Remove build products and caches, keep the installation
	rm -rf .build contracts/.cache build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov
	find src tests scripts toolchain -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

.PHONY: distclean
distclean: clean ## Also remove the installation
	rm -rf $(VENV) node_modules lib
