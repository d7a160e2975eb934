#include "device/cpu/parallel.hpp"

#include <algorithm>

#include "base/machine.hpp"
#include "base/thread_pool.hpp"

namespace gmdiff {

int all_threads() { return usable_processors(); }

void for_each_piece(int threads, std::int64_t count, double operations, const std::function<void(int, std::int64_t)>& body) {
  constexpr double worth_a_thread = 1e6;  // about what it costs to start one
  const double worthwhile = std::clamp(operations / worth_a_thread, 1.0, static_cast<double>(threads));
  ThreadPool pool(static_cast<int>(std::min(worthwhile, static_cast<double>(std::max<std::int64_t>(count, 1)))));
  pool.run(count, body);
}

long double sum_of_pieces(int threads, std::int64_t count, double operations, const std::function<long double(std::int64_t)>& body) {
  std::vector<long double> pieces(static_cast<std::size_t>(count), 0.0L);
  for_each_piece(threads, count, operations, [&](int /*thread*/, std::int64_t i) { pieces[static_cast<std::size_t>(i)] = body(i); });
  long double sum = 0.0L;
  for (const long double piece : pieces) sum += piece;
  return sum;
}

}  // namespace gmdiff
