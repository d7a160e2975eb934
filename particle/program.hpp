#pragma once

#include "particle/adaptation.hpp"
#include "particle/guidance.hpp"
#include "particle/metropolis.hpp"
#include "particle/moments.hpp"
#include "particle/proximal.hpp"
#include "particle/target.hpp"

// The stages of a program on the vectors of a particle (mathematics.md §5.3), with one switch per stage. The
// workers that share a particle are a team (guidance.hpp). The mixture is a `Law`:
//   denoise(level, from, to)              to <- D(from), the own coordinates
//   responsibilities(level, from)         the sum of the weights e_k, which `weight(k)` then gives
//   choose(level, from, u)                the component of a uniform number
//   move(level, move, component, z, x)    x <- the move of that component with normals z(i)
//   log_density(level, from, to)          log p in double; to <- its gradient, the own coordinates
//   family                                the covariance family, a constant

namespace gmdiff::particle {

/// @tparam Vectors a function from the number of a vector to the vector
/// @tparam Memory access to the moments of chains (moments.hpp)
template <class V, class Team, class Law, class Vectors, class Memory>
class ProgramBody {
 public:
  using Real = RealOf<V>;
  using Vector = typename Team::Vector;
  using Numbers = ChainNumbers<WideOf<V>>;

  /// @param first index of lane 0
  GMDIFF_PARTICLE ProgramBody(Team& team, Law& law, const ProgramWindow<Real>& window, Vectors vectors,
                              Numbers& numbers, const Memory& moments, const GuidanceRoom<Vector>& room,
                              std::uint64_t first)
      : team_(team),
        law_(law),
        window_(window),
        vectors_(vectors),
        numbers_(numbers),
        moments_(moments),
        room_(room),
        streams_(window),
        first_(first),
        noise_(streams_.step_noise(), first),
        churn_(streams_.churn_noise(), first) {}

  GMDIFF_PARTICLE Vector vector(int number) const { return vectors_(number); }

  /// Runs any stage that involves only this particle, as the step number stage.step + iteration.
  GMDIFF_PARTICLE void run(const StageTable<Real>& stage, int iteration) {
    step_ = stage.step + static_cast<std::uint64_t>(iteration);
    switch (stage.kind) {
      case StageKind::evaluate:
        return evaluate(stage);
      case StageKind::combine:
        return combine(stage);
      case StageKind::transition:
        return transition(stage);
      case StageKind::guide:
        return guide(stage);
      case StageKind::target:
        return evaluate_target(stage);
      case StageKind::product:
        return product(stage);
      case StageKind::accept:
        return accept(stage);
      case StageKind::field:
        return evaluate_field(stage);
      case StageKind::multiply:
        return multiply(stage);
      case StageKind::accumulate:
        return accumulate(stage);
      case StageKind::proximal:
        return proximal(stage);
      case StageKind::adapt:
        return adapt_step(stage.adapt, step_, numbers_);
      case StageKind::to_rows:
      case StageKind::from_rows:
      case StageKind::call:
      case StageKind::call_target:
      case StageKind::call_field:
      case StageKind::end:
        return;
    }
  }

 private:
  GMDIFF_PARTICLE Index dim() const { return law_.table().dim; }
  /// Number of the step's first normal.
  GMDIFF_PARTICLE std::uint64_t first_normal() const { return step_ * static_cast<std::uint64_t>(dim()); }

  GMDIFF_PARTICLE void evaluate(const StageTable<Real>& stage) {
    const Vector from = vector(stage.from);
    const Vector to = vector(stage.to);
    if (stage.level.at_data) {
      team_.for_each_own(dim(), [&](Index i) { to[i] = V(from[i]) / V(stage.level.alpha); });
    } else {
      law_.denoise(stage.level, from, to);
    }
  }

