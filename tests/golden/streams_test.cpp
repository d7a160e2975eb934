#include <cmath>

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "support/golden.hpp"

// golden/streams.json: Philox words and uniforms exact, normals within the tolerances of the file's `fields`.

namespace gmdiff {
namespace {

using test::json;

std::uint64_t integer(const json& value) {
  return value.is_string() ? std::stoull(value.get<std::string>()) : value.get<std::uint64_t>();
}

StreamKey key_of(const json& golden_case) {
  static const std::map<std::string, Purpose> purposes = {
      {"start-component", Purpose::start_component},
      {"start-noise", Purpose::start_noise},
      {"step-noise", Purpose::step_noise},
      {"churn-noise", Purpose::churn_noise},
      {"transition-component", Purpose::transition_component},
      {"draw-component", Purpose::draw_component},
      {"draw-noise", Purpose::draw_noise},
      {"resampling", Purpose::resampling},
      {"directions", Purpose::directions},
      {"problem", Purpose::problem},
      {"accept", Purpose::accept},
      {"final-choice", Purpose::final_choice},
      {"forward-noise", Purpose::forward_noise},
      {"user", Purpose::user}};
  return {.seed = integer(golden_case["seed"]),
          .index = integer(golden_case["index"]),
          .purpose = purposes.at(golden_case["purpose"].get<std::string>()),
          .replicate = golden_case.value("replicate", std::uint32_t{0})};
}

/// The larger of 1 and the radius of each pair, times the tolerance of the layout; a radius whose u is next
/// to 1 is 1e-3 absolute in f32.
double tolerance(double first, double second, Precision precision) {
  const double radius = std::hypot(first, second);
  if (precision == Precision::f64) return 1e-14 * std::max(1.0, radius);
  return radius < 1e-3 ? 1e-3 : 1e-6 * std::max(1.0, radius);
}

template <std::size_t size>
void expect_normals(const std::array<double, size>& given, const json& expected, Precision precision) {
  ASSERT_EQ(expected.size(), size);
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t pair = i / 2 * 2;
    const double bound = tolerance(test::number(expected[pair]), test::number(expected[pair + 1]), precision);
    EXPECT_NEAR(given[i], test::number(expected[i]), bound) << "normal " << i;
  }
}

Words words_of(const json& golden_case) { return golden_case["words"].get<Words>(); }

/// The cases of the given name.
std::vector<json> cases(const std::string& name) {
  std::vector<json> selected;
  const json golden = test::load_golden("streams");
  for (const json& golden_case : golden["cases"]) {
    if (golden_case["name"] == name) selected.push_back(golden_case);
  }
  EXPECT_FALSE(selected.empty()) << name;
  return selected;
}

TEST(GoldenStreams, PurposesHaveTheirFrozenCodes) {
  for (const json& golden_case : cases("block")) {
    EXPECT_EQ(static_cast<std::uint32_t>(key_of(golden_case).purpose),
              golden_case["purpose_code"].get<std::uint32_t>());
  }
  const json fields = test::load_golden("streams")["fields"]["purpose_code"];
  for (const auto& [name, code] : fields.items()) {
    const json golden_case{{"seed", 0}, {"index", 0}, {"purpose", name}};
    EXPECT_EQ(static_cast<std::uint32_t>(key_of(golden_case).purpose), code.get<std::uint32_t>()) << name;
  }
}

TEST(GoldenStreams, WordsOfABlockAreExact) {
  for (const json& golden_case : cases("block")) {
    EXPECT_EQ(philox_words(key_of(golden_case), golden_case["block"].get<std::uint32_t>()),
              words_of(golden_case));
  }
}

TEST(GoldenStreams, NormalsOfABlock) {
  for (const std::string name : {"block", "decode"}) {
    for (const json& golden_case : cases(name)) {
      expect_normals(decode_normals_f32(words_of(golden_case)), golden_case["normals_f32"], Precision::f32);
      expect_normals(decode_normals_f64(words_of(golden_case)), golden_case["normals_f64"], Precision::f64);
    }
  }
}

TEST(GoldenStreams, RadiiComeFromTheUniformsOfTheLayout) {
  for (const json& golden_case : cases("block")) {
    const auto single = decode_normals_f32(words_of(golden_case));
    for (std::size_t pair = 0; pair < 2; ++pair) {
      const double u = std::exp(
          -0.5 * (single[2 * pair] * single[2 * pair] + single[2 * pair + 1] * single[2 * pair + 1]));
      EXPECT_NEAR(u, golden_case["radius_u_f32"][pair].get<double>(), 1e-14);
    }
    const auto doubled = decode_normals_f64(words_of(golden_case));
    EXPECT_NEAR(std::exp(-0.5 * (doubled[0] * doubled[0] + doubled[1] * doubled[1])),
                golden_case["radius_u_f64"].get<double>(), 1e-14);
  }
}

TEST(GoldenStreams, UniformsOfABlockAreExact) {
  for (const json& golden_case : cases("block")) {
    const std::uint64_t block = golden_case["block"].get<std::uint64_t>();
    for (std::uint64_t i = 0; i < 2; ++i) {
      const std::uint64_t U = uniform_u64(key_of(golden_case), 2 * block + i);
      EXPECT_EQ(U, integer(golden_case["uniform_u64"][i]));
      EXPECT_EQ(categorical_uniform(U, Precision::f32), golden_case["categorical_u_f32"][i].get<double>());
      EXPECT_EQ(categorical_uniform(U, Precision::f64), golden_case["categorical_u_f64"][i].get<double>());
    }
  }
}

TEST(GoldenStreams, CoordinateJOfStepSIsNumberSTimesDPlusJ) {
  for (const json& golden_case : cases("stream")) {
    const Precision precision = golden_case["precision"] == "f32" ? Precision::f32 : Precision::f64;
    const std::uint64_t dim = golden_case["d"].get<std::uint64_t>();
    const std::uint64_t first_step = golden_case["first_step"].get<std::uint64_t>();
    NormalStream stream(key_of(golden_case), precision);
    const json& normals = golden_case["normals"];

    for (std::size_t s = 0; s < normals.size(); ++s) {
      for (std::size_t j = 0; j < dim; ++j) {
        const double bound = precision == Precision::f32
                                 ? 6.8e-6
                                 : 8.6e-14;  // the largest radii of the layouts times their tolerances
        EXPECT_NEAR(stream((first_step + s) * dim + j), test::number(normals[s][j]), bound)
            << "d " << dim << " s " << s << " j " << j;
      }
    }
  }
}

TEST(GoldenStreams, SeedOfAProblem) {
  for (const json& golden_case : cases("problem_key")) {
    const std::uint64_t seed =
        problem_seed(integer(golden_case["seed"]), golden_case["problem"].get<std::uint64_t>());

    EXPECT_EQ(seed, integer(golden_case["seed_of_problem"]));
    EXPECT_EQ(seed & 0xffffffffU, golden_case["key"][0].get<std::uint64_t>());
    EXPECT_EQ(seed >> 32, golden_case["key"][1].get<std::uint64_t>());
  }
}

}  // namespace
}  // namespace gmdiff
