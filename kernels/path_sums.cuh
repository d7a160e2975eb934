#pragma once

#include "kernels/four.cuh"
#include "kernels/path_gradients.hpp"
#include "particle/arithmetic.hpp"

// The sums over paths of their gradient (mathematics.md §17.11). Every sum has one accumulator, which takes
// the states in descending and the paths of a block in ascending order, as the device cpu does.

namespace gmdiff::kernels {

/// A block of sums of a network.
template <class Block, class Real>
class NetworkSums {
 public:
  using V = particle::One<Real>;

  /// @param staged staged_paths (sum_rows + sum_columns) numbers  @param block_of_paths number of the block
  GMDIFF_PARTICLE NetworkSums(Block& block, const NetworkSumsJob<Real>& job, Real* staged,
                              std::int64_t block_of_paths)
      : block_(block),
        job_(job),
        network_(job.network),
        inputs_(staged),
        outputs_(staged + staged_paths * sum_rows),
        number_(block_of_paths),
        first_(block_of_paths * paths_of_a_sum),
        end_(first_ + paths_of_a_sum < job.record.count ? first_ + paths_of_a_sum : job.record.count) {}

  /// Computes one of the pieces of `SumPieces`.
  GMDIFF_PARTICLE void run(Index piece) {
    const SumPieces<Real> pieces(job_);
    if (piece < pieces.matrices) return add_matrix(pieces, piece);
    piece -= pieces.matrices;
    if (piece < pieces_of(pieces.bias_numbers)) return add_bias(own_number(piece), pieces.bias_numbers);
    piece -= pieces_of(pieces.bias_numbers);
    if (piece < pieces_of(pieces.table_numbers)) return add_table(own_number(piece), pieces.table_numbers);
    piece -= pieces_of(pieces.table_numbers);
    add_scale(own_number(piece), pieces.scale_numbers);
  }

 private:
  GMDIFF_PARTICLE Index own_number(Index piece) const { return piece * block_threads + block_.thread_rank(); }
  GMDIFF_PARTICLE bool is_evaluated(Index n) const {
    return (n > 0 || job_.at_start) && (n < job_.steps || job_.at_end);
  }
  GMDIFF_PARTICLE Index slot(Index n) const { return job_.first_state - n; }
  /// Whether no launch with higher states came before.
  GMDIFF_PARTICLE bool begins() const { return job_.first_state == job_.steps; }
  /// The sums for the weights at `weights`, which have the same places as these in their table.
  GMDIFF_PARTICLE Real* sums_of(const Real* weights) const {
    return job_.states + number_ * state_size(network_) + (weights - network_.numbers);
  }

  // --- matrices -------------------------------------------------------------------------------------------

  struct Matrix {
    Index layer;  ///< 0: Kx; l < layers: V(l); layers: U
    Index rows, columns, pitch;
    Real* sums;
  };
  GMDIFF_PARTICLE Matrix matrix(Index layer) const {
    const Index H = network_.hidden;
    if (layer == 0) return {0, network_.dim, H, network_.width, sums_of(network_.Kx())};
    if (layer < network_.layers) return {layer, H, H, network_.width, sums_of(network_.V(layer))};
    return {layer, H, network_.dim, network_.output_width, sums_of(network_.U())};
  }
  GMDIFF_PARTICLE const Real* input(const Matrix& of, Index n, Index i) const {
    return of.layer == 0 ? job_.record.input(slot(n), i) : job_.record.value(slot(n), of.layer - 1, i);
  }
  GMDIFF_PARTICLE const Real* output(const Matrix& of, Index n, Index j) const {
    return of.layer == network_.layers ? job_.record.of_output(slot(n), j)
                                       : job_.record.cotangent(slot(n), of.layer, j);
  }

  GMDIFF_PARTICLE void add_matrix(const SumPieces<Real>& pieces, Index piece) {
    if (piece < pieces.of_Kx) return add_tile(matrix(0), piece);
    piece -= pieces.of_Kx;
    const Index of_all_V = (network_.layers - 1) * pieces.of_V;
    if (piece < of_all_V) return add_tile(matrix(1 + piece / pieces.of_V), piece % pieces.of_V);
    add_tile(matrix(network_.layers), piece - of_all_V);
  }

