#include "support/host_block.hpp"

#include <exception>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/fibers.hpp"

namespace gmdiff::test::host_block {

namespace {

constexpr int warp_size = HostTile::size;

/// A pending copy from global to shared memory.
struct Copy {
  void* to;
  const void* from;
  std::size_t bytes;
};

enum class State { ready, waits, returned };

}  // namespace

struct Thread {
  int rank = 0;
  State state = State::ready;
  Call call;  ///< the last collective
  Word input{};
  Word result{};
  int from = 0;  ///< rank in the tile of the thread whose value an exchange reads
  std::vector<Copy> copies;
  std::size_t committed = 0;  ///< number of committed copies
  std::size_t arrays = 0;     ///< number of requested arrays
};

/// Runs the threads and synchronises them.
class Engine {
 public:
  Engine(const Launch& launch, const std::function<void(HostBlock&)>& body);

  void run_grid();

  // The launch, for the running thread.
  const Launch& launch() const { return launch_; }
  std::int64_t index() const { return index_; }
  Word meet(Thread& thread, const Call& call, const Word& input, int from = 0);
  void* shared_array(Thread& thread, const Array& array);
  void require_shared(const void* to, std::size_t bytes) const;

 private:
  /// A shared array of the running thread block.
  struct Room {
    Array array;
    std::unique_ptr<std::byte[]> memory;

    std::size_t bytes() const { return array.size * array.count; }
  };

  void run_block();
  void make_ready(std::span<Thread> threads);
  Thread& take();
  void arrive(Thread& thread);
  void release(std::span<Thread> threads);
  void require_same_place(std::span<const Thread> threads) const;
  void require_all_arrays() const;
  void add_room(const Array& array);

  void resume(Thread& thread);
  void run_body(Thread& thread);

