#!/usr/bin/env bash
# The progress line fits the terminal (p-ranav/indicators#132, console-rs/indicatif#218).
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
python3 - "$G" <<'PY'
import pty as P,os,sys,fcntl,termios,struct,re,select,time,signal
cols=30; pid,fd=P.fork()
if pid==0:
    fcntl.ioctl(2,termios.TIOCSWINSZ,struct.pack('HHHH',24,cols,0,0))
    os.execv(sys.argv[1],[sys.argv[1],'sample','two.json','--device','reference','--steps','300','--count','40000','--out','t.npy'])
buf=b''; t0=time.time(); sent=False
while time.time()-t0<6:
    r,_,_=select.select([fd],[],[],.2)
    if r:
        try: d=os.read(fd,4096)
        except OSError: break
        if not d: break
        buf+=d
    if time.time()-t0>2.2 and not sent: os.kill(pid,signal.SIGINT); sent=True
    if sent and time.time()-t0>3: break
try: os.kill(pid,signal.SIGKILL)
except ProcessLookupError: pass
lines=[l for l in re.split(rb'[\r\n]|\x1b\[K',buf) if b'%' in l or b'left' in l]
if not lines: sys.exit(77)
w=max(map(len,lines))
if w>cols: sys.exit('WRONG: a line of %d characters in %d columns'%(w,cols))
PY
rc=$?; [ $rc -eq 77 ] && exit 77; [ $rc -eq 0 ] || exit 1
echo right
