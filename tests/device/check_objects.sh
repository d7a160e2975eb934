#!/usr/bin/env bash
# Checks that the object of an instruction set's unit (numerics.md §3) has no slow instructions that compilers
# may choose, and no symbols that the linker could use in units of other instruction sets.
#   check_objects.sh UNIT OBJECT
set -euo pipefail
unit=$1
object=$2
failed=0

code=$(objdump --disassemble --no-show-raw-insn "$object")
for instruction in vpmullq sqrtss sqrtsd; do
  if grep -qw "v\?$instruction" <<<"$code"; then
    echo "$object: has $instruction"
    failed=1
  fi
done

# Undefined symbols: nothing of the mathematical library.
if nm --undefined-only "$object" | grep -wE 'fmaf?|expf?|logf?|sinf?|cosf?|sqrtf?'; then
  echo "$object: calls the mathematical library"
  failed=1
fi

# Weak symbols (inline functions and templates) must be the unit's own, whose names contain its namespace.
if nm --demangle --defined-only "$object" | grep -E ' [WVu] ' | grep -v "::$unit::"; then
  echo "$object: exports the inline functions above under names that other units may have"
  failed=1
fi
exit "$failed"
