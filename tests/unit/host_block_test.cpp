#include "support/host_block.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace gmdiff::test {
namespace {

constexpr std::array all_orders{ThreadOrder::ascending, ThreadOrder::descending, ThreadOrder::shuffled};

Launch one_block(int threads, ThreadOrder order = ThreadOrder::ascending) {
  return {.blocks = 1, .threads = threads, .shared_bytes = 4096, .order = order};
}

/// The message of the std::logic_error that the run throws.
template <class Run>
std::string error_of(Run run) {
  try {
    run();
  } catch (const std::logic_error& error) {
    return error.what();
  }
  return "no error";
}

template <class Body>
std::string error_on(const Launch& launch, Body body) {
  return error_of([&] { run_on_host_block(launch, body); });
}

void expect_contains(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts)
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in: " << text;
}

std::string here(int line) { return std::string(__FILE__) + ':' + std::to_string(line); }

std::uint64_t rank_of(const HostBlock& block) { return static_cast<std::uint64_t>(block.thread_rank()); }

/// A body in the form of kernels. Without its barrier it has the error that the host block must find.
template <class Block>
void reverse(Block& block, double* values, bool with_barrier) {
  const auto n = static_cast<std::size_t>(block.size());
  const auto i = static_cast<std::size_t>(block.thread_rank());
  double* const mine = block.template shared<double>(n);
  double* const all = values + static_cast<std::size_t>(block.index()) * n;
  mine[i] = all[i];
  if (with_barrier) block.sync();
  all[i] = mine[n - 1 - i];
}

std::vector<double> reversed(ThreadOrder order, bool with_barrier) {
  std::vector<double> values(std::size_t{3} * 128);
  std::iota(values.begin(), values.end(), 0.0);
  run_on_host_block({.blocks = 3, .threads = 128, .shared_bytes = 128 * sizeof(double), .order = order},
                    [&](HostBlock& block) { reverse(block, values.data(), with_barrier); });
  return values;
}

TEST(HostBlock, ReversesThreeBlocksThroughSharedMemoryInEveryOrder) {
  std::vector<double> expected(std::size_t{3} * 128);
  std::iota(expected.begin(), expected.end(), 0.0);
  for (auto first = expected.begin(); first != expected.end(); first += 128) std::reverse(first, first + 128);

  const auto result =
      in_every_order<std::vector<double>>([](ThreadOrder order) { return reversed(order, true); });

  EXPECT_EQ(result, expected);
}

TEST(HostBlock, ReportsTheReversalWithoutItsBarrier) {
  const auto run = [] {
    in_every_order<std::vector<double>>([](ThreadOrder order) { return reversed(order, false); });
  };

  const std::string error = error_of(run);

  EXPECT_EQ(error, "the result depends on the order of threads");
}

TEST(HostBlock, GivesPoisonToThreadsThatReadBeforeTheBarrier) {
  for (const ThreadOrder order : all_orders) {
    const std::vector<double> values = reversed(order, false);

    EXPECT_TRUE(std::any_of(values.begin(), values.end(), [](double x) { return std::isnan(x); }));
  }
}

TEST(HostBlock, ReportsABarrierThatIsMissingBetweenWarpsThatMeetInTheirTiles) {
  const auto run = [](ThreadOrder order) {
    std::vector<std::uint32_t> result(64);
    run_on_host_block(one_block(64, order), [&](HostBlock& block) {
      const auto rank = static_cast<std::uint32_t>(block.thread_rank());
      auto* const values = block.shared<std::uint32_t>(64);
      values[rank] = rank;
      block.tile32().any(true);
      result[rank] = values[63 - rank];
    });
    return result;
  };

  const std::string error = error_of([&] { in_every_order<std::vector<std::uint32_t>>(run); });

  EXPECT_EQ(error, "the result depends on the order of threads");
}

