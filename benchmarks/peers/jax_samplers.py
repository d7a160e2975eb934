#!/usr/bin/env python3
"""Training of samplers of the funnel in JAX and by gmdiff in turn, on one machine, in float32.

    python3 -m venv peers && peers/bin/pip install jax
    peers/bin/python benchmarks/peers/jax_samplers.py build/bench/benchmarks/gmdiff_train_bench --out FILE

The work is that of gmdiff_train_bench: iterations of DIS and DBS from a mixture of 10 components, 128 steps, 2000
paths, networks with two hidden layers of 128 units (docs/mathematics.md, sections 17.7 to 17.11). Compile time is not
counted. JAX runs in two arrangements:

    shared   drift and networks are evaluated once for each state, the time encoder once for each iteration, and the
             backward pass computes the steps again instead of storing them; the fastest arrangement that was found
    plain    as the formulas read: drift and networks are evaluated where they occur, the time encoder in each step

Prints one JSON object.
"""

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import time

import jax
import jax.numpy as jnp

DIM, HIDDEN, COMPONENTS, STEPS, BATCH = 10, 128, 10, 128, 2000
ITERATIONS = 4
FREQUENCIES = jnp.linspace(0.1, 100.0, HIDDEN)
softplus = jax.nn.softplus


def log_rho(x):
    """The funnel with scale 3."""
    squares = jnp.sum(x[1:] ** 2)
    return (-x[0] ** 2 / 18 - math.log(3.0) - DIM / 2 * math.log(2 * math.pi) - (DIM - 1) / 2 * x[0]
            - jnp.exp(-x[0]) * squares / 2)


def start_network(key):
    keys = jax.random.split(key, 5)

    def dense(number, inputs, outputs, fan_in):
        return jax.random.normal(keys[number], (inputs, outputs)) / math.sqrt(fan_in)

    return {"phase": jnp.zeros(HIDDEN), "K1": dense(0, 2 * HIDDEN, HIDDEN, 2 * HIDDEN), "b1": jnp.zeros(HIDDEN),
            "K2": dense(1, HIDDEN, HIDDEN, HIDDEN), "b2": jnp.zeros(HIDDEN),
            "Kx": dense(2, DIM, HIDDEN, DIM + HIDDEN), "Kt": dense(3, HIDDEN, HIDDEN, DIM + HIDDEN),
            "c1": jnp.zeros(HIDDEN), "V2": dense(4, HIDDEN, HIDDEN, HIDDEN), "c2": jnp.zeros(HIDDEN),
            "U": jnp.full((HIDDEN, DIM), 1e-8), "cU": jnp.zeros(DIM)}


def gelu(a):
    return jax.nn.gelu(a, approximate=True)


def time_code(net, n):
    """T of steps n, of any shape."""
    angles = jnp.asarray(n)[..., None] * FREQUENCIES + net["phase"]
    features = jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=-1)
    tau = gelu(features @ net["K1"] + net["b1"]) @ net["K2"] + net["b2"]
    return tau @ net["Kt"] + net["c1"]


def network(net, code, x):
    h = gelu(gelu(x @ net["Kx"] + code) @ net["V2"] + net["c2"])
    return jnp.clip(h @ net["U"] + net["cU"], -1e4, 1e4)


def log_start(p, x):
    std = softplus(p["s"])
    each = (-0.5 * jnp.sum(((x - p["mu"]) / std) ** 2, axis=-1) - jnp.sum(jnp.log(std), axis=-1)
            - DIM / 2 * math.log(2 * math.pi) - math.log(COMPONENTS))
    return jax.nn.logsumexp(each)


score_start = jax.vmap(jax.grad(log_start, argnums=1), in_axes=(None, 0))
score_target = jax.vmap(jax.grad(log_rho))


def drift(method, p, beta, x):
    if method == "dis":
        return score_start(p, x)
    return beta * score_target(x) + (1 - beta) * score_start(p, x)


def annealing(p):
    beta = jnp.cumsum(softplus(p["b"])) / jnp.sum(softplus(p["b"]))
    beta = beta.at[0].set(jax.lax.stop_gradient(beta[0])).at[-1].set(1.0)
    return jnp.append(beta, 1.0)


