#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gmdiff/model/denoiser.hpp>
#include <gmdiff/model/dynamics.hpp>
#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/nonlinear_observation.hpp>
#include <gmdiff/model/observation.hpp>
#include <gmdiff/model/process.hpp>
#include <gmdiff/model/target.hpp>
#include <gmdiff/model/time_grid.hpp>
#include <gmdiff/sampler/guided.hpp>
#include <gmdiff/sampler/learned.hpp>
#include <gmdiff/sampler/mcmc.hpp>
#include <gmdiff/sampler/sampler.hpp>
#include <gmdiff/sampler/smc.hpp>

namespace gmdiff {

/// Any sampler of a problem: a reverse-time sampler, a Markov chain or a trained sampler, which run on the
/// prior or the exact posterior, or a sequential Monte Carlo or guided sampler, which needs an observation.
using AnySampler = std::variant<Sampler, SmcSampler, GuidedSampler, McmcSampler, LearnedSampler>;
/// Samplers that need no prior.
using TargetSampler = std::variant<McmcSampler, LearnedSampler>;

/// The grid and the times of a Fokker-Planck equation (mathematics.md §14). Empty arrays mean that the caller
/// chooses.
struct DensityDescription {
  Eigen::VectorXd lower = {}, upper = {};  ///< (d) the box
  std::vector<int> cells = {};             ///< (d) number of cells on each axis
  std::vector<double> times = {};          ///< ascending, >= 0
};

/// A denoiser that samplers evaluate in place of that of a problem's prior. The prior stays the law against
/// which samples are judged.
struct GivenDenoiser {
  std::string file = {};  ///< of the learned denoiser; empty for a function of the calling program
  HostDenoiser denoiser;
};

/// The content of a problem file (guide.md, "Problem files"), with the defaults of missing parts.
struct Problem {
  Mixture prior;
  ProcessDescription process = Vp{};
  GridDescription grid = UniformGrid{};
  std::optional<LinearObservation> observation = {};
  AnySampler sampler = Ddim{};
  std::optional<Mixture> start = {};  ///< law at time 0 of the Fokker-Planck equation
  DensityDescription density = {};
  std::optional<GivenDenoiser> denoiser = {};
  /// Settings of a sampler that is to be trained for the law of the problem (`mixture_target`), the posterior
  /// when there is an observation.
  std::optional<SamplerSettings> training = {};
};

/// The content of a problem file with the key `target`: a law that is no mixture, and a sampler of it.
struct TargetProblem {
  Target target;
  TargetSampler sampler = Mala{};
  std::optional<Mixture> start = {};  ///< law at time 0 of the Fokker-Planck equation
  DensityDescription density = {};
  std::optional<SamplerSettings> training = {};  ///< of a sampler that is to be trained
};

/// The content of a problem file whose observation has a map: a mixture prior under a nonlinear observation.
/// Its posterior is no mixture, so it is a type of its own.
struct NonlinearProblem {
  Mixture prior;
  ProcessDescription process = Vp{};
  GridDescription grid = UniformGrid{};
  NonlinearObservation observation;
  AnySampler sampler = Mala{};
  std::optional<Mixture> start = {};  ///< law at time 0 of the Fokker-Planck equation
  DensityDescription density = {};
  std::optional<GivenDenoiser> denoiser = {};
  std::optional<SamplerSettings> training = {};  ///< of a sampler that is to be trained for the posterior
};

/// The posterior. @throws std::invalid_argument if prior and map have different dimensions, and for a prior
///   without density.
Target target_of(const NonlinearProblem& problem);
/// The problem without its observation.
Problem prior_of(const NonlinearProblem& problem);
/// The sampler if it needs no prior.
std::optional<TargetSampler> without_prior(const AnySampler& sampler);
/// Any sampler from one that needs no prior.
AnySampler any_sampler(const TargetSampler& sampler);
/// Whether a sampler takes an observation with a map: a Markov chain, a trained sampler, or a method whose
/// description says so.
bool takes_map(const AnySampler& sampler);
/// @throws std::invalid_argument for a sampler that does not; the message names those that do.
void check_takes_map(const AnySampler& sampler);

/// The content of a problem file with the key `dynamics`: an SDE or ODE, which `forward` runs.
struct DynamicsProblem {
  Dynamics dynamics;
};

/// The content of any problem file.
using AnyProblem = std::variant<Problem, TargetProblem, DynamicsProblem, NonlinearProblem>;

/// The 1-D problem of the tutorial (docs/guide.md): three components observed at 0.5; VP with linear beta
/// 0.02 ... 7, 300 uniform steps.
Problem tutorial_1d();
/// The 2-D problem of the tutorial: two components, the first coordinate is observed; process and grid as in
/// 1-D.
Problem tutorial_2d();
/// The problem of all speed figures: three full components in 2-D, VP, 300 Euler-Maruyama steps.
Problem bench_2d();
/// The ready-made problems without parameters: those above, `course-three` (three Gaussians in 2-D),
/// `course-sine` (1000 narrow Gaussians on a sine), and targets for Markov chains: `course-sin` (a Gaussian
/// with a ripple), `banana`, `funnel`, `many-well`, `student-t-mixture`, `seeds`, `brownian`; `gmm40`, 40
/// Gaussians in 2-D; and `course-range`, a position in 2-D whose distances to two anchors are observed.
std::vector<std::string> problem_names();
/// A problem of that name. @throws std::invalid_argument for an unknown name.
AnyProblem ready_made_problem(const std::string& name);
/// Parameters of the benchmark of the MCGdiff paper (mathematics.md §7.8): 25 components, linear observation
/// drawn from `seed`. Range: dx even, at most 10000; 1 <= dy <= dx.
struct McgdiffProblem {
  int dx = 8;
  int dy = 2;
  std::uint64_t seed = 0;
  int points = 21;  ///< levels of the adapted grid, which has points - 1 steps
};
/// The benchmark problem; it depends only on the parameters, since every random array has its own stream
/// (numerics.md §5, purpose "user").
/// @throws std::invalid_argument for parameters out of range.
Problem mcgdiff_problem(const McgdiffProblem& parameters);

}  // namespace gmdiff
