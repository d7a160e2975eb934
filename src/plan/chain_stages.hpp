#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <gmdiff/plan/program.hpp>
#include <gmdiff/sampler/mcmc.hpp>

// The stages of Markov chains (mathematics.md §12.1).

namespace gmdiff::mcmc {

/// Vectors of a chain that evaluates its target. `gradient` is L^T g, `noise` holds z of a Langevin proposal
/// or the velocity before a trajectory, and `preconditioned` a product with L. Of proximal chains, `gradient`
/// is the drift b and `preconditioned` the result of the proximal map. `first_velocity` is that of a kinetic
/// chain which searches for a step.
enum ChainVector {
  state,
  gradient,
  proposal,
  proposed_gradient,
  noise,
  velocity,
  preconditioned,
  first_velocity
};

/// Number of L, if there is one, among the plan's matrices.
constexpr int preconditioner = 0;

/// Proximal map of a prior, and the parameter theta of its Moreau envelope.
struct Moreau {
  ProximalMap map;
  double strength, theta;
};

/// A factor of a combination: a number, or a function of the step that every chain has of its own.
struct Amount {
  double number;
  StepFactor of_step = StepFactor::none;
};

/// The step of a chain: a number, or eps of its own.
struct StepLength {
  std::optional<double> given;

  /// fraction h, where h is a time
  Amount time(double fraction) const {
    return given ? Amount{fraction * *given} : Amount{fraction, StepFactor::linear};
  }
  /// fraction h, where h is eps^2
  Amount square(double fraction) const {
    return given ? Amount{fraction * *given} : Amount{fraction, StepFactor::square};
  }
  /// fraction sqrt(h), where h is eps^2
  Amount root(double fraction) const;
};

/// Whether a Metropolis step moves the chain.
using Moves = Accept::Moves;

/// The stages of a chain, one after the other.
class Stages {
 public:
  explicit Stages(const ChainRun& run, const std::optional<Moreau>& moreau = {})
      : has_preconditioner_(run.preconditioner.size() > 0), moreau_(moreau) {}

  std::vector<Stage> take() { return std::move(stages_); }

  void add(Stage stage) { stages_.push_back(std::move(stage)); }
  void copy(int to, int from) { add(Combine{.to = to, .terms = {{from, 1.0}}}); }
  /// l, and L^T g
  void evaluate_state() { evaluate({.from = state, .to = gradient}); }
  void evaluate_proposal() { evaluate({.from = proposal, .to = proposed_gradient, .is_proposal = true}); }
  /// v <- v + t L^T g
  void kick(Amount t, int gradient);
  /// to <- from + t L v
  void drift(int to, int from, Amount t, int v);
  /// v <- C v + sqrt(1 - C^2) z with C = exp(-friction fraction h)
  void refresh(double friction, const StepLength& h, double fraction, int draws = 1, int draw = 0);

  /// x' = x + L ((h/2) L^T g + sqrt(h) z), with its ratio. h = eps^2.
  void langevin_step(const StepLength& h, Moves moves, NoiseStream stream = NoiseStream::step);
  /// `leapfrogs` leapfrogs from (x, v) to (x', v'), where v' replaces v, and their Metropolis step.
  void trajectory(const StepLength& h, int leapfrogs, Moves moves = Moves::if_accepted);
  /// 1 + floor(U (2 leapfrogs - 1) / 2^64) leapfrogs from (x, v) to (x', v'), with the trajectory number U of
  /// the chain, and their Metropolis step. Chains that have arrived wait for the others.
  void random_trajectory(const StepLength& h, int leapfrogs);

 private:
  void evaluate(EvaluateTarget stage);
  void evaluate_drift(const EvaluateTarget& stage);
  void accept(Accept stage, Moves moves);
  void energy_step(Moves moves);

  bool has_preconditioner_;
  std::optional<Moreau> moreau_;
  /// The kicks and drifts concern chains whose trajectory number is not below it.
  std::uint64_t threshold_ = 0;
  std::vector<Stage> stages_;
};

}  // namespace gmdiff::mcmc
