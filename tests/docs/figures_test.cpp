#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

// The figures in the documents are those of the record that they name.

namespace gmdiff::test {
namespace {

const std::filesystem::path root = std::filesystem::path(GMDIFF_TEST_DIR).parent_path();
constexpr const char* record_name = "benchmarks/results/sample_bench-epyc-7003-2cores-2026-11-24.json";

std::string read(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(root / name).rdbuf();
  return text.str();
}

class Figures : public testing::Test {
 protected:
  double counter(const std::string& benchmark, const std::string& name) const {
    for (const auto& one : record_["benchmarks"]) {
      if (one["name"] == benchmark + "/real_time") return one[name];
    }
    ADD_FAILURE() << record_name << " has no benchmark " << benchmark;
    return std::nan("");
  }
  double speed(const std::string& benchmark) const { return counter(benchmark, "particle_steps_per_second"); }

 private:
  nlohmann::json record_ = nlohmann::json::parse(read(record_name));
};

/// Formats three digits as the documents do: 2.88e8.
std::string three_digits(double value) {
  const int exponent = static_cast<int>(std::floor(std::log10(value)));
  char text[32];
  std::snprintf(text, sizeof text, "%.2fe%d", value / std::pow(10.0, exponent), exponent);
  return text;
}

void expect_in(const std::string& document, const std::string& figure) {
  EXPECT_NE(read(document).find(figure), std::string::npos) << document << " does not say " << figure;
}

TEST_F(Figures, OfTheReadmeAreThoseOfTheRecord) {
  const double cpu = speed("cpu/bench-2d/f32/particles:100000");
  const double reference = speed("reference/bench-2d/f32/particles:10000");

  expect_in("README.md", three_digits(cpu) + " particle-steps a second");
  expect_in("README.md", std::to_string(std::lround(cpu / reference)) + " times");
  expect_in("README.md", record_name);
}

TEST_F(Figures, OfThePerformanceDocumentAreThoseOfTheRecord) {
  for (const char* benchmark :
       {"cpu/bench-2d/f32/particles:100000", "cpu/bench-2d/f64/particles:100000", "cpu/2d/ddim/f32",
        "cpu/2d/exact-transition/f32", "cpu/2d/draw/f32", "cpu/spherical/d:80/K:25/ddim/f32",
        "cpu/spherical/d:800/K:25/ddim/f32", "cpu/diag/d:80/K:25/ddim/f32", "cpu/full/d:16/K:25/ddim/f32",
        "cpu/full/d:16/K:25/exact-transition/f32", "cpu/full/d:64/K:200/ddim/f32"}) {
    expect_in("docs/performance.md", three_digits(speed(benchmark)));
  }
  for (const char* benchmark :
       {"cpu/spherical/d:80/K:25/ddim/f32", "cpu/spherical/d:800/K:25/ddim/f32",
        "cpu/diag/d:80/K:25/ddim/f32", "cpu/full/d:16/K:25/ddim/f32", "cpu/full/d:64/K:200/ddim/f32"}) {
    expect_in("docs/performance.md",
              std::to_string(std::lround(100.0 * counter(benchmark, "share_of_fma_ceiling"))) + " % |");
  }
}

/// Time of a benchmark in another record, as the document writes it.
std::string milliseconds(const nlohmann::json& record, const std::string& benchmark) {
  for (const auto& one : record["benchmarks"]) {
    if (one["name"] != benchmark + "/real_time") continue;
    char text[32];
    std::snprintf(text, sizeof text, "%.1f ms", one["real_time"].get<double>());
    return text;
  }
  ADD_FAILURE() << "no benchmark " << benchmark;
  return {};
}

TEST(FiguresOfStages, AreThoseOfTheirRecord) {
  const std::string name = "benchmarks/results/sample_bench-epyc-zen4-2cores-2026-11-29.json";
  const auto record = nlohmann::json::parse(read(name));
  expect_in("docs/performance.md", name);
  for (const char* law : {"spherical/d:80/K:25", "spherical/d:800/K:25", "diag/d:80/K:25", "full/d:16/K:25",
                          "full/d:64/K:200"}) {
    const std::string ddim = std::string("cpu/") + law + "/ddim/";
    expect_in("docs/performance.md",
              milliseconds(record, ddim + "f32") + " | " + milliseconds(record, ddim + "stages/f32") + " |");
  }
  for (const char* sampler : {"tmp", "pigdm", "dps", "dps-gsg"}) {
    const std::string time = milliseconds(record, std::string("cpu/mcgdiff/d:80/dy:2/") + sampler + "/f32");
    expect_in("docs/performance.md", std::string("| `") + sampler + "` | " + time + " |");
  }
}

}  // namespace
}  // namespace gmdiff::test
