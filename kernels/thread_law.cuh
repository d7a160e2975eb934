#pragma once

#include "kernels/four.cuh"
#include "kernels/thread_steps.cuh"
#include "kernels/tile.cuh"

// The mixture on a thread: the parts that all laws of more than four coordinates share. All threads of the
// block copy the tables of a chunk of components to shared memory and read them together, four numbers at a
// time. Of a thread's own arrays, only those that are indexed at run time are in shared memory, in columns.
//
// Rows are as long as a thread's arrays. Beyond the law's coordinates tables hold -0 and arrays +0. Their
// product is -0, and adding -0 never changes a sum, whatever its sign: the bits are those of the sum that
// ends at the last coordinate.

namespace gmdiff::kernels {

template <class V, class Shape, class Block>
class ThreadLaw {
 public:
  using Real = RealOf<V>;
  using Column = TileVector<V, block_threads * Types<V>::lanes>;
  static constexpr int most = Shape::most;

  GMDIFF_PARTICLE ThreadLaw(Block& block, const LawTable<Real>& law)
      : block_(block), law_(law), column_(take_column(particle::chunk_size)), previous_(take_column(most)) {
    constants_ = take(1);
    means_ = take(most);
  }

  GMDIFF_PARTICLE Index dim() const { return law_.dim; }
  GMDIFF_PARTICLE Column previous() const { return previous_; }
  /// Another column of as many numbers; usable until logits are computed.
  GMDIFF_PARTICLE Column scratch() const { return column_; }

  template <class Body>
  GMDIFF_PARTICLE void for_each_coordinate(Body body) const {
    for_each_of<Shape::least, most>(short_dim(), body);
  }
  /// Computes the normals one after the other by the same code, then moves them to registers.
  template <class Normal, class Body>
  GMDIFF_PARTICLE void for_each_normal(Normal normal, Body body) const {
    for (Index i = 0; i < law_.dim; ++i) column_[i] = normal(i);
    for_each_coordinate([&](int i) { body(i, column_[i]); });
  }

  GMDIFF_PARTICLE void rotate(const V* x, V* y, bool to_basis) const {
    if (!law_.has_common_basis()) {
      for_each_coordinate([&](int i) { y[i] = x[i]; });
      return;
    }
    for_each_coordinate([&](int i) {
      column_[i] = x[i];
      y[i] = V(Real(0));
    });
    const Index row = to_basis ? law_.dim : 1;
    const Index column = to_basis ? 1 : law_.dim;
    for (Index j = 0; j < law_.dim; ++j) {
      const V x_j = column_[j];
      for_each_coordinate([&](int i) { y[i] = fma(V(law_.bases[i * row + j * column]), x_j, y[i]); });
    }
  }

 protected:
  /// Calls body(i) for i = 0, 4, ..., the beginnings of whole groups of four coordinates.
  template <class Body>
  GMDIFF_PARTICLE void for_each_four(Body body) const {
    for_each_of<(Shape::least + 3) / 4, most / 4>((short_dim() + 3) / 4, [&](int n) { body(4 * n); });
  }
  /// sums += factor row, for a row of a table.
  GMDIFF_PARTICLE void add_row(const Real* row, V factor, V* sums) const {
    for_each_four([&](int i) {
      const Four<Real> p(row + i);
      for (int c = 0; c < 4; ++c) sums[i + c] = fma(factor, V(p[c]), sums[i + c]);
    });
  }

  /// The number of coordinates as a 32-bit integer.
  GMDIFF_PARTICLE int short_dim() const { return static_cast<int>(law_.dim); }

  // --- tables of a chunk -----------------------------------------------------------------------------------

  /// The next array of shared memory, with `numbers` numbers per component of a chunk.
  GMDIFF_PARTICLE Real* take(int numbers) {
    return block_.template shared<Real>(static_cast<std::size_t>(numbers) * particle::chunk_size);
  }

