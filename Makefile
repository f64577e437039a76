# Everything a person or CI does with this repository. Needs Python 3.13; Node 20 for the tests of Node clients.

VENV := .venv
PY   := $(VENV)/bin/python
NODE := tests/node/node_modules
UV   := .cache/pins

.PHONY: help install serve test check lint format bench pins clean

help: ## Show this list
	@test -t 1 && on='\033[1m' off='\033[0m'; \
	awk -F ':.*## ' -v on="$$on" -v off="$$off" \
	    '/^[a-z]+:.*## / { printf "  %s%-8s%s  %s\n", on, $$1, off, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.tests ## Prepare .venv with all pinned packages (the other verbs do it when needed)

serve: $(VENV)/.local ## Run Rejoinder on this machine (settings: PORT, DATA, CONFIG, DEV_KEY)
	@exec $(PY) -m rejoinder_local serve

test: install $(NODE)/.installed lint ## Run all that CI runs: lint, then the tests with coverage
	@$(PY) -m pytest -n auto --cov
	@$(PY) -m coverage report --include='*/rejoinder/engine/*,*/rejoinder/schema/*' --fail-under=100

check: lint ## Run lint, then the tests: the gate before a commit
	@$(PY) -m pytest -n auto

lint: install ## Check format, style and types
	@$(PY) -m ruff format --check --quiet
	@$(PY) -m ruff check --quiet
	@$(PY) -m mypy --no-error-summary

format: install ## Format the code and sort its imports
	@$(PY) -m ruff check --quiet --select I --fix
	@$(PY) -m ruff format

bench: install ## Measure, and print ratios
	@$(PY) -m tests.benchmarks

pins: $(UV)/bin/uv ## Pin the packages of every requirements.in (UPGRADE=1: their newest versions)
	@$(call pin,layers/deps)
	@$(call pin,local)
	@$(call pin,infra)
	@$(call pin,tests)

clean: ## Remove all that make made
	rm -rf $(VENV) $(NODE) .cache .coverage* .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +


# The environment. The source roots reach its path by a .pth file, relative so that the tree may move.

SOURCES := layers/core/python layers/runtime/python local
SOUND   := -c 'import ensurepip, sqlite3, ssl, sys; sys.exit(sys.version_info < (3, 13))' 2>/dev/null

$(VENV)/.local: layers/deps/requirements.txt local/requirements.txt
	@$(PY) $(SOUND) && $(PY) -m pip --version >/dev/null 2>&1 || { $(find_python); "$$python" -m venv --clear $(VENV); }
	@cd $(VENV)/lib/python3.*/site-packages && printf '../../../../%s\n' $(SOURCES) > rejoinder.pth
	@echo 'Installing the packages of the server (once, about 20 seconds) …'
	@$(PY) -m pip install -qq --require-hashes $(^:%=-r %)
	@touch $@

$(VENV)/.infra: infra/requirements.txt $(VENV)/.local
	@echo 'Installing the packages of the deployment (once, about half a minute) …'
	@$(PY) -m pip install -qq --require-hashes -r $<
	@touch $@

$(VENV)/.tests: tests/requirements.txt $(VENV)/.infra
	@echo 'Installing the packages of the tests (once, about a minute) …'
	@$(PY) -m pip install -qq --require-hashes -r $<
	@touch $@

$(NODE)/.installed: tests/node/package-lock.json
	@if node -e 'process.exit(+(parseInt(process.versions.node) < 20))' 2>/dev/null; then \
	    echo 'Installing the Node clients (once, a few seconds) …'; \
	    cd tests/node && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null && \
	    touch node_modules/.installed; \
	else \
	    echo 'Node 20 or newer not found: the tests of Node clients will be skipped.'; \
	fi

# The first candidate that runs, is new enough and complete. (pyenv's python3.13 may exist and yet refuse to run.)
define find_python
for python in "$$PYTHON" python3.13 "$$(pyenv root 2>/dev/null)"/versions/3.13*/bin/python python3 ''; do \
    "$$python" $(SOUND) && break; \
done; \
if [ -z "$$python" ]; then \
    echo 'Python 3.13 not found. Install it, or name it: make PYTHON=/path/to/python3.13' >&2; exit 1; \
fi
endef


# Pins. Hashes for Linux and macOS; nothing that names a package index or this machine.

$(UV)/bin/uv:
	@$(find_python); "$$python" -m venv --clear $(UV)
	@$(UV)/bin/python -m pip install -qq uv

define pin
echo 'Pinning $1/requirements.txt …'; \
$(UV)/bin/uv pip compile --quiet --no-python-downloads --cache-dir .cache/uv --python $(UV)/bin/python \
    --universal --python-version 3.13 --generate-hashes --no-emit-index-url $(if $(UPGRADE),--upgrade) \
    --custom-compile-command 'make pins' --output-file $1/requirements.txt $1/requirements.in && \
sed -i.old -E '/:\/\/|--find-links/d' $1/requirements.txt && rm $1/requirements.txt.old
endef
