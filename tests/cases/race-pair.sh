#!/usr/bin/env bash
# Two runs that write one file with --force: samples and sidecar must come from one run (SCons#1725,
# marfs#199).
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
command -v strace >/dev/null || exit 77
strace -e trace=rename -o /dev/null true 2>/dev/null || exit 77
for s in 1 2; do g draw two.json --count 200 --seed $s --out r$s.npy --quiet >/dev/null || exit 77; done

# Run 1 pauses between the renames of x.npy and of x.npy.json; run 2 starts and ends in the meantime.
strace -f -o /dev/null -e trace=rename -e inject=rename:delay_exit=900000:when=1 "$G" draw two.json --count 200 --seed 1 --out x.npy --force --quiet >/dev/null 2>&1 &
for i in $(seq 200); do [ -e x.npy ] && break; sleep 0.01; done
g draw two.json --count 200 --seed 2 --out x.npy --force --quiet >/dev/null 2>&1
wait
seed=$(python3 -c "import json;print(json.load(open('x.npy.json'))['seed'])")
cmp -s x.npy r$seed.npy || wrong "x.npy.json says seed $seed, x.npy holds another"
echo right
