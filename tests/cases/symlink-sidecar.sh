#!/usr/bin/env bash
# Writing through a link must not leave the target with the sidecar of other samples (battery-data-format#96,
# timewarrior#547).
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
g draw two.json --range 0:5 --seed 0 --out real.npy --quiet >/dev/null || exit 77
g draw two.json --range 5:9 --seed 0 --out rest.npy --quiet >/dev/null || exit 77
g draw two.json --range 0:5 --seed 9 --out nine.npy --quiet >/dev/null || exit 77
cp real.npy before.npy; ln -s real.npy link.npy
g draw two.json --range 0:5 --seed 9 --out link.npy --force --quiet >/dev/null
cmp -s real.npy before.npy && { echo right; exit 0; }
cmp -s real.npy nine.npy || wrong "real.npy is of neither run"
if [ -e real.npy.json ] && ! grep -q '"seed": 9' real.npy.json; then
  g merge real.npy rest.npy --out m.npy --quiet >/dev/null 2>&1 && wrong "real.npy holds seed 9, real.npy.json says seed 0, and merge joins it with seed 0"
  wrong "real.npy holds seed 9, real.npy.json says otherwise"
fi
echo right
