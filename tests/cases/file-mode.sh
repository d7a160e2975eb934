#!/usr/bin/env bash
# --force keeps a file private (untitaker/python-atomicwrites#42, burn#5489).
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
umask 022; : > x.npy; chmod 600 x.npy
g draw two.json --count 3 --out x.npy --force --quiet >/dev/null || exit 77
m=$(stat -c %a x.npy); [ "$m" = 600 ] || wrong "mode 600 became $m"
echo right
