#!/usr/bin/env python3
"""Minimax coefficients of particle/elementary.hpp; needs mpmath (PyPI). Takes a few minutes.

Each polynomial is fitted by Remez's exchange in 40 digits; its coefficients are rounded to the type one after the other, from the
lowest degree up, the rest being fitted anew each time. Prints hexadecimal coefficients and the largest relative error of the fit.
The logarithm in float is fitted by weighted least squares at Chebyshev nodes, because its weight vanishes inside the interval.
"""
import struct

import mpmath as mp

mp.mp.dps = 40


def to_float(x):
    return struct.unpack("f", struct.pack("f", float(x)))[0]


def remez(f, weight, degrees, lo, hi):
    """Coefficients c minimising the largest |weight (sum_j c_j x^degrees[j] - f)| on [lo, hi], and that error."""
    m = len(degrees) + 1
    nodes = [(lo + hi) / 2 + (hi - lo) / 2 * mp.cos(mp.pi * (m - i - mp.mpf(1) / 2) / m) for i in range(m)]
    grid = [lo + (hi - lo) * mp.mpf(i) / 2000 for i in range(2001)]
    for _ in range(30):
        A = mp.matrix(m, m)
        b = mp.matrix(m, 1)
        for r, x in enumerate(nodes):
            for c, degree in enumerate(degrees):
                A[r, c] = x**degree
            A[r, m - 1] = (-1) ** r / weight(x)
            b[r] = f(x)
        solution = mp.lu_solve(A, b)
        error = [weight(x) * (sum(solution[c] * x**degree for c, degree in enumerate(degrees)) - f(x)) for x in grid]
        segments = [[0]]
        for j in range(1, len(grid)):
            if (error[j] >= 0) != (error[j - 1] >= 0):
                segments.append([])
            segments[-1].append(j)
        extrema = [max(segment, key=lambda j: abs(error[j])) for segment in segments]
        while len(extrema) > m:
            extrema.pop(0 if abs(error[extrema[0]]) < abs(error[extrema[-1]]) else -1)
        if len(extrema) < m:
            break
        moved = max(abs(grid[j] - x) for j, x in zip(extrema, nodes))
        nodes = [grid[j] for j in extrema]
        if moved < (hi - lo) / 1980:
            break
    return [solution[c] for c in range(len(degrees))], max(abs(e) for e in error)


def least_squares(f, weight, degrees, lo, hi, points=80):
    nodes = [(lo + hi) / 2 + (hi - lo) / 2 * mp.cos(mp.pi * (i + mp.mpf(1) / 2) / points) for i in range(points)]
    A = mp.matrix(points, len(degrees))
    b = mp.matrix(points, 1)
    for r, x in enumerate(nodes):
        for c, degree in enumerate(degrees):
            A[r, c] = weight(x) * x**degree
        b[r] = weight(x) * f(x)
    solution = list(mp.qr_solve(A, b)[0])
    worst = max(abs(weight(x) * (sum(c * x**d for c, d in zip(solution, degrees)) - f(x))) for x in nodes)
    return solution, worst


def fit(name, f, weight, degrees, lo, hi, rounding, method=remez):
    fixed = []
    for i in range(len(degrees)):
        rest = lambda x: f(x) - sum(c * x ** degrees[j] for j, c in enumerate(fixed))
        solution, error = method(rest, weight, degrees[i:], lo, hi)
        fixed.append(rounding(solution[0]))
    print(name, ", ".join(float(c).hex() for c in fixed), "error", mp.nstr(error, 3))


def interpolate(name, f, degree, lo, hi):
    """Interpolates f at Chebyshev nodes, where the interval is too long for the fit of one coefficient after the other."""
    n = degree + 1
    nodes = [(lo + hi) / 2 + (hi - lo) / 2 * mp.cos(mp.pi * (i + mp.mpf(1) / 2) / n) for i in range(n)]
    A = mp.matrix(n, n)
    for r, x in enumerate(nodes):
        for c in range(n):
            A[r, c] = x**c
    solution = [float(c) for c in mp.lu_solve(A, mp.matrix([f(x) for x in nodes]))]
    grid = [lo + (hi - lo) * mp.mpf(i) / 2000 for i in range(2001)]
    error = max(abs(sum(c * x**j for j, c in enumerate(solution)) / f(x) - 1) for x in grid)
    print(name, ", ".join(c.hex() for c in solution), "error", mp.nstr(error, 3))


