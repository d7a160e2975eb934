// Inputs of the picture of a trace.

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include <gmdiff/io/npy.hpp>

#include "base/check.hpp"
#include "cli/plot_inputs.hpp"
#include "io/npy_header.hpp"
#include "io/npz.hpp"
#include "study/array_reader.hpp"

namespace gmdiff::cli {
namespace {

constexpr std::int64_t most_chains = 10;        // whose draws are all read
constexpr std::int64_t most_draws = 100'000;    // of the histogram
constexpr std::int64_t most_kept = 10'000'000;  // draws of a chain

/// One coordinate of draws of a trace (count, kept, d).
class TraceReader {
 public:
  TraceReader(const std::string& file, Eigen::Index coordinate) : file_(file), coordinate_(coordinate) {
    if (io::is_npz(file)) {
      archive_.emplace(file, "samples");
      shape_ = archive_->shape();
    } else {
      array_.emplace(file);
      shape_ = array_->shape();
    }
    const std::vector<std::int64_t>& shape = shape_;
    require(shape.size() == 3, file, ": expected a trace of shape (chains, draws, d), got ",
            io::shape_text(shape), "; chains keep one with output=trace");
    require(shape[0] >= 1 && shape[1] >= 2, file, ": a trace needs two draws of a chain, got ",
            io::shape_text(shape));
    require(shape[1] <= most_kept, file, ": a picture shows at most ", most_kept, " draws of a chain, got ",
            shape[1]);
    require(coordinate < shape[2], "--coordinates: ", file, " has the coordinates 0 to ", shape[2] - 1,
            ", got ", coordinate);
    row_.resize(static_cast<std::size_t>(shape[2]));
  }

  std::int64_t chains() const { return shape_[0]; }
  std::int64_t kept() const { return shape_[1]; }
  /// Draw number n of all chains, one after the other.
  double draw(std::int64_t n) {
    if (array_) {
      array_->read(n * std::ssize(row_), std::span(row_));
    } else {
      read_in_order(n);
    }
    return row_[static_cast<std::size_t>(coordinate_)];
  }

 private:
  /// An archive is read from its first number to its last.
  void read_in_order(std::int64_t n) {
    if (n < next_) {
      archive_.emplace(file_, "samples");
      next_ = 0;
    }
    for (; next_ <= n; ++next_) archive_->read(row_);
  }

  std::string file_;
  std::optional<NpyReader> array_;
  std::optional<study::ArrayReader> archive_;
  std::int64_t next_ = 0;  ///< number of the draw that an archive reads next
  std::vector<std::int64_t> shape_;
  Eigen::Index coordinate_;
  std::vector<double> row_;
};

std::vector<double> trace_times(const std::string& file, std::int64_t kept) {
  const study::RunRecord record = study::read_sidecar(file);
  require(record.times.is_array() && std::cmp_equal(record.times.size(), kept), file,
          ": its sidecar has no times of ", kept, " draws");
  return record.times.get<std::vector<double>>();
}

}  // namespace

report::ChainTraces read_traces(const std::string& file, Eigen::Index coordinate,
                                std::vector<std::string>& warnings) {
  TraceReader reader(file, coordinate);
  check_sidecar(file, warnings);
  const std::int64_t kept = reader.kept(), total = reader.chains() * kept;
  report::ChainTraces traces{.name = concat(report::count_label(reader.chains()),
                                            reader.chains() == 1 ? " chain" : " chains", " in ", file),
                             .axis = concat("coordinate ", coordinate),
                             .times = trace_times(file, kept),
                             .chains = {},
                             .draws = {},
                             .num_chains = reader.chains()};
  for (std::int64_t c = 0; c < std::min(reader.chains(), most_chains); ++c) {
    std::vector<double>& draws = traces.chains.emplace_back();
    for (std::int64_t n = 0; n < kept; ++n) draws.push_back(reader.draw(c * kept + n));
  }
  const std::int64_t count = std::min(total, most_draws);
  for (std::int64_t i = 0; i < count; ++i) {
    const double value = reader.draw(i * (total / count));
    require(std::isfinite(value), file, ": a draw is not finite");
    traces.draws.push_back(value);
  }
  return traces;
}

}  // namespace gmdiff::cli
