#!/usr/bin/env bash
# A file includes only its own room and the rooms that the table allows (docs/decisions.md).
#   check.sh ROOT
set -euo pipefail
cd "$1"

# room: the rooms that its files may include in addition to itself.
rules="
base:
particle: base
kernels: base particle
model: base
sampler: base model
plan: base model sampler
lowering: base model sampler plan particle
device: base model sampler plan particle kernels lowering
network: base model particle device
metrics: base model sampler plan device
io: base model sampler network
study: base model sampler plan device network metrics io
report: base model sampler plan device metrics io study
cli: base model sampler plan device network metrics io study report
python: base model sampler plan device network metrics io study report
"

{
  echo "$rules"
  grep -rHoE '^#include +["<][^">]+[">]' --include='*.hpp' --include='*.cpp' --include='*.cuh' --include='*.cu' include src particle kernels python
} | awk '
  NF == 0 { next }
  /^[a-z]+: *[a-z ]*$/ {
    split($0, rule, ":")
    is_room[rule[1]] = 1
    knows[rule[1], rule[1]] = 1
    n = split(rule[2], known, " ")
    for (i = 1; i <= n; i++) knows[rule[1], known[i]] = 1
    next
  }
  {
    colon = index($0, ":")
    file = substr($0, 1, colon - 1)
    included = substr($0, colon + 1)
    gsub(/^#include +["<]|[">]$/, "", included)
    if (included == "gmdiff/gmdiff.hpp") { print file ": includes gmdiff.hpp, which includes everything"; failed = 1; next }
    sub(/^gmdiff\//, "", included)
    room = file
    sub(/^(include\/gmdiff|src)\//, "", room)
    if (room == "gmdiff.hpp") next
    sub(/\/.*/, "", room)
    other = included
    sub(/\/.*/, "", other)
    if (!(room in is_room)) { print file ": " room " is no room"; failed = 1; next }
    if (!(other in is_room)) next  # an external library or the standard library
    checked++
    if (!((room, other) in knows)) { print file ": " room " includes " other " (" included ")"; failed = 1 }
  }
  END {
    if (checked < 500) { print "only " checked " includes found"; failed = 1 }
    exit failed
  }'