  /// Adds inputs^T outputs of all states to a tile of a matrix, four by four entries a thread.
  GMDIFF_PARTICLE void add_tile(const Matrix& of, Index tile) {
    const Index tiles_of_row = (of.columns + sum_columns - 1) / sum_columns;
    const Index row = tile / tiles_of_row * sum_rows, column = tile % tiles_of_row * sum_columns;
    constexpr int fours_of_row = sum_columns / 4;
    const int r = block_.thread_rank() / fours_of_row * 4, c = block_.thread_rank() % fours_of_row * 4;
    V sums[4][4];
    for (int i = 0; i < 4; ++i) {
      for (int j = 0; j < 4; ++j) {
        const Real* const place = entry(of, row + r + i, column + c + j);
        sums[i][j] = V(begins() || place == nullptr ? Real(0) : *place);
      }
    }
    for (Index n = job_.first_state; n >= job_.last_state; --n) {
      if (!is_evaluated(n)) continue;
      for (std::int64_t path = first_; path < end_; path += staged_paths) {
        const int paths = static_cast<int>(end_ - path < staged_paths ? end_ - path : staged_paths);
        stage(inputs_, sum_rows, paths, of.rows - row, [&](Index i) { return input(of, n, row + i) + path; });
        stage(outputs_, sum_columns, paths, of.columns - column,
              [&](Index j) { return output(of, n, column + j) + path; });
        block_.sync();
        for (int p = 0; p < paths; ++p) {
          const Four<Real> a(inputs_ + p * sum_rows + r), b(outputs_ + p * sum_columns + c);
          for (int i = 0; i < 4; ++i) {
            for (int j = 0; j < 4; ++j) sums[i][j] = fma(V(a[i]), V(b[j]), sums[i][j]);
          }
        }
        block_.sync();
      }
    }
    for (int i = 0; i < 4; ++i) {
      for (int j = 0; j < 4; ++j) {
        Real* const place = entry(of, row + r + i, column + c + j);
        if (place != nullptr) *place = sums[i][j].v;
      }
    }
  }
  /// The place of an entry; null beyond the matrix and its padding.
  GMDIFF_PARTICLE Real* entry(const Matrix& of, Index row, Index column) const {
    return row < of.rows && column < of.pitch ? of.sums + row * of.pitch + column : nullptr;
  }
  /// Copies `size` rows of paths to shared memory, (paths, size), and 0 for rows beyond `rows`.
  template <class Row>
  GMDIFF_PARTICLE void stage(Real* to, int size, int paths, Index rows, Row row) {
    for (int e = block_.thread_rank(); e < size * staged_paths; e += block_.size()) {
      const int i = e / staged_paths, p = e % staged_paths;
      to[p * size + i] = i < rows && p < paths ? row(i)[p] : Real(0);
    }
  }

  // --- sums of single rows --------------------------------------------------------------------------------

  GMDIFF_PARTICLE V sum_row(const Real* row, V sum) const {
    for (std::int64_t path = first_; path < end_; ++path) sum = sum + V(row[path]);
    return sum;
  }

  /// dc of the layers 1, 2, ..., then dcU, with their padding.
  GMDIFF_PARTICLE void add_bias(Index number, Index numbers) {
    if (number >= numbers) return;
    const Index layer =
        1 + number / network_.width < network_.layers ? 1 + number / network_.width : network_.layers;
    const bool is_last = layer == network_.layers;
    const Index j = number - (layer - 1) * network_.width;
    Real* const place = sums_of(is_last ? network_.cU() : network_.c(layer)) + j;
    V sum(begins() ? Real(0) : *place);
    const Matrix of = matrix(layer);
    for (Index n = job_.first_state; n >= job_.last_state; --n) {
      if (is_evaluated(n) && j < of.columns) sum = sum_row(output(of, n, j), sum);
    }
    *place = sum.v;
  }

