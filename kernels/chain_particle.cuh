#pragma once

#include "kernels/particle.cuh"
#include "kernels/resampling.cuh"
#include "kernels/rotation.cuh"
#include "particle/smc.hpp"
#include "particle/wide.hpp"

// A particle of a chain, for any distribution of its coordinates over threads. States are stored coordinate
// by coordinate in two buffers, which alternate: a move gathers from one into the other.

namespace gmdiff::kernels {

/// The particle of a thread: its number, its streams and its place in the chain's arrays.
template <class V>
class ChainParticle {
 public:
  using Real = RealOf<V>;
  using Step = particle::SmcStepTable<Real>;
  static_assert(Types<V>::lanes == 1,
                "the streams of two particles may differ in the upper half of their index");

  GMDIFF_PARTICLE explicit ChainParticle(const ChainsJob<Real>& job) : job_(job) {}

  /// Sets particle n of the chain with the given memory.
  GMDIFF_PARTICLE void set(const ChainMemory<Real>& memory, std::int64_t chain, std::int64_t n) {
    memory_ = memory;
    n_ = n;
    slot_ =
        (job_.first + static_cast<std::uint64_t>(chain)) * static_cast<std::uint64_t>(job_.tables.particles) +
        static_cast<std::uint64_t>(n);
  }

  /// Whether the thread has a particle; the last threads may have none.
  GMDIFF_PARTICLE bool has() const { return n_ < job_.tables.particles; }
  /// The particle that a move starts from.
  GMDIFF_PARTICLE std::int64_t origin(bool resampled) const {
    return resampled && has() ? static_cast<std::int64_t>(memory_.ancestors[n_]) : n_;
  }

  GMDIFF_PARTICLE Normals<V> normals(Purpose purpose) const { return Normals<V>(stream(purpose), slot_); }
  GMDIFF_PARTICLE Uniforms<V> uniforms(Purpose purpose) const { return Uniforms<V>(stream(purpose), slot_); }

  /// Coordinate i of the given first state, in the plan's coordinates; 0 without a particle.
  GMDIFF_PARTICLE V given(Index i) const {
    if (!has()) return V(Real(0));
    const Index d = job_.tables.law.dim;
    const std::uint64_t row = slot_ - job_.first * static_cast<std::uint64_t>(job_.tables.particles);
    const double* const x = job_.start_states + static_cast<Index>(row) * d;
    return V(static_cast<Real>(rotated(job_.rotation + i * d, 1, x, 1, d)));
  }
  /// Coordinate i of particle n after the given number of steps; 0 without a particle.
  GMDIFF_PARTICLE V state(int steps, std::int64_t n, Index i) const {
    return has() ? V(*place(steps, n, i)) : V(Real(0));
  }
  /// Coordinate i of D at the state of particle n, by a custom denoiser; 0 without a particle.
  GMDIFF_PARTICLE V denoised(std::int64_t n, Index i) const {
    return has() ? V(memory_.denoised[i * padded_particles(job_.tables.particles) + n]) : V(Real(0));
  }
  /// Negative logarithm of the potential of a map at the state of particle n after the given number of steps.
  GMDIFF_PARTICLE V potential(int steps, std::int64_t n) const {
    return has() ? V(*potential_place(steps, n)) : V(Real(0));
  }
  GMDIFF_PARTICLE void save_potential(int steps, V value) const { *potential_place(steps, n_) = value.v; }
  GMDIFF_PARTICLE void save(int steps, Index i, V x) const {
    if (has()) *place(steps, n_, i) = x.v;
  }

  /// log w = -quadratic
  GMDIFF_PARTICLE void set_weight(V quadratic) const {
    memory_.log_weights[n_] = -static_cast<double>(quadratic.v);
  }
  /// log w += divided - factors
  GMDIFF_PARTICLE void add_weight(V divided, V factors) const { add_to_weight(difference(divided, factors)); }
  /// log w += log of the sum under the potential - log of the free one + divided
  GMDIFF_PARTICLE void add_weight(const particle::Softmax<V>& under, const particle::Softmax<V>& free,
                                  V divided) const {
    add_to_weight((difference(under.maximum, free.maximum) +
                   difference(particle::log(under.total), particle::log(free.total))) +
                  D(static_cast<double>(divided.v)));
  }

 private:
  using D = particle::One<double>;

  GMDIFF_PARTICLE static D difference(V a, V b) {
    return D(static_cast<double>(a.v)) - D(static_cast<double>(b.v));
  }
  GMDIFF_PARTICLE void add_to_weight(D increment) const {
    memory_.log_weights[n_] = (D(memory_.log_weights[n_]) + increment).v;
  }
  GMDIFF_PARTICLE particle::StreamOrigin stream(Purpose purpose) const {
    return {job_.tables.seed, purpose, 0};
  }
  GMDIFF_PARTICLE Real* potential_place(int steps, std::int64_t n) const {
    return memory_.potentials + steps % 2 * padded_particles(job_.tables.particles) + n;
  }
  GMDIFF_PARTICLE Real* place(int steps, std::int64_t n, Index i) const {
    const std::int64_t stride = padded_particles(job_.tables.particles);
    return memory_.states + (steps % 2 * job_.tables.law.dim + i) * stride + n;
  }

  const ChainsJob<Real>& job_;
  ChainMemory<Real> memory_{};
  std::int64_t n_ = 0;
  std::uint64_t slot_ = 0;  // index of the particle
};

// --- the first particles -----------------------------------------------------------------------------------

/// The component that a first particle is drawn from.
template <class V>
GMDIFF_PARTICLE BitsOf<V> start_component(const ChainParticle<V>& one,
                                          const particle::SmcStartTable<RealOf<V>>& start) {
  Uniforms<V> choice = one.uniforms(Purpose::start_component);
  return choice(0).component(start.law.thresholds, static_cast<int>(start.law.last_component));
}

/// Coordinate i of a draw of a component, for diagonal covariances.
template <class V>
GMDIFF_PARTICLE V drawn(const particle::SmcStartTable<RealOf<V>>& start, BitsOf<V> component, Index i, V z) {
  using Real = RealOf<V>;
  return particle::WideTerms<V, particle::Family::diag>::template moved<false>(start.law, Real(0), start.move,
                                                                               component, i, V(Real(0)), z);
}

/// The same for full covariances, x = shift mu_k + U_k (deviation z): computes deviation_i z_i, and
/// coordinate i of x from all of these.
template <class V>
GMDIFF_PARTICLE V scaled(const particle::SmcStartTable<RealOf<V>>& start, BitsOf<V> component, Index i, V z) {
  return fma(V(start.move.deviation(static_cast<Index>(component), i)), z, V(RealOf<V>(0)));
}
template <class V, class Vector>
GMDIFF_PARTICLE V drawn_full(const particle::SmcStartTable<RealOf<V>>& start, BitsOf<V> component, Index i,
                             Vector scaled) {
  const Index d = start.law.dim;
  const auto k = static_cast<Index>(component);
  const RealOf<V>* U = start.law.bases + k * d * d;
  V y = V(start.move.shift) * V(start.law.means[k * d + i]);
  for (Index j = 0; j < d; ++j) y = fma(V(U[j * d + i]), V(scaled[j]), y);
  return y;
}

}  // namespace gmdiff::kernels
