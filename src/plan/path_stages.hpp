#pragma once

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <utility>
#include <vector>

#include <gmdiff/plan/plan.hpp>

#include "plan/dynamics_stages.hpp"

// The parts of which the steps of paths are written (mathematics.md §16.2).

namespace gmdiff::schemes {

/// Steps of the finer run, whose Brownian motion the paths have, in one step.
inline int path_refinement(const Dynamics& dynamics) {
  return dynamics.path_steps == 0 ? 1 : dynamics.path_steps / dynamics.steps;
}

inline long double step_length(const Dynamics& dynamics) {
  return (static_cast<long double>(dynamics.t_end) - static_cast<long double>(dynamics.t_start)) /
         static_cast<long double>(dynamics.steps);
}

/// Vectors of a path: the state, drifts and amplitudes at two times, normals and intermediate values.
/// `constant` is b of linear dynamics, which the prologue fills.
enum PathVector {
  state,
  drift,
  later_drift,
  amplitude,
  later_amplitude,
  normal,
  second_normal,
  middle,
  sum,
  constant
};

/// Terms of a combination whose factors are still to be rounded.
struct ExtendedTerm {
  int vector;
  long double factor;
};
using ExtendedTerms = std::vector<ExtendedTerm>;

/// The terms with all factors multiplied by `weight`.
inline ExtendedTerms scaled(long double weight, ExtendedTerms terms) {
  for (ExtendedTerm& term : terms) term.factor *= weight;
  return terms;
}

/// The sum of the lists, with one factor for each vector, rounded once.
inline std::vector<Term> rounded(std::initializer_list<ExtendedTerms> lists) {
  ExtendedTerms sum;
  for (const ExtendedTerms& list : lists) {
    for (const ExtendedTerm& term : list) {
      const auto same = std::ranges::find(sum, term.vector, &ExtendedTerm::vector);
      if (same == sum.end()) {
        sum.push_back(term);
      } else {
        same->factor += term.factor;
      }
    }
  }
  std::vector<Term> result;
  result.reserve(sum.size());
  for (const ExtendedTerm& term : sum)
    result.push_back({.vector = term.vector, .factor = static_cast<double>(term.factor)});
  return result;
}

/// Writes the stages of one step, of all steps if they are the same, or of the prologue.
class Stages {
 public:
  /// @param number of the step
  Stages(Plan& plan, const Dynamics& dynamics, int number = 0)
      : plan_(plan), dynamics_(dynamics), number_(number), refinement_(path_refinement(dynamics)) {}

  std::vector<Stage> take() { return std::move(stages_); }

  /// t_{s + offset}, of the step that the stages belong to
  long double time(long double offset) const {
    return extended_time(dynamics_, static_cast<long double>(number_) + offset);
  }
  void add(Stage stage) { stages_.push_back(std::move(stage)); }

  /// Number of the field in the plan.
  int add_field(const VectorField& field) {
    plan_.fields.push_back(field);
    return static_cast<int>(plan_.fields.size()) - 1;
  }
  /// to <- f(t_{s + offset}, from) in step s
  void evaluate(int field, long double offset, int from, int to) {
    stages_.push_back(EvaluateField{.field = field, .times = times(offset), .from = from, .to = to});
  }
  void combine(int to, std::vector<Term> terms) {
    stages_.push_back(Combine{.to = to, .terms = std::move(terms)});
  }
  /// to <- sum of the terms + noise z, where z is the normal of the increment of W in this step. It is made
  /// of the normals z_k of the r = `refinement` steps of the finer run: z = (z_0 + ... + z_{r-1}) / sqrt(r).
  void add_increment(int to, std::vector<Term> terms, double noise, int draws = 1) {
    if (noise == 0.0) return combine(to, std::move(terms));
    const double part =
        static_cast<double>(static_cast<long double>(noise) / std::sqrt(extended_refinement()));
    for (int k = 0; k < refinement_; ++k) {
      add_normal(to, std::move(terms), part, draws, k, 0);
      terms = {{to, 1.0}};
    }
  }
  /// to <- z
  void draw(int to, int draws = 1) { add_increment(to, {}, 1.0, draws); }
  /// to <- zeta, where the integral of W - W(t) over a step of length h is h^(3/2) (z + zeta / sqrt(3)) / 2.
  /// With the normals z_k and zeta_k of the finer run,
  ///   zeta = r^(-3/2) sum_k [sqrt(3) (r - 1 - 2 k) z_k + zeta_k].
  void draw_area(int to) {
    const long double r = extended_refinement();
    const long double part = 1.0L / (r * std::sqrt(r));
    std::vector<Term> terms;
    for (int k = 0; k < refinement_; ++k) {
      const long double of_z = std::sqrt(3.0L) * static_cast<long double>(refinement_ - 1 - 2 * k) * part;
      if (of_z != 0.0L) {
        add_normal(to, std::move(terms), static_cast<double>(of_z), 2, k, 0);
        terms = {{to, 1.0}};
      }
      add_normal(to, std::move(terms), static_cast<double>(part), 2, k, 1);
      terms = {{to, 1.0}};
    }
  }
  /// to <- z_k of the finer run
  void draw_fine(int to, int k) { add_normal(to, {}, 1.0, 1, k, 0); }
  int refinement() const { return refinement_; }
  /// to <- M from with a matrix of the plan
  void multiply_by_matrix(int to, int matrix, int from) {
    stages_.push_back(Product{.matrix = matrix, .from = from, .to = to});
  }
  void multiply(int to, int a, int b) { stages_.push_back(Multiply{.to = to, .a = a, .b = b}); }

 private:
  long double extended_refinement() const { return static_cast<long double>(refinement_); }

  /// to <- sum of the terms + noise times normal `draw` of `draws` of step k of the finer run
  void add_normal(int to, std::vector<Term> terms, double noise, int draws, int k, int draw) {
    stages_.push_back(Combine{.to = to,
                              .terms = std::move(terms),
                              .noise = noise,
                              .draws = draws * refinement_,
                              .draw = draws * k + draw});
  }

  /// Row of the times t_{s + offset}.
  int times(long double offset) {
    for (std::size_t i = 0; i < offsets_.size(); ++i) {
      if (offsets_[i] == offset) return first_ + static_cast<int>(i);
    }
    if (offsets_.empty()) first_ = static_cast<int>(plan_.field_times.size());
    offsets_.push_back(offset);
    std::vector<double> row;
    row.reserve(static_cast<std::size_t>(dynamics_.steps));
    for (int s = 0; s < dynamics_.steps; ++s)
      row.push_back(dynamics_time(dynamics_, static_cast<long double>(s) + offset));
    plan_.field_times.push_back(std::move(row));
    return static_cast<int>(plan_.field_times.size()) - 1;
  }

  Plan& plan_;
  const Dynamics& dynamics_;
  int number_;
  int refinement_;
  std::vector<Stage> stages_;
  std::vector<long double> offsets_;
  int first_ = 0;
};

}  // namespace gmdiff::schemes
