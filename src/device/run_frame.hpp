#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gmdiff/device/options.hpp>
#include <gmdiff/device/samples.hpp>

#include "device/executor.hpp"
#include "device/result_values.hpp"

namespace gmdiff {

/// The frame of a run: problems, batches, progress, stopping, values, provenance. What a run counts is called
/// an item here: a particle, or a chain of SMC. All problems have `Options::count` items, and their results
/// follow each other.
class RunFrame {
 public:
  /// The items [first, first + count) of one problem, where `first` counts from 0.
  struct Batch {
    std::size_t problem;
    std::uint64_t seed;  ///< of the problem
    std::int64_t first;
    std::int64_t count;
  };

  /// @param items name of the items in messages, in the plural.
  RunFrame(std::size_t problems, const Options& options, const Executor& executor, const char* items);

  const Options& options() const { return options_; }
  const Executor& executor() const { return *executor_; }
  std::int64_t total() const { return total_; }
  /// Number of items finished.
  std::int64_t done() const { return done_; }

  /// Allocates the result, on the device or on the host as the options say. A result on the device is
  /// allocated before the batches, which then fit into the remaining memory.
  /// @param more_bytes host memory that the run needs beside the result.
  /// @param detail what an item has, for the message.
  /// @throws MemoryError when the host has too little memory.
  void allocate(std::int64_t values_per_item, std::uint64_t more_bytes = 0, const std::string& detail = "");
  /// Takes given memory of the host, large enough for the result, in the place of an allocation.
  void write_to(double* given, std::int64_t values_per_item);

  /// The next batch of a problem, of at most `most` items; nothing after the last one. Batches end where the
  /// upper half of an item's index changes.
  std::optional<Batch> next(std::size_t problem, std::int64_t most) const;
  /// Counts the items of a batch as finished and reports the progress.
  void finish(const Batch& batch);

  /// Place of the next batch's values.
  std::variant<float*, double*> place();
  bool keeps_on_device() const { return values_ && values_->on_device(); }

  /// Drops the items of an unfinished problem, unless there is only one. @returns the text for `Interrupted`.
  std::string stop();
  /// Leading axes of the result: (count), or (problems, count).
  std::vector<std::int64_t> leading_shape() const;
  /// Hands over the values of the finished items.
  std::shared_ptr<const SampleValues> take_values();
  /// Provenance of the finished items, without warnings and notes.
  Provenance provenance(std::uint64_t plan_hash, double particle_steps) const;

 private:
  const Options& options_;
  InUse executor_;
  const char* items_;
  std::size_t problems_;
  std::int64_t total_ = 0;
  std::int64_t done_ = 0;
  std::int64_t values_per_item_ = 0;
  std::optional<ResultValues> values_;
  double* given_ = nullptr;  // destination of `write_to`, or null
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace gmdiff