  Launch launch_;
  const std::function<void(HostBlock&)>& body_;
  std::vector<Thread> threads_;
  std::vector<Thread*> ready_;  ///< the next thread is the last entry
  std::vector<int> arrived_;    ///< number of threads in each warp's tile that have arrived
  std::mt19937_64 generator_;
  std::int64_t index_ = 0;
  std::vector<Room> rooms_;
  std::size_t shared_used_ = 0;
  std::exception_ptr failure_;
  Fibers fibers_;
};

namespace {

bool is_same(const char* a, const char* b) {
  return a == b || std::string_view(a) == b;
}  // almost always the former

bool is_same(const Call& a, const Call& b) {
  return a.site.line == b.site.line && a.of_tile == b.of_tile && is_same(a.name, b.name) &&
         is_same(a.site.file, b.site.file);
}

bool is_same_place(const Thread& a, const Thread& b) {
  return a.state == b.state && (a.state == State::returned || is_same(a.call, b.call));
}

std::string text(const Call& call) {
  return std::string(call.name) + " at " + call.site.file + ':' + std::to_string(call.site.line);
}

std::string place(const Thread& thread) {
  if (thread.state == State::waits) return "waiting in " + text(thread.call);
  return thread.call.site.file == nullptr ? "returned before any barrier"
                                          : "returned after " + text(thread.call);
}

/// Ranks of the threads at the same place as `first`: "thread 4" or "threads 0-3, 7".
std::string ranks(std::span<const Thread> threads, const Thread& first) {
  std::string list;
  int count = 0;
  for (std::size_t i = 0; i < threads.size(); ++i) {
    if (!is_same_place(threads[i], first)) continue;
    std::size_t last = i;
    while (last + 1 < threads.size() && is_same_place(threads[last + 1], first)) ++last;
    list += (list.empty() ? "" : ", ") + std::to_string(threads[i].rank);
    if (last > i) list += '-' + std::to_string(threads[last].rank);
    count += static_cast<int>(last - i) + 1;
    i = last;
  }
  return (count == 1 ? "thread " : "threads ") + list;
}

std::string text(const Array& array) {
  return std::to_string(array.count) + " elements of " + std::to_string(array.size) + " bytes (type " +
         array.type->name() + ')';
}

bool is_same(const Array& a, const Array& b) {
  return *a.type == *b.type && a.size == b.size && a.count == b.count;
}

/// Gives each thread its result of the collective that all have reached.
void combine(std::span<Thread> threads) {
  const Meeting meeting = threads.front().call.meeting;
  if (meeting == Meeting::barrier) return;
  if (meeting == Meeting::exchange) {
    for (Thread& thread : threads) thread.result = threads[static_cast<std::size_t>(thread.from)].input;
    return;
  }
  std::uint64_t total = 0;
  for (Thread& thread : threads) {
    const auto value = from_word<std::uint64_t>(thread.input);
    total = meeting == Meeting::max ? std::max(total, value) : total + value;
    thread.result = to_word(total);
  }
  if (meeting == Meeting::scan) return;
  for (Thread& thread : threads) thread.result = to_word(total);
}

}  // namespace

Engine::Engine(const Launch& launch, const std::function<void(HostBlock&)>& body)
    : launch_(launch),
      body_(body),
      threads_(static_cast<std::size_t>(launch.threads)),
      arrived_((threads_.size() + warp_size - 1) / warp_size),
      generator_(launch.seed),
      fibers_(launch.threads, [this](int rank) { run_body(threads_[static_cast<std::size_t>(rank)]); }) {
  for (int rank = 0; rank < launch.threads; ++rank) threads_[static_cast<std::size_t>(rank)].rank = rank;
}

void Engine::run_grid() {
  std::vector<std::int64_t> order(static_cast<std::size_t>(launch_.blocks));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  if (launch_.order == ThreadOrder::descending) std::reverse(order.begin(), order.end());
  if (launch_.order == ThreadOrder::shuffled) std::shuffle(order.begin(), order.end(), generator_);
  for (const std::int64_t index : order) {
    index_ = index;
    run_block();
  }
}

void Engine::run_block() {
  rooms_.clear();
  shared_used_ = 0;
  for (Thread& thread : threads_) {
    thread.call = {};
    thread.copies.clear();
    thread.committed = 0;
    thread.arrays = 0;
  }
  make_ready(threads_);
  while (!ready_.empty()) {
    Thread& thread = take();
    resume(thread);
    if (failure_) std::rethrow_exception(failure_);
    arrive(thread);
  }
  require_all_arrays();
}

void Engine::make_ready(std::span<Thread> threads) {
  for (Thread& thread : threads) {
    thread.state = State::ready;
    ready_.push_back(&thread);
  }
  if (launch_.order == ThreadOrder::ascending)
    std::reverse(ready_.end() - static_cast<std::ptrdiff_t>(threads.size()), ready_.end());
}

Thread& Engine::take() {
  if (launch_.order == ThreadOrder::shuffled) std::swap(ready_[generator_() % ready_.size()], ready_.back());
  Thread& thread = *ready_.back();
  ready_.pop_back();
  return thread;
}

/// Handles the stop of a thread: its warp continues when all its threads have arrived at the tile, the thread
/// block when no thread can run.
void Engine::arrive(Thread& thread) {
  if (thread.state == State::waits && thread.call.of_tile) {
    const auto warp = static_cast<std::size_t>(thread.rank / warp_size);
    if (++arrived_[warp] == warp_size) {
      arrived_[warp] = 0;
      release(std::span(threads_).subspan(warp * warp_size, warp_size));
    }
  }
  if (!ready_.empty()) return;
  require_same_place(threads_);
  if (threads_.front().state == State::waits) release(threads_);
}

void Engine::release(std::span<Thread> threads) {
  require_same_place(threads);
  combine(threads);
  make_ready(threads);
}

void Engine::require_same_place(std::span<const Thread> threads) const {
  std::vector<const Thread*> places;
  for (const Thread& thread : threads) {
    const auto is_here = [&](const Thread* other) { return is_same_place(*other, thread); };
    if (std::none_of(places.begin(), places.end(), is_here)) places.push_back(&thread);
  }
  if (places.size() == 1) return;
  std::string message = "block " + std::to_string(index_) + ": threads do not meet";
  for (const Thread* first : places)
    message += (first == places.front() ? ": " : "; ") + ranks(threads, *first) + ' ' + place(*first);
  throw std::logic_error(message);
}

Word Engine::meet(Thread& thread, const Call& call, const Word& input, int from) {
  thread.call = call;
  thread.input = input;
  thread.from = from;
  thread.state = State::waits;
  fibers_.suspend();
  return thread.result;
}

void* Engine::shared_array(Thread& thread, const Array& array) {
  if (thread.arrays == rooms_.size()) add_room(array);
  const Room& room = rooms_[thread.arrays++];
  if (!is_same(room.array, array)) {
    throw std::logic_error("shared array " + std::to_string(thread.arrays - 1) + ": thread " +
                           std::to_string(thread.rank) + " asks for " + text(array) +
                           ", another thread for " + text(room.array));
  }
  return room.memory.get();
}

void Engine::add_room(const Array& array) {
  const std::size_t begin = (shared_used_ + 15) / 16 * 16;
  const std::size_t bytes = array.size * array.count;
  if (array.count > launch_.shared_bytes ||
      begin + bytes > launch_.shared_bytes) {  // the first: the product may not overflow
    throw std::logic_error("shared memory: " + text(array) + " after " + std::to_string(begin) +
                           " bytes are asked for, " + std::to_string(begin + bytes) +
                           " bytes in all; there are " + std::to_string(launch_.shared_bytes));
  }
  shared_used_ = begin + bytes;
  rooms_.push_back({.array = array, .memory = std::make_unique<std::byte[]>(bytes)});
  const Word pattern = to_word(array.poison);
  for (std::size_t i = 0; i < bytes; ++i) rooms_.back().memory[i] = pattern.bytes[i % sizeof(array.poison)];
}

void Engine::require_all_arrays() const {
  for (const Thread& thread : threads_) {
    if (thread.arrays == rooms_.size()) continue;
    throw std::logic_error("shared arrays: thread " + std::to_string(thread.rank) + " asks for " +
                           std::to_string(thread.arrays) + ", another thread for " +
                           std::to_string(rooms_.size()));
  }
}

void Engine::require_shared(const void* to, std::size_t bytes) const {
  const auto begin = reinterpret_cast<std::uintptr_t>(to);
  for (const Room& room : rooms_) {
    const auto first = reinterpret_cast<std::uintptr_t>(room.memory.get());
    if (begin >= first && begin + bytes <= first + room.bytes()) return;
  }
  throw std::logic_error("copy_async: the target is not in shared memory");
}

/// Runs the thread until it reaches a collective or returns.
void Engine::resume(Thread& thread) {
  if (fibers_.resume(thread.rank)) thread.state = State::returned;
}

void Engine::run_body(Thread& thread) {
  try {
    HostBlock block(*this, thread);
    body_(block);
  } catch (...) {
    failure_ = std::current_exception();
  }
}

void run(const Launch& launch, const std::function<void(HostBlock&)>& body) {
  if (launch.blocks < 1 || launch.threads < 1 || launch.threads > 1024) {
    throw std::invalid_argument("run_on_host_block: " + std::to_string(launch.blocks) + " blocks of " +
                                std::to_string(launch.threads) +
                                " threads; expected at least one block of 1 to 1024 threads");
  }
  Engine(launch, body).run_grid();
}

}  // namespace gmdiff::test::host_block

