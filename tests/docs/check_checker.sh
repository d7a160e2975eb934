#!/usr/bin/env bash
# The checker must report each planted fault of wrong.md and nothing else.
#   check_checker.sh ROOT GMDIFF
set -euo pipefail
folder=$(cd "$(dirname "$0")" && pwd)
reported=$("$folder/check.sh" "$folder/wrong.md" "$1" "$2" | grep -oE 'wrong.md:[0-9]+' | sort -t: -k2n | tr '\n' ' ') || true
expected="wrong.md:3 wrong.md:7 wrong.md:11 wrong.md:15 wrong.md:21 wrong.md:26 wrong.md:30 wrong.md:35 wrong.md:39 wrong.md:43 "
[[ $reported == "$expected" ]] || { printf 'expected %s\nreported %s\n' "$expected" "$reported"; exit 1; }
