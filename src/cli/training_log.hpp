#pragma once

#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "cli/arguments.hpp"
#include "cli/output.hpp"
#include "io/line_file.hpp"

namespace gmdiff::cli {

/// Losses of every hundredth iteration, each the mean since the line before.
class TrainingLog {
 public:
  explicit TrainingLog(const FlagText& file) {
    if (file) file_.emplace(*file, "{\"iteration\"");
  }

  /// @param more values of this iteration for its line
  void add(std::int64_t iteration, std::int64_t iterations, double loss, std::int64_t lost,
           const Json& more) {
    sum_ += loss;
    lost_ += lost;
    ++count_;
    if (iteration % 100 == 0 || iteration == iterations) end_line(iteration, more);
    last_ = {iteration, more};
  }
  /// Writes the line of iterations since the last one, as after an interrupted training.
  void finish() {
    if (count_ > 0) end_line(last_.first, last_.second);
  }
  bool is_written() const { return file_.has_value(); }
  /// Adds a line about fresh paths of a checkpoint. @param figures with the key "paths".
  void add_judgement(std::int64_t iteration, const Json& figures) const {
    Json line;
    line["iteration"] = iteration;
    line.update(figures);
    if (file_) file_->append(line.dump());
  }
  /// Mean loss of the last line; NaN without one.
  double mean() const { return mean_; }
  /// ", loss 0.5" for the end of a line; empty without a mean.
  std::string mean_text() const { return std::isnan(mean_) ? "" : ", loss " + format_number(mean_, 4); }
  std::int64_t lost() const { return all_lost_; }
  std::vector<std::string> warnings() const {
    if (all_lost_ == 0) return {};
    return {concat(all_lost_, " entries of gradients were NaN and counted as 0")};
  }

 private:
  void end_line(std::int64_t iteration, const Json& more) {
    mean_ = sum_ / static_cast<double>(count_);
    Json line;
    line["iteration"] = iteration;
    line["loss"] = json_number(mean_);
    line.update(more);
    line["lost_gradients"] = lost_;
    if (file_) file_->append(line.dump());
    all_lost_ += lost_;
    sum_ = 0.0;
    lost_ = count_ = 0;
  }

  std::optional<io::LineFile> file_;
  double sum_ = 0.0, mean_ = std::numeric_limits<double>::quiet_NaN();
  std::pair<std::int64_t, Json> last_;  ///< the last iteration and what its line would add
  std::int64_t lost_ = 0, all_lost_ = 0, count_ = 0;
};

}  // namespace gmdiff::cli
