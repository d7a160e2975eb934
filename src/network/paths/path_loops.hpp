#pragma once

#include "network/paths/path_unit.hpp"
#include "particle/elementary.hpp"
#include "particle/normals.hpp"
#include "particle/path.hpp"
#include "particle/path_gradient.hpp"

// Loops of PathUnit for an arithmetic type V of doubles. Only the units unit_*.cpp include it
// (device/cpu/pack.hpp explains why).

namespace gmdiff::network::GMDIFF_CPU_UNIT {

using particle::Types;

/// Registers of paths that go through a loop together, so that their latencies overlap; the instruction sets have
/// 32 or 16 registers.
template <class V>
inline constexpr int path_registers = sizeof(V) == 64 ? 4 : 2;

/// `path_registers` registers of consecutive paths.
template <class V>
struct Lanes {
  V of[path_registers<V>];

  GMDIFF_PARTICLE static Lanes all(double value) {
    Lanes lanes;
    for (V& each : lanes.of) each = V(value);
    return lanes;
  }
  GMDIFF_PARTICLE static Lanes load(const double* from) {
    Lanes lanes;
    for (int n = 0; n < path_registers<V>; ++n) lanes.of[n] = V::load(from + n * Types<V>::lanes);
    return lanes;
  }
  GMDIFF_PARTICLE void store(double* to) const {
    for (int n = 0; n < path_registers<V>; ++n) of[n].store(to + n * Types<V>::lanes);
  }
  template <class F>
  GMDIFF_PARTICLE static Lanes map(F f) {
    Lanes lanes;
    for (int n = 0; n < path_registers<V>; ++n) lanes.of[n] = f(n);
    return lanes;
  }
};

template <class V>
inline constexpr std::ptrdiff_t path_stride = path_registers<V>* Types<V>::lanes;

/// Responsibilities of the paths p ... p + path_stride - 1, and their log p.
template <class V>
GMDIFF_PARTICLE void responsibilities(const StartMixture& of, const double* x, std::ptrdiff_t p,
                                      double* gamma, double* log_density) {
  using L = Lanes<V>;
  const std::ptrdiff_t d = of.dim;
  L largest = L::all(-std::numeric_limits<double>::infinity());
  for (std::ptrdiff_t k = 0; k < of.components; ++k) {
    L squares = L::all(0.0);
    for (std::ptrdiff_t j = 0; j < d; ++j) {
      const V mean(of.mean[k * d + j]), inverse(of.inverse[k * d + j]);
      const L at = L::load(x + j * block_paths + p);
      for (int n = 0; n < path_registers<V>; ++n)
        squares.of[n] = particle::add_square(mean, inverse, at.of[n], squares.of[n]);
    }
    const V log_weight(of.log_weight[k]);
    const L ell = L::map([&](int n) { return particle::log_component(squares.of[n], log_weight); });
    ell.store(gamma + k * block_paths + p);
    for (int n = 0; n < path_registers<V>; ++n) largest.of[n] = particle::larger(largest.of[n], ell.of[n]);
  }
  L total = L::all(0.0);
  for (std::ptrdiff_t k = 0; k < of.components; ++k) {
    double* row = gamma + k * block_paths + p;
    const L ell = L::load(row);
    const L e = L::map([&](int n) { return particle::exp_nonpositive(ell.of[n] - largest.of[n]); });
    e.store(row);
    for (int n = 0; n < path_registers<V>; ++n) total.of[n] = total.of[n] + e.of[n];
  }
  for (std::ptrdiff_t k = 0; k < of.components; ++k) {
    double* row = gamma + k * block_paths + p;
    const L e = L::load(row);
    L::map([&](int n) { return e.of[n] / total.of[n]; }).store(row);
  }
  if (log_density != nullptr)
    L::map([&](int n) { return largest.of[n] + particle::log(total.of[n]); }).store(log_density + p);
}

/// sum_k gamma_k a_k with a_k = (mu_k - x) / s_k^2
template <class V>
void mixture_score(const StartMixture& of, const double* x, double* gamma, double* log_density,
                   double* score) {
  using L = Lanes<V>;
  const std::ptrdiff_t d = of.dim;
  for (std::ptrdiff_t p = 0; p < block_paths; p += path_stride<V>) {
    responsibilities<V>(of, x, p, gamma, log_density);
    if (score == nullptr) continue;
    for (std::ptrdiff_t j = 0; j < d; ++j) {
      const L at = L::load(x + j * block_paths + p);
      L sum = L::all(0.0);
      for (std::ptrdiff_t k = 0; k < of.components; ++k) {
        const V mean(of.mean[k * d + j]), precision(of.precision[k * d + j]);
        const L weight = L::load(gamma + k * block_paths + p);
        for (int n = 0; n < path_registers<V>; ++n)
          sum.of[n] = particle::add_score(weight.of[n], mean, precision, at.of[n], sum.of[n]);
      }
      sum.store(score + j * block_paths + p);
    }
  }
}

/// a_k . v of every component, and their mean under gamma.
template <class V>
GMDIFF_PARTICLE Lanes<V> slopes_along(const StartMixture& of, const double* x, const double* v,
                                      const double* gamma, std::ptrdiff_t p, double* slopes) {
  using L = Lanes<V>;
  const std::ptrdiff_t d = of.dim;
  L mean_slope = L::all(0.0);
  for (std::ptrdiff_t k = 0; k < of.components; ++k) {
    L slope = L::all(0.0);
    for (std::ptrdiff_t j = 0; j < d; ++j) {
      const V mean(of.mean[k * d + j]), precision(of.precision[k * d + j]);
      const L at = L::load(x + j * block_paths + p), along = L::load(v + j * block_paths + p);
      for (int n = 0; n < path_registers<V>; ++n)
        slope.of[n] = particle::add_slope(mean, precision, at.of[n], along.of[n], slope.of[n]);
    }
    slope.store(slopes + k * block_paths + p);
    const L weight = L::load(gamma + k * block_paths + p);
    for (int n = 0; n < path_registers<V>; ++n)
      mean_slope.of[n] = fma(weight.of[n], slope.of[n], mean_slope.of[n]);
  }
  return mean_slope;
}

/// Adds to the array at `to`.
template <class V, class F>
GMDIFF_PARTICLE void add_to(double* to, F f) {
  const Lanes<V> sum = Lanes<V>::load(to);
  Lanes<V>::map([&](int n) { return sum.of[n] + f(n); }).store(to);
}

/// Terms of component k in H v = sum_k gamma_k (dl_k a_k - v / s_k^2), and in the gradient of v . score.
template <class V>
GMDIFF_PARTICLE void add_component(const StartMixture& of, std::ptrdiff_t k, const double* x, const double* v,
                                   const Lanes<V>& gamma, const Lanes<V>& dl, std::ptrdiff_t p,
                                   double* product, const MixtureSums* sums) {
  using L = Lanes<V>;
  const std::ptrdiff_t d = of.dim;
  const L of_slope = L::map([&](int n) { return gamma.of[n] * dl.of[n]; });
  if (sums != nullptr) add_to<V>(sums->logit + k * block_paths + p, [&](int n) { return of_slope.of[n]; });
  for (std::ptrdiff_t j = 0; j < d; ++j) {
    const V mean(of.mean[k * d + j]), inverse(of.inverse[k * d + j]), precision(of.precision[k * d + j]);
    const std::ptrdiff_t place = j * block_paths + p, entry = (k * d + j) * block_paths + p;
    const L at = L::load(x + place), along = L::load(v + place);
    const L z = L::map([&](int n) { return (mean - at.of[n]) * inverse; });
    const L of_v = L::map([&](int n) { return gamma.of[n] * along.of[n]; });
    const L term = L::map([&](int n) {
      return particle::hessian_term(of_slope.of[n], of_v.of[n], z.of[n], inverse, precision);
    });
    add_to<V>(product + place, [&](int n) { return term.of[n]; });
    if (sums == nullptr) continue;
    add_to<V>(sums->mean + entry, [&](int n) { return -term.of[n]; });
    add_to<V>(sums->deviation + entry, [&](int n) {
      return particle::deviation_of_score(of_slope.of[n], of_v.of[n], z.of[n], inverse);
    });
  }
}

template <class V>
void mixture_products(const StartMixture& of, const double* x, const double* v, const double* gamma,
                      double* slopes, double* product, const MixtureSums* sums) {
  using L = Lanes<V>;
  for (std::ptrdiff_t p = 0; p < block_paths; p += path_stride<V>) {
    const L mean_slope = slopes_along<V>(of, x, v, gamma, p, slopes);
    for (std::ptrdiff_t j = 0; j < of.dim; ++j) L::all(0.0).store(product + j * block_paths + p);
    for (std::ptrdiff_t k = 0; k < of.components; ++k) {
      const L slope = L::load(slopes + k * block_paths + p);
      const L dl = L::map([&](int n) { return slope.of[n] - mean_slope.of[n]; });
      add_component<V>(of, k, x, v, L::load(gamma + k * block_paths + p), dl, p, product, sums);
    }
  }
}

/// d log p / d mu_k = -gamma_k a_k,   / d s_k = gamma_k (s_k a_k^2 - 1 / s_k),   / d logit_k = gamma_k - pi_k
template <class V>
void mixture_gradient(const StartMixture& of, const double* x, const double* factor, double* work,
                      const MixtureSums& sums) {
  using L = Lanes<V>;
  const std::ptrdiff_t d = of.dim;
  for (std::ptrdiff_t p = 0; p < block_paths; p += path_stride<V>) {
    responsibilities<V>(of, x, p, work, nullptr);
    const L scale = L::load(factor + p);
    for (std::ptrdiff_t k = 0; k < of.components; ++k) {
      const L gamma = L::load(work + k * block_paths + p);
      const L weight = L::map([&](int n) { return scale.of[n] * gamma.of[n]; });
      add_to<V>(sums.logit + k * block_paths + p,
                [&](int n) { return scale.of[n] * (gamma.of[n] - V(of.weight[k])); });
      for (std::ptrdiff_t j = 0; j < d; ++j) {
        const V mean(of.mean[k * d + j]), inverse(of.inverse[k * d + j]);
        const L at = L::load(x + j * block_paths + p);
        const L z = L::map([&](int n) { return (mean - at.of[n]) * inverse; });
        const std::ptrdiff_t entry = (k * d + j) * block_paths + p;
        add_to<V>(sums.mean + entry,
                  [&](int n) { return particle::mean_of_density(weight.of[n], z.of[n], inverse); });
        add_to<V>(sums.deviation + entry,
                  [&](int n) { return particle::deviation_of_density(weight.of[n], z.of[n], inverse); });
      }
    }
  }
}

// ----- loops over coordinates and paths

/// Calls f(j, i) for every coordinate j and the places i of its registers.
template <class V, class F>
GMDIFF_PARTICLE void for_each_register(std::ptrdiff_t dim, F f) {
  for (std::ptrdiff_t j = 0; j < dim; ++j) {
    for (std::ptrdiff_t p = 0; p < block_paths; p += Types<V>::lanes) f(j, p, j * block_paths + p);
  }
}

template <class V>
void add(std::ptrdiff_t count, const double* a, const double* b, double* sum) {
  for (std::ptrdiff_t i = 0; i < count; i += Types<V>::lanes)
    (V::load(a + i) + V::load(b + i)).store(sum + i);
}

template <class V>
void log_ratios(std::ptrdiff_t dim, const double* eta, const double* q, const double* G, double* ratio) {
  for (std::ptrdiff_t p = 0; p < block_paths; p += Types<V>::lanes) {
    V sum(0.0);
    for (std::ptrdiff_t j = 0; j < dim; ++j) {
      const std::ptrdiff_t i = j * block_paths + p;
      sum = particle::add_log_ratio(V(eta[j]), V::load(q + i), V::load(G + i), sum);
    }
    sum.store(ratio + p);
  }
}

template <class V>
void move(std::ptrdiff_t dim, const double* eta, const double* scale, const double* x, const double* F,
          double* q, double* next) {
  for_each_register<V>(dim, [&](std::ptrdiff_t j, std::ptrdiff_t /*p*/, std::ptrdiff_t i) {
    const V noise = V::load(q + i) * V(scale[j]);
    noise.store(q + i);
    particle::moved(V::load(x + i), V(eta[j]), V::load(F + i), noise).store(next + i);
  });
}

template <class V>
void forward_cotangents(const GradientMode& mode, std::ptrdiff_t dim, const double* eta, const double* G,
                        const double* q, const double* lambda, double* of_forward) {
  for_each_register<V>(dim, [&](std::ptrdiff_t j, std::ptrdiff_t p, std::ptrdiff_t i) {
    const V noise = V::load(q + i);
    const V cotangent =
        mode.through_path
            ? particle::path_forward_cotangent(V(eta[j]), V::load(G + i), noise, V::load(lambda + i))
            : particle::fixed_forward_cotangent(noise, V::load(mode.factor + p));
    cotangent.store(of_forward + i);
  });
}

template <class V>
void backward_cotangents(const GradientMode& mode, std::ptrdiff_t dim, const double* eta, const double* G,
                         const double* q, double* of_backward) {
  const V half_sign(mode.through_path ? 0.5 : -0.5);
  for_each_register<V>(dim, [&](std::ptrdiff_t j, std::ptrdiff_t p, std::ptrdiff_t i) {
    particle::backward_cotangent(half_sign, V(eta[j]), V::load(G + i), V::load(q + i),
                                 V::load(mode.factor + p))
        .store(of_backward + i);
  });
}

template <class V>
void eta_terms(const GradientMode& mode, std::ptrdiff_t dim, const double* eta, const double* F,
               const double* G, const double* q, const double* lambda, double* terms) {
  for_each_register<V>(dim, [&](std::ptrdiff_t j, std::ptrdiff_t p, std::ptrdiff_t i) {
    const V f = V::load(F + i), g = V::load(G + i);
    const V term = mode.through_path
                       ? particle::path_eta_term(V(0.5 / eta[j]), f, g, V::load(q + i), V::load(lambda + i))
                       : particle::fixed_eta_term(f, g, V::load(mode.factor + p));
    term.store(terms + i);
  });
}

/// A normal is a long chain of operations; those of two registers of paths wait for each other less.
template <class Register>
void path_normals(const NoiseRange& range, double* to) {
  using V = particle::Twice<Register>;
  constexpr int lanes = Types<V>::lanes;
  const particle::StreamOrigin origin{range.seed, range.purpose, range.replicate};
  for (std::ptrdiff_t p = 0; p < block_paths; p += lanes) {
    particle::Normals<V> normals(origin, range.first_path + static_cast<std::uint64_t>(p));
    for (std::ptrdiff_t m = 0; m < range.count; ++m)
      normals(range.first_normal + static_cast<std::uint64_t>(m)).store(to + m * block_paths + p);
  }
}

template <class V>
PathUnit make_path_unit() {
  return {.mixture_score = mixture_score<V>,
          .mixture_products = mixture_products<V>,
          .mixture_gradient = mixture_gradient<V>,
          .add = add<V>,
          .log_ratios = log_ratios<V>,
          .move = move<V>,
          .forward_cotangents = forward_cotangents<V>,
          .backward_cotangents = backward_cotangents<V>,
          .eta_terms = eta_terms<V>,
          .normals = path_normals<V>};
}

}  // namespace gmdiff::network::GMDIFF_CPU_UNIT
