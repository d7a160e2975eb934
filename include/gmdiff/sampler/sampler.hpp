#pragma once

#include <limits>
#include <variant>

// Descriptions of the reverse-time samplers, with the papers' names and defaults (mathematics.md §5). Problem
// files use `name`. Common parameters:
//   churn, churn_noise     S_churn and S_noise of Karras et al. (2022), Algorithm 2
//   churn_min, churn_max   S_min and S_max of the same, in n = sigma / alpha
//   start                  law of the first state (§5.2)
//   finish                 the last step to sigma = 0

namespace gmdiff {

/// Law of the first state: the exact p_T, or the customary N(0, sigma_T^2 I) (mathematics.md §5.2).
enum class Start { exact, gaussian };
/// Last step to sigma = 0: `denoise` sets x to D(x), `step` applies the sampler's own row
/// (mathematics.md §5).
enum class Finish { denoise, step };

/// Exact reverse transition of a mixture prior: every marginal is exact on any grid (§5.1).
struct ExactTransition {
  static constexpr const char* name = "exact-transition";
  Start start = Start::exact;
};

/// Ancestral sampling of Ho et al. (2020); `small` is the posterior variance, `large` the forward one.
struct Ancestral {
  static constexpr const char* name = "ancestral";
  enum class Variance { small, large } variance = Variance::small;
  double churn = 0.0, churn_min = 0.0, churn_max = std::numeric_limits<double>::infinity(), churn_noise = 1.0;
  Start start = Start::exact;
};

/// DDIM (Song, Meng & Ermon 2021). Range: eta in [0, 1].
struct Ddim {
  static constexpr const char* name = "ddim";
  double eta = 0.0;
  double churn = 0.0, churn_min = 0.0, churn_max = std::numeric_limits<double>::infinity(), churn_noise = 1.0;
  Start start = Start::exact;
};

/// Euler-Maruyama on the family of reverse SDEs `dx = [f x - (1 + zeta^2)/2 g^2 score] dt + zeta g dW`;
/// zeta >= 0, 1 is the reverse SDE.
struct EulerMaruyama {
  static constexpr const char* name = "euler-maruyama";
  double zeta = 1.0;
  double churn = 0.0, churn_min = 0.0, churn_max = std::numeric_limits<double>::infinity(), churn_noise = 1.0;
  Start start = Start::exact;
  Finish finish = Finish::denoise;
};

/// Euler on the probability-flow ODE in t (Song et al. 2021).
struct Euler {
  static constexpr const char* name = "euler";
  double churn = 0.0, churn_min = 0.0, churn_max = std::numeric_limits<double>::infinity(), churn_noise = 1.0;
  Start start = Start::exact;
  Finish finish = Finish::denoise;
};

/// Heun on the probability-flow ODE in t, or in n = sigma / alpha (Karras et al. 2022, Algorithm 1). `finish`
/// concerns t alone.
struct Heun {
  static constexpr const char* name = "heun";
  enum class Variable { t, n } variable = Variable::t;
  double churn = 0.0, churn_min = 0.0, churn_max = std::numeric_limits<double>::infinity(), churn_noise = 1.0;
  Start start = Start::exact;
  Finish finish = Finish::denoise;
};

/// DPM-Solver++(2S) (Lu et al. 2022, Algorithm 1). Range: r in (0, 1].
struct Dpmpp2s {
  static constexpr const char* name = "dpmpp-2s";
  double r = 0.5;
  double churn = 0.0, churn_min = 0.0, churn_max = std::numeric_limits<double>::infinity(), churn_noise = 1.0;
  Start start = Start::exact;
};

/// DPM-Solver++(2M) (Lu et al. 2022, Algorithm 2).
struct Dpmpp2m {
  static constexpr const char* name = "dpmpp-2m";
  Start start = Start::exact;
};

/// SDE-DPM-Solver++(2M) (Lu et al. 2022).
struct SdeDpmpp2m {
  static constexpr const char* name = "sde-dpmpp-2m";
  Start start = Start::exact;
};

/// DPM-Solver++(3M), the third order of the multistep method of Lu et al. (2022).
struct Dpmpp3m {
  static constexpr const char* name = "dpmpp-3m";
  Start start = Start::exact;
};

/// UniPC-3 (Zhao et al. 2023) with data prediction and B(h) = exp(-h) - 1: a predictor and a corrector, with
/// one evaluation per step.
struct Unipc3 {
  static constexpr const char* name = "unipc-3";
  Start start = Start::exact;
};

/// Draws x_0 given x_t, then x_s given both by the kernel of DDIM: every marginal is exact on any grid
/// (§5.1). With eta = 1 the kernel is the ancestral one. Range: eta in [0, 1].
struct ExactAncestral {
  static constexpr const char* name = "exact-ancestral";
  double eta = 1.0;
  Start start = Start::exact;
};

/// Draws x_0 given x_t, then x_s given x_0 alone: every marginal is exact on any grid (§5.1).
struct ExactDecoupled {
  static constexpr const char* name = "exact-decoupled";
  Start start = Start::exact;
};

/// The forward equation with the sign of time changed and nothing else: x / alpha gains noise in every step.
/// Its law at the data is the mixture's with every variance too large by 2 (sigma_T / alpha_T)^2 (§5.4), which
/// shows the part that the score has in the reverse equation.
struct NaiveBackward {
  static constexpr const char* name = "naive-backward";
  Start start = Start::exact;
};

/// Annealed Langevin dynamics (Song & Ermon 2019): `inner` unadjusted Langevin steps at each noise level
/// n = sigma / alpha of the grid, from the largest to the smallest, on x / alpha (mathematics.md §5.5). Its law
/// is not that of the data: shares of modes freeze at the level below which no state changes its mode.
struct Annealed {
  static constexpr const char* name = "annealed";
  double relative_step = 0.1;  ///< in (0, 4): r of the step h = r n^2 at level n
  int inner = 100;             ///< >= 1: steps at each level; the run has at most 10^6
  bool denoise = true;         ///< true: the result is the denoiser D of the last state; false: the state
  Start start = Start::gaussian;
};

/// A reverse-time sampler; the first alternative is the default.
using Sampler =
    std::variant<Ddim, ExactTransition, Ancestral, EulerMaruyama, Euler, Heun, Dpmpp2s, Dpmpp2m, SdeDpmpp2m,
                 Dpmpp3m, Unipc3, ExactAncestral, ExactDecoupled, NaiveBackward, Annealed>;

}  // namespace gmdiff
