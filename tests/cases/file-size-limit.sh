#!/usr/bin/env bash
# A run that reaches a limit on file sizes: a message, exit code 1, no temporary file
# (lightgbm-org/LightGBM#7334).
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
( ulimit -f 8; timeout 8 "$G" draw two.json --count 50000 --out x.npy --quiet >/dev/null 2>err ); rc=$?
[ ! -e x.npy ] || wrong "x.npy stands although it did not fit"
[ -z "$(ls | grep tmp-)" ] || wrong "rc $rc, a temporary file is left: $(ls | grep tmp-), message: $(cat err)"
[ $rc -eq 1 ] || wrong "rc $rc"
echo right