/// Ranks as the threads of a block pass between barriers.
std::vector<std::vector<int>> visits(ThreadOrder order, std::uint64_t seed = 1) {
  std::vector<std::vector<int>> result(3);
  run_on_host_block({.blocks = 1, .threads = 64, .shared_bytes = 0, .order = order, .seed = seed},
                    [&](HostBlock& block) {
                      for (std::vector<int>& ranks : result) {
                        ranks.push_back(block.thread_rank());
                        block.sync();
                      }
                    });
  return result;
}

TEST(HostBlock, RunsThreadsInTheOrderAskedFor) {
  std::vector<int> ascending(64);
  std::iota(ascending.begin(), ascending.end(), 0);
  const std::vector<int> descending(ascending.rbegin(), ascending.rend());

  for (const std::vector<int>& ranks : visits(ThreadOrder::ascending)) EXPECT_EQ(ranks, ascending);
  for (const std::vector<int>& ranks : visits(ThreadOrder::descending)) EXPECT_EQ(ranks, descending);
}

TEST(HostBlock, ShufflesAnewAtEachBarrierAndBySeed) {
  const auto shuffled = visits(ThreadOrder::shuffled);

  EXPECT_TRUE(std::is_permutation(shuffled[0].begin(), shuffled[0].end(), shuffled[1].begin()));
  EXPECT_NE(shuffled[0], shuffled[1]);
  EXPECT_NE(shuffled[1], shuffled[2]);
  EXPECT_EQ(shuffled, visits(ThreadOrder::shuffled));
  EXPECT_NE(shuffled, visits(ThreadOrder::shuffled, 2));
}

TEST(HostBlock, ReportsThreadsThatMeetAtDifferentPlaces) {
  for (const ThreadOrder order : all_orders) {
    int first = 0;
    int second = 0;

    const std::string error = error_on(one_block(40, order), [&](HostBlock& block) {
      if (block.thread_rank() < 39) {
        first = __LINE__ + 1;
        block.sync();
      } else {
        second = __LINE__ + 1;
        block.sync();
      }
    });

    expect_contains(error, {"threads 0-38 waiting in sync at " + here(first),
                            "thread 39 waiting in sync at " + here(second)});
  }
}

TEST(HostBlock, ReportsCollectivesOfDifferentKindsOnOneLine) {
  const std::string error = error_on(one_block(2), [](HostBlock& block) {
    block.thread_rank() == 0 ? block.reduce_sum(1) : block.reduce_max(1);
  });

  expect_contains(error, {"thread 0 waiting in reduce_sum at ", "thread 1 waiting in reduce_max at "});
}

TEST(HostBlock, ReportsLanesThatMeetAtDifferentPlaces) {
  const std::string error = error_on(one_block(64), [](HostBlock& block) {
    auto tile = block.tile32();
    if (block.thread_rank() == 40) tile.any(true);
    tile.broadcast(1, 0);
  });

  expect_contains(error, {"threads 32-39, 41-63 waiting in tile.broadcast", "thread 40 waiting in tile.any"});
}

TEST(HostBlock, ReportsALaneThatMissesItsTile) {
  const std::string error = error_on(one_block(32), [](HostBlock& block) {
    if (block.thread_rank() != 7) block.tile32().any(true);
    block.sync();
  });

  expect_contains(error, {"threads 0-6, 8-31 waiting in tile.any", "thread 7 waiting in sync"});
}

TEST(HostBlock, ReportsAThreadThatReturnsWhileOthersWait) {
  for (const ThreadOrder order : all_orders) {
    int line = 0;

    const std::string error = error_on(one_block(8, order), [&](HostBlock& block) {
      block.sync();
      if (block.thread_rank() == 3) return;
      line = __LINE__ + 1;
      block.sync();
    });

    expect_contains(error, {"threads 0-2, 4-7 waiting in sync at " + here(line),
                            "thread 3 returned after sync at " + here(line - 3)});
  }
}

TEST(HostBlock, ReportsAThreadThatReturnsBeforeAnyBarrier) {
  const std::string error = error_on(one_block(2), [](HostBlock& block) {
    if (block.thread_rank() == 1) block.sync();
  });

  expect_contains(error, {"thread 0 returned before any barrier", "thread 1 waiting in sync"});
}