  /// dT_n, with its padding
  GMDIFF_PARTICLE void add_table(Index number, Index numbers) {
    if (number >= numbers) return;
    const Index n = job_.first_state - number / network_.width, j = number % network_.width;
    V sum(Real(0));
    if (is_evaluated(n) && j < network_.hidden) sum = sum_row(job_.record.cotangent(slot(n), 0, j), sum);
    job_.table[(number_ * (job_.steps + 1) + n) * network_.width + j] = sum.v;
  }

  /// dg_n, summed in double
  GMDIFF_PARTICLE void add_scale(Index number, Index numbers) {
    if (number >= numbers) return;
    const Index n = job_.first_state - number / network_.output_width, j = number % network_.output_width;
    particle::One<double> sum(0.0);
    if (is_evaluated(n) && j < network_.dim) {
      const double* const row = job_.record.scale_term(slot(n), j);
      for (std::int64_t path = first_; path < end_; ++path) sum = sum + particle::One<double>(row[path]);
    }
    job_.scale[(number_ * (job_.steps + 1) + n) * network_.output_width + j] = static_cast<Real>(sum.v);
  }

  Block& block_;
  const NetworkSumsJob<Real>& job_;
  const particle::NetworkTable<Real>& network_;
  Real *inputs_, *outputs_;
  std::int64_t number_, first_, end_;
};

/// A thread block computes one piece of one block of sums after the other.
struct NetworkSumsKernel {
  template <class Block, class Real>
  GMDIFF_PARTICLE static void run(Block& block, const NetworkSumsJob<Real>& job) {
    Real* const staged =
        block.template shared<Real>(static_cast<std::size_t>(staged_paths * (sum_rows + sum_columns)));
    const Index pieces = SumPieces<Real>(job).count();
    const std::int64_t blocks = (job.record.count + paths_of_a_sum - 1) / paths_of_a_sum;
    for (std::int64_t work = block.index(); work < blocks * pieces; work += block.num_blocks())
      NetworkSums<Block, Real>(block, job, staged, work / pieces).run(work % pieces);
  }
};

/// A thread adds up one number after the other.
struct TreeKernel {
  template <class Block, class Real>
  GMDIFF_PARTICLE static void run(Block& block, const TreeJob<Real>& job) {
    const std::int64_t threads = block.num_blocks() * block.size();
    for (Index i = block.index() * block.size() + block.thread_rank(); i < job.size; i += threads) {
      if (job.rows != nullptr) sum_blocks(job, i);
      add_tree(job, i);
    }
  }

 private:
  template <class Real>
  GMDIFF_PARTICLE static void sum_blocks(const TreeJob<Real>& job, Index i) {
    const Real* const row = job.rows + i * job.count;
    for (std::int64_t b = 0; b < job.blocks; ++b) {
      const std::int64_t first = b * paths_of_a_sum, rest = job.count - first;
      particle::One<Real> sum(Real(0));
      for (std::int64_t p = 0; p < (rest < paths_of_a_sum ? rest : paths_of_a_sum); ++p)
        sum = sum + particle::One<Real>(row[first + p]);
      job.sums[b * job.size + i] = sum.v;
    }
  }
  template <class Real>
  GMDIFF_PARTICLE static void add_tree(const TreeJob<Real>& job, Index i) {
    for (std::int64_t stride = 1; stride < job.blocks; stride *= 2) {
      for (std::int64_t b = 0; b + stride < job.blocks; b += 2 * stride) {
        Real& to = job.sums[b * job.size + i];
        to = (particle::One<Real>(to) + particle::One<Real>(job.sums[(b + stride) * job.size + i])).v;
      }
    }
  }
};

/// Calls body.operator()<Kernel>() for the kernel of a job.
template <class Real, class Body>
void with_kernel(const NetworkSumsJob<Real>& /*job*/, Body body) {
  body.template operator()<NetworkSumsKernel>();
}
template <class Real, class Body>
void with_kernel(const TreeJob<Real>& /*job*/, Body body) {
  body.template operator()<TreeKernel>();
}

}  // namespace gmdiff::kernels
