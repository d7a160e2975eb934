#include "device/host_draws.hpp"

#include <algorithm>

namespace gmdiff {

Points host_draws(const Target& target, std::int64_t count, std::uint64_t seed, std::int64_t first,
                  std::uint32_t replicate, ThreadPool* pool) {
  constexpr std::int64_t piece = 1024;  // a few milliseconds
  if (pool == nullptr || count <= piece) return target.draws(count, seed, first, replicate);
  Points x(count, target.dim());
  pool->run((count + piece - 1) / piece, [&](int /*thread*/, std::int64_t i) {
    const std::int64_t begin = i * piece, n = std::min(piece, count - begin);
    x.middleRows(begin, n) = target.draws(n, seed, first + begin, replicate);
  });
  return x;
}

}  // namespace gmdiff