TEST(HostBlock, GivesAllThreadsTheSameAlignedArrays) {
  std::vector<void*> first(5);
  std::vector<void*> second(5);

  run_on_host_block(one_block(5), [&](HostBlock& block) {
    first[rank_of(block)] = block.shared<char>(3);
    second[rank_of(block)] = block.shared<float>(7);
  });

  EXPECT_EQ(first, std::vector<void*>(5, first[0]));
  EXPECT_EQ(second, std::vector<void*>(5, second[0]));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first[0]) % 16, 0u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(second[0]) % 16, 0u);
}

TEST(HostBlock, FillsSharedMemoryWithPatternsBeforeEachBlock) {
  struct Pair {
    float x;
    float y;
  };
  constexpr std::uint64_t quiet_double = 1ULL << 51;
  constexpr std::uint32_t quiet_float = 1U << 22;

  run_on_host_block({.blocks = 2, .threads = 1, .shared_bytes = 4096, .order = ThreadOrder::ascending},
                    [&](HostBlock& block) {
                      auto* const doubles = block.shared<double>(3);
                      auto* const floats = block.shared<float>(3);
                      auto* const ints = block.shared<int>(3);
                      auto* const pairs = block.shared<Pair>(3);
                      for (int i = 0; i < 3; ++i) {
                        EXPECT_TRUE(std::isnan(doubles[i]));
                        EXPECT_EQ(std::bit_cast<std::uint64_t>(doubles[i]) & quiet_double, 0u);
                        EXPECT_TRUE(std::isnan(floats[i]));
                        EXPECT_EQ(std::bit_cast<std::uint32_t>(floats[i]) & quiet_float, 0u);
                        EXPECT_EQ(static_cast<std::uint32_t>(ints[i]), 0xA5A5A5A5u);
                        EXPECT_TRUE(std::isnan(pairs[i].x) && std::isnan(pairs[i].y));
                        doubles[i] = floats[i] = pairs[i].x = pairs[i].y = 1.0F;
                        ints[i] = 1;
                      }
                    });
}

TEST(HostBlock, ReportsTooMuchSharedMemory) {
  const std::string error =
      error_on({.blocks = 1, .threads = 4, .shared_bytes = 100, .order = ThreadOrder::ascending},
               [](HostBlock& block) {
                 block.shared<char>(1);
                 block.shared<int>(21);  // 84 bytes would fit without alignment to 16
                 block.shared<int>(22);
               });

  expect_contains(error, {"22 elements of 4 bytes", "after 112 bytes", "200 bytes in all", "there are 100"});
}

TEST(HostBlock, ReportsSizesOfSharedMemoryThatOverflow) {
  const std::string error = error_on(one_block(1), [](HostBlock& block) {
    block.shared<double>(std::numeric_limits<std::size_t>::max() / 8 + 2);
  });

  expect_contains(error, {"shared memory", "there are 4096"});
}

TEST(HostBlock, ReportsThreadsThatAskForDifferentArrays) {
  const std::string sizes =
      error_on(one_block(4), [](HostBlock& block) { block.shared<int>(block.thread_rank() == 2 ? 5 : 4); });
  const std::string types = error_on(one_block(4), [](HostBlock& block) {
    if (block.thread_rank() == 2) return static_cast<void>(block.shared<float>(4));
    block.shared<int>(4);
  });
  const std::string counts = error_on(one_block(4), [](HostBlock& block) {
    if (block.thread_rank() != 2) block.shared<int>(4);
  });

  expect_contains(sizes, {"thread 2 asks for 5 elements", "another thread for 4 elements"});
  expect_contains(types, {"thread 2 asks for 4 elements of 4 bytes (type f)",
                          "another thread for 4 elements of 4 bytes (type i)"});
  expect_contains(counts, {"thread 2 asks for 0", "another thread for 1"});
}

