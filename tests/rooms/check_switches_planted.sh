#!/usr/bin/env bash
# The check must find a default: in a switch over an enumeration.
#   check_switches_planted.sh ROOT
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp -r "$1"/{benchmarks,examples,include,src,particle,kernels,python,tests} "$scratch"
sed -i 's/case CovarianceType::full:/default:/' "$scratch/src/lowering/table_builder.cpp"
found=$("$(dirname "${BASH_SOURCE[0]}")/check_switches.sh" "$scratch") && { echo "the planted default: was not found"; exit 1; }
[[ $found == *"src/lowering/table_builder.cpp: switch (table.structure) {: has a default:"* ]] || { echo "unexpected: $found"; exit 1; }
