#!/usr/bin/env bash
# Means that are far from 0 relative to their spread: the float32 default is as accurate as its type, or warns
# (scikit-learn#30382).
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
g sample off.json --sampler exact-transition --count 2000 --out x.npy >/dev/null 2>err || { echo right; exit 0; }
grep -qi warning err && { echo right; exit 0; }
python3 -c "
import numpy as np
s=np.load('x.npy').astype(float)[:,1].std(); assert abs(s-.5)<.03,s" || wrong "sd of a coordinate is more than 6 % off, and there is no warning"
echo right
