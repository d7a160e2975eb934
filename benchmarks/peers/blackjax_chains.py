#!/usr/bin/env python3
"""MALA by BlackJAX and by gmdiff in turn, on one machine, in float32.

    python3 -m venv peers && peers/bin/pip install blackjax
    peers/bin/python benchmarks/peers/blackjax_chains.py build/bench/benchmarks/gmdiff_mcmc_bench --out FILE

The work is that of gmdiff_mcmc_bench: 1000 steps of chains on `bench-2d` (three full components in 2-D), on
`sin-gaussian`, and on a logistic regression with N = 1000 rows in d = 25. Compile time is not counted. BlackJAX runs
with each of several numbers of chains in one call, and its best one counts. Prints one JSON object.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import time

import blackjax
import jax
import jax.numpy as jnp
import numpy as np

STEPS = 1000


def bench_2d(gmdiff_problem):
    """Log-density of the mixture of `gmdiff problem bench-2d`, whose constants do not depend on x."""
    prior = gmdiff_problem["prior"]
    weights = np.asarray(prior["weights"], float)
    means = np.asarray(prior["means"], float)
    covariances = np.asarray(prior["covariance"]["values"], float)
    factors = np.linalg.inv(np.linalg.cholesky(covariances))
    heights = np.log(weights / weights.sum()) + np.log(np.linalg.det(factors))
    means, factors, heights = (jnp.asarray(a, jnp.float32) for a in (means, factors, heights))

    def log_density(x):
        z = jnp.einsum("kij,kj->ki", factors, x - means)
        return jax.nn.logsumexp(heights - 0.5 * jnp.sum(z * z, axis=1))

    return log_density, 2


def sin_gaussian():
    return (lambda x: -0.5 * jnp.sum(x * x + jnp.sin(5.0 + 5.0 * x))), 1


def logistic():
    random = np.random.default_rng(1)
    data = random.standard_normal((1000, 25)).astype(np.float32)
    labels = (data @ random.standard_normal(25) + random.standard_normal(1000) > 0).astype(np.float32)
    data, labels = jnp.asarray(data), jnp.asarray(labels)

    def log_density(w):
        u = data @ w
        return jnp.sum(labels * u - jax.nn.softplus(u)) - 0.5 * jnp.sum(w * w)

    return log_density, 25


def blackjax_rate(log_density, dim, step, chains):
    """Chain-steps per second of one call; gmdiff's step h is twice BlackJAX's."""
    mala = blackjax.mala(log_density, step / 2.0)

    @jax.jit
    def run(key, x):
        def one_step(states, key):
            keys = jax.random.split(key, chains)
            states, _ = jax.vmap(mala.step)(keys, states)
            return states, None

        states, _ = jax.lax.scan(one_step, jax.vmap(mala.init)(x), jax.random.split(key, STEPS))
        return states.position

    x = jax.random.normal(jax.random.key(0), (chains, dim), jnp.float32)
    run(jax.random.key(1), x).block_until_ready()  # compiles
    begin = time.perf_counter()
    run(jax.random.key(2), x).block_until_ready()
    return STEPS * chains / (time.perf_counter() - begin)


def gmdiff_rate(executable, name):
    text = subprocess.run([executable, f"--benchmark_filter=^cpu/{name}/", "--benchmark_format=json"],
                          check=True, capture_output=True, text=True).stdout
    (one,) = json.loads(text)["benchmarks"]
    return one["chain_steps_per_second"]


def processor():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", help="path of gmdiff_mcmc_bench")
    parser.add_argument("--gmdiff", required=True, help="path of the command gmdiff")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", help="file for the JSON object")
    arguments = parser.parse_args()
    problem = json.loads(subprocess.run([arguments.gmdiff, "problem", "bench-2d"], check=True, capture_output=True,
                                        text=True).stdout)
    cases = {
        "mala/bench-2d/f32/chains:100000": (*bench_2d(problem), 0.5, (1_000, 10_000)),
        "mala/sin-gaussian/f32/chains:100000": (*sin_gaussian(), 0.5, (1_000, 10_000)),
        "mala/logistic/N:1000/d:25/f32/chains:1000": (*logistic(), 0.01, (100, 1_000)),
    }
    table = []
    for name, (log_density, dim, step, numbers) in cases.items():
        ours, theirs = [], {chains: [] for chains in numbers}
        for _ in range(arguments.rounds):  # in turn, so that both see the same state of the machine
            ours.append(gmdiff_rate(arguments.bench, name))
            for chains in numbers:
                theirs[chains].append(blackjax_rate(log_density, dim, step, chains))
        best = max(numbers, key=lambda chains: statistics.median(theirs[chains]))
        table.append({
            "name": name,
            "gmdiff_chain_steps_per_second": statistics.median(ours),
            "blackjax_chain_steps_per_second": statistics.median(theirs[best]),
            "blackjax_chains": best,
            "ratio": statistics.median(ours) / statistics.median(theirs[best]),
        })
    result = {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "date": time.strftime("%Y-%m-%d"),
        "rounds": arguments.rounds,
        "blackjax": blackjax.__version__,
        "jax": jax.__version__,
        "rows": table,
    }
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.out:
        with open(arguments.out, "w", encoding="utf-8") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    main()
