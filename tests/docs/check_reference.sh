#!/usr/bin/env bash
# The reference of the C++ interface is built without a warning, and each room's group lists what the room's headers declare.
#   check_reference.sh DOXYGEN DOXYFILE INCLUDE
set -euo pipefail
doxygen=$1 doxyfile=$2 include=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

build() {  # further lines of the Doxyfile
  { cat "$doxyfile"; echo "OUTPUT_DIRECTORY = \"$scratch\""; printf '%s\n' "$@"; } | "$doxygen" -
}

build
for folder in "$include"/gmdiff/*/; do
  room=$(basename "$folder")
  page=$scratch/html/group__${room//_/__}.html
  [[ -e $page ]] || { echo "room $room has no group in docs/rooms.dox"; exit 1; }
  grep -q 'class="el" href="[a-z]*gmdiff' "$page" || { echo "the group $room lists nothing of namespace gmdiff"; exit 1; }
done

# Tests that a warning fails: a reference without target, an unknown command, a parameter that the function
# does not have.
planted() {  # comment, what is reported
  mkdir -p "$scratch/planted"
  printf 'namespace gmdiff {\n/// %s\nint planted(int x);\n}  // namespace gmdiff\n' "$1" >"$scratch/planted/planted.hpp"
  local report
  report=$(build "INPUT += \"$scratch/planted\"" 2>&1) && { echo "not found: $1"; exit 1; }
  [[ $report == *"$2"* ]] || { echo "unexpected: $report"; exit 1; }
}
planted 'See @ref no_such_page.' 'no_such_page'
planted 'Has an @unknown command.' 'unknown command'
planted 'Has @param y a parameter of another name.' "argument 'y'"
