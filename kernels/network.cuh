#pragma once

#include "kernels/four.cuh"
#include "kernels/network.hpp"
#include "particle/dense.hpp"

// Networks on tiles of particles: a thread block takes a tile through all layers. Activations are
// (coordinates, particles); weights are read through the caches, as every thread block reads all of them in
// the same order. A thread computes register tiles of particles and four columns; the arithmetic is that of
// particle/dense.hpp.

namespace gmdiff::kernels {

/// Ignores the numbers of a pass.
struct KeepsNothing {
  template <class Real>
  GMDIFF_PARTICLE void operator()(Index /*layer*/, Index /*i*/, Index /*row*/, Real /*number*/) const {}
};

/// The layers of a network on a tile.
template <class Block, class Real>
class NetworkLayers {
 public:
  using V = particle::One<Real>;
  using Table = particle::NetworkTable<Real>;

  /// @param rows particles of the tile  @param memory network_numbers for each of them
  GMDIFF_PARTICLE NetworkLayers(Block& block, const Table& network, Index rows, Real* memory)
      : block_(block),
        network_(network),
        rows_(rows),
        ends_(memory),
        layer_(ends_ + network_input_rows(network_) * rows_),
        other_(layer_ + network_.width * rows_),
        slopes_(other_ + network_.width * rows_) {}

  /// Calls body(n, i, row) for the own numbers of an array (coordinates, rows): coordinate i of a particle is
  /// at place n.
  template <class Body>
  GMDIFF_PARTICLE void for_each_own(Index coordinates, Body body) const {
    for (Index n = block_.thread_rank(); n < coordinates * rows_; n += block_.size())
      body(n, n / rows_, n % rows_);
  }
  /// Inputs or outputs of the passes (d, rows), which replace them by outputs or by cotangents of inputs.
  GMDIFF_PARTICLE Real* ends() const { return ends_; }

  /// Replaces inputs by outputs, which are not clipped yet. Call after a barrier.
  /// @param time row T of the time table  @param keeps_slopes for `backward`
  /// @param keep called as keep(layer, i, row, h) for the own numbers of every hidden layer
  template <class Keep = KeepsNothing>
  GMDIFF_PARTICLE void forward(const Real* time, bool keeps_slopes, Keep keep = {}) {
    for (Index l = 0; l < network_.layers; ++l) {
      if (l == 0) {
        multiply(ends_, network_.dim, network_.Kx(), network_.width, network_.hidden, time, other_);
      } else {
        multiply(layer_, network_.hidden, network_.V(l), network_.width, network_.hidden, network_.c(l),
                 other_);
      }
      swap_layers();
      activate(l, keeps_slopes ? slopes(l) : nullptr, keep);
    }
    multiply(layer_, network_.hidden, network_.U(), network_.output_width, network_.dim, network_.cU(),
             ends_);
  }
  /// Replaces cotangents of outputs by those of inputs. Call after a barrier.
  /// @param keep called as keep(layer, i, row, da) for the cotangents of the hidden layers' sums a
  template <class Keep = KeepsNothing>
  GMDIFF_PARTICLE void backward(Keep keep = {}) {
    for (Index l = network_.layers; l > 0; --l) {
      if (l == network_.layers) {
        multiply(ends_, network_.dim, network_.U_transposed(), network_.width, network_.hidden, nullptr,
                 other_);
      } else {
        multiply(layer_, network_.hidden, network_.V_transposed(l), network_.width, network_.hidden, nullptr,
                 other_);
      }
      swap_layers();
      for_each_own(network_.hidden, [&](Index n, Index i, Index row) {
        layer_[n] = (V(layer_[n]) * V(slopes(l - 1)[n])).v;
        keep(l - 1, i, row, layer_[n]);
      });
      block_.sync();
    }
    multiply(layer_, network_.hidden, network_.Kx_transposed(), network_.output_width, network_.dim, nullptr,
             ends_);
  }

 private:
  GMDIFF_PARTICLE void swap_layers() {
    Real* const layer = layer_;
    layer_ = other_;
    other_ = layer;
  }
  GMDIFF_PARTICLE Real* slopes(Index l) const { return slopes_ + l * network_.width * rows_; }
  template <class Keep>
  GMDIFF_PARTICLE void activate(Index l, Real* slope, Keep keep) {
    for_each_own(network_.hidden, [&](Index n, Index i, Index row) {
      const particle::Gelu<V> of{V(layer_[n])};
      layer_[n] = of.value().v;
      keep(l, i, row, layer_[n]);
      if (slope != nullptr) slope[n] = of.slope().v;
    });
    block_.sync();
  }

