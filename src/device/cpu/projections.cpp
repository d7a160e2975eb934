#include "device/cpu/projections.hpp"

#include <algorithm>

#include "device/cpu/dispatch.hpp"
#include "device/cpu/parallel.hpp"

namespace gmdiff {
namespace {

constexpr Eigen::Index tile = cpu::directions_per_tile;

Eigen::Index num_tiles(Eigen::Index count) { return (count + tile - 1) / tile; }

/// The directions in tiles, each coordinate by coordinate; the last tile is filled with zeros.
std::vector<double> in_tiles(const Points& directions, Eigen::Index first, Eigen::Index count) {
  const Eigen::Index d = directions.cols();
  std::vector<double> transposed(static_cast<std::size_t>(num_tiles(count) * d * tile), 0.0);
  for (Eigen::Index s = 0; s < count; ++s) {
    for (Eigen::Index i = 0; i < d; ++i)
      transposed[static_cast<std::size_t>((s / tile * d + i) * tile + s % tile)] = directions(first + s, i);
  }
  return transposed;
}

}  // namespace

Eigen::Index directions_at_once(Eigen::Index points, Eigen::Index directions) {
  constexpr Eigen::Index memory = Eigen::Index{64} << 20;
  const Eigen::Index bytes = static_cast<Eigen::Index>(sizeof(double)) * points * tile;
  return tile * std::clamp<Eigen::Index>(memory / bytes, 1, num_tiles(directions));
}

void project_points(const Points& points, const Points& directions, Eigen::Index first, Eigen::Index count,
                    ThreadPool& pool, std::vector<double>& out) {
  constexpr Eigen::Index piece = 512;
  const Eigen::Index n = points.rows();
  const Eigen::Index d = points.cols();
  const Eigen::Index tiles = num_tiles(count);
  const std::vector<double> transposed = in_tiles(directions, first, count);
  const cpu::DistanceUnit unit = cpu::distance_unit(cpu::chosen_instruction_set());
  out.resize(static_cast<std::size_t>(tiles * tile * n));
  const double operations = static_cast<double>(n) * static_cast<double>(d) * static_cast<double>(count);
  for_each_piece(pool, (n + piece - 1) / piece, operations, [&](int /*thread*/, std::int64_t number) {
    const Eigen::Index begin = number * piece;
    for (Eigen::Index t = 0; t < tiles; ++t) {
      unit.project(points.row(begin).data(), std::min(piece, n - begin), d, transposed.data() + t * d * tile,
                   out.data() + t * tile * n + begin, n);
    }
  });
}

}  // namespace gmdiff
