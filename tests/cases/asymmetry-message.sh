#!/usr/bin/env bash
# An error message about asymmetry must show numbers that differ (gbradburd/conStruct#74, statrs#351).
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
g draw asym.json --count 2 --out x.npy --quiet >/dev/null 2>err; rc=$?
[ $rc -eq 0 ] && { echo right; exit 0; }
python3 - <<'PY'
import re,sys
m=re.search(r'are (\S+) and ([^\s)]+)',open('err').read())
if m and m.group(1)==m.group(2): sys.exit('WRONG: "%s"'%open('err').read().strip())
PY
[ $? -eq 0 ] || exit 1
echo right
