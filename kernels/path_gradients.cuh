#pragma once

#include "kernels/path_gradients.hpp"
#include "kernels/paths.cuh"
#include "particle/path_gradient.hpp"

// The reverse sweep of paths of a trained sampler (mathematics.md §17.9, §17.10): a thread block takes a tile
// of paths back through the states of the launch. No number of a path depends on another path; the sums over
// paths are taken from what the sweep keeps (path_sums.cuh).

namespace gmdiff::kernels {

template <class Block, class Real>
class AdjointTile {
 public:
  using D = particle::One<double>;

  /// @param memory adjoint_bytes for each path of a tile
  GMDIFF_PARTICLE AdjointTile(Block& block, const AdjointJob<Real>& job, std::byte* memory, std::int64_t tile)
      : block_(block),
        job_(job),
        path_(job.path),
        rows_(job.path.geometry.rows),
        begin_(tile * job.path.geometry.rows) {
    double* next = reinterpret_cast<double*>(memory);
    for (double** array : {&x_, &lambda_, &of_F_, &of_B_, &of_drift_, &product_, &change_}) {
      *array = next;
      next += dim() * rows_;
    }
    gamma_ = next;
    slopes_ = gamma_ + components() * rows_;
    numbers_ = reinterpret_cast<Real*>(slopes_ + components() * rows_);
  }

  GMDIFF_PARTICLE void run() {
    load();
    for (Index n = path_.first_state; n >= path_.last_state; --n) step(n);
    if (path_.last_state == 0 && path_.first_state >= 0 && job_.has_mixture) add_start();
    save();
  }

 private:
  GMDIFF_PARTICLE Index dim() const { return path_.mixture.dim; }
  GMDIFF_PARTICLE Index components() const { return path_.mixture.components; }
  GMDIFF_PARTICLE Index steps() const { return path_.steps; }
  GMDIFF_PARTICLE bool has(Index row) const { return begin_ + row < path_.count; }
  GMDIFF_PARTICLE Index place(Index i, Index row) const { return i * path_.count + begin_ + row; }
  /// Coordinate i at state n.
  GMDIFF_PARTICLE Index place(Index n, Index i, Index row) const { return place(n * dim() + i, row); }
  GMDIFF_PARTICLE static double kept(bool has, const double* from, Index place) {
    return has ? from[place] : 0.0;
  }
  GMDIFF_PARTICLE D eta(Index n, Index i) const { return D(path_.eta[n * dim() + i]); }
  GMDIFF_PARTICLE D factor(Index row) const {
    return D(job_.through_path || !has(row) ? 1.0 : job_.factor[begin_ + row]);
  }
  GMDIFF_PARTICLE bool is_annealed() const { return path_.has_mixture_score && path_.has_target_score; }

  /// Calls body(e, i, row) for the own numbers of an array (size, rows_), and ends with a barrier.
  template <class Body>
  GMDIFF_PARTICLE void for_each_own(Index size, Body body) {
    for (Index e = block_.thread_rank(); e < size * rows_; e += block_.size()) body(e, e / rows_, e % rows_);
    block_.sync();
  }

  GMDIFF_PARTICLE void load() {
    const bool begins = path_.first_state == steps();
    for_each_own(dim(), [&](Index e, Index i, Index row) {
      lambda_[e] = has(row) && !begins ? job_.lambda[place(i, row)] : 0.0;
    });
    if (!begins || !job_.has_mixture) return;
    for_each_own((2 * dim() + 1) * components(), [&](Index /*e*/, Index i, Index row) {
      if (has(row)) job_.mixture_sums[place(i, row)] = 0.0;
    });
  }
  GMDIFF_PARTICLE void save() {
    for_each_own(dim(), [&](Index e, Index i, Index row) {
      if (has(row)) job_.lambda[place(i, row)] = lambda_[e];
    });
    if (job_.cotangents == nullptr) return;
    find_cotangents(path_.last_state - 1);
    for_each_own(dim(), [&](Index e, Index i, Index row) {
      if (has(row)) job_.cotangents[place(i, row)] = of_drift_[e];
    });
  }

