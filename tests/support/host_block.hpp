#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <type_traits>
#include <typeinfo>

// The host block: a CPU stand-in for the thread block of a GPU, on which tests run kernel bodies. Every
// thread is a fiber that runs until it reaches a barrier. Errors of a body that often go unnoticed on a GPU
// are reported here; see run_on_host_block.

namespace gmdiff::test {

enum class ThreadOrder { ascending, descending, shuffled };

struct Launch {
  std::int64_t blocks;
  int threads;  ///< threads per thread block, at most 1024
  std::size_t shared_bytes;
  ThreadOrder order;
  std::uint64_t seed = 1;  ///< seed of the shuffled order
};

/// The place of a call to a collective. Some supported compilers lack std::source_location.
struct Site {
  const char* file = nullptr;
  int line = 0;

  static constexpr Site here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {.file = file, .line = line};
  }
};

namespace host_block {

class Engine;
struct Thread;

/// The collectives of a thread block or tile.
enum class Meeting { barrier, sum, max, scan, exchange };

/// A collective call of one thread; all threads must agree in all members.
struct Call {
  const char* name = "";
  Meeting meeting = Meeting::barrier;
  bool of_tile = false;
  Site site;
};

/// Memory for the value of one thread.
struct Word {
  alignas(16) std::byte bytes[16];
};

template <class T>
Word to_word(const T& value) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(Word));
  Word word{};
  std::memcpy(word.bytes, &value, sizeof(T));
  return word;
}

template <class T>
T from_word(const Word& word) {
  T value;
  std::memcpy(&value, word.bytes, sizeof(T));
  return value;
}

/// Types that tiles reduce.
template <class T>
concept Unsigned = std::same_as<T, std::uint32_t> || std::same_as<T, std::uint64_t>;

/// Eight bytes that fill shared memory before a body writes there. Numbers are signalling NaN; so are, of
/// either precision, the members of a struct, or at least NaN.
template <class T>
constexpr std::uint64_t poison() {
  if constexpr (std::same_as<T, double>) return 0x7FF4'DEAD'DEAD'DEAD;
  if constexpr (std::same_as<T, float>) return 0x7FA0'DEAD'7FA0'DEAD;
  if constexpr (std::integral<T>) return 0xA5A5'A5A5'A5A5'A5A5;
  return 0x7FF4'7FF4'7FF4'7FF4;
}

/// One request for shared memory.
struct Array {
  const std::type_info* type;
  std::size_t size;  ///< size of an element
  std::size_t count;
  std::uint64_t poison;
};

}  // namespace host_block

/// The 32 threads of a warp. Every member but rank() is collective over them.
class HostTile {
 public:
  static constexpr int size = 32;

  HostTile(host_block::Engine& engine, host_block::Thread& thread, int rank)
      : engine_(&engine), thread_(&thread), rank_(rank) {}

  int rank() const { return rank_; }

  template <class T>
  T shfl_xor(T value, int mask, Site site = Site::here()) const {
    return host_block::from_word<T>(
        exchange("tile.shfl_xor", host_block::to_word(value), rank_ ^ mask, site));
  }

  template <class T>
  T broadcast(T value, int from, Site site = Site::here()) const {
    return host_block::from_word<T>(exchange("tile.broadcast", host_block::to_word(value), from, site));
  }

  bool any(bool value, Site site = Site::here()) const {
    return reduce("tile.any", host_block::Meeting::max, value ? 1 : 0, site) != 0;
  }

  template <host_block::Unsigned T>
  T reduce_sum(T value, Site site = Site::here()) const {
    return static_cast<T>(reduce("tile.reduce_sum", host_block::Meeting::sum, value, site));
  }

  template <host_block::Unsigned T>
  T reduce_max(T value, Site site = Site::here()) const {
    return static_cast<T>(reduce("tile.reduce_max", host_block::Meeting::max, value, site));
  }

  template <host_block::Unsigned T>
  T inclusive_scan(T value, Site site = Site::here()) const {
    return static_cast<T>(reduce("tile.inclusive_scan", host_block::Meeting::scan, value, site));
  }

