# make demo | check | test | soak | notebooks | bench   (each does all of its own set-up)

VENV  := .venv
BIN   := $(VENV)/bin
CODE  := blocks catalog cli deployments flows gateway orchestration providers tasks transfer
READY := $(VENV)/.ready

# Test files run at once; each worker has servers of its own, and often waits for them.
WORKERS ?= 3

# The project, always editable, with one of its extras. uv where it is, else venv and pip;
# constraints.txt holds the versions that were tested together.
install = if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing --python python3 $(VENV) && \
	  VIRTUAL_ENV=$(VENV) uv pip install --quiet -c constraints.txt -e '.[$(1)]'; \
	else \
	  python3 -m venv $(VENV) && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(1)]'; \
	fi

export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1

.PHONY: demo check test soak notebooks bench format docs clean

demo: $(READY)
	$(BIN)/python docs/demo.py

check: $(READY)
	$(BIN)/ruff format --check $(CODE) tests benchmarks docs notebooks
	$(BIN)/ruff check $(CODE) tests benchmarks docs notebooks
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/python -m tests.docs_check

PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# Tests of verbs alone run without Prefect, which takes a third of the time; with ARGS all of them run with it.
test: $(READY)
	tests/servers/install
ifeq ($(strip $(ARGS)),)
	ENTREPOT_PREFECT=never $(PYTEST) tests/flows -m direct && direct=0 || direct=1; \
	$(PYTEST) -m "not direct" && exit $$direct
else
	$(PYTEST) $(ARGS)
endif

# What needs long to show itself: every fault and 500 kills, then ten minutes of everything at once.
# What the first half found is written to docs/reliability.md. ARGS as of test.
FOUND := $(CURDIR)/.soak-results.jsonl

soak: export ENTREPOT_SOAK_S := $(or $(ENTREPOT_SOAK_S),600)
soak: $(READY)
	tests/servers/install
	rm -f $(FOUND)
	ENTREPOT_SOAK_RESULTS=$(FOUND) $(BIN)/python -m pytest tests/faults -n 4 --dist loadgroup $(ARGS)
	$(BIN)/python -m tests.faults.report $(FOUND)
	$(BIN)/python -m pytest tests/soak $(ARGS)

notebooks: $(READY)
	$(BIN)/python -m tests.notebooks $(ARGS)

bench: $(READY)
	@$(call install,bench)
	$(BIN)/python benchmarks/sync.py

docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "open .site/index.html, or with search: python3 -m http.server -d .site"

format: $(READY)
	$(BIN)/ruff format $(CODE) tests benchmarks docs notebooks
	$(BIN)/ruff check --fix $(CODE) tests benchmarks docs notebooks

$(READY): pyproject.toml constraints.txt
	@$(call install,dev)
	@touch $(READY)

clean:
	rm -rf $(VENV) .tools .entrepot-demo .site