  GMDIFF_PARTICLE void combine(const StageTable<Real>& stage) {
    if (stage.is_scaled || stage.threshold != 0) {
      combine_some(stage);
    } else {
      combine_all(stage);
    }
    if (stage.noise == Real(0)) return;
    const std::uint64_t m = (step_ * stage.draws + stage.draw) * static_cast<std::uint64_t>(dim());
    // Branches, because a GPU would keep a stream that is chosen at run time in memory.
    switch (stage.stream) {
      case NoiseKind::step:
        return add_noise(stage, m, noise_);
      case NoiseKind::churn:
        return add_noise(stage, m, churn_);
      case NoiseKind::velocity: {
        Normals<V> velocity(streams_.velocity(), first_);
        return add_noise(stage, m, velocity);
      }
      case NoiseKind::search: {
        Normals<V> search(streams_.search(), first_);
        return add_noise(stage, 0, search);
      }
    }
  }
  GMDIFF_PARTICLE void combine_all(const StageTable<Real>& stage) {
    // Most combinations have few terms, and loops of known length keep factors in registers.
    if (stage.num_terms == 2) {
      add_terms<2>(stage);
    } else if (stage.num_terms == 3) {
      add_terms<3>(stage);
    } else {
      add_any_terms(stage);
    }
  }
  /// to <- the sum of `count` terms
  template <int count>
  GMDIFF_PARTICLE void add_terms(const StageTable<Real>& stage) {
    Vector terms[count];
    for (int n = 0; n < count; ++n) terms[n] = vector(stage.vectors[n]);
    const Vector to = vector(stage.to);
    team_.for_each_own(dim(), [&](Index i) {
      V sum = V(stage.factors[0]) * V(terms[0][i]);
      for (int n = 1; n < count; ++n) sum = fma(V(stage.factors[n]), V(terms[n][i]), sum);
      to[i] = sum;
    });
  }
  /// Computes a sum of any number of terms; 0 of none.
  GMDIFF_PARTICLE void add_any_terms(const StageTable<Real>& stage) {
    const Vector to = vector(stage.to);
    team_.for_each_own(dim(), [&](Index i) {
      V sum(Real(0));
      if (stage.num_terms > 0) sum = V(stage.factors[0]) * V(vector(stage.vectors[0])[i]);
      for (int n = 1; n < stage.num_terms; ++n) {
        sum = fma(V(stage.factors[n]), V(vector(stage.vectors[n])[i]), sum);
      }
      to[i] = sum;
    });
  }
  /// to <- the sum of the terms, whose factors may depend on the chain's step, in lanes whose trajectory
  /// number is not below the threshold
  GMDIFF_PARTICLE void combine_some(const StageTable<Real>& stage) {
    V is_reached(Real(1));
    if (stage.threshold != 0) {
      Uniforms<V> numbers(streams_.trajectory(), first_);
      is_reached = convert<V>(numbers(step_).component(&stage.threshold, 1));
    }
    const auto mask = V(Real(0)) < is_reached;
    V factors[StageTable<Real>::max_terms] = {};
    for (int n = 0; n < stage.num_terms; ++n) factors[n] = factor(stage.factors[n], stage.scales[n]);
    const Vector to = vector(stage.to);
    team_.for_each_own(dim(), [&](Index i) {
      V sum = factors[0] * V(vector(stage.vectors[0])[i]);
      for (int n = 1; n < stage.num_terms; ++n) sum = fma(factors[n], V(vector(stage.vectors[n])[i]), sum);
      to[i] = select(mask, sum, V(to[i]));
    });
  }
  GMDIFF_PARTICLE V factor(Real f, StepScale scale) const {
    if (scale == StepScale::none) return V(f);
    return narrow<V>(scaled(WideOf<V>(static_cast<double>(f)), scale, numbers_.step));
  }
  /// Adds noise, whose first normal is number m.
  GMDIFF_PARTICLE void add_noise(const StageTable<Real>& stage, std::uint64_t m, Normals<V>& noise) {
    const V amplitude = factor(stage.noise, stage.noise_scale);
    const Vector to = vector(stage.to);
    team_.for_each_own(
        dim(), [&](Index i) { to[i] = fma(amplitude, noise(m + static_cast<std::uint64_t>(i)), V(to[i])); });
  }

  GMDIFF_PARTICLE void transition(const StageTable<Real>& stage) {
    const Vector to = vector(stage.to);
    if (stage.from != stage.to) {
      const Vector from = vector(stage.from);
      team_.for_each_own(dim(), [&](Index i) { to[i] = V(from[i]); });
    }
    Uniforms<V> choice(streams_.transition_component(), first_);
    const auto component = law_.choose(stage.level, to, choice(step_).real());
    const std::uint64_t m = first_normal();
    law_.move(
        stage.level, stage.move, component,
        [&](Index i) { return noise_(m + static_cast<std::uint64_t>(i)); }, to);
  }

  GMDIFF_PARTICLE void guide(const StageTable<Real>& stage) {
    if (!window_.observation.has_map) return guide_by(LinearRows<V>(window_.observation, dim()), stage);
    // Plans with maps are in the coordinates of the data; the kernels of tied laws need not contain the
    // tapes.
    if constexpr (Law::family != Family::tied) {
      const auto work = [this](int number) { return vectors_(window_.observation.first_work + number); };
      guide_by(RowsOfMap<V, Vector, decltype(work)>(window_.observation, dim(), vector(stage.denoised), work),
               stage);
    }
  }
  template <class Rows>
  GMDIFF_PARTICLE void guide_by(Rows rows, const StageTable<Real>& stage) {
    Normals<V> directions(streams_.directions(), first_);
    const auto products = [&](Index a) { return vectors_(stage.guide.products + static_cast<int>(a)); };
    Guidance<V, Team, Law, Rows, decltype(products)>(team_, law_, window_.observation, room_, rows, products)
        .run(stage, step_, vector(stage.from), vector(stage.denoised), vector(stage.to),
             [&](std::uint64_t m) { return directions(m); });
  }

