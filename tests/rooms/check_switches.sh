#!/usr/bin/env bash
# A switch over an enumeration names every value, so that a new value does not compile until each switch
# handles it. `default:` is for integers.
#   check_switches.sh ROOT
set -euo pipefail
cd "$1"

# The switches over integers.
allowed="
kernels/kernels.cuh: switch (dim) {
src/base/random.cpp: switch (quadrant & 3) {
src/device/cpu/make_unit.hpp: switch (law.dim) {
"

{
  echo "$allowed"
  find benchmarks examples include kernels particle python src tests -name '*.hpp' -o -name '*.cpp' -o -name '*.cuh' -o -name '*.cu' | sort |
    xargs awk '/switch \(/ { sub(/^ */, ""); opened = $0 } /^ *default:/ { print "default " FILENAME ": " opened }'
} | awk '
  NF == 0 { next }
  sub(/^default /, "") {
    found[$0] = 1
    if (!($0 in allowed)) { print $0 ": has a default:"; failed = 1 }
    next
  }
  { allowed[$0] = 1 }
  END {
    for (entry in allowed) if (!(entry in found)) { print entry ": is allowed a default: and has none"; failed = 1 }
    exit failed
  }'
