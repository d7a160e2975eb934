#!/usr/bin/env bash
# The energy distance of diverged samples is huge, not 0 (scipy#19712, #21114, GUDHI#465).
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
python3 - <<'PY'
import numpy as np
rng=np.random.default_rng(0); np.save('far.npy',rng.normal(size=(40,2))*1e160); np.save('y.npy',rng.normal(size=(40,2)))
PY
for other in free.json y.npy; do
  g distance far.npy $other --metric energy --json --quiet >o 2>err || continue
  python3 -c "
import json
r=json.load(open('o'))['rows'][0]; v=r['value']
ok = v=='inf' or (v!='nan' and float(v)>1e150)
assert ok,(v,r['ratio'])" || wrong "far samples are at energy distance 0 from $other"
done
echo right