  /// to_(column, row) <- bias_column + sum_l a_(l, row) w_(l, column), for whole fours of columns.
  /// @param a (depth, rows_)  @param w (depth, pitch)  @param bias null: 0
  GMDIFF_PARTICLE void multiply(const Real* a, Index depth, const Real* w, Index pitch, Index columns,
                                const Real* bias, Real* to) {
    const Index fours = (columns + 3) / 4;
    if (rows_ / 8 * fours >= block_.size()) {
      multiply_tiles<2>(a, depth, w, pitch, fours, bias, to);
    } else {
      multiply_tiles<1>(a, depth, w, pitch, fours, bias, to);
    }
    block_.sync();
  }
  /// @tparam parts fours of particles of a register tile. They are rows_ / parts apart, so that neighbouring
  ///   threads read neighbouring numbers.
  template <int parts>
  GMDIFF_PARTICLE void multiply_tiles(const Real* a, Index depth, const Real* w, Index pitch, Index fours,
                                      const Real* bias, Real* to) {
    const Index groups = rows_ / (4 * parts), apart = rows_ / parts;
    for (Index n = block_.thread_rank(); n < groups * fours; n += block_.size()) {
      const Index row = n % groups * 4, column = n / groups * 4;
      V sums[parts][4][4];
      for (int c = 0; c < 4; ++c) {
        const V of_column(bias == nullptr ? Real(0) : bias[column + c]);
        for (int part = 0; part < parts; ++part) {
          for (int r = 0; r < 4; ++r) sums[part][r][c] = of_column;
        }
      }
      for (Index l = 0; l < depth; ++l) {
        const Four<Real> of_column(w + l * pitch + column);
        for (int part = 0; part < parts; ++part) {
          const Four<Real> of_row(a + l * rows_ + part * apart + row);
          for (int r = 0; r < 4; ++r) {
            for (int c = 0; c < 4; ++c)
              sums[part][r][c] = fma(V(of_row[r]), V(of_column[c]), sums[part][r][c]);
          }
        }
      }
      for (int part = 0; part < parts; ++part) {
        for (int c = 0; c < 4; ++c) {
          for (int r = 0; r < 4; ++r) to[(column + c) * rows_ + part * apart + row + r] = sums[part][r][c].v;
        }
      }
    }
  }

  Block& block_;
  const Table& network_;
  Index rows_;
  Real *ends_, *layer_, *other_, *slopes_;
};

/// A tile of a learned denoiser.
template <class Block, class Real>
class NetworkTile {
 public:
  GMDIFF_PARTICLE NetworkTile(Block& block, const NetworkJob<Real>& job, Real* memory, std::int64_t tile)
      : block_(block),
        job_(job),
        layers_(block, job.network, job.geometry.rows, memory),
        begin_(tile * job.geometry.rows) {}

  GMDIFF_PARTICLE void run() {
    for_each_end([&](Real& end, Index i, bool has, Index place) {
      const double x = has ? job_.x.load(place) : 0.0;
      end = static_cast<Real>(particle::network_input(job_.factors, job_.mean[i], x));
    });
    layers_.forward(job_.time, /*keeps_slopes=*/has_product());
    if (has_product()) {
      multiply();
    } else {
      denoise();
    }
  }

 private:
  GMDIFF_PARTICLE bool has_product() const { return !job_.v.is_empty(); }

  /// Calls body(end, i, has, place) for the own inputs or outputs; `place` is that of the coordinate in the
  /// rows of the job if `has` says that the particle exists. Ends with a barrier.
  template <class Body>
  GMDIFF_PARTICLE void for_each_end(Body body) {
    layers_.for_each_own(job_.network.dim, [&](Index n, Index i, Index row) {
      const Index particle = begin_ + row;
      body(layers_.ends()[n], i, particle < job_.count, i * job_.count + particle);
    });
    block_.sync();
  }

  GMDIFF_PARTICLE void denoise() {
    for_each_end([&](Real& end, Index i, bool has, Index place) {
      if (!has) return;
      const double F = static_cast<double>(particle::clipped(end, job_.network.bound));
      job_.to.store(place, particle::denoised(job_.factors, job_.mean[i], job_.x.load(place), F));
    });
  }

  /// J^T v = skip v + in J_F^T (out v)
  GMDIFF_PARTICLE void multiply() {
    for_each_end([&](Real& end, Index /*i*/, bool has, Index place) {
      const double v = has ? job_.v.load(place) : 0.0;
      const Real cotangent = static_cast<Real>(particle::scaled_direction(job_.factors.out, v));
      end = particle::passes_clip(end, job_.network.bound) ? cotangent : Real(0);
    });
    layers_.backward();
    for_each_end([&](Real& end, Index /*i*/, bool has, Index place) {
      if (!has) return;
      const double v = job_.v.load(place), of_network = static_cast<double>(end);
      job_.to.store(place, particle::denoiser_product(job_.factors, v, job_.factors.in, of_network));
    });
  }

  Block& block_;
  const NetworkJob<Real>& job_;
  NetworkLayers<Block, Real> layers_;
  std::int64_t begin_;  // number of the tile's first particle
};

/// A thread block computes one tile after the other.
template <bool in_shared>
struct NetworkKernel {
  template <class Block, class Real>
  GMDIFF_PARTICLE static void run(Block& block, const NetworkJob<Real>& job) {
    const Index numbers = network_numbers(job.network, !job.v.is_empty()) * job.geometry.rows;
    Real* memory = nullptr;
    if constexpr (in_shared) {
      memory = block.template shared<Real>(static_cast<std::size_t>(numbers));
    } else {
      memory = job.room + block.index() * numbers;
    }
    const std::int64_t tiles = (job.count + job.geometry.rows - 1) / job.geometry.rows;
    for (std::int64_t tile = block.index(); tile < tiles; tile += block.num_blocks()) {
      NetworkTile<Block, Real>(block, job, memory, tile).run();
    }
  }
};

/// Calls body.operator()<Kernel>() for the kernel of a job.
template <class Real, class Body>
void with_kernel(const NetworkJob<Real>& job, Body body) {
  if (job.geometry.in_shared) return body.template operator()<NetworkKernel<true>>();
  body.template operator()<NetworkKernel<false>>();
}

}  // namespace gmdiff::kernels
