#pragma once

#include <array>
#include <string_view>
#include <type_traits>

#include <gmdiff/model/process.hpp>
#include <gmdiff/model/target.hpp>
#include <gmdiff/model/time_grid.hpp>
#include <gmdiff/sampler/guided.hpp>
#include <gmdiff/sampler/mcmc.hpp>
#include <gmdiff/sampler/problem.hpp>
#include <gmdiff/sampler/sampler.hpp>
#include <gmdiff/sampler/smc.hpp>

#include "sampler/key_collector.hpp"

// The catalogue of names: one entry for each process, grid, target and sampler, with its parameters. It
// defines problem files and the samplers of the command line. The default of a parameter is the member
// initialiser of the description.
//
// A visitor offers
//   required(key, member), optional(key, member)     a parameter without or with a default
//   unbounded(key, member)                           a parameter with a default, which may be infinite
//   whole(key, member, most, least)                  an integer parameter with a default, from `least` (1) to
//                                                    `most`
//   name_of(key, variant)                            the name of the alternative that a variant holds
//   either(first_holds, first, second)               two exclusive groups of parameters, as functions that
//                                                    visit with a given visitor

namespace gmdiff::catalogue {

/// Depends on T, so that a static_assert on it fails only where a template is used.
template <class T>
inline constexpr bool is_listed = false;

template <class T>
consteval const char* missing_type_name() {
  static_assert(
      is_listed<T>,
      "this type needs a type_name in the catalogue, or a null one that says it has no written form");
  return nullptr;
}
template <class Enum>
consteval std::array<const char*, 1> missing_enum_names() {
  static_assert(is_listed<Enum>, "this enumeration needs enum_names in the catalogue");
  return {};
}

template <class T>
consteval bool missing_evaluates_denoiser() {
  static_assert(is_listed<T>, "this sampler needs a evaluates_denoiser in the catalogue");
  return false;
}

/// Name in the catalogue; null for a type that has no written form. A type without an entry does not compile.
template <class T>
inline constexpr const char* type_name = missing_type_name<T>();

template <>
inline constexpr const char* type_name<CustomProcess> = nullptr;
/// A problem file writes it as a prior and an observation.
template <>
inline constexpr const char* type_name<ObservedMixture> = nullptr;
template <>
inline constexpr const char* type_name<CustomTarget> = nullptr;

template <>
inline constexpr const char* type_name<LinearBeta> = "linear";
template <>
inline constexpr const char* type_name<CosineBeta> = "cosine";
template <>
inline constexpr const char* type_name<Vp> = "vp";
template <>
inline constexpr const char* type_name<SubVp> = "sub-vp";
template <>
inline constexpr const char* type_name<Ou> = "ou";
template <>
inline constexpr const char* type_name<Ddpm> = "ddpm";
template <>
inline constexpr const char* type_name<Ve> = "ve";
template <>
inline constexpr const char* type_name<Edm> = "edm";
template <>
inline constexpr const char* type_name<RectifiedFlow> = "rectified-flow";

template <>
inline constexpr const char* type_name<UniformGrid> = "uniform";
template <>
inline constexpr const char* type_name<KarrasGrid> = "karras";
template <>
inline constexpr const char* type_name<LogSnrGrid> = "log-snr";
template <>
inline constexpr const char* type_name<DdimGrid> = "ddim";
template <>
inline constexpr const char* type_name<McgdiffGrid> = "mcgdiff";
template <>
inline constexpr const char* type_name<ListGrid> = "list";

/// Samplers and targets have their name as a member.
template <class T>
requires requires { T::name; }
inline constexpr const char* type_name<T> = T::name;

/// Whether a reverse-time sampler evaluates a denoiser. The others draw from the mixture or need neither, and
/// guided samplers cannot use them as their integrator.
template <class T>
inline constexpr bool evaluates_denoiser = missing_evaluates_denoiser<T>();
template <>
inline constexpr bool evaluates_denoiser<ExactTransition> = false;
template <>
inline constexpr bool evaluates_denoiser<Ancestral> = true;
template <>
inline constexpr bool evaluates_denoiser<Ddim> = true;
template <>
inline constexpr bool evaluates_denoiser<EulerMaruyama> = true;
template <>
inline constexpr bool evaluates_denoiser<Euler> = true;
template <>
inline constexpr bool evaluates_denoiser<Heun> = true;
template <>
inline constexpr bool evaluates_denoiser<Dpmpp2s> = true;
template <>
inline constexpr bool evaluates_denoiser<Dpmpp2m> = true;
template <>
inline constexpr bool evaluates_denoiser<SdeDpmpp2m> = true;
template <>
inline constexpr bool evaluates_denoiser<Dpmpp3m> = true;
template <>
inline constexpr bool evaluates_denoiser<Unipc3> = true;
template <>
inline constexpr bool evaluates_denoiser<ExactAncestral> = false;
template <>
inline constexpr bool evaluates_denoiser<ExactDecoupled> = false;
template <>
inline constexpr bool evaluates_denoiser<NaiveBackward> = false;
template <>
inline constexpr bool evaluates_denoiser<Annealed> = true;

/// Names of an enumeration's values in their order; the array has one entry per value. Read through
/// `names_of`.
template <class Enum>
inline constexpr auto enum_names = missing_enum_names<Enum>();
template <>
inline constexpr std::array<const char*, 2> enum_names<Start> = {"exact", "gaussian"};
template <>
inline constexpr std::array<const char*, 2> enum_names<Finish> = {"denoise", "step"};
template <>
inline constexpr std::array<const char*, 2> enum_names<Ancestral::Variance> = {"small", "large"};
template <>
inline constexpr std::array<const char*, 2> enum_names<Heun::Variable> = {"t", "n"};
template <>
inline constexpr std::array<const char*, 2> enum_names<DdimGrid::Spacing> = {"linear", "quadratic"};
template <>
inline constexpr std::array<const char*, 2> enum_names<Mcgdiff::Variant> = {"C", "A"};
template <>
inline constexpr std::array<const char*, 2> enum_names<SmcKernel> = {"ddim", "exact"};
template <>
inline constexpr std::array<const char*, 4> enum_names<Resampling> = {"systematic", "stratified",
                                                                      "multinomial", "residual"};
template <>
inline constexpr std::array<const char*, 2> enum_names<SmcOutput> = {"draw", "particles"};
template <>
inline constexpr std::array<const char*, 3> enum_names<ChainOutput> = {"draw", "trace", "moments"};
template <>
inline constexpr std::array<const char*, 2> enum_names<StepAdaptation> = {"pilot", "chain"};
template <>
inline constexpr std::array<const char*, 4> enum_names<AnalysisOperator> = {"identity", "gradient",
                                                                            "gradient-2d", "matrix"};
template <>
inline constexpr std::array<const char*, 4> enum_names<Smoothing> = {"none", "pseudo-huber", "huber",
                                                                     "quadratic"};
template <>
inline constexpr std::array<const char*, 3> enum_names<Tmp::Scale> = {"moments", "diffuse", "row-sum"};
template <>
inline constexpr std::array<const char*, 2> enum_names<DpsGsg::Pullback> = {"jacobian", "alpha"};

/// Whether the value has an enumerator. Compilers print one without as a cast: "(gmdiff::Start)2".
template <auto value>
consteval bool is_enumerator() {
  return std::string_view(__PRETTY_FUNCTION__).find("= (") == std::string_view::npos;
}

/// The names of an enumeration; does not compile while a value has no name, or a name no value.
template <class Enum>
constexpr const auto& names_of() {
  constexpr auto count = enum_names<Enum>.size();
  static_assert(is_enumerator<static_cast<Enum>(count - 1)>() && !is_enumerator<static_cast<Enum>(count)>(),
                "enum_names must hold one name for each value of the enumeration");
  return enum_names<Enum>;
}

// ----- processes

template <class Visitor>
void visit_parameters(Visitor& v, LinearBeta& beta) {
  v.required("min", beta.min);
  v.required("max", beta.max);
}
template <class Visitor>
void visit_parameters(Visitor& v, CosineBeta& beta) {
  v.optional("offset", beta.offset);
}
template <class Visitor>
void visit_parameters(Visitor& v, Vp& process) {
  v.required("beta", process.beta);
  v.optional("T", process.T);
}
template <class Visitor>
void visit_parameters(Visitor& v, SubVp& process) {
  v.required("beta", process.beta);
  v.optional("T", process.T);
}
template <class Visitor>
void visit_parameters(Visitor& v, Ou& process) {
  v.optional("stationary_std", process.stationary_std);
  v.optional("T", process.T);
}
template <class Visitor>
void visit_parameters(Visitor& v, Ddpm& process) {
  v.either(
      !process.betas.empty(), [&](auto& visitor) { visitor.required("betas", process.betas); },
      [&](auto& visitor) {
        visitor.required("steps", process.steps);
        visitor.required("first", process.first);
        visitor.required("last", process.last);
      });
}
template <class Visitor>
void visit_parameters(Visitor& v, Ve& process) {
  v.optional("sigma_min", process.sigma_min);
  v.optional("sigma_max", process.sigma_max);
  v.optional("T", process.T);
}
template <class Visitor>
void visit_parameters(Visitor& v, Edm& process) {
  v.optional("T", process.T);
}
template <class Visitor>
void visit_parameters(Visitor&, RectifiedFlow&) {}

// ----- grids

template <class Visitor>
void visit_parameters(Visitor& v, UniformGrid& grid) {
  v.required("steps", grid.steps);
  v.optional("t_start", grid.t_start);
  v.optional("t_end", grid.t_end);
}
template <class Visitor>
void visit_parameters(Visitor& v, KarrasGrid& grid) {
  v.required("steps", grid.steps);
  v.optional("rho", grid.rho);
  v.optional("n_min", grid.n_min);
  v.optional("n_max", grid.n_max);
}
template <class Visitor>
void visit_parameters(Visitor& v, LogSnrGrid& grid) {
  v.required("steps", grid.steps);
  v.optional("t_start", grid.t_start);
  v.required("t_end", grid.t_end);
  v.optional("end_at_data", grid.end_at_data);
}
template <class Visitor>
void visit_parameters(Visitor& v, DdimGrid& grid) {
  v.required("steps", grid.steps);
  v.optional("spacing", grid.spacing);
}
template <class Visitor>
void visit_parameters(Visitor& v, McgdiffGrid& grid) {
  v.required("points", grid.points);
}
template <class Visitor>
void visit_parameters(Visitor& v, ListGrid& grid) {
  v.required("t", grid.t);
}

// ----- targets

constexpr int max_target_dim = 1'000'000;

template <class Visitor>
void visit_parameters(Visitor& v, SinGaussian& target) {
  v.optional("amplitude", target.amplitude);
  v.optional("phase", target.phase);
  v.optional("frequency", target.frequency);
  v.whole("dim", target.dim, max_target_dim);
}
template <class Visitor>
void visit_parameters(Visitor& v, Banana& target) {
  v.optional("scale", target.scale);
  v.optional("curvature", target.curvature);
  v.whole("dim", target.dim, max_target_dim, 2);
}
template <class Visitor>
void visit_parameters(Visitor& v, Funnel& target) {
  v.optional("scale", target.scale);
  v.whole("dim", target.dim, max_target_dim, 2);
}
template <class Visitor>
void visit_parameters(Visitor& v, ManyWell& target) {
  v.whole("wells", target.wells, max_target_dim);
  v.optional("delta", target.delta);
  v.whole("dim", target.dim, max_target_dim);
}
template <class Visitor>
void visit_parameters(Visitor& v, Logistic& target) {
  v.required("data", target.data);
  v.required("labels", target.labels);
  v.optional("prior_std", target.prior_std);
}
template <class Visitor>
void visit_parameters(Visitor& v, StudentTMixture& target) {
  v.whole("components", target.components, max_target_dim);
  v.optional("nu", target.nu);
  v.whole("dim", target.dim, max_target_dim);
  v.optional("locations", target.locations);
}
/// Their data are fixed.
template <class Visitor>
void visit_parameters(Visitor& /*v*/, Seeds& /*target*/) {}
template <class Visitor>
void visit_parameters(Visitor& /*v*/, Brownian& /*target*/) {}
template <class Visitor>
void visit_parameters(Visitor& v, ExpressionTarget& target) {
  v.required("density", target.density);
  v.whole("dim", target.dim, max_target_dim);
  v.optional("parameters", target.parameters);
}

template <class Visitor>
void visit_parameters(Visitor& v, SparsePrior& prior) {
  v.optional("weight", prior.weight);
  v.optional("operator", prior.analysis);
  v.optional("shape", prior.shape);
  v.optional("matrix", prior.matrix);
  v.optional("smoothing", prior.smoothing);
  v.optional("width", prior.width);
}
template <class Visitor>
void visit_parameters(Visitor& v, Regularised& target) {
  v.optional("prior", target.prior);
  v.required("observation", target.observation);
}

// ----- Fokker-Planck equations

template <class Visitor>
void visit_parameters(Visitor& v, DensityDescription& density) {
  v.optional("lower", density.lower);
  v.optional("upper", density.upper);
  v.optional("cells", density.cells);
  v.optional("times", density.times);
}

// ----- samplers

/// Visits the churn parameters of single-step samplers.
template <class Visitor, class SingleStep>
void visit_churn(Visitor& v, SingleStep& sampler) {
  v.optional("churn", sampler.churn);
  v.optional("churn_min", sampler.churn_min);
  v.unbounded("churn_max", sampler.churn_max);
  v.optional("churn_noise", sampler.churn_noise);
}
template <class Visitor>
void visit_parameters(Visitor& v, ExactTransition& sampler) {
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, Ancestral& sampler) {
  v.optional("variance", sampler.variance);
  visit_churn(v, sampler);
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, Ddim& sampler) {
  v.optional("eta", sampler.eta);
  visit_churn(v, sampler);
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, EulerMaruyama& sampler) {
  v.optional("zeta", sampler.zeta);
  visit_churn(v, sampler);
  v.optional("start", sampler.start);
  v.optional("finish", sampler.finish);
}
template <class Visitor>
void visit_parameters(Visitor& v, Euler& sampler) {
  visit_churn(v, sampler);
  v.optional("start", sampler.start);
  v.optional("finish", sampler.finish);
}
template <class Visitor>
void visit_parameters(Visitor& v, Heun& sampler) {
  v.optional("variable", sampler.variable);
  visit_churn(v, sampler);
  v.optional("start", sampler.start);
  v.optional("finish", sampler.finish);
}
template <class Visitor>
void visit_parameters(Visitor& v, Dpmpp2s& sampler) {
  v.optional("r", sampler.r);
  visit_churn(v, sampler);
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, Dpmpp2m& sampler) {
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, SdeDpmpp2m& sampler) {
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, Dpmpp3m& sampler) {
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, Unipc3& sampler) {
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, ExactAncestral& sampler) {
  v.optional("eta", sampler.eta);
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, ExactDecoupled& sampler) {
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, NaiveBackward& sampler) {
  v.optional("start", sampler.start);
}

constexpr int max_annealed_steps = 1'000'000;

template <class Visitor>
void visit_parameters(Visitor& v, Annealed& sampler) {
  v.optional("relative_step", sampler.relative_step);
  v.whole("inner", sampler.inner, max_annealed_steps);
  v.optional("denoise", sampler.denoise);
  v.optional("start", sampler.start);
}

// ----- samplers of sequential Monte Carlo

constexpr int max_smc_particles = 1 << 30;

/// Visits the parameters that all SMC samplers share, after their own.
template <class Visitor, class Smc>
void visit_smc(Visitor& v, Smc& sampler) {
  v.optional("kernel", sampler.kernel);
  v.optional("eta", sampler.eta);
  v.optional("start", sampler.start);
  v.optional("resampling", sampler.resampling);
  v.optional("ess_threshold", sampler.ess_threshold);
  v.optional("output", sampler.output);
}
template <class Visitor>
void visit_parameters(Visitor& v, Mcgdiff& sampler) {
  v.whole("particles", sampler.particles, max_smc_particles);
  v.optional("variant", sampler.variant);
  v.optional("kappa", sampler.kappa);
  visit_smc(v, sampler);
}
template <class Visitor>
void visit_parameters(Visitor& v, Bootstrap& sampler) {
  v.whole("particles", sampler.particles, max_smc_particles);
  visit_smc(v, sampler);
}

// ----- guided samplers

constexpr int max_gsg_directions = 65'536;

/// Visits the parameters of a guided sampler: its own by `own(visitor)`, then those that all share. The
/// parameters of the integrator are given beside them (key_collector.hpp).
template <class Visitor, class Guided, class Own>
void visit_guided(Visitor& v, Guided& sampler, Own own) {
  own(v);
  v.name_of("integrator", sampler.integrator);
  KeyCollector taken;
  own(taken);
  IntegratorVisitor beside(v, std::move(taken.keys));
  std::visit([&](auto& integrator) { visit_parameters(beside, integrator); }, sampler.integrator);
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, Tmp& sampler) {
  visit_guided(v, sampler, [&](auto& own) { own.optional("scale", sampler.scale); });
}
template <class Visitor>
void visit_parameters(Visitor& v, Pigdm& sampler) {
  visit_guided(v, sampler, [&](auto& own) { own.optional("tau2", sampler.tau2); });
}
template <class Visitor>
void visit_parameters(Visitor& v, PigdmAlgorithm1& sampler) {
  visit_guided(v, sampler, [&](auto& own) { own.optional("tau2", sampler.tau2); });
}
template <class Visitor>
void visit_parameters(Visitor& v, Dps& sampler) {
  visit_guided(v, sampler, [&](auto& own) {
    own.optional("zeta", sampler.zeta);
    own.optional("epsilon", sampler.epsilon);
  });
}
template <class Visitor>
void visit_parameters(Visitor& v, DpsLikelihood& sampler) {
  visit_guided(v, sampler, [](auto& /*own*/) {});
}
template <class Visitor>
void visit_parameters(Visitor& v, DpsGsg& sampler) {
  visit_guided(v, sampler, [&](auto& own) {
    own.optional("zeta", sampler.zeta);
    own.whole("directions", sampler.directions, max_gsg_directions);
    own.optional("epsilon", sampler.epsilon);
    own.optional("pullback", sampler.pullback);
  });
}
template <class Visitor>
void visit_parameters(Visitor& v, ExactGuidance& sampler) {
  visit_guided(v, sampler, [](auto& /*own*/) {});
}

// ----- Markov chains

constexpr int max_chain_steps = 10'000'000;
constexpr int max_first_step = 1'000'000'000;
constexpr int max_leapfrogs = 1000;

/// Visits the parameters that all chains share, after their own.
template <class Visitor>
void visit_run(Visitor& v, ChainRun& run) {
  v.whole("warmup", run.warmup, max_chain_steps, 0);
  v.whole("steps", run.steps, max_chain_steps);
  v.whole("thin", run.thin, max_chain_steps);
  v.optional("output", run.output);
  v.optional("start", run.start);
  v.optional("start_std", run.start_std);
  v.optional("start_mean", run.start_mean);
  v.whole("first_step", run.first_step, max_first_step, 0);
  v.optional("preconditioner", run.preconditioner);
}
template <class Visitor>
void visit_parameters(Visitor& v, Ula& sampler) {
  v.optional("step", sampler.step);
  v.optional("speed", sampler.speed);
  visit_run(v, sampler.run);
}
template <class Visitor>
void visit_parameters(Visitor& v, Mala& sampler) {
  v.optional("step", sampler.step);
  v.optional("speed", sampler.speed);
  v.optional("adapt", sampler.adapt);
  visit_run(v, sampler.run);
}
template <class Visitor>
void visit_parameters(Visitor& v, OrnsteinUhlenbeck& sampler) {
  v.optional("step", sampler.step);
  v.optional("speed", sampler.speed);
  visit_run(v, sampler.run);
}
template <class Visitor>
void visit_parameters(Visitor& v, Hmc& sampler) {
  v.optional("step", sampler.step);
  v.whole("leapfrogs", sampler.leapfrogs, max_leapfrogs);
  v.optional("jitter", sampler.jitter);
  v.optional("adapt", sampler.adapt);
  visit_run(v, sampler.run);
}
template <class Visitor>
void visit_parameters(Visitor& v, Baoab& sampler) {
  v.optional("step", sampler.step);
  v.optional("friction", sampler.friction);
  visit_run(v, sampler.run);
}
template <class Visitor>
void visit_parameters(Visitor& v, Obabo& sampler) {
  v.optional("step", sampler.step);
  v.optional("friction", sampler.friction);
  v.optional("metropolis", sampler.metropolis);
  v.optional("adapt", sampler.adapt);
  visit_run(v, sampler.run);
}

template <class Visitor>
void visit_parameters(Visitor& v, Myula& sampler) {
  v.optional("theta", sampler.theta);
  v.optional("step", sampler.step);
  v.optional("metropolis", sampler.metropolis);
  visit_run(v, sampler.run);
}

}  // namespace gmdiff::catalogue
