#pragma once

#include "kernels/four.cuh"
#include "kernels/network.hpp"
#include "particle/dense.hpp"

// A learned denoiser on tiles of particles: a thread block takes a tile through all layers. Activations are
// (coordinates, particles); weights are read through the caches, as every thread block reads all of them in
// the same order. A thread computes register tiles of particles and four columns; the arithmetic is that of
// particle/dense.hpp.

namespace gmdiff::kernels {

template <class Block, class Real>
class NetworkTile {
 public:
  using V = particle::One<Real>;
  using Table = particle::NetworkTable<Real>;

  /// @param memory network_numbers for each particle of a tile
  GMDIFF_PARTICLE NetworkTile(Block& block, const NetworkJob<Real>& job, Real* memory, std::int64_t tile)
      : block_(block),
        job_(job),
        network_(job.network),
        rows_(job.geometry.rows),
        begin_(tile * job.geometry.rows),
        inputs_(memory),
        layer_(inputs_ + network_.dim * rows_),
        other_(layer_ + network_.width * rows_),
        slopes_(other_ + network_.width * rows_) {}

  GMDIFF_PARTICLE void run() {
    fill_inputs();
    block_.sync();
    forward();
    if (!has_product()) return denoise();
    start_backward();
    block_.sync();
    backward();
  }

 private:
  GMDIFF_PARTICLE bool has_product() const { return !job_.v.is_empty(); }
  GMDIFF_PARTICLE bool has(Index row) const { return begin_ + row < job_.count; }
  GMDIFF_PARTICLE Index place(Index i, Index row) const { return i * job_.count + begin_ + row; }
  GMDIFF_PARTICLE void swap_layers() {
    Real* const layer = layer_;
    layer_ = other_;
    other_ = layer;
  }

  GMDIFF_PARTICLE void fill_inputs() {
    for (Index n = block_.thread_rank(); n < network_.dim * rows_; n += block_.size()) {
      const Index i = n / rows_, row = n % rows_;
      const double x = has(row) ? job_.x.load(place(i, row)) : 0.0;
      inputs_[n] = static_cast<Real>(particle::network_input(job_.factors, job_.mean[i], x));
    }
  }

  /// Fills `layer_` with the last hidden layer.
  GMDIFF_PARTICLE void forward() {
    multiply(inputs_, network_.dim, network_.Kx(), network_.width, network_.hidden, job_.time,
             [&](Index row, Index j, V sum) { activate(0, row, j, sum, layer_); });
    block_.sync();
    for (Index l = 1; l < network_.layers; ++l) {
      multiply(layer_, network_.hidden, network_.V(l), network_.width, network_.hidden, network_.c(l),
               [&](Index row, Index j, V sum) { activate(l, row, j, sum, other_); });
      block_.sync();
      swap_layers();
    }
  }
  GMDIFF_PARTICLE void activate(Index l, Index row, Index j, V sum, Real* to) {
    const particle::Gelu<V> of(sum);
    to[j * rows_ + row] = of.value().v;
    if (has_product()) slope(l, row, j) = of.slope().v;
  }
  GMDIFF_PARTICLE Real& slope(Index l, Index row, Index j) {
    return slopes_[(l * network_.width + j) * rows_ + row];
  }

  template <class Take>
  GMDIFF_PARTICLE void for_each_output(Take take) {
    multiply(layer_, network_.hidden, network_.U(), network_.output_width, network_.dim, network_.cU(),
             [&](Index row, Index i, V sum) { take(row, i, sum.v); });
  }
  GMDIFF_PARTICLE void denoise() {
    for_each_output([&](Index row, Index i, Real out) {
      if (!has(row)) return;
      const double F = static_cast<double>(particle::clipped(out, network_.bound));
      const double x = job_.x.load(place(i, row));
      job_.to.store(place(i, row), particle::denoised(job_.factors, job_.mean[i], x, F));
    });
  }

