"""A score network of PyTorch in the samplers of gmdiff, judged against the exact law.

    python python/examples/torch_score.py

The network sees draws of a mixture alone. Its samples are judged against the mixture itself.
"""

import gmdiff as gd
import torch


class Score(torch.nn.Module):
    """The score s(x, sigma) of p_t for alpha = 1, as -eps(x, sigma) / sigma with a network for the noise."""

    def __init__(self, dim, width=64):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(dim + 1, width),
            torch.nn.SiLU(),
            torch.nn.Linear(width, width),
            torch.nn.SiLU(),
            torch.nn.Linear(width, dim),
        )

    def noise(self, x, sigma):
        scaled = x / torch.sqrt(1.0 + sigma**2)
        return self.layers(torch.cat([scaled, torch.log(sigma) / 4.0], dim=1))

    def forward(self, x, sigma):
        return -self.noise(x, sigma) / sigma


def train(data, iterations=1500, batch=256, sigma_min=0.02, sigma_max=10.0, seed=0):
    """A score from data (n, d), by denoising score matching with log-uniform sigma."""
    torch.manual_seed(seed)
    model = Score(data.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    ends = torch.log(torch.tensor([sigma_min, sigma_max]))
    for iteration in range(iterations):
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * (1.0 - iteration / iterations)
        x = data[torch.randint(len(data), (batch,))]
        sigma = torch.exp(ends[0] + (ends[1] - ends[0]) * torch.rand(batch, 1))
        eps = torch.randn_like(x)
        loss = ((model.noise(x + sigma * eps, sigma) - eps) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def as_denoiser(model):
    """The network as a function of (x, level) for `Denoiser`."""

    @torch.no_grad()
    def score(x, level):
        rows = torch.from_dlpack(x).float()
        return model(rows, torch.full((len(rows), 1), level.sigma)).double()

    return gd.Denoiser(score, kind="score", id="torch MLP")


def main(iterations=1500):
    law = gd.ready_made_problem("course-three").prior
    data = torch.from_dlpack(gd.draw(law, count=20_000, seed=1))
    denoiser = as_denoiser(train(data, iterations))
    # The noise of the network's smallest level stays in the samples.
    grid = gd.KarrasGrid(20, n_min=0.02, n_max=10.0)
    x = gd.sample(
        denoiser, gd.Edm(10.0), grid, gd.Heun(variable="n", start="gaussian"), dim=2, count=2000, seed=2
    )
    judgement = gd.judge(x, law, seed=3)[0]
    print(f"sliced W1 {judgement.value:.3f}, of exact draws {judgement.floor:.3f}")
    return judgement


if __name__ == "__main__":
    main()
