# Every target sets up what it needs first; nothing has to be installed by hand but Python 3.11-3.13 and make.
.PHONY: help start test proof check bench wiring scenario lock clean

RUN = .venv/bin
ARGS ?=
# Every test starts Python anew, and Ray ten times: what was compiled to bytecode is kept.
unexport PYTHONDONTWRITEBYTECODE
# More than cores, as many tests wait: for blocks, for clusters to start (one at a time, see tests/conftest.py).
AT_ONCE = -n 4

help: ## show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/' | expand -t 10

start: ## set up and trade six synthetic coins on the embedded venue until Ctrl-C (ARGS="--for 60s" and so on)
	@scripts/setup run
	@$(RUN)/portfolio-mm start $(ARGS)

test: ## set up and run every test, proofs at reduced counts
	@scripts/setup dev
	@$(RUN)/pytest -q $(AT_ONCE) $(ARGS)

proof: ## the same proofs at full counts
	@scripts/setup dev
	@PORTFOLIO_MM_PROOF=full $(RUN)/pytest -q --timeout 1800 $(AT_ONCE) $(ARGS)

check: ## format, lint, types, imports
	@scripts/setup dev
	@$(RUN)/ruff format --check .
	@$(RUN)/ruff check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports

bench: ## measure; prints ratios against a baseline of the same run
	@scripts/setup dev
	@$(RUN)/python -m scripts.bench $(ARGS)

wiring: ## write docs/wiring.md anew from the page
	@scripts/setup dev
	@$(RUN)/python -m scripts.wiring

scenario: ## write the reference of scenario files in docs/venue.md anew
	@scripts/setup dev
	@$(RUN)/python -m scripts.scenario

lock: ## pin again (needs uv)
	uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -q -o requirements.lock
	uv pip compile pyproject.toml --group build --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -c requirements.lock -q -o requirements-dev.lock

clean: ## remove the environment and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache tests/clients/node/node_modules