def sine(x):
    """sin(2 pi sqrt x) / sqrt x."""
    return mp.sin(2 * mp.pi * mp.sqrt(x)) / mp.sqrt(x) if x > 0 else 2 * mp.pi


def cosine(x):
    """(cos(2 pi sqrt x) - 1) / x."""
    return (mp.cos(2 * mp.pi * mp.sqrt(x)) - 1) / x if x > mp.mpf("1e-20") else -2 * mp.pi**2


def sine_rest(x):
    """(sin(sqrt x) / sqrt x - 1) / x."""
    return (mp.sin(mp.sqrt(x)) / mp.sqrt(x) - 1) / x if x > mp.mpf("1e-20") else -mp.mpf(1) / 6


def cosine_rest(x):
    """(cos(sqrt x) - 1 + x / 2) / x^2."""
    return (mp.cos(mp.sqrt(x)) - 1 + x / 2) / x**2 if x > mp.mpf("1e-12") else mp.mpf(1) / 24


def artanh(x):
    """(2 artanh(sqrt x) - 2 sqrt x) / sqrt(x)^3."""
    return (2 * mp.atanh(mp.sqrt(x)) - 2 * mp.sqrt(x)) / mp.sqrt(x) ** 3 if x > mp.mpf("1e-15") else mp.mpf(2) / 3


def logarithm(x):
    """(log(1 + x) - x + x^2 / 2) / x^3."""
    return (mp.log(1 + x) - x + x * x / 2) / x**3


def mills(y):
    """Phi(-t) e^(t^2/2) (t + 5), t = 5 (1 + y) / (1 - y)."""
    t = 5 * (1 + y) / (1 - y)
    return mp.erfc(t / mp.sqrt(2)) / 2 * mp.exp(t * t / 2) * (t + 5)


half_ln2 = mp.log(2) / 2 * mp.mpf("1.0001")
eighth = mp.mpf(1) / 64
near_half, near_two = mp.sqrt(mp.mpf(1) / 2) - 1, mp.sqrt(2) - 1
largest_s = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2
cosine_weight = lambda x: (x + mp.mpf("1e-9")) / mp.cos(2 * mp.pi * mp.sqrt(x))

for bits, rounding, terms in ((32, to_float, 5), (64, float, 10)):
    fit(f"exp {bits}", lambda r: mp.exp(r) - 1 - r, lambda r: mp.exp(-r), range(2, 2 + terms), -half_ln2, half_ln2, rounding)
for bits, rounding, terms in ((32, to_float, 4), (64, float, 7)):
    fit(f"sine {bits}", sine, lambda x: 1 / sine(x), range(terms), mp.mpf(0), eighth, rounding)
for bits, rounding, terms in ((32, to_float, 4), (64, float, 7)):
    fit(f"cosine {bits}", cosine, cosine_weight, range(terms), mp.mpf(0), eighth, rounding)
quarter_pi = (mp.pi / 4) ** 2 * mp.mpf("1.0001")
for bits, rounding, terms in ((32, to_float, 3), (64, float, 6)):
    fit(f"sine in radians {bits}", sine_rest, lambda x: x + mp.mpf("1e-6"), range(terms), mp.mpf(0), quarter_pi, rounding)
for bits, rounding, terms in ((32, to_float, 3), (64, float, 6)):
    fit(f"cosine in radians {bits}", cosine_rest, lambda x: x * x + mp.mpf("1e-6"), range(terms), mp.mpf(0), quarter_pi, rounding)
fit("log 64", artanh, lambda x: x / 2 + mp.mpf("1e-6"), range(7), mp.mpf(0), largest_s, float)
fit("log 32", logarithm, lambda x: abs(x**3 / mp.log(1 + x)), range(8), near_half, near_two, to_float, least_squares)
interpolate("normal tail 64", mills, 22, mp.mpf(-1), mp.mpf(7) / 9)
