// Inputs of the picture of trainings.

#include <limits>
#include <sstream>

#include "base/check.hpp"
#include "cli/output.hpp"
#include "cli/plot_inputs.hpp"
#include "io/json_input.hpp"
#include "io/line_file.hpp"

namespace gmdiff::cli {
namespace {

using io::Location;

/// The number of a key; "nan", "inf" and "-inf" interrupt a curve.
double number_of(const Json& value, const Location& where, const std::string& key) {
  if (value.is_number()) return value.get<double>();
  if (value == "nan" || value == "inf" || value == "-inf") return std::numeric_limits<double>::quiet_NaN();
  where.fail("\"", key, "\": expected a number, given ", value.dump());
}

double number_at(const Json& line, const Location& where, const std::string& key) {
  const auto found = line.find(key);
  if (found == line.end()) where.fail("the key \"", key, "\" is missing");
  return number_of(*found, where, key);
}

/// Collects the curves of a log line by line.
class LogReader {
 public:
  void add(const Json& line, const Location& where) {
    const double iteration = number_at(line, where, "iteration");
    if (!(iteration >= 1.0)) where.fail("\"iteration\": expected 1 or more, given ", iteration);
    if (line.contains("paths")) {
      add_judgement(line, where, iteration);
    } else {
      add_iteration(line, where, iteration);
    }
  }
  std::map<std::string, std::vector<report::Place>> curves;

  /// Iterations with more components than the line before.
  std::vector<double> added() const {
    std::vector<double> iterations;
    for (std::size_t n = 1; n < components_.size(); ++n) {
      if (components_[n].y > components_[n - 1].y) iterations.push_back(components_[n].x);
    }
    return iterations;
  }

 private:
  void add_iteration(const Json& line, const Location& where, double iteration) {
    append(curves["loss"], iteration, number_at(line, where, "loss"));
    if (!line.contains("elbo")) return;
    for (const char* key : {"elbo", "step"}) append(curves[key], iteration, number_at(line, where, key));
    append(components_, iteration, number_at(line, where, "components"));
  }

  /// A line about fresh paths; figures of paths from exact draws are there for targets that have them.
  void add_judgement(const Json& line, const Location& where, double iteration) {
    append(curves["judged elbo"], iteration, number_at(line, where, "elbo"));
    append(curves["log z"], iteration, number_at(line, where, "log_z"));
    append(curves["ess"], iteration, number_at(line, where, "ess"));
    if (!line.contains("eubo")) return;
    append(curves["eubo"], iteration, number_at(line, where, "eubo"));
    append(curves["log z backward"], iteration, number_at(line, where, "log_z_backward"));
    append(curves["ess backward"], iteration, number_at(line, where, "ess_backward"));
  }

  /// A training that continues from a checkpoint writes some iterations again, and they replace the old ones.
  static void append(std::vector<report::Place>& curve, double iteration, double value) {
    while (!curve.empty() && curve.back().x >= iteration) curve.pop_back();
    curve.push_back({iteration, value});
  }

  std::vector<report::Place> components_;
};

}  // namespace

report::TrainingCurves read_training_log(const std::string& file) {
  const std::vector<std::string> lines = io::read_lines(file, "{\"iteration\"");
  LogReader reader;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Location where(concat(file, ": line ", i + 1));
    std::istringstream in(lines[i]);
    const Json line = io::parse_ordered_json(in, where);
    reader.add(line, where);
  }
  require(reader.curves["loss"].size() >= 2, file, ": curves need two lines of iterations, got ",
          reader.curves["loss"].size(), "; gmdiff train --log writes one every 100 iterations");
  return {file, reader.curves, reader.added()};
}

}  // namespace gmdiff::cli
