#pragma once

#include "base/purpose.hpp"
#include "kernels/network.cuh"
#include "kernels/paths.hpp"
#include "particle/normals.hpp"

// Paths of a trained sampler, forward (mathematics.md §17.7): a thread block takes a tile of paths through all
// steps of the launch. States, mixture and weights are in double; the arithmetic is that of particle/path.hpp.

namespace gmdiff::kernels {

/// The start law at the states of a tile. Points are (d, rows), responsibilities (K, rows).
template <class Block>
class MixtureRows {
 public:
  using D = particle::One<double>;

  GMDIFF_PARTICLE MixtureRows(Block& block, const particle::PathMixture& mixture, Index rows, const double* x,
                              double* gamma)
      : block_(block), mixture_(mixture), rows_(rows), x_(x), gamma_(gamma) {}

  /// Writes gamma. Calls take(row, log p) for the own rows. Ends with a barrier.
  template <class Take>
  GMDIFF_PARTICLE void find_responsibilities(Take take) {
    for_each_own(mixture_.components, [&](Index e, Index k, Index row) {
      D squares(0.0);
      for (Index j = 0; j < mixture_.dim; ++j) {
        const Index entry = k * mixture_.dim + j;
        squares = particle::add_square(D(mixture_.mean[entry]), D(mixture_.inverse[entry]),
                                       D(x_[j * rows_ + row]), squares);
      }
      gamma_[e] = particle::log_component(squares, D(mixture_.log_weight[k])).v;
    });
    for_each_own(1, [&](Index /*e*/, Index /*i*/, Index row) { take(row, normalise(row)); });
  }

  /// Writes the score from gamma. Ends with a barrier.
  GMDIFF_PARTICLE void find_score(double* to) {
    for_each_own(mixture_.dim, [&](Index e, Index j, Index row) {
      D sum(0.0);
      for (Index k = 0; k < mixture_.components; ++k) {
        const Index entry = k * mixture_.dim + j;
        sum = particle::add_score(D(gamma_[k * rows_ + row]), D(mixture_.mean[entry]),
                                  D(mixture_.precision[entry]), D(x_[e]), sum);
      }
      to[e] = sum.v;
    });
  }

 private:
  template <class Body>
  GMDIFF_PARTICLE void for_each_own(Index size, Body body) {
    for (Index n = block_.thread_rank(); n < size * rows_; n += block_.size()) body(n, n / rows_, n % rows_);
    block_.sync();
  }

  /// Replaces the logarithms by gamma; log p.
  GMDIFF_PARTICLE double normalise(Index row) {
    const Index K = mixture_.components;
    D largest(-std::numeric_limits<double>::infinity()), total(0.0);
    for (Index k = 0; k < K; ++k) largest = particle::larger(largest, D(gamma_[k * rows_ + row]));
    for (Index k = 0; k < K; ++k) {
      const D e = particle::exp_nonpositive(D(gamma_[k * rows_ + row]) - largest);
      gamma_[k * rows_ + row] = e.v;
      total = total + e;
    }
    for (Index k = 0; k < K; ++k) gamma_[k * rows_ + row] = (D(gamma_[k * rows_ + row]) / total).v;
    return (largest + particle::log(total)).v;
  }

  Block& block_;
  const particle::PathMixture& mixture_;
  Index rows_;
  const double* x_;
  double* gamma_;
};

template <class Block, class Real>
class PathTile {
 public:
  using D = particle::One<double>;

  /// @param memory path_bytes for each path of a tile
  GMDIFF_PARTICLE PathTile(Block& block, const PathJob<Real>& job, std::byte* memory, std::int64_t tile)
      : block_(block), job_(job), rows_(job.geometry.rows), begin_(tile * job.geometry.rows) {
    double* next = reinterpret_cast<double*>(memory);
    for (double** array : {&x_, &F_, &last_F_, &B_, &q_, &score_}) {
      *array = next;
      next += dim() * rows_;
    }
    gamma_ = next;
    numbers_ = reinterpret_cast<Real*>(gamma_ + job.mixture.components * rows_);
  }

  GMDIFF_PARTICLE void run() {
    load();
    for (Index n = job_.first_state; n <= job_.last_state; ++n) {
      evaluate(n);
      if (n > 0) add_log_ratio(n - 1);
      if (job_.history.is_kept()) keep(n);
      if (n < job_.steps) move(n);
    }
    save();
  }

