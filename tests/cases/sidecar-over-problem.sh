#!/usr/bin/env bash
# The sidecar must not replace the problem that is read, with or without --force (mapequation/infomap#907,
# EvilBit-Labs/opnDossier#745).
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
cp two.json x.npy.json
g draw x.npy.json --count 3 --out x.npy --force --quiet >/dev/null 2>&1
cmp -s two.json x.npy.json || wrong "the problem file is gone: x.npy.json is now the provenance of x.npy"
echo right
