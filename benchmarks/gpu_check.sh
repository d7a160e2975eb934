#!/usr/bin/env bash
# Everything that a machine with a GPU checks and measures, in one call: builds, runs the tests that need a GPU, runs small ones under
# compute-sanitizer, measures, and ends with a table and a verdict. It changes no setting of the GPU.
#   benchmarks/gpu_check.sh [OPTION...]
#     --build-only           builds and stops: FOLDER then holds all that --no-build needs on a machine with no network and few packages
#     --no-build             runs what stands in FOLDER
#     --dry-run              needs no GPU: builds nothing, prints every command, checks that what it names is there, and makes the table
#                            from sample records
#     --folder FOLDER        where the executables stand (build/gpu-check/gpu_check), in a build folder that is configured when it is new
#     --architectures LIST   compute capabilities to compile for, as 80;90 (of a new build folder: that of the GPU; without one 90)
#     --phases LIST          some of tests,sanitizers,benchmarks (all)
#     --out DIR              where the records go (benchmarks/results)
#     --figures FILE         the figures to reach (benchmarks/gpu_figures.json)
# Exit codes: 0 all is well; 1 a build, a test, a sanitizer or a benchmark failed; 2 wrong usage; 3 all is right, but a figure is missed.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage() {
  echo "usage:" >&2
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
  exit 2
}

build=1 check=1 dry=0 architectures="" phases=tests,sanitizers,benchmarks
folder=$root/build/gpu-check/gpu_check out=$root/benchmarks/results figures=$root/benchmarks/gpu_figures.json
while (($#)); do
  case $1 in
    --build-only) check=0 ;;
    --no-build) build=0 ;;
    --dry-run) dry=1 build=0 ;;
    --folder | --architectures | --phases | --out | --figures)
      (($# > 1)) || usage
      case $1 in
        --folder) folder=$(realpath -m "$2") ;;
        --architectures) architectures=$2 ;;
        --phases) phases=$2 ;;
        --out) out=$2 ;;
        --figures) figures=$2 ;;
      esac
      shift
      ;;
    *) usage ;;
  esac
  shift
