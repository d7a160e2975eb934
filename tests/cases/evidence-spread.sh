#!/usr/bin/env bash
# SMC in many observed dimensions: chains disagree on the log-evidence by many nats, and the reported value is
# far below the exact one without a warning.
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
python3 - "$G" <<'PY'
import json, subprocess, sys, numpy as np
rng = np.random.default_rng(3); d, K, m = 96, 6, 64
mu = rng.uniform(-1.3, 1.3, (K, d)); s2 = 1-(mu**2).mean(); A = rng.standard_normal((m, d)); A /= np.linalg.norm(A, axis=1)[:, None]
y = A@(mu[2]+np.sqrt(s2)*rng.standard_normal(d))+.3*rng.standard_normal(m)
json.dump({"prior": {"weights": [1]*K, "means": mu.tolist(), "covariance": {"type": "spherical", "values": [s2]*K}}, "process": {"type": "vp", "beta": {"type": "linear", "min": 6., "max": 6.}}, "grid": {"type": "uniform", "steps": 60},
           "observation": {"A": A.tolist(), "y": y.tolist(), "noise_std": .3}}, open("p.json", "w"))
exact = json.loads(subprocess.run([sys.argv[1], "posterior", "p.json", "--json"], capture_output=True, text=True).stdout)["log_evidence"]
r = subprocess.run([sys.argv[1], "sample", "p.json", "--sampler", "mcgdiff:particles=64:kernel=exact", "--count", "32", "--seed", "1", "--out", "x.npy", "--json"], capture_output=True, text=True)
if r.returncode: sys.exit("WRONG: exit %d %s" % (r.returncode, r.stderr[:100]))
j = json.loads(r.stdout); l = np.array(j["log_evidence"])
print("exact %.1f, reported %.1f, spread of the chains %.1f" % (exact, j["mean_log_evidence"], l.std()))
if abs(j["mean_log_evidence"]-exact) > 5 and not j["warnings"]: sys.exit("WRONG: off by %.1f nats without a warning" % (j["mean_log_evidence"]-exact))
PY
[ $? -eq 0 ] || exit 1
echo right
