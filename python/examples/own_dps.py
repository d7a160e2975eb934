"""A variant of diffusion posterior sampling in the table beside the built-in samplers.

    python python/examples/own_dps.py

DPS (Chung et al. 2022) moves every unguided step against the gradient of |y - A D(x)|^2. The variant here
shortens the move as the noise falls, in proportion to sigma.
"""

import gmdiff as gd
import numpy as np


def annealed_dps(problem, count, seed, zeta=2.0):
    """A sampler for `compare`: samples (count, d) of the problem's posterior."""
    process = gd.ForwardProcess(problem.process)
    levels = gd.TimeGrid(process, problem.grid, problem.observation).levels
    A, y = problem.observation.A, problem.observation.y
    rng = np.random.default_rng(seed)
    x = gd.draw(problem.prior, levels[0], count=count, seed=seed, precision="f64").numpy()
    for now, then in zip(levels[:-1], levels[1:], strict=True):
        denoised = problem.prior.denoiser(x, now)
        residual = y - denoised @ A.T
        # The Jacobian of a mixture's denoiser is symmetric, so its product is also that of the transpose.
        gradient = -2.0 * problem.prior.denoiser_jvp(x, residual @ A, now)
        length = np.linalg.norm(residual, axis=1, keepdims=True)
        noise = (x - now.alpha * denoised) / now.sigma
        fresh = rng.standard_normal(x.shape)
        kept = np.sqrt(1.0 - 0.5**2)
        x = then.alpha * denoised + then.sigma * (kept * noise + 0.5 * fresh)
        x -= zeta * then.sigma * gradient / np.maximum(length, 1e-12)
    return x


def main():
    problem = gd.ready_made_problem("tutorial-2d")
    samplers = {
        "annealed DPS": annealed_dps,
        "DPS": gd.Dps(zeta=0.5),
        "TMP": gd.Tmp(),
        "MCGdiff": gd.Mcgdiff(particles=64),
        "exact draws": "draw",
    }
    print(gd.compare({"tutorial": problem}, samplers, count=1000, seed=1))


if __name__ == "__main__":
    main()
