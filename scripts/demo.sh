#!/usr/bin/env bash
# README's first command: installs missing packages, builds the command and runs the main task. The tutorial's
# 2-D mixture, observed in one coordinate, is sampled by the exact reverse transition and by DDIM; each is
# judged against exact draws of the posterior. The result goes to stdout, everything else to stderr. At the end
# a comparison of samplers is written to report.html in the current folder (REPORT=path: elsewhere).
# GMDIFF=path/to/gmdiff runs a command that is already built.
set -euo pipefail
report=$(realpath -m "${REPORT:-report.html}")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

gmdiff=${GMDIFF:-}
if [[ -z $gmdiff ]]; then
  "$root/scripts/setup.sh" >&2
  # Kernels take minutes to compile, so they are built only if a GPU can run them.
  cuda=OFF
  if nvidia-smi -L >/dev/null 2>&1; then cuda=AUTO; fi
  cmake -S "$root" -B "$root/build/demo" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_UNITY_BUILD=ON -DGMDIFF_CUDA="$cuda" \
    -DGMDIFF_BUILD_TESTS=OFF -DGMDIFF_BUILD_EXAMPLES=OFF >&2
  cmake --build "$root/build/demo" --parallel "$(nproc)" >&2
  gmdiff=$root/build/demo/src/cli/gmdiff
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

"$gmdiff" problem tutorial-2d --out problem.json >&2
"$gmdiff" posterior problem.json
for sampler in exact-transition ddim; do
  "$gmdiff" sample problem.json --sampler "$sampler" --count 5000 --seed 1 --out "$sampler.npy" >&2
  for metric in sw modes; do
    printf '\n== %s\n' "$sampler"
    "$gmdiff" distance "$sampler.npy" problem.json --metric "$metric" --repeats 20 --seed 2
  done
done

"$gmdiff" compare problem.json --samplers exact-transition,ddim,euler-maruyama,mcgdiff:particles=64,dps:zeta=0.3:integrator=ddim:eta=1,draw \
  --steps 30 --count 1000 --report "$report" --force >&2
printf '\n== report with pictures: %s\n' "$report"
