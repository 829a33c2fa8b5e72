# Everything happens in a virtual environment of its own; needed are Python 3.11 or newer and a C++17 compiler.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
JOBS ?= 2
# Tests that need torch are skipped without it. TORCH=1 installs it first; TORCH_VERSION picks one.
TORCH ?= 0
TORCH_VERSION ?= 2.13.0
STAMP = $(VENV)/.installed
NATIVE = setup.py pyproject.toml $(wildcard kernels/*/*.cpp kernels/*/*.h)

.PHONY: help test test-torch test-slow test-pillow test-clusters test-compressai release-check wheels libhpcm test-libhpcm web test-web test-arm test-arm-files test-windows test-sanitize fuzz fuzz-native fuzz-python lint demo clean

help:  ## this text
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): $(NATIVE)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test,lint]'
	@touch $@

.PHONY: torch
torch: $(STAMP)
	@if [ '$(TORCH)' = 1 ]; then $(BIN)/pip install --quiet --disable-pip-version-check 'torch==$(TORCH_VERSION)'; fi

test: torch  ## quick tests (TORCH=1: with torch, so that those which need it run too)
	$(BIN)/python -m pytest -n $(JOBS) -m 'not slow' $(ARGS)

TORCH_TESTS = tests/models tests/train $(filter-out tests/models/% tests/train/%,$(shell grep -rlw torch tests --include='test_*.py'))

test-torch:  ## quick tests of what needs torch, which is installed first
	$(MAKE) torch TORCH=1
	$(BIN)/python -m pytest -n $(JOBS) -m 'not slow' $(ARGS) $(TORCH_TESTS)

test-slow: torch  ## all tests, slow ones included
	$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

PILLOWS ?= 13.*

test-pillow: $(STAMP)  ## the Pillow plugin and pictures with the supported versions of Pillow
	@set -e; for version in $(subst *,x,$(PILLOWS)); do \
	  folder=build/pillow-$$version; \
	  test -d $$folder/PIL || $(BIN)/pip install --quiet --disable-pip-version-check --target $$folder "pillow==$$(echo $$version | tr x '*')"; \
	  PYTHONPATH=$$folder $(BIN)/python -c 'import PIL; print("Pillow", PIL.__version__)'; \
	  PYTHONPATH=$$folder $(BIN)/python -m pytest -q $(ARGS) tests/test_pillow_plugin.py tests/formats/test_pictures.py; \
	done

CLUSTERS = distributed ray s3fs 'moto[s3,server]'

test-clusters: $(STAMP)  ## batches on Dask and Ray, with workers that die, and on an S3 server of this machine
	$(BIN)/pip install --quiet --disable-pip-version-check $(CLUSTERS)
	$(BIN)/python -m pytest -q $(ARGS) tests/batch/test_clusters.py tests/batch/test_places.py

COMPRESSAI_VENV ?= build/compressai

# The plain install brings the newest torch with CUDA, several GB, and numpy below 2: an environment of its own.
test-compressai:  ## the CompressAI adapter with compressai 1.2.8
	test -x $(COMPRESSAI_VENV)/bin/python || $(PYTHON) -m venv $(COMPRESSAI_VENV)
	$(COMPRESSAI_VENV)/bin/pip install --quiet --disable-pip-version-check compressai==1.2.8 -e '.[compressai]' pytest
	$(COMPRESSAI_VENV)/bin/python -m pytest -q $(ARGS) tests/test_compressai.py

release-check:  ## all that a release must pass, in a fresh clone of HEAD; about an hour
	$(PYTHON) tests/release_check.py

WHEEL_VENV ?= build/wheel

