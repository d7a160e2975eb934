#!/usr/bin/env bash
# More than half of the points equal: MMD has a bandwidth, or the message names the option of the command line
# (neurodata/hyppo#92).
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
g draw atom.json --count 200 --out x.npy --quiet >/dev/null || exit 77
g distance x.npy atom.json --metric mmd --quiet >o 2>err && { echo right; exit 0; }
grep -q 'give a bandwidth' err && ! g distance --help | grep -q -- --bandwidth && wrong "\"$(tail -1 err)\", but there is no flag for it"
echo right
