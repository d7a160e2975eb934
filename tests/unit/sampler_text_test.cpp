#include <gmdiff/problem.hpp>

#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/io_support.hpp"

namespace gmdiff {
namespace {

using test::error_of;

TEST(ParseSampler, ReadsANameAlone) {
  for (const std::string& name : sampler_names()) EXPECT_EQ(to_string(parse_sampler(name)), name);
}

TEST(ParseSampler, ReadsParameters) {
  const auto heun = std::get<Heun>(parse_sampler("heun:variable=n:churn=20:churn_min=0.05:churn_max=inf:start=gaussian"));

  EXPECT_EQ(heun.variable, Heun::Variable::n);
  EXPECT_EQ(heun.churn, 20.0);
  EXPECT_EQ(heun.churn_min, 0.05);
  EXPECT_EQ(heun.churn_max, std::numeric_limits<double>::infinity());
  EXPECT_EQ(heun.start, Start::gaussian);
  EXPECT_EQ(std::get<Ddim>(parse_sampler("ddim:eta=1e-1")).eta, 0.1);
  EXPECT_EQ(std::get<Ddim>(parse_sampler("ddim:eta=-2")).eta, -2.0);
}

TEST(ParseSampler, KnowsEverySamplerOfTheCatalogue) {
  EXPECT_EQ(sampler_names(), (std::vector<std::string>{"ddim", "exact-transition", "ancestral", "euler-maruyama", "euler", "heun",
                                                       "dpmpp-2s", "dpmpp-2m", "sde-dpmpp-2m"}));
}

TEST(SamplerText, LeavesOutDefaults) {
  EXPECT_EQ(to_string(Sampler(Ddim{})), "ddim");
  EXPECT_EQ(to_string(Sampler(Ddim{.eta = 0.5, .churn = 20.0})), "ddim:eta=0.5:churn=20");
  EXPECT_EQ(to_string(Sampler(EulerMaruyama{.churn_max = 1e-5, .finish = Finish::step})), "euler-maruyama:churn_max=1e-05:finish=step");
}

TEST(SamplerText, ReadsBackToTheSameSampler) {
  for (const Sampler& sampler : std::vector<Sampler>{Ddim{.eta = 1.0 / 3.0}, ExactTransition{.start = Start::gaussian},
                                                     Ancestral{.variance = Ancestral::Variance::large, .churn_noise = 1.0 / 7.0},
                                                     Heun{.variable = Heun::Variable::n, .churn = 1e300}, Dpmpp2s{.r = 5e-324}}) {
    EXPECT_EQ(to_json(parse_sampler(to_string(sampler))), to_json(sampler));
  }
}

TEST(ParseSampler, NamesWhatIsWrong) {
  const std::string known = " (known: ddim, exact-transition, ancestral, euler-maruyama, euler, heun, dpmpp-2s, dpmpp-2m, sde-dpmpp-2m)";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", R"(sampler "": unknown sampler ""; did you mean "ddim"?)" + known},
      {"dimm", R"(sampler "dimm": unknown sampler "dimm"; did you mean "ddim"?)" + known},
      {"Heun:churn=1", R"(sampler "Heun:churn=1": unknown sampler "Heun"; did you mean "heun"?)" + known},
      {"ddim:", R"(sampler "ddim:": expected key=value after ':')"},
      {"ddim:eta", R"(sampler "ddim:eta": expected key=value, given "eta")"},
      {"ddim::eta=1", R"(sampler "ddim::eta=1": expected key=value, given "")"},
      {"ddim:eta=1:eta=2", R"(sampler "ddim:eta=1:eta=2": repeated key "eta")"},
      {"ddim:type=heun", R"(sampler "ddim:type=heun": the name stands first, not under the key "type")"},
      {"ddim:et=1",
       R"(sampler "ddim:et=1": unknown key "et"; did you mean "eta"? (known: type, eta, churn, churn_min, churn_max, churn_noise, start))"},
      {"ddim:=1",
       R"(sampler "ddim:=1": unknown key ""; did you mean "eta"? (known: type, eta, churn, churn_min, churn_max, churn_noise, start))"},
      {"ddim:eta=", R"(sampler "ddim:eta=": eta: expected a number, given "")"},
      {"ddim:eta=half", R"(sampler "ddim:eta=half": eta: expected a number, given "half")"},
      {"ddim:eta=inf", R"(sampler "ddim:eta=inf": eta: expected a number, given "inf")"},
      {"ddim:eta=nan", R"(sampler "ddim:eta=nan": eta: expected a number, given "nan")"},
      {"ddim:eta=true", R"(sampler "ddim:eta=true": eta: expected a number, given true)"},
      {"ddim:eta=1.5.2", R"(sampler "ddim:eta=1.5.2": eta: expected a number, given "1.5.2")"},
      {"ddim:eta=1e999", R"(sampler "ddim:eta=1e999": eta: number out of range: "1e999")"},
      {"ddim:churn_max=-inf", R"(sampler "ddim:churn_max=-inf": churn_max: expected a number or "inf", given "-inf")"},
      {"heun:variable=x", R"(sampler "heun:variable=x": variable: expected "t" or "n", given "x")"},
      {"euler:start=3", R"(sampler "euler:start=3": start: expected "exact" or "gaussian", given 3.0)"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(error_of([&text = text] { parse_sampler(text); }), message);
}

}  // namespace
}  // namespace gmdiff
