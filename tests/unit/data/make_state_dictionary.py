"""Writes state_dictionary.npz, as a user of torch does, and tests/golden/imported_denoiser.json with values
of its denoiser.

Made with NumPy 2.4. Run: python3 make_state_dictionary.py
The denoiser is computed in float64 straight from mathematics.md sections 17.1 and 17.4, with the weights in the
layout of torch.nn.Linear: y = W x + b. The module of docs/guide.md with these arrays gives the same values in torch
1.13 to 1e-8, the rounding of its frequencies in float32.
"""

import json

import numpy as np

DIM, HIDDEN, LAYERS = 2, 5, 3
random = np.random.default_rng(7)


def linear(name, outputs, inputs):
    return {name + ".weight": random.normal(0, inputs**-0.5, (outputs, inputs)), name + ".bias": random.normal(0, 0.3, outputs)}


state = {"mean": np.array([0.5, -1.0]), "scale": np.array(1.5), "phase": random.normal(0, 1, HIDDEN)}
state |= linear("time.0", HIDDEN, 2 * HIDDEN) | linear("time.2", HIDDEN, HIDDEN)
state |= linear("net.0", HIDDEN, DIM + HIDDEN)
for l in range(1, LAYERS):
    state |= linear(f"net.{2 * l}", HIDDEN, HIDDEN)
state |= linear(f"net.{2 * LAYERS}", DIM, HIDDEN)
state = {name: values.astype(np.float32) for name, values in state.items()}
np.savez("state_dictionary.npz", **state)

state = {name: values.astype(np.float64) for name, values in state.items()}


def layer(name, x):
    return state[name + ".weight"] @ x + state[name + ".bias"]


def gelu(a):
    return 0.5 * a * (1 + np.tanh(np.sqrt(2 / np.pi) * (a + 0.044715 * a**3)))


def network(x, z):
    w = 2 * np.pi * 2.0 ** (-3 + 5 * np.arange(HIDDEN) / (HIDDEN - 1))
    phi = np.concatenate([np.sin(w * z + state["phase"]), np.cos(w * z + state["phase"])])
    tau = layer("time.2", gelu(layer("time.0", phi)))
    h = np.concatenate([x, tau])
    for l in range(LAYERS):
        h = gelu(layer(f"net.{2 * l}", h))
    return layer(f"net.{2 * LAYERS}", h)


def denoiser(x, alpha, sigma):
    n, sd = sigma / alpha, state["scale"]
    y = x / alpha - state["mean"]
    skip, out, cin = sd**2 / (n**2 + sd**2), n * sd / np.sqrt(n**2 + sd**2), 1 / np.sqrt(n**2 + sd**2)
    return state["mean"] + skip * y + out * network(cin * y, np.log(n) / 4)


cases = []
for alpha, sigma in [(1.0, 0.05), (0.8, 0.6), (0.1, 0.99), (1.0, 20.0)]:
    for x in [np.array([0.3, -0.7]), np.array([-4.0, 2.5])]:
        cases.append({"alpha": alpha, "sigma": sigma, "x": list(x), "D": list(denoiser(x, alpha, sigma))})
with open("../../golden/imported_denoiser.json", "w") as file:
    json.dump({"what": "values of tests/unit/data/state_dictionary.npz by make_state_dictionary.py beside it", "hidden": HIDDEN, "layers": LAYERS, "parametrisation": "edm", "cases": cases}, file, indent=1)
    file.write("\n")
