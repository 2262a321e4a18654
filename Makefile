# The project's commands. `make` alone lists them.

PYTHON ?= python3
# The compiler that the hosted checks use. Another one may know lints that this code has not met, so that its warnings are
# shown and fail nothing.
TOOLCHAIN := 1.95.0
COMPILER := $(word 2,$(shell rustc --version 2>/dev/null))
STRICT := $(if $(filter $(TOOLCHAIN),$(COMPILER)),-D warnings)
VENV := .venv
REQUIREMENTS := tests/emulator/requirements.txt
# SAM CLI and cargo-lambda are large, and neither demo nor tests need them.
TOOLS := target/deploy-tools
BUILD := target/sam/build
CONFIG := $(CURDIR)/samconfig.toml
# What libFuzzer finds stays here; the committed corpus is only read.
FUZZ := target/fuzz
FUZZERS := request provenance settings arn
SECONDS ?= 600
# Another version may make other mutants than those that the configuration explains.
MUTANTS := 27.1.0
DENY := 0.20.2
CARGO_FUZZ := 0.13.2
SAM := PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH" SAM_CLI_TELEMETRY=0 $(TOOLS)/bin/sam

.DEFAULT_GOAL := help
.PHONY: help demo test verify mutants fuzz fuzzers $(FUZZERS:%=fuzz-%) deny package deploy spoke remove invoke
.DELETE_ON_ERROR:

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/stamp ## bring up an emulated organisation, replicate it, and check the replicas
	cargo build --locked --bin hubctl --bin hub
	$(VENV)/bin/python tests/demo/demo.py

test: $(VENV)/stamp ## formatting, lints, docs, the emulator's own checks, the function's, and every test
	@$(if $(STRICT),:,echo "rustc $(COMPILER) is not $(TOOLCHAIN): warnings are shown, and fail nothing")
	cargo fmt --all --check
	cargo clippy --locked --all-targets -- $(STRICT)
	RUSTDOCFLAGS="$(STRICT)" cargo doc --locked --no-deps
	@if cargo deny --version >/dev/null 2>&1; then set -x; cargo deny check licenses bans sources; fi
	cargo test --locked --no-run
	@$(VENV)/bin/python tests/summary.py \
		-- $(VENV)/bin/python tests/emulator/check_launcher.py \
		-- $(VENV)/bin/python tests/emulator/check_hub.py \
		-- $(VENV)/bin/python tests/deploy/check_deploy.py \
		-- cargo test --locked --no-fail-fast

deny: ## dependencies: advisories, licences, banned crates, sources; needs cargo-deny and a network
	@cargo deny --version 2>/dev/null | grep -qxF "cargo-deny $(DENY)" \
		|| { echo "cargo-deny $(DENY) is missing: cargo install cargo-deny --version $(DENY) --locked"; exit 2; }
	cargo deny check

verify: ## more schedules and random worlds, and the faults that they must find; takes an hour
	SCHEDULES=all cargo test --locked --test integration -- schedules:: freezes:: dead_region:: --nocapture --test-threads 1
	WORLDS=10000 cargo test --locked --test integration worlds:: -- --nocapture
	$(PYTHON) tests/mutants/run.py

mutants: ## change the code that decides in hundreds of small ways, each of which a unit test must notice; an hour
	@cargo mutants --version 2>/dev/null | grep -qxF "cargo-mutants $(MUTANTS)" \
		|| { echo "cargo-mutants $(MUTANTS) is missing: cargo install cargo-mutants --version $(MUTANTS) --locked"; exit 2; }
	cargo mutants --config tests/mutants/cargo-mutants.toml --output target

fuzz: $(FUZZERS:%=fuzz-%) ## SECONDS=600 of invented input for each reader of what others write; needs a nightly compiler