  /// Copies the tables of n components from `first` on. `always` copies those of the level, `once` those of
  /// the law unless they are still in shared memory.
  template <class Always, class Once>
  GMDIFF_PARTICLE void stage(const LevelTable<Real>& level, Index first, int n, Always always, Once once) {
    block_.sync();  // no thread reads the last chunk any more
    stage_numbers(level.constants + first, n, constants_);
    always();
    if (first != staged_) {
      stage_rows(law_.means + first * law_.dim, n, means_);
      once();
      staged_ = first;
    }
    block_.sync();
  }
  GMDIFF_PARTICLE void stage_numbers(const Real* from, int n, Real* to) const {
    for (int k = block_.thread_rank(); k < n; k += block_.size()) to[k] = from[k];
  }
  GMDIFF_PARTICLE void stage_rows(const Real* from, int n, Real* to) const {
    const int d = short_dim();
    const int i = block_.thread_rank() % most;
    for (int k = block_.thread_rank() / most; k < n; k += block_.size() / most)
      to[k * most + i] = i < d ? from[k * d + i] : Real(-0.0);
  }
  /// Copies matrices (d, d), column by column.
  GMDIFF_PARTICLE void stage_matrices(const Real* from, int n, Real* to) const {
    const int d = short_dim();
    for (int k = 0; k < n; ++k) stage_rows(from + k * d * d, d, to + k * most * most);
  }

  // --- components ------------------------------------------------------------------------------------------

  /// The sum of e_k in the order of particle/softmax.hpp. stage(first, n) copies a chunk to shared memory;
  /// logit(k), rescale(factor) and add(k, e) get the index of a component in the chunk.
  template <class Stage, class Logit, class Rescale, class Add>
  GMDIFF_PARTICLE V softmax_total(Stage stage, Logit logit, Rescale rescale, Add add) const {
    V maximum(std::numeric_limits<Real>::lowest());
    V total(Real(0));
    for (Index first = 0; first < law_.num_components; first += particle::chunk_size) {
      const int n = static_cast<int>(particle::chunk_length(law_.num_components, first));
      stage(first, n);
      const V before = maximum;
      for (int k = 0; k < n; ++k) {
        const V ell = logit(k);
        column_[k] = ell;
        maximum = particle::larger(maximum, ell);
      }
      if (first > 0) {
        const V factor = particle::exp_nonpositive(before - maximum);
        total = total * factor;
        rescale(factor);
      }
      for (int k = 0; k < n; ++k) {
        const V e = particle::exp_nonpositive(column_[k] - maximum);
        total = total + e;
        add(k, e);
      }
    }
    return total;
  }

  /// Calls body(k, logit) for all components. With `again`, the logits of a single chunk are taken from the
  /// last call.
  template <class Stage, class Logit, class Body>
  GMDIFF_PARTICLE void logits(bool again, Stage stage, Logit logit, Body body) const {
    const bool there = again && law_.num_components <= particle::chunk_size;
    for (Index first = 0; first < law_.num_components; first += particle::chunk_size) {
      const int n = static_cast<int>(particle::chunk_length(law_.num_components, first));
      if (!there) stage(first, n);
      for (int k = 0; k < n; ++k) {
        if (!there) column_[k] = logit(k);
        body(first + k, V(column_[k]));
      }
    }
  }

  Block& block_;
  const LawTable<Real>& law_;
  Real* constants_;  // of the chunk, (n)
  Real* means_;      // (n, most)

 private:
  GMDIFF_PARTICLE Column take_column(Index rows) {
    constexpr int particles = block_threads * Types<V>::lanes;
    return Column(block_.template shared<Real>(static_cast<std::size_t>(rows) * particles) +
                  block_.thread_rank() * Types<V>::lanes);
  }

  Column column_;      // of chunk_size numbers, at least `most`
  Column previous_;    // of `most` numbers
  Index staged_ = -1;  // first component of the chunk whose tables of the law are in shared memory
};

}  // namespace gmdiff::kernels