TEST(HostBlock, CopiesArriveAtWaitAndNotBefore) {
  const std::vector<double> global{1.0, 2.0, 3.0, 4.0};

  run_on_host_block(one_block(4), [&](HostBlock& block) {
    const auto i = static_cast<std::size_t>(block.thread_rank());
    auto* const values = block.shared<double>(4);
    auto* const later = block.shared<double>(4);
    block.copy_async(values + i, global.data() + i);
    block.commit();
    block.copy_async(later + i, global.data() + i);  // not committed before wait()
    block.sync();
    EXPECT_TRUE(std::isnan(values[3 - i]));
    block.sync();
    block.wait();
    block.sync();
    EXPECT_EQ(values[3 - i], global[3 - i]);
    EXPECT_TRUE(std::isnan(later[3 - i]));
    block.sync();
    block.commit();
    block.wait();
    EXPECT_EQ(later[i], global[i]);
  });
}

TEST(HostBlock, ReportsCopiesThatAreMisplaced) {
  struct alignas(4) Eight {
    std::array<float, 2> values;
  };
  const std::array<Eight, 2> global{};
  Eight local{};

  const std::string target =
      error_on(one_block(1), [&](HostBlock& block) { block.copy_async(&local, global.data()); });
  const std::string alignment = error_on(one_block(1), [&](HostBlock& block) {
    auto* const floats = block.shared<float>(4);
    block.copy_async(reinterpret_cast<Eight*>(floats + 1), global.data());
  });

  expect_contains(target, {"copy_async", "not in shared memory"});
  expect_contains(alignment, {"copy_async", "not a multiple"});
}

TEST(HostBlock, ReducesAndScansBlocksOfAnySize) {
  for (const int threads : {1, 2, 31, 33, 100, 257, 1024}) {
    for (const ThreadOrder order : all_orders) {
      run_on_host_block(one_block(threads, order), [&](HostBlock& block) {
        const std::uint64_t i = rank_of(block);
        const auto n = static_cast<std::uint64_t>(threads);

        EXPECT_EQ(block.inclusive_scan(i), i * (i + 1) / 2);
        EXPECT_EQ(block.reduce_sum(i * i), (n - 1) * n * (2 * n - 1) / 6);
        EXPECT_EQ(block.reduce_max((i * 7) % n + (std::uint64_t{1} << 40)) >> 40, 1u);
        EXPECT_EQ(block.reduce_max(n - i), n);
      });
    }
  }
}

TEST(HostBlock, ExchangesAndReducesInTiles) {
  for (const ThreadOrder order : all_orders) {
    run_on_host_block(one_block(96, order), [](HostBlock& block) {
      auto tile = block.tile32();
      const auto rank = static_cast<std::uint32_t>(block.thread_rank());
      const auto lane = static_cast<std::uint32_t>(tile.rank());
      const std::uint32_t first = rank - lane;
      const std::uint64_t large = std::uint64_t{1} << 40;

      EXPECT_EQ(lane, rank % 32);
      EXPECT_EQ(tile.shfl_xor(rank, 5), first + (lane ^ 5));
      EXPECT_EQ(tile.shfl_xor(static_cast<double>(rank), 16), static_cast<double>(first + (lane ^ 16)));
      EXPECT_EQ(tile.broadcast(static_cast<float>(rank), 31), static_cast<float>(first + 31));
      EXPECT_EQ(tile.any(rank == 40), first == 32);
      EXPECT_FALSE(tile.any(false));
      EXPECT_EQ(tile.reduce_sum(rank), 32 * first + 496);
      EXPECT_EQ(tile.reduce_sum(rank + large), 32 * (first + large) + 496);
      EXPECT_EQ(tile.reduce_sum(1U << 31), 0u);
      EXPECT_EQ(tile.reduce_max(100 - rank), 100 - first);
      EXPECT_EQ(tile.reduce_max(rank + large), first + 31 + large);
      EXPECT_EQ(tile.inclusive_scan(lane), lane * (lane + 1) / 2);
      EXPECT_EQ(tile.inclusive_scan(large), (lane + 1) * large);
    });
  }
}

