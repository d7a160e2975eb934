// Plans do not depend on the machine: neither the C library's choice of code by CPU feature nor the last bits
// of the processor's own functions change a hash (numerics.md §2).

#ifdef GMDIFF_OTHER_X87
#include <dlfcn.h>
#endif

#include <cmath>

#include <gmdiff/io/problem_file.hpp>

#include "command.hpp"

namespace gmdiff::test {
namespace {

using PlanHashTest = CommandTest;

const std::pair<const char*, const char*> settings[] = {
    {R"({"type": "vp", "beta": {"type": "linear", "min": 0.02, "max": 7.0}})",
     R"({"type": "uniform", "steps": 25})"},
    {R"({"type": "vp", "beta": {"type": "cosine"}})", R"({"type": "uniform", "steps": 25, "t_start": 0.97})"},
    {R"({"type": "sub-vp", "beta": {"type": "linear", "min": 0.1, "max": 20}})",
     R"({"type": "log-snr", "steps": 25, "t_end": 0.01})"},
    {R"({"type": "ou", "stationary_std": 1.3})", R"({"type": "uniform", "steps": 25, "t_end": 0.003})"},
    {R"({"type": "ddpm", "steps": 200, "first": 0.0001, "last": 0.02})",
     R"({"type": "ddim", "steps": 25, "spacing": "quadratic"})"},
    {R"({"type": "ve"})", R"({"type": "uniform", "steps": 25})"},
    {R"({"type": "edm"})", R"({"type": "karras", "steps": 25})"},
    {R"({"type": "rectified-flow"})", R"({"type": "uniform", "steps": 25, "t_start": 0.99})"}};

class PlanHashOfEachSettingTest : public CommandTest, public ::testing::WithParamInterface<std::size_t> {
 protected:
  PlanHashOfEachSettingTest() {
    const auto& [process, grid] = settings[GetParam()];
    write("p.json", std::string("{\"prior\": ") + small_prior + ", \"process\": " + process + ", \"grid\": " +
                        grid + R"(, "observation": {"A": [[1, 0.3]], "y": [1.5], "noise_std": 0.1}})");
  }

  std::string hash(const Arguments& more, const Surroundings& surroundings) const {
    Arguments arguments{"sample", "p.json", "--out", "x.npy", "--count", "1", "--force", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return json(arguments, surroundings)["plan_hash"];
  }

  /// Compares the hashes of every sampler on prior and posterior.
  void expect_same_hashes(const std::string& environment) const {
    const Surroundings elsewhere{.input = {}, .environment = {environment}, .terminal = false};
    for (const std::string& sampler : runnable_samplers()) {
      for (const Arguments& law : {Arguments{}, Arguments{"--prior"}}) {
        const AnySampler parsed = parse_sampler(sampler);
        if (!law.empty() && !std::holds_alternative<Sampler>(parsed) &&
            !std::holds_alternative<McmcSampler>(parsed))
          continue;  // they sample only the posterior
        Arguments more{"--sampler", sampler};
        more.insert(more.end(), law.begin(), law.end());
        EXPECT_EQ(hash(more, {}), hash(more, elsewhere))
            << sampler << (law.empty() ? ", posterior" : ", prior");
      }
    }
  }
};

TEST_P(PlanHashOfEachSettingTest, IsTheSameWithoutFusedVariants) {
  expect_same_hashes("GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA,-AVX2");
}

#ifdef GMDIFF_OTHER_X87
TEST_P(PlanHashOfEachSettingTest, IsTheSameOnProcessorsWithOtherFunctions) {
  expect_same_hashes("LD_PRELOAD=" GMDIFF_OTHER_X87);
}

TEST_F(PlanHashTest, IsAskedForWithThoseFunctions) {
  const Surroundings elsewhere{
      .input = {}, .environment = {"LD_PRELOAD=" GMDIFF_OTHER_X87}, .terminal = false};

  EXPECT_EQ(run({"--version"}, elsewhere).err, "other x87\n");
}

TEST(OtherX87, HasOtherFunctions) {
  void* library = dlopen(GMDIFF_OTHER_X87, RTLD_NOW);
  ASSERT_NE(library, nullptr) << dlerror();
  auto* const exp = reinterpret_cast<long double (*)(long double)>(dlsym(library, "expl"));
  ASSERT_NE(exp, nullptr);

  volatile long double x = 0.7L;
  const long double here = std::exp(x), there = exp(x);

  EXPECT_NE(there, here);
  EXPECT_TRUE(there == std::nextafter(here, 0.0L) || there == std::nextafter(here, 3.0L));
  dlclose(library);
}
#endif

INSTANTIATE_TEST_SUITE_P(Settings, PlanHashOfEachSettingTest,
                         ::testing::Range(std::size_t{0}, std::size(settings)));

TEST_F(PlanHashTest, TellsPlansApart) {
  const auto hash = [&](const Arguments& more) {
    Arguments arguments{"sample", "problem.json", "--out", "x.npy", "--count", "1", "--force"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return json(arguments)["plan_hash"];
  };

  EXPECT_EQ(hash({}), hash({"--seed", "5", "--precision", "f64"}));
  EXPECT_NE(hash({}), hash({"--prior"}));
  EXPECT_NE(hash({}), hash({"--steps", "11"}));
  EXPECT_NE(hash({}), hash({"--sampler", "ddim:eta=0.5"}));
}

}  // namespace
}  // namespace gmdiff::test
