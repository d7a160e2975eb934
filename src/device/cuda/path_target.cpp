#include "device/cuda/path_target.hpp"

#include <algorithm>

#include "kernels/path_gradients.hpp"

namespace gmdiff::cuda {
namespace {

using Eigen::Index;

/// Rows of a block of paths of the host: `count` rows from `begin` on, at place `skipped` of the block.
struct BlockRows {
  Index begin, count, skipped;
};

/// Calls body(rows) for the blocks of `count` paths from number `first` on, on the threads of the host.
template <class Body>
void for_blocks(ThreadPool& pool, std::int64_t first, std::int64_t count, Body body) {
  constexpr std::int64_t size = kernels::paths_of_a_sum;
  const std::int64_t skipped = first % size;
  pool.run((skipped + count + size - 1) / size, [&](int /*thread*/, std::int64_t block) {
    const std::int64_t begin = std::max<std::int64_t>(block * size - skipped, 0);
    const std::int64_t end = std::min<std::int64_t>((block + 1) * size - skipped, count);
    body(BlockRows{.begin = begin, .count = end - begin, .skipped = begin + skipped - block * size});
  });
}

/// The rows of a block, and for a mixture the whole block with zeros beside them.
Points rows_of(const Target& target, const BlockRows& rows, const Points& x) {
  if (target.observed() == nullptr) return x.middleRows(rows.begin, rows.count);
  Points block = Points::Zero(kernels::paths_of_a_sum, x.cols());
  block.middleRows(rows.skipped, rows.count) = x.middleRows(rows.begin, rows.count);
  return block;
}
/// Writes the results of a block to their rows.
template <class Block, class To>
void give_rows(const Target& target, const BlockRows& rows, const Block& block, To& to) {
  to.middleRows(rows.begin, rows.count) =
      block.middleRows(target.observed() == nullptr ? 0 : rows.skipped, rows.count);
}

}  // namespace

Points target_scores(const Target& target, ThreadPool& pool, const Points& x, std::int64_t first,
                     Eigen::VectorXd* log_rho) {
  Points scores(x.rows(), x.cols());
  for_blocks(pool, first, x.rows(), [&](const BlockRows& rows) {
    const Points of_block = rows_of(target, rows, x);
    Points gradient;
    if (log_rho == nullptr) {
      gradient = target.gradient(of_block);
    } else {
      Eigen::VectorXd l;
      target.evaluate(of_block, l, gradient);
      give_rows(target, rows, l, *log_rho);
    }
    give_rows(target, rows, gradient, scores);
  });
  return scores;
}

Points hessian_products(const Target& target, ThreadPool& pool, const Points& x, double factor,
                        const Points& v) {
  Points products(x.rows(), x.cols());
  for_blocks(pool, 0, x.rows(), [&](const BlockRows& rows) {
    const Points scaled = factor * rows_of(target, rows, v);
    give_rows(target, rows, Points(target.hessian_vp(rows_of(target, rows, x), scaled)), products);
  });
  return products;
}

}  // namespace gmdiff::cuda
