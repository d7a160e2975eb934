#!/usr/bin/env bash
# SMC with a nearly exact observation: at sigma_y = 0 it works, at 1e-12 it collapses without a warning
# (pymc#7292, particles#32, PythonRobotics#200).
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
python3 - "$G" <<'PY'
import subprocess,json,sys
def run(f,s):
    r=subprocess.run(['timeout','8',sys.argv[1],'sample',f,'--sampler',s,'--count','50','--out','d.npy','--force','--json'],capture_output=True,text=True)
    e=json.loads(subprocess.run([sys.argv[1],'posterior',f,'--json'],capture_output=True,text=True).stdout)['log_evidence']
    if r.returncode: return
    j=json.loads(r.stdout)
    # The result is right if it is near the exact value (with a margin for Jensen's inequality and few chains)
    # or has a warning.
    if abs(j['mean_log_evidence']-e)>30 and not j['warnings']: sys.exit('WRONG: %s, %s: log-evidence %.6g, exact %.6g, no warning'%(f,s,j['mean_log_evidence'],e))
run('s0.json','mcgdiff:particles=64')
run('s12.json','mcgdiff:particles=64')
PY
[ $? -eq 0 ] || exit 1
echo right
