#pragma once

#include "kernels/chain_particle.cuh"

namespace gmdiff::kernels {

/// The work of a chain's particles in a phase (mathematics.md §7.3), for any distribution over threads.
/// `Chain` derives from it and has
///   x_               the part of the state that the thread has
///   load, save       states of a step, of the ancestors or the particles themselves; after load a thread
///                    may read everything that it needs
///   quadratic        -log of factors at x
///   potential_before -log of g_t at x, the state before a step
///   potential_after  -log of g_s at x, the state after a step; 0 if `weigh_states` adds it
///   potential_of     -log of the potential of a map at x, the state before a step
///   set_mean         x <- m = a x + b D, of particles that are ancestors if the step resampled
///   add_weight       log w += divided - factors; once a particle
///   for_each_normal  body(i, normal) for the coordinates that are a thread's own
///   weigh_transition, transition
///   sync             makes the writes of threads visible to the threads that share their particles
template <class Chain, class V>
class ChainPhases {
 public:
  using Real = RealOf<V>;
  using Step = particle::SmcStepTable<Real>;

  GMDIFF_PARTICLE explicit ChainPhases(const ChainsJob<Real>& job) : job_(job), particle_(job) {}

  /// Computes the weights before moving. An affine step replaces x by m.
  GMDIFF_PARTICLE void weigh(int number) {
    const Step& step = job_.tables.steps[number];
    chain().load(number, /*resampled=*/false);
    const V divided = chain().quadratic(step.divided);
    if (step.is_transition) {
      chain().weigh_transition(step, divided);
    } else {
      chain().set_mean(step, /*resampled=*/false);
      chain().sync();
      chain().add_weight(divided, chain().quadratic(step.factors));
      chain().save(number);
    }
  }

  /// Adds the potentials of a map at the states before the step, or after the last one, to the weights.
  GMDIFF_PARTICLE void weigh_states(int number) {
    chain().load(number, /*resampled=*/false);
    chain().add_weight(V(Real(0)), chain().potential_of(number));
  }

  /// Moves from the ancestors, or each particle from itself. Weights after moving are added to the
  /// log-weights.
  GMDIFF_PARTICLE void move(int number, bool resampled) {
    const Step& step = job_.tables.steps[number];
    const bool after = !job_.tables.weighs_before;
    chain().load(number, resampled);
    V divided(Real(0));
    if (after) divided = chain().potential_before(number, resampled);
    if (step.is_transition) {
      chain().transition(step, number);
    } else {
      if (after) chain().set_mean(step, resampled);
      const Index r = job_.tables.num_observed;
      chain().for_each_normal(
          number, [&](Index i, V z) { chain().x_[i] = particle::moved<V>(step, r, i, chain().x_[i], z); });
    }
    chain().save(number + 1);
    if (!after) return;
    chain().sync();
    chain().add_weight(divided, chain().potential_after(number));
  }

 protected:
  GMDIFF_PARTICLE Index dim() const { return job_.tables.law.dim; }

  const ChainsJob<Real>& job_;
  ChainParticle<V> particle_;

 private:
  GMDIFF_PARTICLE Chain& chain() { return static_cast<Chain&>(*this); }
};

}  // namespace gmdiff::kernels
