#!/usr/bin/env bash
# A covariance computed and stored in float32 (asymmetric by rounding, 3e-8) is accepted
# (pytorch/pytorch#84417, conStruct#74, breeze#356).
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
python3 - <<'PY'
import numpy as np,json
rng=np.random.default_rng(3); d=6
Q,_=np.linalg.qr(rng.normal(size=(d,d)).astype('f4')); S=(Q*np.arange(1,d+1,dtype='f4'))@Q.T
assert 0<abs(S-S.T).max()/abs(S).max()<1.2e-7
np.save('S.npy',S[None].astype('f4'))
json.dump({'prior':{'weights':[1],'means':[[0]*d],'covariance':{'type':'full','values':'S.npy'}}},open('p.json','w'))
PY
g draw p.json --count 4000 --out x.npy --quiet >/dev/null 2>err || wrong "$(cat err)"
python3 -c "
import numpy as np
x=np.load('x.npy').astype(float); S=np.load('S.npy')[0].astype(float); C=np.cov(x.T)
assert abs(C-S).max()<.6, abs(C-S).max()" || wrong "draws have another covariance"
echo right
