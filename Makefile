# The project's commands. `make` alone lists them.

PYTHON ?= python3
VENV := .venv
REQUIREMENTS := tests/emulator/requirements.txt

.DEFAULT_GOAL := help
.PHONY: help demo test verify
.DELETE_ON_ERROR:

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/stamp ## bring up an emulated organisation, replicate it, and check the replicas
	cargo build --locked --bin hubctl --bin hub
	$(VENV)/bin/python tests/demo/demo.py

test: $(VENV)/stamp ## formatting, lints, docs, the emulator's own checks, the function's, and every test
	cargo fmt --all --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps
	cargo test --locked --no-run
	@$(VENV)/bin/python tests/summary.py \
		-- $(VENV)/bin/python tests/emulator/check_launcher.py \
		-- $(VENV)/bin/python tests/emulator/check_hub.py \
		-- cargo test --locked --no-fail-fast

verify: ## all schedules instead of some, and the faults that they must find; takes half an hour and more
	SCHEDULES=all cargo test --locked --test integration schedules:: -- --nocapture --test-threads 1
	$(PYTHON) tests/mutants/run.py

# Made anew when a pinned version changes, so that what was installed is always what is written down.
$(VENV)/stamp: $(REQUIREMENTS)
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement $(REQUIREMENTS)
	$(VENV)/bin/python -m pip check
	touch $@