  GMDIFF_PARTICLE void step(Index n) {
    for_each_own(dim(), [&](Index e, Index i, Index row) {
      x_[e] = kept(has(row), path_.history.x, place(n, i, row));
    });
    find_cotangents(n);
    if (n < steps() && job_.has_eta) add_eta(n);
    for_each_own(dim(), [&](Index e, Index /*i*/, Index /*row*/) { change_[e] = 0.0; });
    if (path_.has_mixture_score && (job_.through_path || job_.has_mixture)) add_mixture(n);
    if (job_.has_beta) add_beta(n);
    if (job_.hessian_product != nullptr) {
      for_each_own(dim(), [&](Index e, Index i, Index row) {
        change_[e] = (D(change_[e]) + D(kept(has(row), job_.hessian_product, place(i, row)))).v;
      });
    }
    if (path_.forward.exists() && (n < steps() || path_.mirrored))
      add_network(n, path_.forward, job_.forward, true, path_.mirrored ? -1.0 : 0.0);
    if (path_.backward.exists() && n > 0) add_network(n, path_.backward, job_.backward, false, 1.0);
    if (!job_.through_path) return;
    for_each_own(dim(), [&](Index e, Index i, Index row) {
      const D lambda = n == steps() ? -D(kept(has(row), job_.last_score, place(i, row))) : D(lambda_[e]);
      lambda_[e] = (lambda + D(change_[e])).v;
    });
  }

  /// Cotangents of F_n, of B_n and of the drift in both.
  GMDIFF_PARTICLE void find_cotangents(Index n) {
    const PathHistory& history = path_.history;
    const D half_sign(job_.through_path ? 0.5 : -0.5);
    for_each_own(dim(), [&](Index e, Index i, Index row) {
      of_F_[e] = of_B_[e] = 0.0;
      if (n < steps()) {
        const D q(kept(has(row), history.q, place(n, i, row)));
        const D G(kept(has(row), history.G, place(n, i, row)));
        of_F_[e] = job_.through_path ? particle::path_forward_cotangent(eta(n, i), G, q, D(lambda_[e])).v
                                     : particle::fixed_forward_cotangent(q, factor(row)).v;
      }
      if (n > 0) {
        const D q(kept(has(row), history.q, place(n - 1, i, row)));
        const D G(kept(has(row), history.G, place(n - 1, i, row)));
        of_B_[e] = particle::backward_cotangent(half_sign, eta(n - 1, i), G, q, factor(row)).v;
      }
      of_drift_[e] = (D(of_F_[e]) + D(of_B_[e])).v;
    });
  }

  /// The terms of d_eta_n in the place of F_n.
  GMDIFF_PARTICLE void add_eta(Index n) {
    const PathHistory& history = path_.history;
    for_each_own(dim(), [&](Index e, Index i, Index row) {
      if (!has(row)) return;
      double& term = history.F[place(n, i, row)];
      const D F(term), G(history.G[place(n, i, row)]), q(history.q[place(n, i, row)]);
      term = job_.through_path ? particle::path_eta_term(D(0.5) / eta(n, i), F, G, q, D(lambda_[e])).v
                               : particle::fixed_eta_term(F, G, factor(row)).v;
    });
  }

  // --- the mixture ----------------------------------------------------------------------------------------

  GMDIFF_PARTICLE MixtureRows<Block> mixture_rows() {
    return MixtureRows<Block>(block_, path_.mixture, rows_, x_, gamma_);
  }
  GMDIFF_PARTICLE D z(Index entry, Index e) const {
    return (D(path_.mixture.mean[entry]) - D(x_[e])) * D(path_.mixture.inverse[entry]);
  }
  GMDIFF_PARTICLE void add_to_sum(Index i, Index row, D term) {
    if (!has(row)) return;
    double& sum = job_.mixture_sums[place(i, row)];
    sum = (D(sum) + term).v;
  }
  GMDIFF_PARTICLE Index of_deviation() const { return components() * dim(); }
  GMDIFF_PARTICLE Index of_logit() const { return 2 * components() * dim(); }

