#!/usr/bin/env bash
# The check must find a file of the model that includes one of the command.
#   check_planted.sh ROOT
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp -r "$1"/{include,src,particle,kernels,python} "$scratch"
echo '#include "cli/verb.hpp"' >>"$scratch/src/model/mixture/mixture.cpp"
found=$("$(dirname "${BASH_SOURCE[0]}")/check.sh" "$scratch") && { echo "the planted include was not found"; exit 1; }
[[ $found == *"mixture.cpp: model includes cli (cli/verb.hpp)"* ]] || { echo "unexpected: $found"; exit 1; }