done
for phase in ${phases//,/ }; do
  [[ $phase == tests || $phase == sanitizers || $phase == benchmarks ]] || { echo "gpu_check: unknown phase $phase" >&2; usage; }
done

benchmarks=(gmdiff_cuda_bench gmdiff_matrix_bench)
executables=(gmdiff_gpu_tests "${benchmarks[@]}")
# The tests that run kernels.
kernel_tests='*Runs*.*:Batches.*:OnGpu*'
tools=(memcheck racecheck initcheck synccheck)
seconds=900  # time limit of one command
logs=$folder/logs

results=() failed=0 missed=0
ok=ok
if ((dry)); then ok=ready; fi
note() {  # result text: for the verdict
  results+=("$(printf '%-10s %s' "$1" "$2")")
  if [[ $1 == FAILED ]]; then failed=1; fi
}
query() { { nvidia-smi --query-gpu="$1" --format=csv,noheader 2>/dev/null || true; } | head -n 1; }

# Runs a command with its output in a log, whose end is shown when the command fails. A dry run only shows the
# command.
logged() {  # name command...
  local name=$1 status=0 start=$SECONDS
  shift
  echo "\$ $*"
  ((dry)) && return
  timeout "$seconds" "$@" >"$logs/$name.log" 2>&1 || status=$?
  if ((status != 0)); then tail -n 40 "$logs/$name.log"; fi
  echo "  exit $status after $((SECONDS - start)) s"
  return "$status"
}

# --- building -------------------------------------------------------------------------------------------------------------------

configure_and_build() {
  local build_folder=${folder%/*} options=()
  if [[ -z $architectures && ! -e $build_folder/CMakeCache.txt ]]; then architectures=$(query compute_cap | tr -d .); fi
  if [[ -n $architectures ]]; then options=(-DCMAKE_CUDA_ARCHITECTURES="$architectures"); fi
  if [[ ! -e $build_folder/CMakeCache.txt ]]; then
    options+=(-G Ninja -DCMAKE_BUILD_TYPE=Release -DGMDIFF_CUDA=ON -DGMDIFF_BUILD_BENCHMARKS=ON -DGMDIFF_BUILD_CLI=OFF -DGMDIFF_BUILD_EXAMPLES=OFF)
  fi
  cmake -S "$root" -B "$build_folder" "${options[@]}"
  cmake --build "$build_folder" --target "${executables[@]}"
}

# Shared libraries of an executable: name and path, or "not" where the loader finds none.
libraries() { { ldd "$folder/$1" 2>/dev/null || true; } | awk '$2 == "=>" { print $1, $3 }'; }
is_everywhere() { [[ $1 =~ ^(libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s)\.so ]]; }
is_cublas() { [[ $1 =~ ^libcublas(Lt)?\.so ]]; }

# Copies libraries that another machine may not have to FOLDER/lib.
bundle() {
  local executable name path
  mkdir -p "$folder/lib"
  for executable in "${executables[@]}"; do
    while read -r name path; do
      if ! is_everywhere "$name" && ! is_cublas "$name"; then cp -L "$path" "$folder/lib/$name"; fi
    done < <(libraries "$executable")
  done
}

# --- what must be there -----------------------------------------------------------------------------------------------------------

# cuBLAS may be where the loader does not look: in the toolkit's folder or in a Python package.
find_cublas() {
  local name place
  name=$(libraries gmdiff_matrix_bench | awk '/^libcublas\.so.* not$/ { print $1 }')
  if [[ -z $name ]]; then return; fi
  place=$(find /usr/local /usr/lib /opt "$HOME" -name "$name" -print -quit 2>/dev/null || true)
  if [[ -n $place ]]; then export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:${place%/*}; fi
}

check_executable() {  # name
  local name path
  if [[ ! -x $folder/$1 ]]; then note FAILED "$folder/$1 is not there"; return; fi
  if ! ldd "$folder/$1" >/dev/null 2>&1; then note FAILED "$folder/$1 is no program of this machine"; return; fi
  while read -r name path; do
    if [[ $path == not ]]; then note FAILED "$1 needs $name, which is not there"; fi
  done < <(libraries "$1")
}

check_test_filter() {  # filter
  local found
  found=$("$folder/gmdiff_gpu_tests" --gtest_list_tests --gtest_filter="$1" | grep -c '^  ' || true)
  echo "  $found tests match $1"
  if ((found == 0)); then note FAILED "no test matches $1"; fi
}

check_benchmark_names() {  # executable
  local list
  if ! list=$("$folder/$1" --benchmark_list_tests); then note FAILED "$1 does not list its benchmarks"; return; fi
  python3 "$root/benchmarks/gpu_table.py" names "$figures" "$1" <<<"$list" || note FAILED "$1 lacks a benchmark that $figures names"
}

# --- phases ---------------------------------------------------------------------------------------------------------------------

run_tests() {
  ((dry)) && check_test_filter '*'
  if ! logged tests "$folder/gmdiff_gpu_tests" --gtest_brief=1; then
    note FAILED "tests"
  elif ((!dry)) && grep -q 'SKIPPED' "$logs/tests.log"; then
    grep -B 1 'SKIPPED' "$logs/tests.log" | tail -n 4
    note FAILED "tests: they were skipped"
  else
    note "$ok" "tests"
  fi
}

run_sanitizers() {
  local tool
  ((dry)) && check_test_filter "$kernel_tests"
  if ((!dry)) && ! command -v compute-sanitizer >/dev/null; then note "not there" "compute-sanitizer: nothing checked by it"; return; fi
  for tool in "${tools[@]}"; do
    if logged "$tool" env GMDIFF_GPU_SMALL=1 compute-sanitizer --tool "$tool" --error-exitcode 99 "$folder/gmdiff_gpu_tests" \
      --gtest_brief=1 --gtest_filter="$kernel_tests"; then
      note "$ok" "$tool"
    else
      note FAILED "$tool"
    fi
  done
}

run_benchmarks() {
  local machine name executable records=() status=0
  machine=$(query name)
  machine=$(tr '[:upper:] ' '[:lower:]-' <<<"${machine:-no-gpu}")
  for executable in "${benchmarks[@]}"; do
    ((dry)) && check_benchmark_names "$executable"
    name=${executable#gmdiff_}-${machine#nvidia-}-$(date +%F).json
    if ! logged "$executable" "$folder/$executable" --benchmark_repetitions=3 --benchmark_out="$logs/$name" --benchmark_out_format=json; then
      note FAILED "$executable"
    elif ((dry)); then
      records+=("$root/tests/gpu/sample/$executable.json")
    else
      python3 "$root/benchmarks/gpu_table.py" record "${machine#nvidia-}" "$logs/$name" "$out/$name"
      records+=("$out/$name")
    fi
  done
  if ((dry)); then echo "the table, from invented numbers:"; fi
  python3 "$root/benchmarks/gpu_table.py" table "$figures" "${records[@]}" || status=$?
  case $status in
    0) if ((dry)); then note "$ok" "benchmarks"; else note "$ok" "benchmarks, all figures reached"; fi ;;
    3) missed=1; note MISSED "a figure; all benchmarks ran" ;;
    *) note FAILED "benchmarks" ;;
  esac
}

# --- the call ---------------------------------------------------------------------------------------------------------------------

if ((build)); then
  configure_and_build
  bundle
fi
export LD_LIBRARY_PATH=$folder/lib:${LD_LIBRARY_PATH:-}
if [[ -x $folder/gmdiff_matrix_bench ]]; then find_cublas; fi
for executable in "${executables[@]}"; do check_executable "$executable"; done
if ((failed)); then printf '%s\n' "${results[@]}"; echo "VERDICT: FAILED"; exit 1; fi
if ((!check)); then
  du -sh "$folder"
  echo "VERDICT: built; copy the repository with $folder and run benchmarks/gpu_check.sh --no-build there"
  exit 0
fi

if ((!dry)); then
  mkdir -p "$logs" "$out"
  query name,driver_version,memory.total,compute_cap
fi
for phase in ${phases//,/ }; do
  printf '\n== %s\n' "$phase"
  "run_$phase"
done

printf '\n== verdict\n'
printf '%s\n' "${results[@]}"
if ((failed)); then echo "VERDICT: FAILED"; exit 1; fi
if ((missed)); then echo "VERDICT: right, but a figure is missed"; exit 3; fi
if ((dry)); then echo "VERDICT: ready, nothing was run"; else echo "VERDICT: all is well"; fi
