#!/usr/bin/env bash
# Draws the pictures of the documents. They are the same bytes on every machine: the device `cpu` in double has
# the same results everywhere, and pictures round to tenths of a pixel.
#   docs/pictures.sh GMDIFF [FOLDER]    into FOLDER (docs/pictures)
set -euo pipefail
gmdiff=$(realpath "$1")
folder=$(realpath -m "${2:-$(dirname "${BASH_SOURCE[0]}")/pictures}")

documents=$(realpath "$(dirname "${BASH_SOURCE[0]}")")

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
mkdir -p "$folder"
run=(--device cpu --precision f64 --quiet)
draw() { "$gmdiff" plot "${@:2}" --quiet --force --out "$folder/$1.svg"; }  # name kind...

{
  "$gmdiff" problem tutorial-2d --out tutorial-2d.json
  "$gmdiff" problem tutorial-1d --out tutorial-1d.json
  "$gmdiff" sample tutorial-2d.json --sampler ddim --count 2000 --seed 1 --out ddim.npy "${run[@]}"
  "$gmdiff" sample tutorial-1d.json --sampler euler-maruyama --count 40 --history 61 --seed 1 --out paths-1d.npy "${run[@]}"
  "$gmdiff" sample tutorial-2d.json --sampler ddim --count 40 --history 61 --seed 1 --prior --out paths-2d.npy "${run[@]}"
  "$gmdiff" sample tutorial-2d.json --sampler bootstrap:particles=64:output=particles --count 20 --seed 1 --out chains.npz "${run[@]}"
  "$gmdiff" problem course-sin --out course-sin.json
  "$gmdiff" fokker-planck course-sin.json --out course-sin.npz
} >/dev/null

draw samples samples ddim.npy tutorial-2d.json
draw density density tutorial-2d.json --prior
draw density-1d density tutorial-1d.json --prior
draw paths paths paths-1d.npy tutorial-1d.json
draw paths-2d paths paths-2d.npy tutorial-2d.json --prior
draw field field tutorial-2d.json --prior --time 0.3
draw chain chain chains.npz tutorial-2d.json
draw evolution evolution course-sin.npz

# The commands of these pages draw their pictures, which begin with the name of the page.
mkdir -p bin
ln -s "$gmdiff" bin/gmdiff
for page in course learning; do
  (
    mkdir "$page"
    cd "$page"
    awk '/^```/ { inside = $0 == "```console"; next } inside && /^\$ / { print substr($0, 3) }' "$documents/$page.md" >commands.sh
    PATH="$scratch/bin:$PATH" bash -e commands.sh >/dev/null 2>&1
    mv "$page"-*.svg "$folder/"
  )
done
