"""A denoiser of JAX, with the derivative that guided samplers need.

    python python/examples/jax_denoiser.py

The denoiser here is that of a Gaussian mixture, so that the built-in one shows the difference.
"""

import gmdiff as gd
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

WEIGHTS, MEANS, VARIANCES = [0.6, 0.4], [[0.0, 0.0], [2.0, 2.0]], [0.5, 0.8]


@jax.jit
def denoiser(x, alpha, sigma):
    """E[x_0 | x_t = x] of each row of x (n, d) (mathematics.md §2.3)."""
    means, variances = jnp.array(MEANS), jnp.array(VARIANCES)
    total = alpha**2 * variances + sigma**2
    offsets = x[:, None, :] - alpha * means
    logits = (
        jnp.log(jnp.array(WEIGHTS)) - (offsets**2).sum(-1) / (2 * total) - 0.5 * x.shape[1] * jnp.log(total)
    )
    of_components = means + (alpha * variances / total)[:, None] * offsets
    return (jax.nn.softmax(logits)[..., None] * of_components).sum(1)


@jax.jit
def transposed_product(x, v, alpha, sigma):
    """J^T v of each row, J = dD/dx."""
    return jax.vjp(lambda x: denoiser(x, alpha, sigma), x)[1](v)[0]


def main():
    prior = gd.Mixture(WEIGHTS, MEANS, gd.Covariance.spherical(VARIANCES))
    observation = gd.LinearObservation([[1.0, 0.0]], [1.5], 0.1)
    own = gd.Denoiser(
        lambda x, level: denoiser(x, level.alpha, level.sigma),
        vjp=lambda x, v, level: transposed_product(x, v, level.alpha, level.sigma),
        id="mixture in JAX",
    )
    process, grid, sampler = gd.Vp(gd.LinearBeta(0.02, 20.0)), gd.UniformGrid(50), gd.Dps(zeta=0.5)
    options = {"observation": observation, "count": 1000, "seed": 1, "precision": "f64"}
    x = gd.sample(prior, process, grid, sampler, denoiser=own, **options)
    built_in = gd.sample(prior, process, grid, sampler, **options)
    difference = np.abs(x.numpy() - built_in.numpy()).max()
    print(f"largest difference to the built-in denoiser: {difference:.1e}")
    return difference


if __name__ == "__main__":
    main()
