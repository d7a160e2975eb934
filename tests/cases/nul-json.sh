#!/usr/bin/env bash
# Text after a NUL byte that follows a problem is refused like any other trailing text (nlohmann/json#5530,
# #1095).
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
printf 'x' | cat two.json - > a.json; g posterior a.json --quiet >/dev/null 2>&1 && exit 77
{ cat two.json; printf '\0'; cat free.json; } > b.json
g posterior b.json --quiet >/dev/null 2>err; [ $? -eq 2 ] || wrong "a second problem behind a NUL byte is ignored without a word"
{ cat two.json; head -c 512 /dev/zero; } > c.json
g posterior c.json --quiet >/dev/null 2>err; [ $? -eq 2 ] || wrong "a file padded with zero bytes passes"
echo right
