#include "cli/plot_inputs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include <gmdiff/io/npy.hpp>
#include <gmdiff/io/problem_file.hpp>

#include "base/check.hpp"
#include "cli/output.hpp"
#include "io/npy_header.hpp"

namespace gmdiff::cli {
namespace {

constexpr std::int64_t most_read_points = 100'000;
constexpr std::int64_t most_read_levels = 300;

/// The number of a row among `count` >= 2 evenly spaced ones from the first to the last of `total`; the
/// products do not overflow.
std::int64_t spaced_row(std::int64_t i, std::int64_t count, std::int64_t total) {
  if (count < 2) return 0;
  const std::int64_t last = total - 1, steps = count - 1;
  return last / steps * i + last % steps * i / steps;
}

/// Times of the kept levels in the sidecar, as many as the file has levels.
std::vector<double> level_times(const std::string& file, const study::RunRecord& record,
                                std::int64_t levels) {
  require(record.times.is_array(), file,
          ": its sidecar has no times, so it holds no kept levels; sample --history M or forward keep them");
  require(std::cmp_equal(record.times.size(), levels), file, ": it holds ", levels,
          " levels, and its sidecar ", record.times.size(), " times");
  std::vector<double> times;
  for (const Json& time : record.times)
    times.push_back(time.is_number() ? time.get<double>() : -std::numeric_limits<double>::infinity());
  return times;
}

/// Numbers of the levels to read.
std::vector<std::int64_t> chosen_levels(const std::string& file, const std::vector<double>& times,
                                        std::vector<std::string>& warnings) {
  const std::int64_t count = std::min<std::int64_t>(std::ssize(times), most_read_levels);
  std::vector<std::int64_t> chosen;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t level = spaced_row(i, count, std::ssize(times));
    if (std::isfinite(times[static_cast<std::size_t>(level)])) chosen.push_back(level);
  }
  if (std::cmp_less(chosen.size(), count))
    warnings.push_back(concat(file, ": the level without noise has no finite time and is left out"));
  require(chosen.size() >= 2, file, ": paths need two levels with finite times");
  return chosen;
}

void check_process(const std::string& file, const study::RunRecord& record, const Problem& problem) {
  require(record.process == Json::parse(to_json(problem.process)), file,
          ": it was made with another process than the problem's, ", record.process.dump());
}

}  // namespace

report::SampledPoints read_sampled_points(const std::string& file, const report::View& view,
                                          std::vector<std::string>& warnings) {
  NpyReader reader(file);
  const std::vector<std::int64_t>& shape = reader.shape();
  require(shape.size() == 1 || shape.size() == 2, file, ": expected points of shape (n, d), got ",
          io::shape_text(shape), shape.size() == 3 ? "; gmdiff plot paths shows kept levels" : "");
  const std::int64_t dim = shape.size() == 1 ? 1 : shape[1];
  require(dim == view.directions.cols(), file, ": its points have dimension ", dim, ", those of the law ",
          view.directions.cols());
  require(shape[0] >= 1, file, ": it holds no point");
  check_sidecar(file, warnings);
  const std::int64_t count = std::min(shape[0], most_read_points);
  report::SampledPoints samples{Points(count, view.num_axes()), shape[0],
                                concat(report::count_label(shape[0]), " samples in ", file)};
  Points row(1, dim);
  for (std::int64_t i = 0; i < count; ++i) {
    reader.read(spaced_row(i, count, shape[0]) * dim, {row.data(), static_cast<std::size_t>(dim)});
    samples.points.row(i) = report::in_view(view, row);
  }
  return samples;
}

std::int64_t path_dim(const std::string& file) {
  const std::vector<std::int64_t> shape = NpyReader(file).shape();
  require(shape.size() == 3, file, ": expected paths of shape (n, M, d), got ", io::shape_text(shape));
  require(shape[0] >= 1, file, ": it holds no path");
  return shape[2];
}

report::SampledPaths read_bare_paths(const std::string& file, const report::View& view,
                                     std::int64_t most_paths, std::vector<std::string>& warnings) {
  const std::int64_t dim = path_dim(file);
  require(dim == view.directions.cols(), file, ": its states have dimension ", dim, ", expected ",
          view.directions.cols());
  NpyReader reader(file);
  const std::vector<std::int64_t>& shape = reader.shape();
  const study::RunRecord record = study::read_sidecar(file);
  check_sidecar(file, warnings);
  const std::vector<double> times = level_times(file, record, shape[1]);
  report::SampledPaths paths;
  paths.total = shape[0];
  paths.name = concat(report::count_label(shape[0]), shape[0] == 1 ? " path in " : " paths in ", file);
  const std::vector<std::int64_t> levels = chosen_levels(file, times, warnings);
  for (const std::int64_t level : levels) paths.times.push_back(times[static_cast<std::size_t>(level)]);
  const std::int64_t count = std::min(shape[0], most_paths);
  Points states(std::ssize(levels), dim);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t first = spaced_row(i, count, shape[0]) * shape[1];
    for (std::int64_t m = 0; m < states.rows(); ++m)
      reader.read((first + levels[static_cast<std::size_t>(m)]) * dim,
                  {states.row(m).data(), static_cast<std::size_t>(dim)});
    paths.paths.push_back(report::in_view(view, states));
  }
  return paths;
}

report::SampledPaths read_sampled_paths(const std::string& file, const report::View& view,
                                        const Problem& problem, std::int64_t most_paths,
                                        std::vector<std::string>& warnings) {
  const std::int64_t dim = path_dim(file);
  require(dim == view.directions.cols(), file, ": its states have dimension ", dim, ", those of the law ",
          view.directions.cols());
  check_process(file, study::read_sidecar(file), problem);
  report::SampledPaths paths = read_bare_paths(file, view, most_paths, warnings);
  const ForwardProcess process(problem.process);
  for (const double t : paths.times) paths.levels.push_back(process.level(t));
  return paths;
}

}  // namespace gmdiff::cli
