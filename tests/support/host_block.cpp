#include "support/host_block.hpp"

#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <csetjmp>
#include <exception>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#define GMDIFF_FIBERS_UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GMDIFF_FIBERS_UNDER_ASAN 1
#endif
#endif

#ifdef GMDIFF_FIBERS_UNDER_ASAN
#include <dlfcn.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#ifdef __GLIBC__
// _longjmp past its fortified twin, which takes a jump to another stack for an error.
extern "C" void gmdiff_plain_longjmp(jmp_buf target, int value) __asm__("_longjmp");
#else
#define gmdiff_plain_longjmp _longjmp
#endif

namespace gmdiff::test::host_block {

namespace {

constexpr int warp_size = HostTile::size;

// AddressSanitizer must be told which stack is in use.
#ifdef GMDIFF_FIBERS_UNDER_ASAN
constexpr bool under_asan = true;
constexpr std::size_t stack_bytes = 256 * 1024;
void start_switch(void** fake_stack, const void* bottom, std::size_t size) { __sanitizer_start_switch_fiber(fake_stack, bottom, size); }
void finish_switch(void* fake_stack, const void** bottom, std::size_t* size) { __sanitizer_finish_switch_fiber(fake_stack, bottom, size); }
void unpoison(void* begin, std::size_t size) { __asan_unpoison_memory_region(begin, size); }

/// _longjmp of the C library. The sanitizer's own, ten times slower, stops to watch the arrays on the stack that it leaves; but here
/// threads come back to it.
auto find_longjmp() {
  auto* result = &gmdiff_plain_longjmp;
  void* const library = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  void* const found = library == nullptr ? nullptr : dlsym(library, "_longjmp");
  if (found != nullptr) result = reinterpret_cast<decltype(result)>(found);
  return result;
}

void jump_to(jmp_buf& target) {
  static const auto longjmp_of_library = find_longjmp();
  longjmp_of_library(target, 1);
}
#else
constexpr bool under_asan = false;
constexpr std::size_t stack_bytes = 128 * 1024;
void start_switch(void** /*fake_stack*/, const void* /*bottom*/, std::size_t /*size*/) {}
void finish_switch(void* /*fake_stack*/, const void** /*bottom*/, std::size_t* /*size*/) {}
void unpoison(void* /*begin*/, std::size_t /*size*/) {}
void jump_to(jmp_buf& target) { gmdiff_plain_longjmp(target, 1); }
#endif

/// Stacks of threads, each above a page that cannot be touched, so that a deep body ends in a fault and not in its neighbour's stack.
class Stacks {
 public:
  explicit Stacks(int count) : count_(count), guard_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    void* memory = mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "stacks of the host block");
    begin_ = static_cast<std::byte*>(memory);
    for (int i = 0; i < count; ++i) mprotect((*this)[i] - guard_, guard_, PROT_NONE);
  }
  ~Stacks() { munmap(begin_, bytes()); }
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;

  int count() const { return count_; }
  std::byte* operator[](int i) const { return begin_ + static_cast<std::size_t>(i) * (guard_ + stack_bytes) + guard_; }

 private:
  std::size_t bytes() const { return static_cast<std::size_t>(count_) * (guard_ + stack_bytes); }

  int count_;
  std::size_t guard_;
  std::byte* begin_ = nullptr;
};

thread_local std::unique_ptr<Stacks> kept_stacks;  // of the last run: new ones cost more than a small run

std::unique_ptr<Stacks> take_stacks(int count) {
  std::unique_ptr<Stacks> stacks = std::move(kept_stacks);
  if (stacks == nullptr || stacks->count() < count) stacks = std::make_unique<Stacks>(count);
  return stacks;
}

/// A copy from global to shared memory on its way.
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
  int from = 0;  ///< whose value an exchange wants, counted in the tile
  std::vector<Copy> copies;
  std::size_t committed = 0;  ///< of the copies
  std::size_t arrays = 0;     ///< asked for

  // The fiber: entered once by its context, later by jumps, which are cheaper as they leave the signal mask alone.
  std::byte* stack = nullptr;
  bool is_entered = false;
  ucontext_t context{};
  jmp_buf jump{};
  void* fake_stack = nullptr;
};

/// Runs the threads and lets them meet.
class Engine {
 public:
  Engine(const Launch& launch, const std::function<void(HostBlock&)>& body);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void run_grid();

  // For the thread that runs.
  const Launch& launch() const { return launch_; }
  std::int64_t index() const { return index_; }
  Word meet(Thread& thread, const Call& call, const Word& input, int from = 0);
  void* shared_array(Thread& thread, const Array& array);
  void require_shared(const void* to, std::size_t bytes) const;

 private:
  /// An array of the block that runs.
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

  void close_fibers();
  void resume(Thread& thread);
  void suspend(Thread& thread, bool for_good = false);
  void live(Thread& thread);
  static void enter();

