#!/usr/bin/env bash
# A point whose density underflows: responsibilities are correct, or a warning says that they are not
# (numpyro#1870, gluonts#1056).
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
python3 -c "
import numpy as np; np.save('x.npy',np.array([[1e155,1e155]]))"
g eval free.json --points x.npy --out e.npz >/dev/null 2>err || { echo right; exit 0; }
grep -qi warning err && { echo right; exit 0; }
python3 - <<'PY'
import numpy as np,json,sys
j=json.load(open('free.json'))['prior']; x=np.array([1.,1.])
q=[x@np.linalg.solve(np.array(C),x) for C in j['covariance']['values']]
k=int(np.argmin(q)); r=np.load('e.npz')['responsibilities'][0]
if abs(r[k]-1)>1e-6: sys.exit('WRONG: responsibilities %s, component %d has all of it'%(r,k))
PY
[ $? -eq 0 ] || exit 1
echo right