# For this machine, without containers: cibuildwheel (pyproject.toml) makes those to publish.
wheels:  ## sdist and wheel in dist/; the wheel installed into an empty environment decodes the conformance files
	rm -rf $(WHEEL_VENV) $(WHEEL_VENV)-try && mkdir -p dist build
	$(PYTHON) -m venv $(WHEEL_VENV) && $(WHEEL_VENV)/bin/pip install --quiet --disable-pip-version-check build
	rm -f dist/*.whl && $(WHEEL_VENV)/bin/python -m build
	$(PYTHON) -m venv $(WHEEL_VENV)-try && $(WHEEL_VENV)-try/bin/pip install --quiet --disable-pip-version-check dist/*.whl
	cd build && env -u PYTHONPATH PATH=/nonexistent '$(abspath $(WHEEL_VENV)-try)/bin/hpcm' doctor

# Below build/libhpcm: include/hpcm.h, lib/libhpcm.a and .so, lib/pkgconfig/hpcm.pc, bin/hpcmdec. Needs no Python.
libhpcm:  ## the decoder as a C library, and hpcmdec, for programs without Python
	kernels/tools/library.sh build/libhpcm "$(CXX)" $(JOBS)

test-libhpcm: $(STAMP)  ## the same, built anew: C programs get the recorded pixels
	$(BIN)/python -m pytest -q $(ARGS) tests/library

ZIG_VENV ?= build/ziglang
WEB_PYTHON ?= $(ZIG_VENV)/bin/python

# Clang and a C++ library for WebAssembly are those of PyPI's ziglang; the first build makes that library, which takes some minutes.
web: $(STAMP)  ## the decoder in WebAssembly, in web/dist, and the models beside it: the npm package is web/ (THREADS=1: with threads too)
	test -x $(WEB_PYTHON) || { $(PYTHON) -m venv $(ZIG_VENV) && $(WEB_PYTHON) -m pip install --quiet --disable-pip-version-check ziglang; }
	web/build.sh build/web $(WEB_PYTHON) $(JOBS) $(if $(THREADS),threads)
	mkdir -p web/dist && cp build/web/*.wasm web/dist/
	$(BIN)/python web/models.py web/models

# Debian: apt install nodejs npm chromium. What is missing is skipped.
test-web: web  ## the same, then its tests in Node and in headless Chromium
	$(BIN)/pip install --quiet --disable-pip-version-check websocket-client
	$(BIN)/python -m pytest -q $(ARGS) tests/web

ARM_CXX ?= aarch64-linux-gnu-g++
ARM_AR ?= aarch64-linux-gnu-ar
ARM_RUN ?= qemu-aarch64
# Debian's C library for AArch64, which the cross compiler brings.
ARM_ROOT ?= /usr/aarch64-linux-gnu
CXX ?= g++

# Debian: apt install g++-aarch64-linux-gnu qemu-user. Every level of both must give the same hash for each operation.
test-arm:  ## the kernels' self-test built for AArch64, run under an emulator and compared with this machine
	@mkdir -p build
	kernels/tools/selftest.sh build/selftest-host "$(CXX)" > build/selftest-host.txt
	kernels/tools/selftest.sh build/selftest-arm "$(ARM_CXX)" $(ARM_RUN) > build/selftest-arm.txt
	$(PYTHON) kernels/tools/compare.py build/selftest-host.txt build/selftest-arm.txt kernels/selftest.json

# Models of the networks that are not shipped; what they are does not depend on the machine.
VARIANTS = build/variants
$(VARIANTS): $(STAMP)
	$(BIN)/python tests/conformance/variants/variants.py --models $@

CONFORMANCE = --models hpcmcodec/weights --models $(VARIANTS) $(addprefix tests/conformance,/ /adapters /parts /deep /variants)

test-arm-files: $(STAMP) $(VARIANTS)  ## the conformance files decoded by hpcmdec built for AArch64, under an emulator, scalar and NEON
	AR=$(ARM_AR) kernels/tools/library.sh build/libhpcm-aarch64 "$(ARM_CXX)" $(JOBS)
	$(BIN)/python tests/library/decode_files.py --levels scalar,neon $(CONFORMANCE) -- $(ARM_RUN) -L $(ARM_ROOT) build/libhpcm-aarch64/bin/hpcmdec

WINDOWS_VENV ?= build/ziglang
WINDOWS_CXX ?= $(WINDOWS_VENV)/bin/python -m ziglang c++ -target x86_64-windows-gnu
WINDOWS_RUN ?= wine

# Debian: apt install wine64 wine; the compiler is Clang from PyPI's ziglang. The second program has the code that is meant for
# Microsoft's compiler (portable.h), which itself is not at hand here.
test-windows: $(STAMP) $(VARIANTS)  ## self-test and hpcmdec built for Windows, run in wine: this machine's bits, the recorded pixels
	test -x $(WINDOWS_VENV)/bin/python || $(PYTHON) -m venv $(WINDOWS_VENV)
	$(WINDOWS_VENV)/bin/pip install --quiet --disable-pip-version-check ziglang
	kernels/tools/selftest.sh build/selftest-host "$(CXX)" > build/selftest-host.txt
	WINEDEBUG=-all kernels/tools/selftest.sh build/selftest-windows '$(WINDOWS_CXX)' $(WINDOWS_RUN) > build/selftest-windows.txt
	WINEDEBUG=-all kernels/tools/selftest.sh build/selftest-msvc '$(WINDOWS_CXX) -DHPCM_MSVC -mxsave' $(WINDOWS_RUN) > build/selftest-msvc.txt
	$(PYTHON) kernels/tools/compare.py build/selftest-host.txt build/selftest-windows.txt build/selftest-msvc.txt kernels/selftest.json
	WINEDEBUG=-all $(BIN)/python tests/library/decode_files.py $(CONFORMANCE) -- $(WINDOWS_RUN) build/selftest-windows/hpcmdec

# Needs clang like `make fuzz`. The self-test at all levels and on several threads, many callers at once, and all conformance files by
# several callers: whole, rectangles, smaller, cut off, damaged, cancelled; tiles of all models encoded and decoded.
test-sanitize: $(VARIANTS)  ## C++ tests under ASan with UBSan, and under TSan
	set -e; for kind in address,undefined thread; do \
		dir=build/sanitize/$$(echo $$kind | tr ',' '-'); \
		JOBS=$(JOBS) tests/fuzz/build.sh $$kind selftest_main callers ways encoder; \
		$$dir/selftest_main.run > $$dir/selftest.txt; \
		$(PYTHON) kernels/tools/compare.py $$dir/selftest.txt kernels/selftest.json; \
		$$dir/callers.run; \
		$$dir/encoder.run hpcmcodec/weights $(VARIANTS); \
		$$dir/ways.run -j 3 -t 2 -m hpcmcodec/weights -m $(VARIANTS) $(addprefix tests/conformance,/ /adapters /parts /deep /variants); \
	done

MINUTES ?= 1
FUZZ ?= container chunks decode exact model picture ways writers plugin info tree results manifest checkpoint programs

# Debian: apt install clang libclang-rt-14-dev. A finding is left in build/fuzz and ends the run; what was learned stays there.
fuzz: fuzz-native fuzz-python  ## entropy coder and kernels under ASan and UBSan, all readers of bytes under atheris: MINUTES for each of 21 targets; FUZZ: those under atheris

FUZZ_FLAGS = -max_total_time=$$((60 * $(MINUTES))) -timeout=60 -rss_limit_mb=2048 -print_final_stats=1

# Of the library most time would go into libFuzzer's own books, and ASan's of where memory was taken.
fuzz-native: $(STAMP)
	JOBS=$(JOBS) tests/fuzz/build.sh address,undefined fuzz_rans fuzz_kernels fuzz_program fuzz_library fuzz_exact fuzz_readers
	$(PYTHON) -m tests.fuzz.program_seeds build/fuzz/corpus/program
	$(PYTHON) -m tests.fuzz.readers_seeds build/fuzz/corpus/readers
	$(BIN)/python -m tests.fuzz.library_seeds build/fuzz/corpus/library
	more=; for name in rans kernels program exact readers library; do \
		if [ $$name = library ]; then export ASAN_OPTIONS=malloc_context_size=0:quarantine_size_mb=16; more='-max_len=65000 -entropic=0 -reduce_inputs=0'; fi; \
		mkdir -p build/fuzz/corpus/$$name && build/sanitize/address-undefined/fuzz_$$name.run $(FUZZ_FLAGS) $$more \
			-artifact_prefix=build/fuzz/$$name- build/fuzz/corpus/$$name || exit 1; \
	done

fuzz-python: $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check 'atheris>=2.3'
	for name in $(FUZZ); do \
		$(BIN)/python -m tests.fuzz.fuzz_python $$name build/fuzz/corpus/python-$$name -max_total_time=$$((60 * $(MINUTES))) -timeout=60 \
			-rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix=build/fuzz/python-$$name- 2> build/fuzz/$$name.log || { tail -n 40 build/fuzz/$$name.log; exit 1; }; \
		grep -E '^(Done|stat::number_of_executed)' build/fuzz/$$name.log; \
	done

# cli, formats and kernels are mapped into the package, which mypy cannot follow: it gets a folder of links.
lint: $(STAMP)  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf build/typecheck && mkdir -p build/typecheck/hpcmcodec
	for part in hpcmcodec/* cli formats kernels; do ln -s "$(CURDIR)/$$part" build/typecheck/hpcmcodec/; done
	cd build/typecheck && $(abspath $(BIN))/mypy --config-file '$(CURDIR)/pyproject.toml' -p hpcmcodec
	cd build/typecheck && MYPYPATH=.:../../benchmarks $(abspath $(BIN))/mypy --config-file '$(CURDIR)/pyproject.toml' ../../benchmarks/*.py

demo: $(STAMP)  ## a photo encoded, decoded and compared with JPEG, in demo/
	$(BIN)/python benchmarks/demo.py demo

clean:  ## remove everything that was built
	rm -rf $(VENV) build dist demo *.egg-info kernels/*.so .mypy_cache .pytest_cache .ruff_cache .hypothesis