  /// l <- log-density, to <- its gradient
  GMDIFF_PARTICLE void evaluate_target(const StageTable<Real>& stage) {
    const auto l = log_density(stage.level, vector(stage.from), vector(stage.to));
    if (stage.is_proposal) {
      numbers_.proposed = l;
    } else {
      numbers_.log_density = l;
    }
  }

  GMDIFF_PARTICLE WideOf<V> log_density(const LevelTable<Real>& level, Vector from, Vector to) {
    // Plans of other targets have a mixture without components, which counts as spherical; the kernels of
    // other mixtures need not contain the targets.
    if constexpr (Law::family == Family::spherical) {
      if (window_.target.kind != TargetKind::mixture && window_.target.kind != TargetKind::observed)
        return TargetBody<V, Team, Vectors>(team_, window_.target, dim(), vectors_, from, to).evaluate();
    }
    const WideOf<V> l = law_.log_density(level, from, to);
    if (window_.target.kind != TargetKind::observed) return l;
    return TargetBody<V, Team, Vectors>(team_, window_.target, dim(), vectors_, from, to).add_likelihood(l);
  }

  /// to <- M from or M^T from
  GMDIFF_PARTICLE void product(const StageTable<Real>& stage) {
    const Vector from = vector(stage.from);
    const Vector to = vector(stage.to);
    const Real* M = stage.matrix.numbers;
    const Index d = dim();
    if (stage.matrix.shape == MatrixShape::diagonal)
      return team_.for_each_own(d, [&](Index i) { to[i] = V(M[i]) * V(from[i]); });
    const bool is_dense = stage.matrix.shape == MatrixShape::dense;
    team_.sync();
    team_.for_each_own(d, [&](Index i) {
      const Index begin = stage.transposed && !is_dense ? i : 0;
      const Index end = stage.transposed || is_dense ? d : i + 1;
      V sum(Real(0));
      for (Index j = begin; j < end; ++j)
        sum = fma(V(stage.transposed ? M[j * d + i] : M[i * d + j]), V(from[j]), sum);
      to[i] = sum;
    });
    team_.sync();
  }

  GMDIFF_PARTICLE void accept(const StageTable<Real>& stage) {
    Uniforms<WideOf<V>> uniforms(streams_.accept(), first_);
    Metropolis<V, Team>(team_, dim(), stage.accept, vectors_, numbers_)
        .run(vector(stage.to), uniforms(step_).open(), step_ >= stage.accept.counted_from);
  }

  GMDIFF_PARTICLE void accumulate(const StageTable<Real>& stage) {
    if (step_ < stage.accumulate.counted_from) return;
    RunningMoments<V, Team, Memory>(team_, dim(), stage.accumulate, moments_).add(vector(0), step_);
  }

  /// to <- f(t, from). One worker runs the tape, and all of them read its outputs.
  GMDIFF_PARTICLE void evaluate_field(const StageTable<Real>& stage) {
    // Plans with fields are in the coordinates of the data; the kernels of tied laws need not contain the
    // tapes.
    if constexpr (Law::family != Family::tied) {
      const FieldTable<Real>& field = stage.field;
      const auto work = [this, &field](int number) { return vectors_(field.first_work + number); };
      const Vector to = vector(stage.to);
      const Tape<V, Vector, decltype(work)> tape(field.tape, vector(stage.from), field.times[step_], work);
      team_.sync();
      if (team_.is_first()) tape.run();
      team_.sync();  // `from` may change now
      team_.for_each_own(dim(), [&](Index i) { to[i] = tape.output(i); });
    }
  }

  GMDIFF_PARTICLE void multiply(const StageTable<Real>& stage) {
    const Vector a = vector(stage.vectors[0]);
    const Vector b = vector(stage.vectors[1]);
    const Vector to = vector(stage.to);
    team_.for_each_own(dim(), [&](Index i) { to[i] = V(a[i]) * V(b[i]); });
  }

  /// to <- prox(from). One worker finds the taut strings.
  GMDIFF_PARTICLE void proximal(const StageTable<Real>& stage) {
    // Only targets that are no mixtures have proximal maps, as above.
    if constexpr (Law::family == Family::spherical) {
      const Vector from = vector(stage.from);
      const Vector to = vector(stage.to);
      const double strength = stage.proximal.strength;
      if (stage.proximal.kind == ProximalKind::soft_threshold) {
        const V s(static_cast<Real>(strength));
        return team_.for_each_own(dim(), [&](Index i) { to[i] = soft_threshold(V(from[i]), s); });
      }
      team_.sync();
      if (team_.is_first()) total_variation<V>(from, to, dim(), strength);
      team_.sync();
    }
  }

  Team& team_;
  Law& law_;
  const ProgramWindow<Real>& window_;
  Vectors vectors_;
  Numbers& numbers_;
  const Memory& moments_;
  const GuidanceRoom<Vector>& room_;
  Streams<Real> streams_;
  std::uint64_t first_;
  std::uint64_t step_ = 0;
  Normals<V> noise_, churn_;
};

}  // namespace gmdiff::particle