 private:
  GMDIFF_PARTICLE Index dim() const { return job_.mixture.dim; }
  GMDIFF_PARTICLE bool has(Index row) const { return begin_ + row < job_.count; }
  GMDIFF_PARTICLE Index place(Index i, Index row) const { return i * job_.count + begin_ + row; }

  /// Calls body(n, i, row) for the own numbers of an array (size, rows_), and ends with a barrier.
  template <class Body>
  GMDIFF_PARTICLE void for_each_own(Index size, Body body) {
    for (Index n = block_.thread_rank(); n < size * rows_; n += block_.size()) body(n, n / rows_, n % rows_);
    block_.sync();
  }

  GMDIFF_PARTICLE void load() {
    const bool is_start = job_.first_state == 0;
    for_each_own(dim(), [&](Index n, Index i, Index row) {
      x_[n] = has(row) ? job_.x[place(i, row)] : 0.0;
      F_[n] = has(row) && !is_start ? job_.F[place(i, row)] : 0.0;
      q_[n] = has(row) && !is_start ? job_.q[place(i, row)] : 0.0;
    });
    if (!is_start) return;
    for_each_own(1, [&](Index /*n*/, Index /*i*/, Index row) {
      if (has(row)) job_.log_ratio[begin_ + row] = 0.0;
    });
  }
  GMDIFF_PARTICLE void save() {
    for_each_own(dim(), [&](Index n, Index i, Index row) {
      if (!has(row)) return;
      job_.x[place(i, row)] = x_[n];
      job_.F[place(i, row)] = F_[n];
      job_.q[place(i, row)] = q_[n];
    });
  }

  /// F_n for n < N and B_n for n > 0; log p0 at n = 0. `last_F_` then has F_{n-1}.
  GMDIFF_PARTICLE void evaluate(Index n) {
    const bool has_forward = n<job_.steps, has_backward = n> 0;
    double* const F = last_F_;
    last_F_ = F_;
    F_ = F;
    if (job_.has_mixture_score || n == 0) evaluate_mixture(n == 0);
    for_each_own(dim(), [&](Index e, Index i, Index row) { F_[e] = B_[e] = drift(n, e, i, row); });
    if (job_.forward.exists() && (has_forward || job_.mirrored)) {
      run_network(job_.forward, n);
      for_each_own(dim(), [&](Index e, Index i, Index row) {
        F_[e] = with_control(job_.forward, n, e, i, row, 1.0, F_[e]);
        if (job_.mirrored) B_[e] = with_control(job_.forward, n, e, i, row, -1.0, B_[e]);
      });
    }
    if (job_.backward.exists() && has_backward) {
      run_network(job_.backward, n);
      for_each_own(dim(), [&](Index e, Index i, Index row) {
        B_[e] = with_control(job_.backward, n, e, i, row, 1.0, B_[e]);
      });
    }
  }

  /// gamma and the score; log p0 if asked for.
  GMDIFF_PARTICLE void evaluate_mixture(bool gives_density) {
    MixtureRows<Block> mixture(block_, job_.mixture, rows_, x_, gamma_);
    mixture.find_responsibilities([&](Index row, double log_density) {
      if (gives_density && has(row)) job_.log_p0[begin_ + row] = log_density;
    });
    mixture.find_score(score_);
  }

  GMDIFF_PARTICLE double target_score(Index i, Index row) const {
    return has(row) ? job_.target_score[place(i, row)] : 0.0;
  }
  GMDIFF_PARTICLE double drift(Index n, Index e, Index i, Index row) const {
    if (job_.has_mixture_score && job_.has_target_score)
      return particle::annealed_score(D(job_.beta[n]), D(target_score(i, row)), D(score_[e])).v;
    if (job_.has_mixture_score) return score_[e];
    return job_.has_target_score ? target_score(i, row) : 0.0;
  }