 private:
  std::uint64_t reduce(const char* name, host_block::Meeting meeting, std::uint64_t value, Site site) const;
  host_block::Word exchange(const char* name, host_block::Word value, int from, Site site) const;

  host_block::Engine* engine_;
  host_block::Thread* thread_;
  int rank_;
};

/// The thread block from the view of one of its threads.
class HostBlock {
 public:
  HostBlock(host_block::Engine& engine, host_block::Thread& thread) : engine_(&engine), thread_(&thread) {}

  int thread_rank() const;
  int size() const;
  std::int64_t index() const;       ///< index of the thread block in the grid
  std::int64_t num_blocks() const;  ///< number of thread blocks of the grid

  void sync(Site site = Site::here()) const;

  /// The next n elements of the block's shared memory, aligned to 16 bytes; all threads must request the same
  /// arrays in the same order.
  template <class T>
  T* shared(std::size_t n) {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 16);
    return static_cast<T*>(
        shared_array({.type = &typeid(T), .size = sizeof(T), .count = n, .poison = host_block::poison<T>()}));
  }

  /// Begins to copy one element from global to shared memory. It arrives at this thread's wait() after
  /// commit(), not before; other threads may read it after a further sync().
  template <class T>
  void copy_async(T* to, const T* from) const {
    static_assert(std::is_trivially_copyable_v<T> && (sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 16));
    copy_bytes(to, from, sizeof(T));
  }
  void commit() const;
  void wait() const;

  // Collective over the block; these are barriers too.
  std::uint64_t reduce_sum(std::uint64_t value, Site site = Site::here()) const;
  std::uint64_t reduce_max(std::uint64_t value, Site site = Site::here()) const;
  std::uint64_t inclusive_scan(std::uint64_t value, Site site = Site::here()) const;

  // All threads share one thread of the CPU, so plain arithmetic is atomic.
  static void atomic_add(std::uint64_t* where, std::uint64_t value) { *where += value; }
  static void atomic_min(int* where, int value) { *where = std::min(*where, value); }

  /// This thread's warp; the block's size must be a multiple of 32.
  HostTile tile32() const;

 private:
  void* shared_array(const host_block::Array& array);
  void copy_bytes(void* to, const void* from, std::size_t bytes) const;
  std::uint64_t reduce(const char* name, host_block::Meeting meeting, std::uint64_t value, Site site) const;

  host_block::Engine* engine_;
  host_block::Thread* thread_;
};

namespace host_block {
void run(const Launch& launch, const std::function<void(HostBlock&)>& body);
}  // namespace host_block

/// Runs body(HostBlock&) once for each thread of each block, block after block. Between two barriers the
/// threads run one after another in the launch's order, and so do the blocks; a warp that meets in a tile
/// goes on without the rest of the block where the order allows it. Shared memory is filled with signalling
/// patterns before each block; each array has its own memory, so AddressSanitizer sees a step beyond its end.
///
/// Throws std::invalid_argument for a launch without blocks, or without 1 to 1024 threads; std::logic_error,
/// naming the threads' ranks and the places, where threads meet at different barriers or one returns while
/// others wait, where shared memory is exceeded or threads request it differently, where an asynchronous copy
/// is misplaced, or where a tile is requested and the thread block does not consist of whole warps; and the
/// exceptions of the body.
///
/// After a failure the other threads are abandoned without unwinding, so a body must not own memory on the
/// heap.
template <class Body>
void run_on_host_block(const Launch& launch, Body body) {
  host_block::run(launch, std::cref(body));
}

/// Returns run(ThreadOrder), which must be the same in all three orders; throws std::logic_error otherwise.
/// Poison that was read is NaN and unequal to everything, so it is reported in this way too.
template <class Result, class Run>
Result in_every_order(Run run) {
  Result result = run(ThreadOrder::ascending);
  for (const ThreadOrder order : {ThreadOrder::descending, ThreadOrder::shuffled}) {
    if (!(run(order) == result)) throw std::logic_error("the result depends on the order of threads");
  }
  return result;
}

}  // namespace gmdiff::test