  /// Fills the inputs, which nobody reads any more, with the cotangents of the outputs.
  GMDIFF_PARTICLE void start_backward() {
    for_each_output([&](Index row, Index i, Real out) {
      const double v = has(row) ? job_.v.load(place(i, row)) : 0.0;
      const Real cotangent = static_cast<Real>(particle::scaled_direction(job_.factors.out, v));
      inputs_[i * rows_ + row] = particle::passes_clip(out, network_.bound) ? cotangent : Real(0);
    });
  }
  GMDIFF_PARTICLE void backward() {
    const auto through_gelu = [&](Index l) {
      return
          [this, l](Index row, Index j, V sum) { other_[j * rows_ + row] = (sum * V(slope(l, row, j))).v; };
    };
    multiply(inputs_, network_.dim, network_.U_transposed(), network_.width, network_.hidden, nullptr,
             through_gelu(network_.layers - 1));
    block_.sync();
    swap_layers();
    for (Index l = network_.layers - 1; l > 0; --l) {
      multiply(layer_, network_.hidden, network_.V_transposed(l), network_.width, network_.hidden, nullptr,
               through_gelu(l - 1));
      block_.sync();
      swap_layers();
    }
    multiply(layer_, network_.hidden, network_.Kx_transposed(), network_.output_width, network_.dim, nullptr,
             [&](Index row, Index i, V sum) {
               if (!has(row)) return;
               const double v = job_.v.load(place(i, row)), of_input = static_cast<double>(sum.v);
               job_.to.store(place(i, row),
                             particle::denoiser_product(job_.factors, v, job_.factors.in, of_input));
             });
  }

  /// Calls take(row, column, sum) with sum = bias_column + sum_l a_(l, row) w_(l, column) for the own entries.
  /// @param a (depth, rows of the tile)  @param w (depth, pitch)  @param bias null: 0
  template <class Take>
  GMDIFF_PARTICLE void multiply(const Real* a, Index depth, const Real* w, Index pitch, Index columns,
                                const Real* bias, Take take) {
    const Index fours = (columns + 3) / 4;
    if (rows_ / 8 * fours >= block_.size()) {
      multiply_tiles<2>(a, depth, w, pitch, columns, fours, bias, take);
    } else {
      multiply_tiles<1>(a, depth, w, pitch, columns, fours, bias, take);
    }
  }
  /// @tparam parts fours of particles of a register tile. They are rows_ / parts apart, so that neighbouring
  ///   threads read neighbouring numbers.
  template <int parts, class Take>
  GMDIFF_PARTICLE void multiply_tiles(const Real* a, Index depth, const Real* w, Index pitch, Index columns,
                                      Index fours, const Real* bias, Take take) {
    const Index groups = rows_ / (4 * parts), apart = rows_ / parts;
    for (Index n = block_.thread_rank(); n < groups * fours; n += block_.size()) {
      const Index row = n % groups * 4, column = n / groups * 4;
      V sums[parts][4][4];
      start<parts>(sums, bias, column);
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
        for (int r = 0; r < 4; ++r) {
          for (int c = 0; c < 4; ++c) {
            if (column + c < columns) take(part * apart + row + r, column + c, sums[part][r][c]);
          }
        }
      }
    }
  }
  template <int parts>
  GMDIFF_PARTICLE static void start(V (&sums)[parts][4][4], const Real* bias, Index column) {
    for (int c = 0; c < 4; ++c) {
      const V of_column(bias == nullptr ? Real(0) : bias[column + c]);
      for (int part = 0; part < parts; ++part) {
        for (int r = 0; r < 4; ++r) sums[part][r][c] = of_column;
      }
    }
  }

  Block& block_;
  const NetworkJob<Real>& job_;
  const Table& network_;
  Index rows_;
  std::int64_t begin_;  // number of the tile's first particle
  Real *inputs_, *layer_, *other_, *slopes_;
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
      block.sync();
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