  Launch launch_;
  const std::function<void(HostBlock&)>& body_;
  std::unique_ptr<Stacks> stacks_;
  std::vector<Thread> threads_;
  std::vector<Thread*> ready_;  ///< the next one is last
  std::vector<int> arrived_;    ///< in each warp's tile
  std::mt19937_64 generator_;
  std::int64_t index_ = 0;
  std::vector<Room> rooms_;
  std::size_t shared_used_ = 0;

  Thread* running_ = nullptr;
  std::exception_ptr failure_;
  bool closes_ = false;  ///< threads end instead of waiting for another block
  jmp_buf jump_{};
  void* fake_stack_ = nullptr;
  const void* stack_bottom_ = nullptr;
  std::size_t stack_size_ = 0;
};

namespace {

thread_local Engine* entering = nullptr;  // a context takes no pointers

bool is_same(const char* a, const char* b) { return a == b || std::string_view(a) == b; }  // almost always the former

bool is_same(const Call& a, const Call& b) {
  return a.site.line == b.site.line && a.of_tile == b.of_tile && is_same(a.name, b.name) && is_same(a.site.file, b.site.file);
}

bool is_same_place(const Thread& a, const Thread& b) {
  return a.state == b.state && (a.state == State::returned || is_same(a.call, b.call));
}

std::string text(const Call& call) { return std::string(call.name) + " at " + call.site.file + ':' + std::to_string(call.site.line); }

std::string place(const Thread& thread) {
  if (thread.state == State::waits) return "waiting in " + text(thread.call);
  return thread.call.site.file == nullptr ? "returned before any barrier" : "returned after " + text(thread.call);
}

/// Ranks of the threads that are where `first` is: "thread 4" or "threads 0-3, 7".
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
  return std::to_string(array.count) + " elements of " + std::to_string(array.size) + " bytes (type " + array.type->name() + ')';
}

bool is_same(const Array& a, const Array& b) { return *a.type == *b.type && a.size == b.size && a.count == b.count; }

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
      stacks_(take_stacks(launch.threads)),
      threads_(static_cast<std::size_t>(launch.threads)),
      arrived_((threads_.size() + warp_size - 1) / warp_size),
      generator_(launch.seed) {
  for (int rank = 0; rank < launch.threads; ++rank) {
    threads_[static_cast<std::size_t>(rank)].rank = rank;
    threads_[static_cast<std::size_t>(rank)].stack = (*stacks_)[rank];
  }
}

Engine::~Engine() {
  if (under_asan) close_fibers();
  for (const Thread& thread : threads_) {  // marks of the frames that are never left: all of an abandoned thread, or those below a body
    const std::size_t bytes = thread.state == State::returned ? 4096 : stack_bytes;
    unpoison(thread.stack + stack_bytes - bytes, bytes);
  }
  kept_stacks = std::move(stacks_);
}

/// Lets AddressSanitizer free what it keeps for each fiber. (It keeps that of abandoned ones.)
void Engine::close_fibers() {
  closes_ = true;
  for (Thread& thread : threads_) {
    if (thread.is_entered && thread.state == State::returned) resume(thread);
  }
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
  if (launch_.order == ThreadOrder::ascending) std::reverse(ready_.end() - static_cast<std::ptrdiff_t>(threads.size()), ready_.end());
}

Thread& Engine::take() {
  if (launch_.order == ThreadOrder::shuffled) std::swap(ready_[generator_() % ready_.size()], ready_.back());
  Thread& thread = *ready_.back();
  ready_.pop_back();
  return thread;
}

/// What follows from a thread's stop: its warp goes on when all have come to the tile, the block when no thread can run.
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
  for (const Thread* first : places) message += (first == places.front() ? ": " : "; ") + ranks(threads, *first) + ' ' + place(*first);
  throw std::logic_error(message);
}

Word Engine::meet(Thread& thread, const Call& call, const Word& input, int from) {
  thread.call = call;
  thread.input = input;
  thread.from = from;
  thread.state = State::waits;
  suspend(thread);
  return thread.result;
}

void* Engine::shared_array(Thread& thread, const Array& array) {
  if (thread.arrays == rooms_.size()) add_room(array);
  const Room& room = rooms_[thread.arrays++];
  if (!is_same(room.array, array)) {
    throw std::logic_error("shared array " + std::to_string(thread.arrays - 1) + ": thread " + std::to_string(thread.rank) + " asks for " +
                           text(array) + ", another thread for " + text(room.array));
  }
  return room.memory.get();
}

