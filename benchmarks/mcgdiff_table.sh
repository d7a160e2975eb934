#!/usr/bin/env bash
# The tables of the MCGdiff paper (mathematics.md §7.8): for each cell the mean over 20 problems of the sliced
# Wasserstein-1 distance between the sampler's draws and exact posterior draws, with the noise floor and the
# exact kernel. One JSON record per cell.
#   benchmarks/mcgdiff_table.sh [published|paper] OUT_DIR
# published: (8,2) (8,4) (80,2) (80,4) (400,2) at 20 and 100 steps; paper: {8,80,800} x {1,2,4} x {20,100}.
# GMDIFF (the command), PROBLEMS (20), COUNT (1000), PARTICLES (256) and DEVICE (best) may be set in the
# environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
gmdiff=${GMDIFF:-build/bench/src/cli/gmdiff}
problems=${PROBLEMS:-20} count=${COUNT:-1000} particles=${PARTICLES:-256} device=${DEVICE:-best}

case ${1:-} in
  published) cells=("8 2" "8 4" "80 2" "80 4" "400 2") ;;
  paper) cells=("8 1" "8 2" "8 4" "80 1" "80 2" "80 4" "800 1" "800 2" "800 4") ;;
  *) echo "usage: $0 published|paper OUT_DIR" >&2; exit 2 ;;
esac
out=${2:?"usage: $0 published|paper OUT_DIR"}
[[ -x $gmdiff ]] || { echo "$0: no command at $gmdiff; build it, or set GMDIFF" >&2; exit 2; }
mkdir -p "$out"

samplers="mcgdiff:particles=$particles,mcgdiff:particles=$particles:kernel=exact"
for cell in "${cells[@]}"; do
  read -r dx dy <<<"$cell"
  for steps in 20 100; do
    record=$out/mcgdiff-$dx-$dy-$steps.json
    "$gmdiff" compare --seeds "0:$problems" --dx "$dx" --dy "$dy" --steps "$steps" --samplers "$samplers" --count "$count" \
      --device "$device" --json >"$record"
    echo "$record" >&2
  done
done
python3 benchmarks/mcgdiff_table.py "$out"