def loss(method, arrangement, p, key):
    """-ELBO of a batch of paths."""
    component, start, noise = jax.random.split(key, 3)
    k = jax.random.randint(component, (BATCH,), 0, COMPONENTS)
    x = p["mu"][k] + softplus(p["s"])[k] * jax.random.normal(start, (BATCH, DIM))
    t = (STEPS - jnp.arange(STEPS)) / STEPS
    c = 0.99 * jnp.cos(math.pi / 2 * (1.008 - t) / 1.008) ** 2 + 0.01
    eta = softplus(p["dt"]) * c[:, None] / softplus(p["fr"])
    beta = annealing(p)
    codes = {name: time_code(p[name], jnp.arange(STEPS + 1)) for name in ("u", "v") if name in p}

    def control(name, n, x):
        if name not in p:
            return 0.0
        code = codes[name][n] if arrangement == "shared" else time_code(p[name], n)
        return network(p[name], code, x)

    def both(n, x):
        f = drift(method, p, beta[n], x)
        return f + control("u", n, x), f + control("v", n, x)

    def move(n, x, forward):
        xi = jax.random.normal(jax.random.fold_in(noise, n), x.shape)
        return xi, x + eta[n] * forward + jnp.sqrt(2 * eta[n]) * xi

    def cost(n, xi, g):
        return jnp.sum(jnp.sqrt(eta[n] / 2) * xi * g + eta[n] / 4 * g * g, axis=1)

    def shared_step(carry, n):
        x, forward, total = carry
        xi, y = move(n, x, forward)
        next_forward, backward = both(n + 1, y)
        return (y, next_forward, total + cost(n, xi, forward + backward)), None

    def plain_step(carry, n):
        x, total = carry
        forward = drift(method, p, beta[n], x) + control("u", n, x)
        xi, y = move(n, x, forward)
        backward = drift(method, p, beta[n + 1], y) + control("v", n + 1, y)
        return (y, total + cost(n, xi, forward + backward)), None

    total = jax.vmap(log_start, in_axes=(None, 0))(p, x)
    if arrangement == "shared":
        (x, _, total), _ = jax.lax.scan(jax.checkpoint(shared_step), (x, both(0, x)[0], total), jnp.arange(STEPS))
    else:
        (x, total), _ = jax.lax.scan(plain_step, (x, total), jnp.arange(STEPS))
    return jnp.mean(total - jax.vmap(log_rho)(x))


def start(method, key):
    keys = jax.random.split(key, 3)

    def raw(y):
        return math.log(math.expm1(y))

    p = {"mu": jax.random.normal(keys[0], (COMPONENTS, DIM)), "s": jnp.full((COMPONENTS, DIM), raw(1.0)),
         "dt": jnp.float32(raw(0.01)), "fr": jnp.full(DIM, raw(1.0)), "b": jnp.ones(STEPS),
         "u": start_network(keys[1])}
    if method == "dbs":
        p["v"] = start_network(keys[2])
    return p


def adam(state, gradient, rate=5e-4):
    t, m, v, p = state
    t = t + 1
    gradient = jax.tree.map(lambda g: jnp.clip(jnp.nan_to_num(g), -1.0, 1.0), gradient)
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradient)
    step = rate / (1 - 0.9 ** t)
    p = jax.tree.map(lambda p, m, v: p - step * m / (jnp.sqrt(v / (1 - 0.999 ** t)) + 1e-8), p, m, v)
    return t, m, v, p


def jax_trainer(method, arrangement):
    """A function that runs iterations and returns seconds per iteration; compiles on the first call."""

    @jax.jit
    def iterate(state, key):
        value, gradient = jax.value_and_grad(lambda p: loss(method, arrangement, p, key))(state[3])
        return adam(state, gradient), value

    p = start(method, jax.random.key(0))
    zero = jax.tree.map(jnp.zeros_like, p)
    state, _ = iterate((0, zero, zero, p), jax.random.key(1))
    jax.block_until_ready(state)

    def run():
        nonlocal state
        begin = time.perf_counter()
        for i in range(ITERATIONS):
            state, value = iterate(state, jax.random.key(2 + i))
        jax.block_until_ready(state)
        assert math.isfinite(float(value)), f"{method}, {arrangement}: the loss is {float(value)}"
        return (time.perf_counter() - begin) / ITERATIONS

    return run


def gmdiff_seconds(executable, name):
    text = subprocess.run([executable, f"--benchmark_filter=^{name}/", "--benchmark_format=json"], check=True,
                          capture_output=True, text=True).stdout
    (one,) = json.loads(text)["benchmarks"]
    return 1.0 / one["iterations_per_second"]


def processor():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def measure(bench, method, rounds):
    name = f"funnel/{method}/f32/batch:{BATCH}/steps:{STEPS}"
    trainers = {arrangement: jax_trainer(method, arrangement) for arrangement in ("shared", "plain")}
    ours, theirs = [], {arrangement: [] for arrangement in trainers}
    for _ in range(rounds):  # in turn, so that both see the same state of the machine
        ours.append(gmdiff_seconds(bench, name))
        for arrangement, run in trainers.items():
            theirs[arrangement].append(run())
    row = {"name": name, "gmdiff_seconds_per_iteration": statistics.median(ours)}
    for arrangement, seconds in theirs.items():
        row[f"jax_{arrangement}_seconds_per_iteration"] = statistics.median(seconds)
        row[f"ratio_to_{arrangement}"] = statistics.median(seconds) / statistics.median(ours)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", help="path of gmdiff_train_bench")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", help="file for the JSON object")
    arguments = parser.parse_args()
    result = {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "date": time.strftime("%Y-%m-%d"),
        "rounds": arguments.rounds,
        "jax": jax.__version__,
        "rows": [measure(arguments.bench, method, arguments.rounds) for method in ("dis", "dbs")],
    }
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.out:
        with open(arguments.out, "w", encoding="utf-8") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    main()
