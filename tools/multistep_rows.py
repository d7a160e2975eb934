#!/usr/bin/env python3
"""Rows of the multistep samplers of order 3 for tests/golden/multistep3.json; needs mpmath (PyPI).

Prints the file. Everything is evaluated from the definitions in 50 digits. The ODE in lambda, the log of
alpha / sigma, has the solution, with h = lambda_s - lambda_t,
  x_s = sigma_s / sigma_t x_t + alpha_s int_0^h exp(tau - h) D(lambda_t + tau) dtau,
and DPM-Solver++(3M) replaces D by the polynomial through the last three values; the integrals of its Lagrange
polynomials are taken by quadrature. UniPC-3 solves the linear system of its paper with B(h) = exp(-h) - 1.
"""
import json
import sys

import mpmath as mp

mp.mp.dps = 50


def vp_linear(t, parameters):
    b0, b1, T = mp.mpf(parameters["beta_min"]), mp.mpf(parameters["beta_max"]), mp.mpf(parameters["T"])
    integral = mp.quad(lambda u: b0 + (b1 - b0) * u / T, [0, t])
    return mp.exp(-integral / 2), mp.sqrt(1 - mp.exp(-integral))


def edm(t, _):
    return mp.mpf(1), mp.mpf(t)


def rectified_flow(t, _):
    return 1 - mp.mpf(t), mp.mpf(t)


processes = {"vp_linear": vp_linear, "edm": edm, "rectified_flow": rectified_flow}


def lagrange_integral(nodes, j, h):
    """int_0^h exp(tau - h) L_j(tau) dtau with L_j = 1 at nodes[j] and 0 at the others."""

    def integrand(tau):
        value = mp.exp(tau - h)
        for i, node in enumerate(nodes):
            if i != j:
                value *= (tau - node) / (nodes[j] - node)
        return value

    return mp.quad(integrand, [0, h])


def first_order(h):
    return [mp.quad(lambda tau: mp.exp(tau - h), [0, h])]


def second_order(nodes, h):
    """The row of dpmpp-2m: the slope of D has half the weight of D."""
    E = 1 - mp.exp(-h)
    slope = E / 2 * h / (nodes[0] - nodes[1])
    return [E + slope, -slope]


def phi(k, z):
    """phi_k(z) = int_0^1 exp((1 - u) z) u^(k - 1) / (k - 1)! du"""
    return mp.quad(lambda u: mp.exp((1 - u) * z) * u ** (k - 1) / mp.factorial(k - 1), [0, 1])


def unipc_weights(nodes, h):
    """Weights of D at `nodes`, of which the first is 0, by the paper's system of order len(nodes) - 1."""
    ratios = [node / h for node in nodes[1:]]
    order = len(ratios)
    z, B = -h, mp.exp(-h) - 1
    R = mp.matrix(order, order)
    b = mp.matrix(order, 1)
    for k in range(order):
        for m, r in enumerate(ratios):
            R[k, m] = r**k
        b[k] = z * phi(k + 2, z) * mp.factorial(k + 1) / B
    rho = mp.lu_solve(R, b) if order > 1 else mp.matrix([mp.mpf(1) / 2])
    differences = [-B * rho[m] / ratios[m] for m in range(order)]
    return [1 - mp.exp(-h) - sum(differences)] + differences


def predictor_weights(nodes, h):
    if len(nodes) == 1:
        return first_order(h)
    return second_order(nodes, h) if len(nodes) == 2 else unipc_weights(nodes, h)


def dpmpp_3m_weights(nodes, h):
    if len(nodes) < 3:
        return predictor_weights(nodes, h)
    return [lagrange_integral(nodes, j, h) for j in range(3)]


def rows(levels):
    """Factor of x_t and weights of D from the newest level to the oldest, for each step and each table."""
    dpmpp, unipc, known = [], [], []
    for i in range(len(levels) - 1):
        (alpha_t, sigma_t), (alpha_s, sigma_s) = levels[i], levels[i + 1]
        if alpha_t == 0 or sigma_s == 0:  # limits; no earlier value is kept over the first
            known = []
            row = [sigma_s / sigma_t, [alpha_s]]
            dpmpp.append(row)
            unipc.append({"predictor": row, "corrector": None})
            continue
        lambda_t, lambda_s = mp.log(alpha_t / sigma_t), mp.log(alpha_s / sigma_s)
        h = lambda_s - lambda_t
        known = [lambda_t] + known[:2]
        nodes = [value - lambda_t for value in known]
        a = sigma_s / sigma_t
        dpmpp.append([a, [alpha_s * w for w in dpmpp_3m_weights(nodes, h)]])
        predictor = [a, [alpha_s * w for w in predictor_weights(nodes, h)]]
        corrector = None
        if i + 2 < len(levels):
            weights = unipc_weights(nodes + [h], h)
            corrector = [a, [alpha_s * w for w in weights[-1:] + weights[:-1]]]
        unipc.append({"predictor": predictor, "corrector": corrector})
    return {"dpmpp_3m": dpmpp, "unipc_3": unipc}


def as_floats(value):
    if isinstance(value, dict):
        return {key: as_floats(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [as_floats(entry) for entry in value]
    return None if value is None else float(value)


def case(name, parameters, times):
    levels = [processes[name](mp.mpf(t), parameters) for t in times]
    return {"name": name, "parameters": parameters, "t": times, "tables": as_floats(rows(levels))}


cases = [
    case("vp_linear", {"beta_min": 0.125, "beta_max": 20, "T": 1}, [1, 0.75, 0.5, 0.3125, 0.125, 0.015625]),
    case("vp_linear", {"beta_min": 0.125, "beta_max": 20, "T": 1}, [1, 0.5, 0.125, 0]),
    case("vp_linear", {"beta_min": 0.125, "beta_max": 20, "T": 1}, [0.75, 0.7421875, 0.734375, 0.7265625]),
    case("edm", {"T": 80}, [80, 20, 5, 1, 0.25, 0.0625, 0]),
    case("edm", {"T": 80}, [8, 7.9990234375, 7.998046875, 7.9970703125, 7.99609375]),
    case("edm", {"T": 80}, [80, 79, 20, 19.5, 2, 1.75, 0.0078125]),
    case("rectified_flow", {"T": 1}, [1, 0.9375, 0.75, 0.5, 0.25, 0.0625, 0]),
]
what = "Rows of multistep samplers of order 3; row j is the step t[j] -> t[j+1]. By tools/multistep_rows.py."
fields = {
    "dpmpp_3m": "[a, weights of D from the newest level to the oldest]",
    "unipc_3": "predictor as above; corrector: [a, weights of D at s and then as above], null at the last"
    " step and at a step from alpha = 0",
}
json.dump({"what": what, "fields": fields, "cases": cases}, sys.stdout, separators=(",", ":"))
print()
