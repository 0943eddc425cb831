# Everything from a bare clone with Python 3.11 or newer, make and git.
#   make demo [OUT=folder]   four stems, a mix and a binaural render for the example clip
#   make test                ruff, mypy, every test, and the wheel in an empty environment
#   make test-daw            a real Ardour on a screen that nobody sees, against the real daemon
#   make test-night          what takes long: kills, faults and fuzzing in large numbers (about an hour)
#   make soak [MINUTES=30]   jobs, cancels and crashing clients; the slope of memory and descriptors
#   make clean               remove the environments and what was built

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PIP = -m pip install --quiet --disable-pip-version-check
OUT ?=
MINUTES ?= 30

.PHONY: demo test lint types unit test-wheel test-daw test-night soak docs clean

demo: .venv/ready
	@.venv/bin/harmonicflow demo $(if $(OUT),--out "$(abspath $(OUT))")

test: lint types unit test-wheel

lint: .venv-test/ready
	.venv-test/bin/ruff check .

types: .venv-test/ready
	.venv-test/bin/mypy

unit: .venv-test/ready
	.venv-test/bin/python -m pytest -q

# The wheel as a user gets it: an empty environment, another folder.
test-wheel: .venv-test/ready
	.venv-test/bin/python -m pytest -q -m installs tests/test_wheel.py

# What it needs comes from Debian, where this is Debian and the user may install.
test-daw: .venv-test/ready .venv-test/plays
	@tests/daw/install-debian.sh
	.venv-test/bin/python -m pytest -q -m daw tests/daw

test-night: .venv-test/ready
	.venv-test/bin/python -m pytest -q -m night --timeout 3600

# Goes on where build/soak.jsonl ends; `rm build/soak.jsonl` begins anew.
soak: .venv-test/ready
	@mkdir -p build
	.venv-test/bin/python -m tests.soak.soak --minutes $(MINUTES) --report build/soak.jsonl

# An environment is made again when pyproject.toml changes. Run-time only: no torch.
.venv/ready: pyproject.toml
	@echo "Making the environment .venv (about half a minute, once) ..." >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@$(PYTHON) -m venv --clear .venv
	@.venv/bin/python $(PIP) --editable ".[cpu]"
	@touch $@

.venv-test/ready: pyproject.toml
	$(PYTHON) -m venv --clear .venv-test
	.venv-test/bin/python $(PIP) --editable ".[test]"
	touch $@

# For test-daw alone: without PortAudio on the machine the package cannot be imported.
.venv-test/plays: .venv-test/ready
	.venv-test/bin/python $(PIP) --editable ".[play]"
	touch $@

clean:
	rm -rf .venv .venv-test build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .reliability

# The tables of docs/protocol.md and docs/daemon.md, from the code; of docs/reliability.md, from what tests have proven.
docs: .venv-test/ready
	.venv-test/bin/python -m tests.protocol_page
	.venv-test/bin/python -m tests.daemon_page
	.venv-test/bin/python -m tests.reliability.page
