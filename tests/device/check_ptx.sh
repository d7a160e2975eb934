#!/usr/bin/env bash
# Checks that the PTX of exact kernels (numerics.md §3) has no arithmetic without a rounding mode, which a
# compiler may contract to fma, and no approximations. With a rounding mode in every instruction, no compiler
# of a later GPU can change a bit.
#   check_ptx.sh FOLDER UNIT...     reads FOLDER/UNIT.ptx, or FOLDER/UNIT.*.ptx of several architectures
set -euo pipefail
shopt -s nullglob
folder=$1
failed=0
arithmetic="(add|sub|mul|mad|fma|div|sqrt|rcp)"

report() {  # file what pattern: lines that the pattern matches
  if grep -nE "$3" <<<"$instructions" >&2; then
    echo "$1: $2 above" >&2
    failed=1
  fi
}

for unit in "${@:2}"; do
  files=("$folder/$unit".ptx "$folder/$unit".*.ptx)
  found=0
  for file in "${files[@]}"; do
    [[ -e $file ]] || continue
    found=1
    # Without comments; names of kernels and variables hold no dot between letters.
    instructions=$(sed 's|//.*||' "$file")
    if ! grep -q '\.entry' <<<"$instructions"; then
      echo "$file: holds no kernel" >&2
      failed=1
    fi
    # An instruction is the first word of its line, or follows a predicate.
    report "$file" "has arithmetic without .rn" \
      "^[[:space:]]*(@!?%[a-z]*[0-9]+[[:space:]]+)?$arithmetic(\.(sat|ftz|full|approx|rz|rm|rp))*\.(f16|f32|f64|f32x2|bf16)"
    report "$file" "has approximations" '\.(approx|ftz)\b|\bdiv\.full|\b(ex2|lg2|sin|cos|tanh|rsqrt)\.'
  done
  if ((found == 0)); then
    echo "$folder: has no PTX of $unit" >&2
    failed=1
  fi
done
exit "$failed"