fuzz-request: SEEDS := payloads
$(FUZZERS:%=fuzz-%): fuzz-%: fuzzers
	@mkdir -p $(FUZZ)/corpus/$* $(FUZZ)/artifacts/$*
	$(FUZZ)/build/$$(rustc -vV | sed -n 's/^host: //p')/release/$* -max_total_time=$(SECONDS) -timeout=10 \
		-max_len=4096 -print_final_stats=1 -dict=tests/fuzz/dictionaries/$*.dict \
		-artifact_prefix=$(FUZZ)/artifacts/$*/ $(FUZZ)/corpus/$* tests/fuzz/corpus/$* $(SEEDS)

# No sanitizer: no line of ours is unsafe. Their coverage is what guides the inputs.
fuzzers:
	@cargo +nightly --version >/dev/null 2>&1 || \
		{ echo "a nightly compiler is missing: rustup toolchain install nightly"; exit 2; }
	@cargo fuzz --version >/dev/null 2>&1 || \
		{ echo "cargo-fuzz is missing: cargo install cargo-fuzz --version $(CARGO_FUZZ) --locked"; exit 2; }
	cargo +nightly fuzz build --fuzz-dir tests/fuzz --target-dir $(FUZZ)/build --sanitizer none

# For the hosted workflows: `make -s version-of-TOOLCHAIN`.
version-of-%:
	@echo $($*)

package: $(VENV)/stamp $(TOOLS)/stamp ## build what Lambda runs, and check it: the artefact, the commands, the function
	$(SAM) validate --lint --template stacksets/hub.yaml --region us-east-1
	$(SAM) build --template stacksets/hub.yaml --build-dir $(BUILD) $(if $(wildcard $(CONFIG)),--config-file $(CONFIG))
	$(VENV)/bin/python tests/deploy/check_package.py $(BUILD) $(TOOLS)/bin/sam

deploy: $(CONFIG) package ## deploy the hub, the StackSet of the spokes, and the spoke of the hub's own account
	$(SAM) deploy --template-file $(BUILD)/template.yaml --config-file $(CONFIG)
	$(TOOLS)/bin/python stacksets/spoke.py deploy

spoke: $(CONFIG) $(TOOLS)/stamp ## the spoke of the account of PROFILE=..., which no StackSet reaches
	$(TOOLS)/bin/python stacksets/spoke.py deploy $(if $(PROFILE),--profile $(PROFILE))

invoke: $(CONFIG) $(TOOLS)/stamp ## send PAYLOAD=payloads/... to the deployed hub
	@test -n "$(PAYLOAD)" || { echo "PAYLOAD is missing: make invoke PAYLOAD=payloads/sync-account.json"; exit 2; }
	@$(TOOLS)/bin/python stacksets/invoke.py "$(PAYLOAD)"

remove: $(CONFIG) $(TOOLS)/stamp ## remove the spokes (PROFILE's too) and the hub; replicas, their tags and the hub's table stay
	$(if $(PROFILE),$(TOOLS)/bin/python stacksets/spoke.py remove --profile $(PROFILE))
	$(TOOLS)/bin/python stacksets/spoke.py remove
	$(SAM) delete --no-prompts --config-file $(CONFIG)
	@echo "The table failover-replicator stays in the hub's Region, with the states of the routes. A new deployment in that"
	@echo "Region needs the name. To delete the table, end its protection first:"
	@echo "  aws dynamodb update-table --region REGION --table-name failover-replicator --no-deletion-protection-enabled"
	@echo "  aws dynamodb delete-table --region REGION --table-name failover-replicator"

$(CONFIG):
	@echo "samconfig.toml is missing: copy samconfig.toml.example and fill it in"; exit 2

$(TOOLS)/stamp: stacksets/requirements.txt
	rm -rf $(TOOLS)
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement $<
	$(TOOLS)/bin/python -m pip check
	touch $@

# Made anew when a pinned version changes, so that what was installed is always what is written down.
$(VENV)/stamp: $(REQUIREMENTS)
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement $(REQUIREMENTS)
	$(VENV)/bin/python -m pip check
	touch $@
