# Everything a person or CI does with this repository. Needs Python 3.13; Node 22 to deploy and to test Node clients.

VENV := .venv
PY   := $(VENV)/bin/python
NODE := tests/node/node_modules
UV   := .cache/pins
EMULATOR := .cache/emulator
WORKERS := $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) * 3 / 2 )))

# The deployment: one stack, in the account and region of the ordinary AWS configuration.
CDK     := npx --yes aws-cdk@2.1148.1
# All commands know its name by STACK in their environment, so that they mean the same one.
STACK   ?= Rejoinder
export STACK
OPTIONS ?=
CONTEXT  = $(strip $(if $(CONFIG),-c config=$(CONFIG)) $(OPTIONS))

.PHONY: help install serve serve-lambda synth smoke diff deploy destroy key keys revoke provider-key test check lint format bench pins clean

help: ## Show this list
	@test -t 1 && on='\033[1m' off='\033[0m'; \
	awk -F ':.*## ' -v on="$$on" -v off="$$off" \
	    '/^[a-z-]+:.*## / { printf "  %s%-12s%s  %s\n", on, $$1, off, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.tests ## Prepare .venv with all pinned packages (the other verbs do it when needed)

serve: $(VENV)/.local ## Run Rejoinder on this machine (settings: PORT, DATA, CONFIG, DEV_KEY)
	@exec $(PY) -m rejoinder_local serve

serve-lambda: install ## Run the deployment on this machine: its functions on the Lambda rig (PORT, CONFIG, DEV_KEY)
	@exec $(PY) -m tests.rig serve

synth: $(VENV)/.infra ## Write the CloudFormation template to cdk.out, and check it (settings: OPTIONS, STACK, CONFIG)
	@$(need_node)
	@$(PY) -m infra.app $(CONTEXT)

smoke: $(VENV)/.local ## Ask a deployment what only AWS can answer: make smoke URL=… KEY=… (MODEL=…)
	@$(PY) -m infra.smoke

diff: $(VENV)/.infra ## Show what a deployment would change
	@$(need_node)
	@$(CDK) diff $(CONTEXT)

deploy: $(VENV)/.infra ## Deploy to AWS (settings: OPTIONS="-c memoryMb=256 -c waf=true", STACK, CONFIG, AWS_PROFILE)
	@$(need_node)
	@$(PY) -m infra.ready --cdk '$(CDK)' $(CONTEXT)
	@echo 'By hand:'
	@echo '    STACK=$(STACK) $(CDK) deploy $(CONTEXT)'
	@$(CDK) deploy $(CONTEXT)

destroy: $(VENV)/.infra ## Remove the deployment, and its data unless -c keepData=true was asked for
	@$(need_node)
	@$(CDK) synth --quiet $(CONTEXT)
	@$(PY) -m infra.teardown
	@$(CDK) destroy --force --app cdk.out

# What people typed reaches a command by its environment, to which make gives it: it may hold quotes.
key: $(VENV)/.infra ## Make an API key of the deployment: make key NAME=me (TENANT=…)
	@$(PY) -m infra.keys new "$$NAME" $${TENANT:+--tenant "$$TENANT"}

keys: $(VENV)/.infra ## List the API keys of the deployment
	@$(PY) -m infra.keys list

revoke: $(VENV)/.infra ## Make an API key good for nothing: make revoke ID=…
	@$(PY) -m infra.keys revoke "$$ID"

provider-key: $(VENV)/.infra ## Store the key of a provider: make provider-key NAME=OPENAI_API_KEY
	@$(PY) -m infra.keys provider "$$NAME"

test: install $(NODE)/.installed $(EMULATOR)/.installed lint ## Run all that CI runs: lint, then the tests with coverage
	@$(PY) -m pytest -n $(WORKERS) --dist loadgroup --cov
	@$(PY) -m coverage report --include='*/rejoinder/engine/*,*/rejoinder/schema/*' --fail-under=100

check: lint $(EMULATOR)/.installed ## Run lint, then the tests: the gate before a commit
	@$(PY) -m pytest -n $(WORKERS) --dist loadgroup

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
	rm -rf $(VENV) $(NODE) .cache .coverage* .hypothesis cdk.out
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

# AWS's own Runtime API, for the tests of the runtime layer: static programs inside a wheel.
$(EMULATOR)/.installed: tests/runtime/emulator.txt $(VENV)/.local
	@echo 'Fetching the Runtime Interface Emulator of AWS (once, a few seconds) …'
	@rm -rf $(EMULATOR)
	@$(PY) -m pip download -qq --no-deps --require-hashes --dest $(EMULATOR) -r $<
	@$(PY) -m zipfile -e $(EMULATOR)/*.whl $(EMULATOR)/wheel
	@mv $(EMULATOR)/wheel/samcli/local/rapid/aws-lambda-rie-* $(EMULATOR)
	@rm -r $(EMULATOR)/wheel $(EMULATOR)/*.whl
	@chmod +x $(EMULATOR)/aws-lambda-rie-*
	@touch $@

define need_node
command -v npx >/dev/null || { echo 'npx not found: install Node 22 or newer, from https://nodejs.org' >&2; exit 1; }; \
node -e 'process.exit(+(parseInt(process.versions.node) < 22))' || echo 'The CDK asks for Node 22 or newer.' >&2
endef

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
