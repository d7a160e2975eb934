#!/usr/bin/env bash
# --help and --version report a failed write (uutils/coreutils#10223, coreutils#145).
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
[ -c /dev/full ] || exit 77
g posterior two.json >/dev/full 2>/dev/null && exit 77
for a in --help --version "sample --help"; do g $a >/dev/full 2>/dev/null && wrong "$a into a full device: exit code 0"; done
echo right