namespace gmdiff::test {

using host_block::Meeting;
using host_block::Word;

std::uint64_t HostTile::reduce(const char* name, Meeting meeting, std::uint64_t value, Site site) const {
  const host_block::Call call{.name = name, .meeting = meeting, .of_tile = true, .site = site};
  return host_block::from_word<std::uint64_t>(engine_->meet(*thread_, call, host_block::to_word(value)));
}

Word HostTile::exchange(const char* name, Word value, int from, Site site) const {
  if (from < 0 || from >= host_block::warp_size)
    throw std::logic_error(std::string(name) + ": there is no thread " + std::to_string(from));
  return engine_->meet(*thread_, {.name = name, .meeting = Meeting::exchange, .of_tile = true, .site = site},
                       value, from);
}

int HostBlock::thread_rank() const { return thread_->rank; }
int HostBlock::size() const { return engine_->launch().threads; }
std::int64_t HostBlock::index() const { return engine_->index(); }
std::int64_t HostBlock::num_blocks() const { return engine_->launch().blocks; }

void HostBlock::sync(Site site) const { engine_->meet(*thread_, {.name = "sync", .site = site}, {}); }

std::uint64_t HostBlock::reduce(const char* name, Meeting meeting, std::uint64_t value, Site site) const {
  const host_block::Call call{.name = name, .meeting = meeting, .site = site};
  return host_block::from_word<std::uint64_t>(engine_->meet(*thread_, call, host_block::to_word(value)));
}

std::uint64_t HostBlock::reduce_sum(std::uint64_t value, Site site) const {
  return reduce("reduce_sum", Meeting::sum, value, site);
}
std::uint64_t HostBlock::reduce_max(std::uint64_t value, Site site) const {
  return reduce("reduce_max", Meeting::max, value, site);
}
std::uint64_t HostBlock::inclusive_scan(std::uint64_t value, Site site) const {
  return reduce("inclusive_scan", Meeting::scan, value, site);
}

HostTile HostBlock::tile32() const {
  if (size() % host_block::warp_size != 0) {
    throw std::logic_error("tile32: a block of " + std::to_string(size()) + " threads is not made of warps");
  }
  return {*engine_, *thread_, thread_rank() % host_block::warp_size};
}

void* HostBlock::shared_array(const host_block::Array& array) {
  return engine_->shared_array(*thread_, array);
}

void HostBlock::copy_bytes(void* to, const void* from, std::size_t bytes) const {
  engine_->require_shared(to, bytes);
  const auto addresses = reinterpret_cast<std::uintptr_t>(to) | reinterpret_cast<std::uintptr_t>(from);
  if (addresses % bytes != 0)
    throw std::logic_error("copy_async: an address is not a multiple of the element's size");
  thread_->copies.push_back({.to = to, .from = from, .bytes = bytes});
}

void HostBlock::commit() const { thread_->committed = thread_->copies.size(); }

void HostBlock::wait() const {
  std::vector<host_block::Copy>& copies = thread_->copies;
  for (std::size_t i = 0; i < thread_->committed; ++i)
    std::memcpy(copies[i].to, copies[i].from, copies[i].bytes);
  copies.erase(copies.begin(), copies.begin() + static_cast<std::ptrdiff_t>(thread_->committed));
  thread_->committed = 0;
}

}  // namespace gmdiff::test
