#!/usr/bin/env bash
# Tests benchmarks/gpu_check.sh without a GPU: its dry run, and the report of each fault planted here.
#   gpu_check_test.sh ROOT FOLDER
set -euo pipefail
root=$1 folder=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
sample=$root/tests/gpu/sample figures=$root/benchmarks/gpu_figures.json

expect() {  # exit code, text of the output, command...
  local status=0 output
  output=$("${@:3}" 2>&1) || status=$?
  if ((status != $1)) || [[ $output != *"$2"* ]]; then
    printf 'expected exit %s and "%s"\nfrom %s\ngot exit %s\n%s\n' "$1" "$2" "${*:3}" "$status" "$output"
    exit 1
  fi
}
dry_run() { "$root/benchmarks/gpu_check.sh" --dry-run --folder "$folder" "$@"; }
table() { python3 "$root/benchmarks/gpu_table.py" table "$@"; }
change() { sed "$1" "$2" >"$scratch/$(basename "$2")"; }

expect 0 "VERDICT: ready, nothing was run" dry_run
expect 0 "--benchmark_repetitions=3" dry_run --phases benchmarks
expect 0 "compute-sanitizer --tool racecheck" dry_run --phases sanitizers
# The median of three, and a figure against another benchmark.
expect 0 "cuda/bench-2d/f32/particles:10000000                      4e+10     60 %" dry_run --phases benchmarks
expect 0 "met             2  cuda/full/d:64/K:200/ddim/f32: particle_steps_per_second >= 1 x cublas/full" dry_run --phases benchmarks

expect 0 "met            10  cuda/training/funnel/d:10/H:128/paths:2000/dis: iterations_per_second >= 1 x cpu/training" dry_run --phases benchmarks

expect 2 "usage" dry_run --phases everything
expect 2 "usage" dry_run --folder
expect 1 "gmdiff_gpu_tests is not there" "$root/benchmarks/gpu_check.sh" --dry-run --folder "$scratch"
printf 'no program\n' >"$scratch/gmdiff_gpu_tests"
chmod +x "$scratch/gmdiff_gpu_tests"
expect 1 "gmdiff_gpu_tests is no program of this machine" "$root/benchmarks/gpu_check.sh" --dry-run --folder "$scratch"

change 's|particles:10000000/|particles:7/|' "$figures"
expect 1 "gmdiff_cuda_bench has no benchmark cuda/bench-2d/f32/particles:7/iterations:3/manual_time" dry_run --figures "$scratch/gpu_figures.json"
expect 1 "MISSING" table "$scratch/gpu_figures.json" "$sample"/*.json
expect 1 "MISSING" table "$figures" "$sample/gmdiff_cuda_bench.json"

change 's|"at_least": 0.6|"at_least": 0.7|' "$figures"
expect 3 "MISSED       0.65  cuda/full/d:64/K:200/ddim/f32: share_of_fma_ceiling >= 0.7" \
  dry_run --figures "$scratch/gpu_figures.json"
mv "$scratch/gpu_figures.json" "$scratch/missed.json"
change 's|"peak_bytes": [0-9.e+]*|"peak_bytes": 2e9|' "$sample/gmdiff_cuda_bench.json"
expect 3 "MISSED" table "$figures" "$scratch/gmdiff_cuda_bench.json" "$sample/gmdiff_matrix_bench.json"
change 's|"share_of_fma_ceiling": 0.33|"error_occurred": true, "error_message": "no usable GPU"|' "$sample/gmdiff_matrix_bench.json"
expect 1 "FAILED: no usable GPU" table "$figures" "$sample/gmdiff_cuda_bench.json" "$scratch/gmdiff_matrix_bench.json"

# A record is published only under the machine's name.
sed 's|"executable": "|&/somewhere/|' "$sample/gmdiff_matrix_bench.json" >"$scratch/raw.json"
expect 0 "" python3 "$root/benchmarks/gpu_table.py" record h200 "$scratch/raw.json" "$scratch/record.json"
expect 0 '"host_name": "h200"' cat "$scratch/record.json"
expect 0 '"executable": "gmdiff_matrix_bench"' cat "$scratch/record.json"

# A call on a simulated machine: a GPU by name, and tools and executables that behave as STAND_IN says and
# write the sample records.
pretended=$scratch/machine
mkdir -p "$pretended/bin" "$pretended/folder" "$pretended/out"
stand_in() {  # file, script
  printf '#!/usr/bin/env bash\n%s\n' "$2" >"$1"
  chmod +x "$1"
}
stand_in "$pretended/bin/nvidia-smi" 'echo "NVIDIA H200"'
stand_in "$pretended/bin/ldd" 'true'
# shellcheck disable=SC2016
stand_in "$pretended/bin/compute-sanitizer" '[[ ${STAND_IN:-} != *"$2"* ]]'
# shellcheck disable=SC2016
stand_in "$pretended/folder/gmdiff_gpu_tests" 'if [[ ${STAND_IN:-} == skip ]]; then echo "[  SKIPPED ] 1 test"; fi; [[ ${STAND_IN:-} != fail ]]'
for benchmark in gmdiff_cuda_bench gmdiff_matrix_bench; do
  # shellcheck disable=SC2016
  stand_in "$pretended/folder/$benchmark" 'for option; do
    if [[ $option == --benchmark_out=* ]]; then cp "'"$sample/$benchmark"'.json" "${option#*=}"; fi
  done'
done
pretend() {  # behaviour of the stand-ins, options...
  STAND_IN=$1 PATH=$pretended/bin:$PATH "$root/benchmarks/gpu_check.sh" --no-build --folder "$pretended/folder" --out "$pretended/out" "${@:2}"
}
expect 0 "VERDICT: all is well" pretend ""
expect 0 '"host_name": "h200"' cat "$pretended/out/cuda_bench-h200-$(date +%F).json"
expect 1 "FAILED     tests" pretend fail
expect 1 "FAILED     tests: they were skipped" pretend skip
expect 1 "FAILED     racecheck" pretend racecheck
expect 3 "VERDICT: right, but a figure is missed" pretend "" --figures "$scratch/missed.json"
