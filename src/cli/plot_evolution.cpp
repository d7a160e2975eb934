// Inputs of the picture of a density over time.

#include <algorithm>
#include <map>
#include <span>

#include "base/check.hpp"
#include "base/machine.hpp"
#include "cli/plot_inputs.hpp"
#include "io/npz.hpp"

namespace gmdiff::cli {
namespace {

using NumbersByName = std::map<std::string, std::vector<double>>;

/// The float64 arrays of an archive.
NumbersByName read_numbers(const std::string& file) {
  io::NpzReader reader(file);
  NumbersByName numbers;
  for (std::size_t i = 0; i < reader.arrays().size(); ++i) {
    const io::NpzEntry& entry = reader.arrays()[i];
    require(entry.precision == Precision::f64, file, ": ", entry.name, " is not float64");
    const auto bytes = static_cast<std::size_t>(entry.bytes());
    require_memory(bytes, "the array ", entry.name, " of ", file);
    std::vector<double>& values = numbers[entry.name];
    values.resize(bytes / sizeof(double));
    reader.open(i);
    reader.read_bytes({reinterpret_cast<char*>(values.data()), bytes});
  }
  return numbers;
}

}  // namespace

report::EvolvedDensity read_evolution(const std::string& file) {
  NumbersByName numbers = read_numbers(file);
  for (const char* name : {"times", "centres_1", "density", "mass"})
    require(numbers.contains(name), file, ": it has no array ", name,
            "; gmdiff fokker-planck --out writes it");
  report::EvolvedDensity evolution{.name = file,
                                   .times = numbers["times"],
                                   .x = numbers["centres_1"],
                                   .y = numbers["centres_2"],
                                   .density = {},
                                   .mass = numbers["mass"],
                                   .kl = numbers["kl"]};
  if (!numbers["gap"].empty()) evolution.gap = numbers["gap"].front();
  const auto rows = std::ssize(evolution.x), columns = std::max<std::ptrdiff_t>(1, std::ssize(evolution.y));
  const std::vector<double>& density = numbers["density"];
  const std::size_t M = evolution.times.size(), cells = static_cast<std::size_t>(rows * columns);
  require(M >= 1 && rows >= 2 && density.size() == M * cells && evolution.mass.size() == M &&
              (evolution.kl.empty() || evolution.kl.size() == M),
          file, ": the sizes of its arrays do not belong together");
  for (std::size_t m = 0; m < M; ++m)
    evolution.density.emplace_back(Eigen::Map<const Points>(density.data() + m * cells, rows, columns));
  return evolution;
}

}  // namespace gmdiff::cli
