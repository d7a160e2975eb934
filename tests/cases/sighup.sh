#!/usr/bin/env bash
# A lost terminal (HUP) ends a run as TERM does: finished samples are kept and no temporary file is left
# (ninja-build/ninja#964, samsarahq/taskrunner#69).
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
python3 - "$G" <<'PY'
import subprocess,signal,sys,time,glob
p=subprocess.Popen([sys.argv[1],'sample','two.json','--sampler','euler-maruyama','--steps','100','--device','reference','--count','3000000','--out','x.npy','--quiet'],stdout=subprocess.DEVNULL,stderr=subprocess.PIPE,text=True)
time.sleep(.6); p.send_signal(signal.SIGHUP)
try: p.communicate(timeout=2)
except subprocess.TimeoutExpired: p.kill(); p.communicate(); sys.exit('WRONG: not ended')
left=sorted(glob.glob('x.npy*'))
if left!=['x.npy.partial','x.npy.partial.json']: sys.exit('WRONG: after HUP there is %s'%left)
PY
[ $? -eq 0 ] || exit 1
echo right
