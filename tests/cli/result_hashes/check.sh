#!/usr/bin/env bash
# Every sampler, covariance structure and precision gives the recorded bytes (numerics.md §1). A change of the
# code that changes a result is detected on every processor and for every number of threads.
#   check.sh GMDIFF            compares with record.txt beside this script
#   check.sh GMDIFF --record   writes record.txt anew, when a result is meant to change
set -euo pipefail
gmdiff=$(realpath "$1")
mode=${2:-compare}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
cp "$here"/*.json .

record() {  # name, file and arguments of a run
  local name=$1 out=$2
  shift 2
  "$gmdiff" "$@" --out "$out" --seed 5 --device cpu --force --quiet >/dev/null
  printf '%s  %s\n' "$(sha256sum "$out" | cut -c1-32)" "$name"
}

samplers=(exact-transition exact-transition:start=gaussian ancestral ancestral:variance=large ddim ddim:eta=0.7:churn=8 euler-maruyama
  euler-maruyama:zeta=0.5:finish=step euler euler:churn=4 heun heun:variable=n:churn=8:churn_noise=1.01 dpmpp-2s dpmpp-2s:r=0.8 dpmpp-2m
  sde-dpmpp-2m dpmpp-3m unipc-3 exact-ancestral:eta=0.7 exact-decoupled)
smc=(mcgdiff mcgdiff:kernel=exact mcgdiff:variant=A mcgdiff:start=gaussian:eta=0.6 mcgdiff:resampling=multinomial mcgdiff:resampling=residual
  mcgdiff:resampling=stratified:ess_threshold=0.5 bootstrap bootstrap:kernel=exact:ess_threshold=0.5)

all() {
  local problem precision sampler
  for problem in *.json; do
    for precision in f32 f64; do
      local run=("$problem" --precision "$precision")
      local name=${problem%.json}-$precision
      for sampler in "${samplers[@]}"; do
        # The posterior of a spherical prior has a common basis.
        record "$name $sampler" x.npy sample "${run[@]}" --count 37 --sampler "$sampler"
      done
      record "$name history of the prior" x.npy sample "${run[@]}" --prior --history 5 --range 11:20 --sampler ancestral
      record "$name forward" x.npy forward "${run[@]}" --count 5
      record "$name draw" x.npy draw "${run[@]}" --count 37
      record "$name draw of the prior" x.npy draw "${run[@]}" --count 37 --prior
      for sampler in "${smc[@]}"; do
        record "$name $sampler" x.npy sample "${run[@]}" --count 3 --sampler "$sampler:particles=40"
      done
      record "$name particles" x.npz sample "${run[@]}" --count 2 --sampler mcgdiff:particles=40:output=particles
    done
  done
}

all >results.txt
if [[ $mode == --record ]]; then
  mv results.txt "$here/record.txt"
else
  diff "$here/record.txt" results.txt || { echo "results differ from those on record"; exit 1; }
fi
