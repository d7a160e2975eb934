#pragma once

#include <limits>
#include <mutex>

#include <gmdiff/base/points.hpp>

// Functions of the calling program are called in turns, and may forget to write rows. All callers share these
// checks.

namespace gmdiff {

/// The order of the calls of a function.
class Turns {
 public:
  /// @param is_concurrent whether several threads may call the function at once
  explicit Turns(bool is_concurrent) : is_concurrent_(is_concurrent) {}
  /// Waits until no other thread calls a function that is not concurrent. The turn ends with the result.
  [[nodiscard]] std::unique_lock<std::mutex> take() {
    return is_concurrent_ ? std::unique_lock<std::mutex>() : std::unique_lock(mutex_);
  }

 private:
  bool is_concurrent_;
  std::mutex mutex_;
};

/// Rows for a function to write. A row that it forgets is NaN and makes the run fail, in place of memory that
/// happens to be there.
inline Points unwritten_rows(Eigen::Index rows, Eigen::Index columns) {
  return Points::Constant(rows, columns, std::numeric_limits<double>::quiet_NaN());
}

}  // namespace gmdiff
