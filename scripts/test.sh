#!/usr/bin/env bash
# README's second command: installs missing packages and runs every check of the project; the first phase that
# fails ends the run. The last phase is the whole test suite of the default build, and its summary is the last
# thing printed. JOBS (default: all cores) and FUZZ_SECONDS (20, per target) may be set in the environment.
set -euo pipefail
shopt -s nullglob
cd "$(dirname "${BASH_SOURCE[0]}")/.."
jobs=${JOBS:-$(nproc)}
fuzz_seconds=${FUZZ_SECONDS:-20}

timings=()
phase() {  # name command...
  local name=$1 start=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  # In a subshell of its own, so that `set -e` holds inside.
  set +e
  (set -e; "$@")
  local status=$?
  set -e
  if ((status != 0)); then
    printf '\n== FAILED: %s\n' "$name"
    exit 1
  fi
  timings+=("$(printf '%5d s  %s' $((SECONDS - start)) "$name")")
}

check_format() {
  find include src particle kernels python tests examples benchmarks -regex '.*\.\(hpp\|cpp\|cu\|cuh\)' -print0 | xargs -0 clang-format --dry-run --Werror
}

# Configures the whole tree: library, command, tests, examples, benchmarks. Several units are compiled as one, as for
# the wheel, which takes two thirds of the time. A plain build, where each unit must include the headers that it
# needs, is left to the developer.
configure() {  # folder options...
  cmake -S . -B "$1" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGMDIFF_BUILD_BENCHMARKS=ON -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
    -DCMAKE_UNITY_BUILD=ON -DGMDIFF_BUILD_PYTHON=OFF "${@:2}"
}
build() { cmake --build "$1" --parallel "$jobs" "${@:2}"; }
run_tests() { ctest --test-dir "$1" --parallel "$jobs" --output-on-failure --no-tests=error "${@:2}"; }

# The build with sanitizers below is also without CUDA and runs the tests; here the objects are compiled as in
# a release.
build_without_cuda() {
  configure build/test -DGMDIFF_CUDA=OFF
  build build/test
}

# Without a toolkit AUTO has the same compile commands as OFF, and ON names the missing part.
check_without_toolkit() {
  local hidden=-DCMAKE_DISABLE_FIND_PACKAGE_CUDAToolkit=ON log=build/no-toolkit.log
  rm -rf build/no-toolkit
  configure build/no-toolkit -DGMDIFF_CUDA=AUTO "$hidden" >"$log"
  grep 'no CUDA Toolkit .* found, building without it' "$log"
  sed 's|build/no-toolkit|build/test|g' build/no-toolkit/compile_commands.json | cmp - build/test/compile_commands.json
  if configure build/no-toolkit -DGMDIFF_CUDA=ON "$hidden" >"$log" 2>&1; then
    echo "GMDIFF_CUDA=ON configured without a toolkit"
    return 1
  fi
  grep -A2 'GMDIFF_CUDA=ON, but no CUDA Toolkit' "$log"
}

# The sanitizers come from clang, so that one build serves the fuzzers as well and a second compiler reads the
# code.
build_sanitized() {
  cmake --preset cpu-sanitize -DCMAKE_CXX_COMPILER=clang++ -DGMDIFF_BUILD_FUZZERS=ON -DGMDIFF_BUILD_EXAMPLES=OFF \
    -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=12
  build build/cpu-sanitize
}

fuzz_target() {  # name
  local dictionary=(tests/fuzz/"$1".di[c]t)  # a pattern: nothing where there is none
  mkdir -p "build/fuzz/$1"
  build/cpu-sanitize/tests/fuzz/"${1}"_fuzz "${dictionary[@]/#/-dict=}" -max_total_time="$fuzz_seconds" -timeout=60 \
    -rss_limit_mb=4096 -artifact_prefix=build/fuzz/ "build/fuzz/$1" "tests/fuzz/corpus/$1" 2>&1 | tail -n 25
}
# The fuzzers run in parallel, because each has one thread.
fuzz() {
  local targets=()
  for name in problem npy npz; do
    fuzz_target "$name" &
    targets+=($!)
  done
  for target in "${targets[@]}"; do wait "$target"; done
}

# Checks only the project's own units, not generated files and system headers. A dozen units are read at once,
# as in the sanitized build, so that the headers, which take the time, are read once for all of them.
check_tidy() {
  run-clang-tidy -quiet -j "$jobs" -p build/cpu-sanitize -checks=-bugprone-suspicious-include \
    -header-filter='(include/gmdiff|src|particle)/.*\.[hc]pp$' "^$PWD/(build/cpu-sanitize/)?src/.*" 2>&1 |
    { grep -vE '^(clang-tidy|[0-9]+ warnings)' || true; }
}

# The kernels are compiled quickly and with little optimisation: no GPU runs them here, and the checks of the
# PTX do not depend on it.
build_default() {
  local flags=""
  # Not grep -q: it ends at the first match, nvcc then fails on the closed pipe, and so does the whole pipeline.
  if nvcc --help 2>/dev/null | grep -- --Ofast-compile >/dev/null; then flags=--Ofast-compile=max; fi
  configure build/test -DGMDIFF_CUDA=AUTO -DCMAKE_CUDA_FLAGS="$flags"
  build build/test
}

# The wheel, from the objects of the default build, whose settings stay: only the bindings are compiled. The
# environment has what pip would fetch for an isolated build, so that the settings of the folder do not change.
build_wheel() {
  [[ -x build/venv/bin/python ]] || python3 -m venv build/venv
  build/venv/bin/python -m pip install --quiet --disable-pip-version-check 'scikit-build-core>=1.0' 'nanobind>=3.0' numpy pytest matplotlib sphinx furo
  local same=(-C cmake.define.GMDIFF_CUDA_COMPRESS=OFF)
  for option in CLI TESTS EXAMPLES BENCHMARKS; do same+=(-C "cmake.define.GMDIFF_BUILD_$option=ON"); done
  rm -rf build/wheels
  # A build tool of the environment counts as installed in the path.
  PATH=$PWD/build/venv/bin:$PATH build/venv/bin/python -m pip wheel . --quiet --no-build-isolation --no-deps --wheel-dir build/wheels \
    -C build-dir=build/test -C cmake.define.GMDIFF_WERROR=ON "${same[@]}"
}
test_wheel() {
  build/venv/bin/python -m pip install --quiet --force-reinstall --no-deps build/wheels/gmdiff-*.whl
  GMDIFF_COMMAND=$PWD/build/test/src/cli/gmdiff build/venv/bin/python -m pytest -q -p no:cacheprovider
}

phase "setup" scripts/setup.sh test
mkdir -p build
phase "format" check_format
phase "build without CUDA" build_without_cuda
phase "build without a CUDA toolkit" check_without_toolkit
phase "build without CUDA, with sanitizers" build_sanitized
phase "tests without CUDA, with sanitizers" run_tests build/cpu-sanitize
phase "fuzz" fuzz
phase "tidy" check_tidy
phase "build" build_default
phase "Python: build the wheel" build_wheel
phase "Python: tests" test_wheel

printf '\n== seconds of each phase\n'
printf '%s\n' "${timings[@]}" "$(printf '%5d s  all of them' "$SECONDS")"
printf '\n== tests\n'
run_tests build/test
