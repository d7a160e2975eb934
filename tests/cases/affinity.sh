#!/usr/bin/env bash
# The number of threads is that of the processors that the run may use (refresh-bio/KMC#196,
# nanoporetech/dorado#1223, tlemane/kmdiff#9).
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
[ "$(nproc)" -ge 2 ] && command -v taskset >/dev/null || exit 77
cpu=$(python3 -c "import os;print(min(os.sched_getaffinity(0)))")
taskset -c $cpu timeout 8 "$G" devices > o || exit 77
grep -E '^cpu ' o | grep -qE '[, ]1 thread' || wrong "bound to one processor: $(grep -E '^cpu ' o)"
echo right