void Engine::add_room(const Array& array) {
  const std::size_t begin = (shared_used_ + 15) / 16 * 16;
  const std::size_t bytes = array.size * array.count;
  if (array.count > launch_.shared_bytes || begin + bytes > launch_.shared_bytes) {  // the first: the product may not overflow
    throw std::logic_error("shared memory: " + text(array) + " after " + std::to_string(begin) + " bytes are asked for, " +
                           std::to_string(begin + bytes) + " bytes in all; there are " + std::to_string(launch_.shared_bytes));
  }
  shared_used_ = begin + bytes;
  rooms_.push_back({.array = array, .memory = std::make_unique<std::byte[]>(bytes)});
  const Word pattern = to_word(array.poison);
  for (std::size_t i = 0; i < bytes; ++i) rooms_.back().memory[i] = pattern.bytes[i % sizeof(array.poison)];
}

void Engine::require_all_arrays() const {
  for (const Thread& thread : threads_) {
    if (thread.arrays == rooms_.size()) continue;
    throw std::logic_error("shared arrays: thread " + std::to_string(thread.rank) + " asks for " + std::to_string(thread.arrays) +
                           ", another thread for " + std::to_string(rooms_.size()));
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

/// Runs the thread until it meets others or returns.
void Engine::resume(Thread& thread) {
  running_ = &thread;
  start_switch(&fake_stack_, thread.stack, stack_bytes);
  if (_setjmp(jump_) == 0) {
    if (thread.is_entered) jump_to(thread.jump);
    thread.is_entered = true;
    getcontext(&thread.context);
    thread.context.uc_stack.ss_sp = thread.stack;
    thread.context.uc_stack.ss_size = stack_bytes;
    thread.context.uc_link = nullptr;
    makecontext(&thread.context, &Engine::enter, 0);
    entering = this;
    setcontext(&thread.context);
  }
  finish_switch(fake_stack_, nullptr, nullptr);
}

/// Goes back to resume().
void Engine::suspend(Thread& thread, bool for_good) {
  start_switch(for_good ? nullptr : &thread.fake_stack, stack_bottom_, stack_size_);
  if (_setjmp(thread.jump) == 0) jump_to(jump_);
  finish_switch(thread.fake_stack, nullptr, nullptr);
}

void Engine::enter() {
  Engine& engine = *entering;
  finish_switch(nullptr, &engine.stack_bottom_, &engine.stack_size_);
  engine.live(*engine.running_);
}

/// One thread's life: the body once for each block. Never returns, as there is nothing below it on the stack.
void Engine::live(Thread& thread) {
  while (!closes_) {
    try {
      HostBlock block(*this, thread);
      body_(block);
    } catch (...) {
      failure_ = std::current_exception();
    }
    thread.state = State::returned;
    suspend(thread);
  }
  suspend(thread, true);
}

void run(const Launch& launch, const std::function<void(HostBlock&)>& body) {
  if (launch.blocks < 1 || launch.threads < 1 || launch.threads > 1024) {
    throw std::invalid_argument("run_on_host_block: " + std::to_string(launch.blocks) + " blocks of " + std::to_string(launch.threads) +
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
  if (from < 0 || from >= host_block::warp_size) throw std::logic_error(std::string(name) + ": there is no thread " + std::to_string(from));
  return engine_->meet(*thread_, {.name = name, .meeting = Meeting::exchange, .of_tile = true, .site = site}, value, from);
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

std::uint64_t HostBlock::reduce_sum(std::uint64_t value, Site site) const { return reduce("reduce_sum", Meeting::sum, value, site); }
std::uint64_t HostBlock::reduce_max(std::uint64_t value, Site site) const { return reduce("reduce_max", Meeting::max, value, site); }
std::uint64_t HostBlock::inclusive_scan(std::uint64_t value, Site site) const {
  return reduce("inclusive_scan", Meeting::scan, value, site);
}

HostTile HostBlock::tile32() const {
  if (size() % host_block::warp_size != 0) {
    throw std::logic_error("tile32: a block of " + std::to_string(size()) + " threads is not made of warps");
  }
  return {*engine_, *thread_, thread_rank() % host_block::warp_size};
}

void* HostBlock::shared_array(const host_block::Array& array) { return engine_->shared_array(*thread_, array); }

void HostBlock::copy_bytes(void* to, const void* from, std::size_t bytes) const {
  engine_->require_shared(to, bytes);
  const auto addresses = reinterpret_cast<std::uintptr_t>(to) | reinterpret_cast<std::uintptr_t>(from);
  if (addresses % bytes != 0) throw std::logic_error("copy_async: an address is not a multiple of the element's size");
  thread_->copies.push_back({.to = to, .from = from, .bytes = bytes});
}

void HostBlock::commit() const { thread_->committed = thread_->copies.size(); }

void HostBlock::wait() const {
  std::vector<host_block::Copy>& copies = thread_->copies;
  for (std::size_t i = 0; i < thread_->committed; ++i) std::memcpy(copies[i].to, copies[i].from, copies[i].bytes);
  copies.erase(copies.begin(), copies.begin() + static_cast<std::ptrdiff_t>(thread_->committed));
  thread_->committed = 0;
}

}  // namespace gmdiff::test
