"""README's example in Python: sample a posterior by DDIM and judge the samples against the exact one."""

import gmdiff as gd

prior = gd.Mixture([0.6, 0.4], [[0, 0], [2, 2]], gd.Covariance.spherical([0.5, 0.8]))
observation = gd.LinearObservation([[1, 0]], [1.5], noise_std=0.1)
process, grid = gd.Vp(gd.LinearBeta(0.02, 7.0)), gd.UniformGrid(300)

x = gd.sample(prior, process, grid, gd.Ddim(eta=0.0), observation=observation, count=2000, seed=7)
exact = gd.posterior(prior, observation)
w1 = gd.judge(x, exact.mixture, "sw", seed=8)[0]

weights = " ".join(f"{weight:.3g}" for weight in exact.mixture.weights)
print(f"log-evidence {exact.log_evidence:.3g}, weights {weights}")
print(f"sliced W1 {w1.value:.3g}, of exact draws {w1.floor:.3g}")