TEST(HostBlock, LetsWarpsMeetInTheirTilesDifferentlyOften) {
  std::vector<int> rounds(128);

  run_on_host_block(one_block(128), [&](HostBlock& block) {
    auto tile = block.tile32();
    int& mine = rounds[rank_of(block)];
    while (tile.any(mine < block.thread_rank() / 32)) ++mine;
    block.sync();
    EXPECT_EQ(rounds[127 - rank_of(block)], (127 - block.thread_rank()) / 32);
  });
}

TEST(HostBlock, ReportsTilesOfBlocksThatAreNotMadeOfWarps) {
  const std::string size = error_on(one_block(33), [](HostBlock& block) { block.tile32(); });
  const std::string lane = error_on(one_block(32), [](HostBlock& block) { block.tile32().broadcast(1, 32); });

  expect_contains(size, {"tile32", "33 threads"});
  expect_contains(lane, {"tile.broadcast", "no thread 32"});
}

TEST(HostBlock, AddsAndTakesMinimaAtomically) {
  std::uint64_t sum = 0;
  int min = std::numeric_limits<int>::max();

  run_on_host_block({.blocks = 3, .threads = 50, .shared_bytes = 0, .order = ThreadOrder::shuffled},
                    [&](HostBlock& block) {
                      block.atomic_add(&sum, rank_of(block));
                      block.atomic_min(&min, 100 - block.thread_rank());
                    });

  EXPECT_EQ(sum, 3u * 1225u);
  EXPECT_EQ(min, 51);
}

TEST(HostBlock, RunsEveryThreadOfEveryBlockOnceInTheOrderAskedFor) {
  const auto blocks = [](ThreadOrder order) {
    std::vector<std::int64_t> result;
    run_on_host_block({.blocks = 20, .threads = 3, .shared_bytes = 0, .order = order}, [&](HostBlock& block) {
      EXPECT_EQ(block.num_blocks(), 20);
      EXPECT_EQ(block.size(), 3);
      result.push_back(block.index() * 3 + block.thread_rank());
    });
    return result;
  };
  std::vector<std::int64_t> ascending(60);
  std::iota(ascending.begin(), ascending.end(), 0);

  const std::vector<std::int64_t> shuffled = blocks(ThreadOrder::shuffled);

  EXPECT_EQ(blocks(ThreadOrder::ascending), ascending);
  EXPECT_EQ(blocks(ThreadOrder::descending), std::vector<std::int64_t>(ascending.rbegin(), ascending.rend()));
  EXPECT_TRUE(std::is_permutation(shuffled.begin(), shuffled.end(), ascending.begin()));
  EXPECT_NE(shuffled, ascending);
}

TEST(HostBlock, PassesOnWhatABodyThrows) {
  for (const ThreadOrder order : all_orders) {
    const auto run = [&] {
      run_on_host_block(one_block(64, order), [](HostBlock& block) {
        block.sync();
        if (block.thread_rank() == 17) throw std::runtime_error("from thread 17");
        block.sync();
      });
    };

    EXPECT_THROW(run(), std::runtime_error);
  }
}

TEST(HostBlock, RefusesLaunchesThatAGpuRefuses) {
  const auto nothing = [](HostBlock&) {};

  EXPECT_THROW(run_on_host_block(
                   {.blocks = 0, .threads = 32, .shared_bytes = 0, .order = ThreadOrder::ascending}, nothing),
               std::invalid_argument);
  EXPECT_THROW(run_on_host_block(one_block(0), nothing), std::invalid_argument);
  EXPECT_THROW(run_on_host_block(one_block(1025), nothing), std::invalid_argument);
}

TEST(HostBlock, HoldsArraysOfFourKilobytesOnEachThreadsStack) {
  run_on_host_block(one_block(256), [](HostBlock& block) {
    std::array<std::uint64_t, 512> mine{};
    std::iota(mine.begin(), mine.end(), rank_of(block));
    block.sync();
    EXPECT_EQ(mine.back(), rank_of(block) + 511);
  });
}

}  // namespace
}  // namespace gmdiff::test
