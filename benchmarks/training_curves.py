#!/usr/bin/env python3
"""Trains samplers with several seeds and prints their ELBO beside that of another implementation.

    python3 benchmarks/training_curves.py GMDIFF OUT.json [--only funnel] [--seeds 4]

GMDIFF is the command. OUT.json gets one object per training; rows that it holds already are kept, so that a
run that was stopped continues. All trainings use 32 or 64 steps, 512 paths an iteration, rate 1e-3 for networks and
1e-2 for the other parameters; 10 000 paths judge.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

# Target, sampler, steps, iterations, and the range of the ELBO expected for short trainings: that of a JAX
# implementation of mathematics.md §17 (seeds of its own), widened by the spread between seeds.
ROWS = [
    ("funnel", "dis:prior=fixed", 32, 1200, (-1.5, -0.9)),
    ("funnel", "dis:prior=gp:means_std=1", 32, 1200, (-1.7, -1.0)),
    ("funnel", "dis:means_std=1", 32, 1200, (-0.45, -0.22)),
    ("funnel", "dis:means_std=1", 64, 1500, (-0.40, -0.18)),
    ("funnel", "dbs:means_std=1", 32, 1200, (-0.30, -0.12)),
    ("funnel", "dis:means_std=1:loss=log-variance:step=0.02", 32, 1200, (-0.6, -0.25)),
    ("many-well", "dis:prior=gp:means_std=1:step=0.1", 32, 1000, (33.6, 34.7)),
    ("many-well", "dis:means_std=1:step=0.1", 32, 1000, (38.4, 40.2)),
    ("many-well", "dbs:means_std=1:step=0.1", 32, 600, (40.7, 41.8)),
    ("brownian", "dis:step=0.1", 32, 1000, (-8.0, -5.0)),
    ("brownian", "dbs:step=0.05", 32, 800, (-3.8, -1.8)),
    ("seeds", "dis", 32, 1000, (-76.4, -75.0)),
    ("seeds", "dbs", 32, 800, (-74.8, -73.9)),
    ("gmm40", "dis:prior=fixed:init_std=40:step=0.5", 32, 1200, (None, -3.5)),
    ("gmm40", "dis:init_std=40:means_std=20:step=0.5", 32, 1200, (None, None)),
    ("gmm40", "dis:components=40:refine_every=20:init_std=2:support_std=40:step=0.1", 32, 1200, (-0.06, None)),
]


# The ready-made problem of this name has one well.
MANY_WELL = {"target": {"type": "many-well", "wells": 5, "delta": 2.0, "dim": 50}}


def write_problem(gmdiff, file, target):
    if target == "many-well":
        file.write_text(json.dumps(MANY_WELL))
    else:
        subprocess.run([gmdiff, "problem", target, "--out", file, "--force", "--quiet"], check=True, capture_output=True)


def train(gmdiff, folder, target, sampler, steps, iterations, seed):
    problem, model = folder / f"{target}.json", folder / "model.npz"
    write_problem(gmdiff, problem, target)
    command = [gmdiff, "train", problem, "--sampler", f"{sampler}:steps={steps}:rate=0.01", "--rate", "0.001", "--batch", "512",
               "--iterations", str(iterations), "--seed", str(seed), "--out", model, "--force", "--json", "--quiet"]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    del result["file"]  # a temporary file
    return result


def is_in(value, band):
    return (band[0] is None or value >= band[0]) and (band[1] is None or value <= band[1])


def print_table(results, seeds):
    print("| target | sampler | steps | iterations | ELBO of each seed | expected | within |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for target, sampler, steps, iterations, band in ROWS:
        runs = [results.get(key_of(target, sampler, steps, iterations, seed)) for seed in range(1, seeds + 1)]
        elbos = [run["forward"]["elbo"] for run in runs if run]
        if not elbos:
            continue
        expected = " to ".join("" if bound is None else str(bound) for bound in band)
        print(f"| {target} | `{sampler}` | {steps} | {iterations} | {', '.join(f'{elbo:.3f}' for elbo in elbos)} | {expected} | "
              f"{sum(is_in(elbo, band) for elbo in elbos)} of {len(elbos)} |")


def key_of(target, sampler, steps, iterations, seed):
    return f"{target} {sampler} steps={steps} iterations={iterations} seed={seed}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gmdiff")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--only", action="append", help="only this target")
    parser.add_argument("--seeds", type=int, default=4)
    given = parser.parse_args()
    results = json.loads(given.out.read_text()) if given.out.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(1, given.seeds + 1):
            for target, sampler, steps, iterations, _ in ROWS:
                key = key_of(target, sampler, steps, iterations, seed)
                if key in results or (given.only and target not in given.only):
                    continue
                results[key] = train(given.gmdiff, pathlib.Path(folder), target, sampler, steps, iterations, seed)
                given.out.write_text(json.dumps(results, indent=1) + "\n")
    print_table(results, given.seeds)


if __name__ == "__main__":
    main()