  /// H v with v = (1 - beta) q for the cotangent q of the drift, and the gradient of v . score.
  GMDIFF_PARTICLE void add_mixture(Index n) {
    const D beta(is_annealed() ? path_.beta[n] : path_.has_target_score ? 1.0 : 0.0);
    for_each_own(dim(), [&](Index e, Index /*i*/, Index /*row*/) {
      product_[e] = ((D(1.0) - beta) * D(of_drift_[e])).v;
    });
    mixture_rows().find_responsibilities([](Index /*row*/, double /*log_density*/) {});
    find_slopes();
    for_each_own(dim(), [&](Index e, Index j, Index row) {
      D product(0.0);
      for (Index k = 0; k < components(); ++k) product = product + hessian_term(k, j, row, e);
      change_[e] = (D(change_[e]) + product).v;
    });
    if (job_.has_mixture) add_mixture_sums();
  }
  /// dl_k = a_k . v - score . v
  GMDIFF_PARTICLE void find_slopes() {
    const particle::PathMixture& mixture = path_.mixture;
    for_each_own(components(), [&](Index e, Index k, Index row) {
      D slope(0.0);
      for (Index j = 0; j < dim(); ++j) {
        const Index entry = k * dim() + j;
        slope = particle::add_slope(D(mixture.mean[entry]), D(mixture.precision[entry]),
                                    D(x_[j * rows_ + row]), D(product_[j * rows_ + row]), slope);
      }
      slopes_[e] = slope.v;
    });
    for_each_own(1, [&](Index /*e*/, Index /*i*/, Index row) {
      D mean(0.0);
      for (Index k = 0; k < components(); ++k)
        mean = fma(D(gamma_[k * rows_ + row]), D(slopes_[k * rows_ + row]), mean);
      for (Index k = 0; k < components(); ++k)
        slopes_[k * rows_ + row] = (D(slopes_[k * rows_ + row]) - mean).v;
    });
  }
  GMDIFF_PARTICLE D of_slope(Index k, Index row) const {
    return D(gamma_[k * rows_ + row]) * D(slopes_[k * rows_ + row]);
  }
  /// gamma_k v
  GMDIFF_PARTICLE D of_v(Index k, Index row, Index e) const {
    return D(gamma_[k * rows_ + row]) * D(product_[e]);
  }
  GMDIFF_PARTICLE D hessian_term(Index k, Index j, Index row, Index e) const {
    const Index entry = k * dim() + j;
    return particle::hessian_term(of_slope(k, row), of_v(k, row, e), z(entry, e),
                                  D(path_.mixture.inverse[entry]), D(path_.mixture.precision[entry]));
  }
  GMDIFF_PARTICLE void add_mixture_sums() {
    for_each_own(components(),
                 [&](Index /*e*/, Index k, Index row) { add_to_sum(of_logit() + k, row, of_slope(k, row)); });
    for_each_own(components() * dim(), [&](Index /*e*/, Index entry, Index row) {
      const Index k = entry / dim(), j = entry % dim(), e = j * rows_ + row;
      add_to_sum(entry, row, -hessian_term(k, j, row, e));
      add_to_sum(of_deviation() + entry, row,
                 particle::deviation_of_score(of_slope(k, row), of_v(k, row, e), z(entry, e),
                                              D(path_.mixture.inverse[entry])));
    });
  }

  /// q . (grad log rho - grad log p0); beta_0, beta_{N-1} and beta_N pass no gradient.
  GMDIFF_PARTICLE void add_beta(Index n) {
    const bool passes = n > 0 && n < steps() - 1;
    if (passes) {
      MixtureRows<Block> mixture = mixture_rows();
      mixture.find_responsibilities([](Index /*row*/, double /*log_density*/) {});
      mixture.find_score(product_);
    }
    for_each_own(1, [&](Index /*e*/, Index /*i*/, Index row) {
      if (!has(row)) return;
      D term(0.0);
      for (Index j = 0; passes && j < dim(); ++j) {
        const Index e = j * rows_ + row;
        term = term + D(of_drift_[e]) * (D(job_.target_scores[place(n, j, row)]) - D(product_[e]));
      }
      job_.beta_terms[place(n, row)] = term.v;
    });
  }

  /// The part of x_0: log p0, and through the path lambda, which moves x_0 = mu_k + s_k e_0.
  GMDIFF_PARTICLE void add_start() {
    MixtureRows<Block> mixture = mixture_rows();
    mixture.find_responsibilities([](Index /*row*/, double /*log_density*/) {});
    const auto scale = [&](Index row) { return job_.through_path ? D(1.0) : -factor(row); };
    for_each_own(components(), [&](Index e, Index k, Index row) {
      add_to_sum(of_logit() + k, row, scale(row) * (D(gamma_[e]) - D(path_.mixture.weight[k])));
    });
    for_each_own(components() * dim(), [&](Index /*e*/, Index entry, Index row) {
      const D weight = scale(row) * D(gamma_[entry / dim() * rows_ + row]);
      const D of_x = z(entry, entry % dim() * rows_ + row), inverse(path_.mixture.inverse[entry]);
      add_to_sum(entry, row, particle::mean_of_density(weight, of_x, inverse));
      add_to_sum(of_deviation() + entry, row, particle::deviation_of_density(weight, of_x, inverse));
    });
    if (!job_.through_path) return;
    mixture.find_score(product_);
    for_each_own(dim(), [&](Index e, Index j, Index row) {
      if (!has(row)) return;
      const D lambda = D(lambda_[e]) + D(product_[e]);
      const Index entry = job_.component[begin_ + row] * dim() + j;
      add_to_sum(entry, row, lambda);
      add_to_sum(of_deviation() + entry, row, lambda * D(job_.start_noise[place(j, row)]));
    });
  }

