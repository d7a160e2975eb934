#!/usr/bin/env bash
# With standard error closed, a warning must not be written into the result file (rust-lang/rust#57728).
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
g sample two.json --sampler ddim:start=gaussian --steps 5 --count 10 --out want.npy --quiet >/dev/null || exit 77
g sample two.json --sampler ddim:start=gaussian --steps 5 --count 10 --out x.npy >/dev/null 2>&-
rc=$?
if [ -e x.npy ]; then cmp -s x.npy want.npy || wrong "rc $rc, and x.npy is not what the same run writes with standard error open"; else [ $rc -ne 0 ] || wrong "rc 0 without a result"; fi
echo right