  /// The outputs of the network at state n.
  GMDIFF_PARTICLE void run_network(const PathNetwork<Real>& network, Index n) {
    NetworkLayers<Block, Real> layers(block_, network.table, rows_, numbers_);
    for_each_own(dim(), [&](Index e, Index /*i*/, Index /*row*/) { numbers_[e] = static_cast<Real>(x_[e]); });
    layers.forward(network.time + n * network.table.width, /*keeps_slopes=*/false);
  }
  /// sum + sign (net + g_n clip(grad log rho))
  GMDIFF_PARTICLE double with_control(const PathNetwork<Real>& network, Index n, Index e, Index i, Index row,
                                      double sign, double to) const {
    const D output(static_cast<double>(particle::clipped(numbers_[e], network.table.bound)));
    const D sum = particle::add_control(D(sign), output, D(to));
    if (network.scale == nullptr) return sum.v;
    const D scale(static_cast<double>(network.scale[n * network.table.output_width + i]));
    return particle::add_scaled_score(D(sign), scale, D(target_score(i, row)), sum).v;
  }

  /// The log-ratio of the kernels of step n, whose end is evaluated.
  GMDIFF_PARTICLE void add_log_ratio(Index n) {
    for_each_own(1, [&](Index /*e*/, Index /*i*/, Index row) {
      if (!has(row)) return;
      D ratio(0.0);
      for (Index j = 0; j < dim(); ++j) {
        const Index e = j * rows_ + row;
        ratio =
            particle::add_log_ratio(D(job_.eta[n * dim() + j]), D(q_[e]), D(last_F_[e]) + D(B_[e]), ratio);
      }
      double& sum = job_.log_ratio[begin_ + row];
      sum = (D(sum) + ratio).v;
    });
  }

  /// The place of coordinate i at state n in an array of the history.
  GMDIFF_PARTICLE Index kept_place(Index n, Index i, Index row) const {
    return n * dim() * job_.count + place(i, row);
  }
  /// x_n, F_n and G_{n-1}; `move` keeps q_n.
  GMDIFF_PARTICLE void keep(Index n) {
    for_each_own(dim(), [&](Index e, Index i, Index row) {
      if (!has(row)) return;
      job_.history.x[kept_place(n, i, row)] = x_[e];
      if (n < job_.steps) job_.history.F[kept_place(n, i, row)] = F_[e];
      if (n > 0) job_.history.G[kept_place(n - 1, i, row)] = (D(last_F_[e]) + D(B_[e])).v;
    });
  }

  GMDIFF_PARTICLE void move(Index n) {
    const particle::StreamOrigin origin{job_.seed, Purpose::step_noise, job_.replicate};
    for_each_own(dim(), [&](Index e, Index j, Index row) {
      particle::Normals<D> normals(origin, job_.first + static_cast<std::uint64_t>(begin_ + row));
      const D xi = normals(static_cast<std::uint64_t>(n * dim() + j));
      const D q = xi * D(job_.noise_scale[n * dim() + j]);
      q_[e] = q.v;
      if (job_.history.is_kept() && has(row)) job_.history.q[kept_place(n, j, row)] = q.v;
      x_[e] = particle::moved(D(x_[e]), D(job_.eta[n * dim() + j]), D(F_[e]), q).v;
    });
  }

  Block& block_;
  const PathJob<Real>& job_;
  Index rows_;
  std::int64_t begin_;  // number of the tile's first path in the job
  double *x_, *F_, *last_F_, *B_, *q_, *score_, *gamma_;
  Real* numbers_;  // of the networks
};

/// A thread block computes one tile after the other.
template <bool in_shared>
struct PathKernel {
  template <class Block, class Real>
  GMDIFF_PARTICLE static void run(Block& block, const PathJob<Real>& job) {
    const std::size_t bytes = path_bytes(job) * static_cast<std::size_t>(job.geometry.rows);
    std::byte* memory = nullptr;
    if constexpr (in_shared) {
      memory = reinterpret_cast<std::byte*>(block.template shared<double>(bytes / sizeof(double)));
    } else {
      memory = job.room + static_cast<std::size_t>(block.index()) * bytes;
    }
    const std::int64_t tiles = (job.count + job.geometry.rows - 1) / job.geometry.rows;
    for (std::int64_t tile = block.index(); tile < tiles; tile += block.num_blocks())
      PathTile<Block, Real>(block, job, memory, tile).run();
  }
};

/// Calls body.operator()<Kernel>() for the kernel of a job.
template <class Real, class Body>
void with_kernel(const PathJob<Real>& job, Body body) {
  if (job.geometry.in_shared) return body.template operator()<PathKernel<true>>();
  body.template operator()<PathKernel<false>>();
}

}  // namespace gmdiff::kernels
