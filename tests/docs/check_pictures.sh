#!/usr/bin/env bash
# Draws the pictures of the documents again and compares them with docs/pictures byte by byte.
#   check_pictures.sh ROOT GMDIFF
set -euo pipefail
root=$1 gmdiff=$2

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$root/docs/pictures.sh" "$gmdiff" "$scratch/drawn"
cp -r "$root/docs/pictures" "$scratch/kept"

same() {
  diff -rq "$scratch/kept" "$scratch/drawn" && return
  echo "a picture has changed; if that is intended, docs/pictures.sh GMDIFF draws them all"
  return 1
}

same
echo "<!-- -->" >>"$scratch/kept/samples.svg"
if same >/dev/null; then
  echo "a changed picture is not noticed"
  exit 1
fi
for picture in "$scratch"/drawn/*.svg; do
  bytes=$(stat -c %s "$picture")
  ((bytes < 150000)) || { echo "${picture##*/} has $bytes bytes, more than 150000"; exit 1; }
done
