#include "cli/run_moments.hpp"

#include <algorithm>
#include <utility>

#include <gmdiff/device/path_moments.hpp>
#include <gmdiff/io/npy.hpp>

#include "base/check.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "io/npz.hpp"

namespace gmdiff::cli {
namespace {

std::vector<io::NpzArray> arrays_of(const PathMoments& moments) {
  const auto M = std::ssize(moments.times);
  const std::int64_t d = moments.mean.cols();
  const auto values = [](const Points& points) {
    return std::span(points.data(), static_cast<std::size_t>(points.size()));
  };
  std::vector<io::NpzArray> arrays{{"times", {M}, moments.times},
                                   {"mean", {M, d}, values(moments.mean)},
                                   {"variance", {M, d}, values(moments.variance)}};
  if (moments.covariance.size() > 0) arrays.push_back({"covariance", {M, d, d}, values(moments.covariance)});
  return arrays;
}

Json moments_json(const RunFlags& flags, const study::RunRecord& record, const PathMoments& moments) {
  Json json{{"verb", record.verb},
            {"problem", record.problem},
            {"law", record.law},
            {"seed", record.seed},
            {"first", record.first},
            {"count", moments.count},
            {"precision", record.precision},
            {"plan_hash", record.plan_hash},
            {"device", moments.provenance.device},
            {"times", moments.times},
            {"mean", json_points(moments.mean)},
            {"variance", json_points(moments.variance)}};
  json["warnings"] = record.warnings;
  json["notes"] = record.notes;
  json["file"] = flags.out;
  return json;
}

std::string join(const Eigen::RowVectorXd& values) {
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : " ") + format_number(value);
  return text;
}

/// The levels of the table: all, or some with both ends.
std::vector<Eigen::Index> shown_levels(Eigen::Index levels) {
  constexpr Eigen::Index most = 11;
  const Eigen::Index shown = std::min(levels, most);
  std::vector<Eigen::Index> chosen;
  chosen.reserve(static_cast<std::size_t>(shown));
  for (Eigen::Index i = 0; i < shown; ++i) chosen.push_back(shown == 1 ? 0 : i * (levels - 1) / (shown - 1));
  return chosen;
}

std::string moments_text(const RunFlags& flags, const study::RunRecord& record, const PathMoments& moments) {
  Table table({"time", "mean", "sd"});
  for (const Eigen::Index level : shown_levels(moments.mean.rows()))
    table.add({format_number(moments.times[static_cast<std::size_t>(level)]), join(moments.mean.row(level)),
               join(moments.variance.row(level).cwiseSqrt())});
  return concat("law    ", record.law, " of ", record.problem, "\npaths  ", moments.count, ", seed ",
                record.seed, ", ", moments.provenance.device, ", ", record.precision, "\n\n", table.text(),
                "\nthe moments at ", moments.times.size(), " times are in ", flags.out, "\n");
}

}  // namespace

void run_moments(const RunFlags& flags, const InputFiles& inputs, study::RunRecord record, const Plan& plan,
                 int history) {
  require(flags.out.ends_with(".npz"), "--out ", flags.out,
          ": --moments writes an archive; give a name that ends in .npz");
  check_output_without_sidecar(flags.out, flags.force);
  InputFiles read = inputs;
  if (flags.start) add_data(read, *flags.start);
  check_not_input(flags.out, read);
  Options options = run_options(flags, plan, history, record);
  if (flags.start) {
    check_sidecar(*flags.start, record.warnings);
    options.start = read_points(*flags.start);
  }
  PathMoments moments;
  {
    ProgressLine line("forward", options.count, flags.common.quiet);
    options.progress = [&line](const Progress& progress) { line.update(progress.done); };
    moments = path_moments(plan, options);
    io::write_npz(flags.out, arrays_of(moments), flags.force);
  }
  const Provenance& provenance = moments.provenance;
  record.warnings.insert(record.warnings.end(), provenance.warnings.begin(), provenance.warnings.end());
  record.notes.insert(record.notes.end(), provenance.notes.begin(), provenance.notes.end());
  print_remarks(record.warnings, record.notes, flags.common.quiet);
  print(flags.common.json ? json_text(moments_json(flags, record, moments))
                          : moments_text(flags, record, moments));
}

}  // namespace gmdiff::cli
