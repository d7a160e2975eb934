#include "device/cpu/parallel.hpp"

#include <algorithm>
#include <vector>

namespace gmdiff {

void for_each_piece(ThreadPool& pool, std::int64_t count, double operations,
                    const std::function<void(int, std::int64_t)>& body) {
  // operations per thread: it must wake up and read data that others have written
  constexpr double worth_a_thread = 1e6;
  const double threads = std::clamp(operations / worth_a_thread, 1.0, static_cast<double>(pool.threads()));
  pool.run(count, body, {}, static_cast<int>(threads));
}

long double sum_of_pieces(ThreadPool& pool, std::int64_t count, double operations,
                          const std::function<long double(std::int64_t)>& body) {
  std::vector<long double> pieces(static_cast<std::size_t>(count), 0.0L);
  for_each_piece(pool, count, operations,
                 [&](int /*thread*/, std::int64_t i) { pieces[static_cast<std::size_t>(i)] = body(i); });
  long double sum = 0.0L;
  for (const long double piece : pieces) sum += piece;
  return sum;
}

}  // namespace gmdiff