  // --- networks -------------------------------------------------------------------------------------------

  /// The part of a network with cotangent cF, if it is in F, plus sign_of_B cB.
  GMDIFF_PARTICLE void add_network(Index n, const PathNetwork<Real>& network,
                                   const NetworkRecord<Real>& record, bool in_F, double sign_of_B) {
    const Index slot = job_.slot(n);
    NetworkLayers<Block, Real> layers(block_, network.table, rows_, numbers_);
    for_each_own(dim(), [&](Index e, Index i, Index row) {
      numbers_[e] = static_cast<Real>(x_[e]);
      if (has(row)) record.input(slot, i)[begin_ + row] = numbers_[e];
    });
    layers.forward(network.time + n * network.table.width, /*keeps_slopes=*/true,
                   [&](Index layer, Index i, Index row, Real h) {
                     if (has(row)) record.value(slot, layer, i)[begin_ + row] = h;
                   });
    for_each_own(dim(), [&](Index e, Index i, Index row) {
      const D sum = D(in_F ? of_F_[e] : 0.0) + D(sign_of_B) * D(of_B_[e]);
      const Real cotangent = static_cast<Real>(sum.v);
      if (record.scale_terms != nullptr && has(row)) {
        const D score = particle::clipped_score(D(job_.target_scores[place(n, i, row)]));
        record.scale_term(slot, i)[begin_ + row] = (D(static_cast<double>(cotangent)) * score).v;
      }
      numbers_[e] = particle::passes_clip(numbers_[e], network.table.bound) ? cotangent : Real(0);
      if (has(row)) record.of_output(slot, i)[begin_ + row] = numbers_[e];
    });
    layers.backward([&](Index layer, Index i, Index row, Real da) {
      if (has(row)) record.cotangent(slot, layer, i)[begin_ + row] = da;
    });
    if (!job_.through_path) return;
    for_each_own(dim(), [&](Index e, Index /*i*/, Index /*row*/) {
      change_[e] = (D(change_[e]) + D(static_cast<double>(numbers_[e]))).v;
    });
  }

  Block& block_;
  const AdjointJob<Real>& job_;
  const PathJob<Real>& path_;
  Index rows_;
  std::int64_t begin_;  // number of the tile's first path
  double *x_, *lambda_, *of_F_, *of_B_, *of_drift_, *product_, *change_, *gamma_, *slopes_;
  Real* numbers_;  // of the networks
};

/// A thread block computes one tile after the other.
template <bool in_shared>
struct AdjointKernel {
  template <class Block, class Real>
  GMDIFF_PARTICLE static void run(Block& block, const AdjointJob<Real>& job) {
    const NetworkGeometry& geometry = job.path.geometry;
    const std::size_t bytes = adjoint_bytes(job) * static_cast<std::size_t>(geometry.rows);
    std::byte* memory = nullptr;
    if constexpr (in_shared) {
      memory = reinterpret_cast<std::byte*>(block.template shared<double>(bytes / sizeof(double)));
    } else {
      memory = job.path.room + static_cast<std::size_t>(block.index()) * bytes;
    }
    const std::int64_t tiles = (job.path.count + geometry.rows - 1) / geometry.rows;
    for (std::int64_t tile = block.index(); tile < tiles; tile += block.num_blocks())
      AdjointTile<Block, Real>(block, job, memory, tile).run();
  }
};

/// Calls body.operator()<Kernel>() for the kernel of a job.
template <class Real, class Body>
void with_kernel(const AdjointJob<Real>& job, Body body) {
  if (job.path.geometry.in_shared) return body.template operator()<AdjointKernel<true>>();
  body.template operator()<AdjointKernel<false>>();
}

}  // namespace gmdiff::kernels
