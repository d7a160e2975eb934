#include <gmdiff/io/problem_file.hpp>

#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/io_support.hpp"

namespace gmdiff {
namespace {

using test::error_of;

/// A sampler without weights.
Sampler parse(const std::string& text) { return std::get<Sampler>(parse_sampler(text)); }

TEST(ParseSampler, ReadsANameAlone) {
  for (const std::string& name : sampler_names()) {
    if (name == Learned::name) continue;  // it needs a file
    EXPECT_EQ(to_string(parse_sampler(name)), name);
  }
}

TEST(ParseSampler, ReadsParameters) {
  const auto heun =
      std::get<Heun>(parse("heun:variable=n:churn=20:churn_min=0.05:churn_max=inf:start=gaussian"));

  EXPECT_EQ(heun.variable, Heun::Variable::n);
  EXPECT_EQ(heun.churn, 20.0);
  EXPECT_EQ(heun.churn_min, 0.05);
  EXPECT_EQ(heun.churn_max, std::numeric_limits<double>::infinity());
  EXPECT_EQ(heun.start, Start::gaussian);
  EXPECT_EQ(std::get<Ddim>(parse("ddim:eta=1e-1")).eta, 0.1);
  EXPECT_EQ(std::get<Ddim>(parse("ddim:eta=-2")).eta, -2.0);
}

TEST(ParseSampler, KnowsEverySamplerOfTheCatalogue) {
  EXPECT_EQ(sampler_names(), (std::vector<std::string>{"ddim",
                                                       "exact-transition",
                                                       "ancestral",
                                                       "euler-maruyama",
                                                       "euler",
                                                       "heun",
                                                       "dpmpp-2s",
                                                       "dpmpp-2m",
                                                       "sde-dpmpp-2m",
                                                       "dpmpp-3m",
                                                       "unipc-3",
                                                       "exact-ancestral",
                                                       "exact-decoupled",
                                                       "naive-backward",
                                                       "annealed",
                                                       "mcgdiff",
                                                       "bootstrap",
                                                       "tmp",
                                                       "pigdm",
                                                       "pigdm-alg1",
                                                       "dps",
                                                       "dps-likelihood",
                                                       "dps-gsg",
                                                       "exact",
                                                       "ula",
                                                       "mala",
                                                       "hmc",
                                                       "baoab",
                                                       "obabo",
                                                       "ou",
                                                       "myula",
                                                       "learned"}));
}

const Mcgdiff all_changed{.particles = 512,
                          .variant = Mcgdiff::Variant::A,
                          .kappa = 0.25,
                          .kernel = SmcKernel::exact,
                          .eta = 0.5,
                          .start = Start::gaussian,
                          .resampling = Resampling::multinomial,
                          .ess_threshold = 0.75,
                          .output = SmcOutput::particles};

TEST(ParseSampler, ReadsSmcSamplers) {
  const auto mcgdiff = std::get<Mcgdiff>(
      std::get<SmcSampler>(parse_sampler("mcgdiff:particles=512:variant=A:kappa=1e-3:kernel=exact")));

  EXPECT_EQ(mcgdiff.particles, 512);
  EXPECT_EQ(mcgdiff.variant, Mcgdiff::Variant::A);
  EXPECT_EQ(mcgdiff.kappa, 1e-3);
  EXPECT_EQ(mcgdiff.kernel, SmcKernel::exact);
  EXPECT_EQ(mcgdiff.resampling, Resampling::systematic);
  for (const char* scheme : {"stratified", "multinomial", "residual"}) {
    EXPECT_EQ(to_string(parse_sampler(std::string("bootstrap:resampling=") + scheme)),
              std::string("bootstrap:resampling=") + scheme);
  }
}

/// A guided sampler.
template <class T>
T parse_guided(const std::string& text) {
  return std::get<T>(std::get<GuidedSampler>(parse_sampler(text)));
}

TEST(ParseSampler, ReadsGuidedSamplersWithTheParametersOfTheirIntegratorBesideTheirOwn) {
  EXPECT_TRUE(std::holds_alternative<Ancestral>(parse_guided<Tmp>("tmp").integrator));
  EXPECT_EQ(parse_guided<Tmp>("tmp").start, Start::gaussian);
  EXPECT_EQ(parse_guided<Tmp>("tmp:variance=large:scale=row-sum").scale, Tmp::Scale::row_sum);
  EXPECT_EQ(std::get<Ancestral>(parse_guided<Tmp>("tmp:variance=large:scale=row-sum").integrator).variance,
            Ancestral::Variance::large);
  EXPECT_EQ(parse_guided<Tmp>("tmp:scale=diffuse").scale, Tmp::Scale::diffuse);
  EXPECT_TRUE(std::holds_alternative<Dpmpp2m>(parse_guided<Tmp>("tmp:integrator=dpmpp-2m").integrator));
  const auto dps = parse_guided<Dps>("dps:zeta=0.3:epsilon=0.01:integrator=ddim:eta=1:start=exact");
  EXPECT_EQ(dps.zeta, 0.3);
  EXPECT_EQ(dps.epsilon, 0.01);
  EXPECT_EQ(std::get<Ddim>(dps.integrator).eta, 1.0);
  EXPECT_EQ(dps.start, Start::exact);
  EXPECT_EQ(parse_guided<Pigdm>("pigdm:tau2=2").tau2, 2.0);
  EXPECT_EQ(parse_guided<PigdmAlgorithm1>("pigdm-alg1:tau2=2").tau2, 2.0);
  EXPECT_EQ(
      std::get<Heun>(
          parse_guided<DpsLikelihood>("dps-likelihood:integrator=heun:churn_max=inf:churn=3").integrator)
          .churn,
      3.0);
  const auto gsg = parse_guided<DpsGsg>("dps-gsg:zeta=1:directions=65536:epsilon=0:pullback=alpha");
  EXPECT_EQ(gsg.zeta, 1.0);
  EXPECT_EQ(gsg.directions, 65536);
  EXPECT_EQ(gsg.epsilon, 0.0);
  EXPECT_EQ(gsg.pullback, DpsGsg::Pullback::alpha);
  EXPECT_EQ(std::get<EulerMaruyama>(
                parse_guided<ExactGuidance>("exact:integrator=euler-maruyama:zeta=0.5").integrator)
                .zeta,
            0.5);
}

TEST(ParseSampler, AParameterOfTheIntegratorThatTheGuidedSamplerHasTooIsPrefixed) {
  const auto dps = parse_guided<Dps>("dps:integrator=euler-maruyama:zeta=0.3:integrator_zeta=0.5");

  EXPECT_EQ(dps.zeta, 0.3);
  EXPECT_EQ(std::get<EulerMaruyama>(dps.integrator).zeta, 0.5);
  EXPECT_EQ(to_string(GuidedSampler(dps)), "dps:zeta=0.3:integrator=euler-maruyama:integrator_zeta=0.5");
  EXPECT_EQ(
      to_json(GuidedSampler(dps)),
      R"({"type":"dps","zeta":0.3,"epsilon":0.0,"integrator":"euler-maruyama","integrator_zeta":0.5,"churn":0.0,)"
      R"("churn_min":0.0,"churn_max":"inf","churn_noise":1.0,"finish":"denoise","start":"gaussian"})");
}

TEST(SamplerText, WritesGuidedSamplersWithoutTheDefaultsOfTheirIntegrator) {
  EXPECT_EQ(to_string(GuidedSampler(Tmp{})), "tmp");
  EXPECT_EQ(to_string(GuidedSampler(Tmp{.integrator = Ddim{}})), "tmp:integrator=ddim");
  EXPECT_EQ(to_string(GuidedSampler(Dps{.integrator = Ddim{.eta = 1.0, .start = Start::gaussian}})),
            "dps:integrator=ddim:eta=1");
  EXPECT_EQ(to_string(GuidedSampler(
                DpsGsg{.directions = 8, .pullback = DpsGsg::Pullback::alpha, .start = Start::exact})),
            "dps-gsg:directions=8:pullback=alpha:start=exact");
}

TEST(SamplerText, WritesSmcSamplers) {
  EXPECT_EQ(to_string(Mcgdiff{}), "mcgdiff");
  EXPECT_EQ(to_string(SmcSampler(Bootstrap{})), "bootstrap");
  EXPECT_EQ(to_string(all_changed),
            "mcgdiff:particles=512:variant=A:kappa=0.25:kernel=exact:eta=0.5:start=gaussian:resampling="
            "multinomial:ess_threshold=0.75:"
            "output=particles");
}

TEST(SamplerText, LeavesOutDefaults) {
  EXPECT_EQ(to_string(Sampler(Ddim{})), "ddim");
  EXPECT_EQ(to_string(Sampler(Ddim{.eta = 0.5, .churn = 20.0})), "ddim:eta=0.5:churn=20");
  EXPECT_EQ(to_string(Sampler(EulerMaruyama{.churn_max = 1e-5, .finish = Finish::step})),
            "euler-maruyama:churn_max=1e-05:finish=step");
}

TEST(SamplerText, ReadsBackToTheSameSampler) {
  for (const AnySampler& sampler : std::vector<AnySampler>{
           Ddim{.eta = 1.0 / 3.0}, ExactTransition{.start = Start::gaussian},
           Ancestral{.variance = Ancestral::Variance::large, .churn_noise = 1.0 / 7.0},
           Heun{.variable = Heun::Variable::n, .churn = 1e300}, Dpmpp2s{.r = 5e-324},
           McmcSampler(Mala{.adapt = StepAdaptation::chain, .run = {.warmup = 500}}),
           Unipc3{.start = Start::gaussian}, ExactAncestral{.eta = 1.0 / 3.0}, all_changed,
           Bootstrap{.eta = 1.0 / 3.0, .resampling = Resampling::stratified},
           GuidedSampler(Tmp{.scale = Tmp::Scale::row_sum, .integrator = Dpmpp2s{.r = 1.0 / 3.0}}),
           GuidedSampler(Pigdm{.tau2 = 1.0 / 3.0, .integrator = SdeDpmpp2m{}}),
           GuidedSampler(PigdmAlgorithm1{.integrator = Ancestral{.churn = 2.0}, .start = Start::exact}),
           GuidedSampler(Dps{.epsilon = 1e-300, .integrator = EulerMaruyama{.zeta = 1.0 / 3.0}}),
           GuidedSampler(DpsLikelihood{.integrator = Heun{.churn = 3.0, .churn_max = 5.0}}),
           GuidedSampler(DpsGsg{.zeta = 1.0, .integrator = EulerMaruyama{.finish = Finish::step}}),
           GuidedSampler(ExactGuidance{.integrator = Euler{}, .start = Start::exact}),
           Learned{.model = "m.npz"}, Learned{.model = "m.npz", .reweight = true}}) {
    EXPECT_EQ(to_json(parse_sampler(to_string(sampler))), to_json(sampler));
  }
}

TEST(ParseSampler, NamesWhatIsWrong) {
  const std::string known =
      " (known: ddim, exact-transition, ancestral, euler-maruyama, euler, heun, dpmpp-2s, dpmpp-2m, "
      "sde-dpmpp-2m, dpmpp-3m, unipc-3, exact-ancestral, exact-decoupled, naive-backward, annealed, mcgdiff, "
      "bootstrap, tmp, pigdm, "
      "pigdm-alg1, dps, dps-likelihood, dps-gsg, exact, ula, mala, hmc, baoab, obabo, ou, myula, learned)";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", R"(sampler "": unknown sampler ""; did you mean "ou"?)" + known},
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
      {"ddim:churn_max=-inf",
       R"(sampler "ddim:churn_max=-inf": churn_max: expected a number or "inf", given "-inf")"},
      {"learned", R"(sampler "learned": missing key "model")"},
      {"learned:model=1", R"(sampler "learned:model=1": model: expected a text, given 1.0)"},
      {"heun:variable=x", R"(sampler "heun:variable=x": variable: expected "t" or "n", given "x")"},
      {"euler:start=3", R"(sampler "euler:start=3": start: expected "exact" or "gaussian", given 3.0)"},
      {"mcgdiff:particles=many",
       R"(sampler "mcgdiff:particles=many": particles: expected an integer from 1 to 1073741824, given "many")"},
      {"mcgdiff:variant=c", R"(sampler "mcgdiff:variant=c": variant: expected "C" or "A", given "c")"},
      {"bootstrap:kappa=1",
       R"(sampler "bootstrap:kappa=1": unknown key "kappa"; did you mean "type"? (known: type, particles, kernel, eta, start, resampling, )"
       R"(ess_threshold, output))"},
      {"tmp:scale=rows",
       R"(sampler "tmp:scale=rows": scale: expected "moments" or "diffuse" or "row-sum", given "rows")"},
      {"tmp:integrator=dim",
       R"(sampler "tmp:integrator=dim": integrator: unknown integrator "dim"; did you mean "ddim"? (known: ddim, ancestral, euler-maruyama, )"
       R"(euler, heun, dpmpp-2s, dpmpp-2m, sde-dpmpp-2m, dpmpp-3m, unipc-3, annealed))"},
      {"tmp:integrator=tmp",
       R"(sampler "tmp:integrator=tmp": integrator: unknown integrator "tmp"; did you mean "ddim"? (known: ddim, ancestral, euler-maruyama, )"
       R"(euler, heun, dpmpp-2s, dpmpp-2m, sde-dpmpp-2m, dpmpp-3m, unipc-3, annealed))"},
      {"tmp:integrator=exact-transition",
       R"(sampler "tmp:integrator=exact-transition": integrator: exact-transition evaluates no denoiser; )"
       "a guided sampler needs one that does"},
      {"tmp:integrator=exact-ancestral",
       R"(sampler "tmp:integrator=exact-ancestral": integrator: exact-ancestral evaluates no denoiser; )"
       "a guided sampler needs one that does"},
      {"tmp:integrator=exact-decoupled",
       R"(sampler "tmp:integrator=exact-decoupled": integrator: exact-decoupled evaluates no denoiser; )"
       "a guided sampler needs one that does"},
      {"tmp:integrator=1",
       R"(sampler "tmp:integrator=1": integrator: expected the name of an integrator, given 1.0)"},
      {"tmp:integrator=dpmpp-2m:churn=1",
       R"(sampler "tmp:integrator=dpmpp-2m:churn=1": unknown key "churn"; did you mean "start"? (known: type, scale, integrator, start))"},
      {"dps:integrator_zeta=1",
       R"(sampler "dps:integrator_zeta=1": unknown key "integrator_zeta"; did you mean "integrator"? (known: type, zeta, epsilon, integrator, )"
       R"(variance, churn, churn_min, churn_max, churn_noise, start))"},
      {"dps:integrator=euler-maruyama:integrator_zeta=a",
       R"(sampler "dps:integrator=euler-maruyama:integrator_zeta=a": integrator_zeta: expected a number, given "a")"},
      {"dps-gsg:directions=65537",
       R"(sampler "dps-gsg:directions=65537": directions: expected an integer from 1 to 65536, given 65537.0)"},
      {"dps-gsg:pullback=j",
       R"(sampler "dps-gsg:pullback=j": pullback: expected "jacobian" or "alpha", given "j")"},
      {"exact:start=here",
       R"(sampler "exact:start=here": start: expected "exact" or "gaussian", given "here")"},
  };
  for (const auto& [text, message] : cases)
    EXPECT_EQ(error_of([&text = text] { parse_sampler(text); }), message);
}

}  // namespace
}  // namespace gmdiff
