#!/usr/bin/env bash
# A signal that a batch system sends as a notice (USR1) must not disable Ctrl-C (NVIDIA/nccl#704,
# facebookincubator/submitit#1697).
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
python3 - "$G" <<'PY'
import subprocess,signal,sys,time,os,glob
def go(first,then):
    for f in glob.glob('x.npy*'): os.remove(f)
    p=subprocess.Popen([sys.argv[1]]+['sample','two.json','--sampler','euler-maruyama','--steps','300','--device','reference','--count','3000000','--out','x.npy','--quiet'],stdout=subprocess.DEVNULL,stderr=subprocess.PIPE,text=True)
    time.sleep(.4); p.send_signal(first); time.sleep(.25)
    if p.poll() is None and then is not None: p.send_signal(then)
    try: p.communicate(timeout=1.5)
    except subprocess.TimeoutExpired:
        p.kill(); p.communicate(); sys.exit('WRONG: still running 1.5 s after %s then %s'%(first.name,then.name))
    return p.returncode
go(signal.SIGUSR1,signal.SIGINT)
PY
[ $? -eq 0 ] || exit 1
echo right
