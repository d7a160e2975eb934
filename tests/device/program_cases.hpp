#pragma once

#include <optional>

#include <gmdiff/device/samples.hpp>
#include <gmdiff/sampler/problem.hpp>

#include "device/cases.hpp"
#include "device/devices_under_test.hpp"
#include "plan/program.hpp"

// Plans of programs that the tests of devices go through.

namespace gmdiff::test {

inline std::vector<GuidedSampler> every_guided_sampler() {
  return {Tmp{},
          Tmp{.scale = Tmp::Scale::row_sum},
          Tmp{.scale = Tmp::Scale::diffuse, .integrator = Ddim{}},
          Tmp{.integrator = Dpmpp2m{}},
          Pigdm{.tau2 = 2.0, .integrator = Heun{.variable = Heun::Variable::n, .churn = 1.0}},
          PigdmAlgorithm1{},
          Dps{.zeta = 0.3, .epsilon = 1e-3},
          DpsLikelihood{.integrator = Ddim{}},
          DpsGsg{.zeta = 0.05, .directions = 5},
          DpsGsg{.zeta = 0.05, .directions = 5, .pullback = DpsGsg::Pullback::alpha},
          ExactGuidance{.integrator = Dpmpp2s{}}};
}

/// All moments of a run's chains; no columns without moments.
inline Points moments_of(const Samples& samples) {
  if (!samples.moments()) return Points(samples.rows(), 0);
  const ChainMoments& moments = *samples.moments();
  Points all(moments.mean.rows(), moments.mean.cols() + moments.variance.cols() + moments.covariance.cols() +
                                      moments.batch_means.cols());
  all << moments.mean, moments.variance, moments.covariance, moments.batch_means;
  return all;
}

/// Chains of every kind, short enough that rounding does not separate two of them.
inline std::vector<McmcSampler> every_mcmc_sampler(Eigen::Index dim) {
  const ChainRun run{.warmup = 3, .steps = 9, .thin = 4, .output = ChainOutput::trace, .start_std = 2.0};
  ChainRun with_diagonal = run, with_matrix = run;
  with_diagonal.preconditioner = Eigen::VectorXd::LinSpaced(dim, 0.5, 1.5);
  with_diagonal.start_mean = Eigen::VectorXd::LinSpaced(dim, -1.0, 1.0);
  with_matrix.preconditioner = Eigen::MatrixXd::Identity(dim, dim);
  for (Eigen::Index i = 1; i < dim; ++i) with_matrix.preconditioner(i, i - 1) = 0.25;
  ChainRun with_moments = with_matrix;
  with_moments.steps = 19;
  with_moments.output = ChainOutput::moments;
  return {Ula{.step = 0.1, .speed = 2.0, .run = with_moments},
          Ula{.step = 0.1, .speed = 2.0, .run = with_diagonal},
          Mala{.step = 0.3, .run = {.steps = 12, .start = Start::exact}},
          Mala{.step = 0.3, .run = with_matrix},
          Hmc{.step = 0.3, .leapfrogs = 3, .run = with_diagonal},
          Hmc{.step = 0.3, .leapfrogs = 2, .jitter = true, .run = with_matrix},
          Baoab{.step = 0.3, .run = with_matrix},
          Obabo{.step = 0.3, .friction = 0.5, .run = run},
          Obabo{.step = 0.6, .friction = 0.1, .metropolis = true, .run = with_matrix}};
}

/// Chains that adapt their steps, each its own.
inline std::vector<McmcSampler> every_adapting_sampler(Eigen::Index dim) {
  constexpr auto chain = StepAdaptation::chain;
  ChainRun run{.warmup = 6, .steps = 4, .thin = 2, .output = ChainOutput::trace};
  run.preconditioner = Eigen::MatrixXd::Identity(dim, dim);
  for (Eigen::Index i = 1; i < dim; ++i) run.preconditioner(i, i - 1) = 0.25;
  const ChainRun moments{.warmup = 5, .steps = 17, .output = ChainOutput::moments};
  return {Mala{.adapt = chain, .run = moments}, Mala{.adapt = chain, .run = run},
          Hmc{.leapfrogs = 2, .adapt = chain, .run = run},
          Hmc{.leapfrogs = 2, .jitter = true, .adapt = chain, .run = moments},
          Obabo{.friction = 0.5, .metropolis = true, .adapt = chain, .run = run}};
}

/// The steps that chains have adapted.
inline std::vector<double> steps_of(const Samples& samples) {
  return samples.acceptance() ? samples.acceptance()->step : std::vector<double>();
}

/// Runs chains of 20 steps, and the same chains in two runs. `run_plan(plan, options)` runs a plan. @returns
/// whether both have the same bits
template <class Law, class RunPlan>
bool has_bits_of_two_halves(const Law& target, const McmcSampler& sampler, const Options& options,
                            RunPlan run_plan) {
  constexpr int half = 10;
  const bool is_kinetic = std::holds_alternative<Baoab>(sampler) || std::holds_alternative<Obabo>(sampler);
  const auto run = [&](int first_step, int steps, const Samples* before) {
    const McmcSampler part = std::visit(
        [=](auto method) {
          method.run.steps = steps;
          method.run.first_step = first_step;
          return McmcSampler(method);
        },
        sampler);
    Options with_start = options;
    with_start.velocities = is_kinetic;
    if (before != nullptr) {
      with_start.start = before->to_double();
      with_start.start_velocities = before->velocities();
    }
    return run_plan(mcmc_plan(target, part), with_start);
  };
  const Samples whole = run(0, 2 * half, nullptr);
  const Samples first = run(0, half, nullptr);
  const Samples second = run(half, half, &first);
  return bytes(second) == bytes(whole) && bytes(first) != bytes(whole) &&
         second.velocities() == whole.velocities() && whole.velocities().has_value() == is_kinetic;
}

/// The samplers that can be continued.
inline std::vector<McmcSampler> every_continued_sampler(Eigen::Index dim) {
  const ChainRun run{.preconditioner = Eigen::VectorXd::LinSpaced(dim, 0.5, 1.5)};
  return {Ula{.step = 0.1},
          Mala{.step = 0.3, .run = run},
          Hmc{.step = 0.3, .leapfrogs = 3, .run = run},
          Hmc{.step = 0.3, .leapfrogs = 2, .jitter = true, .run = run},
          Baoab{.step = 0.2, .run = run},
          Obabo{.step = 0.2, .friction = 0.5, .run = run},
          Obabo{.step = 0.4, .friction = 0.3, .metropolis = true, .run = run}};
}

/// An expression with every operation of a tape.
inline ExpressionTarget every_function() {
  return {.density =
              "-norm2(x) - sin(5 + w*x1)/2 + cos(x2)^2 - log(1 + x2^2) + sqrt(1 + x1^2) - abs(x1 - x2)/3 "
              "+ min(x1, x3)/4 - max(x1, x2, 0.5)/5 + sg(x1)*sp(x3) + tanh(x1*x2) - exp(-x3^2)/(1 + x3^2)",
          .dim = 3,
          .parameters = {{"w", 5.0}}};
}

/// A mixture of each covariance structure under an observation with each kind of map.
inline std::vector<Target> every_observed_mixture() {
  const Eigen::MatrixXd R{{1.5, 0.25}, {0.25, 2.0}};
  const Eigen::VectorXd y{{1.0, 0.5}};
  const ElementwiseMap linear{.A = normals(2, 3, 33), .b = y};
  ElementwiseMap sine = linear, hyperbolic = linear;
  sine.function = MapFunction::sin;
  hyperbolic.function = MapFunction::tanh;
  const ExpressionMap texts{.texts = {"exp(-x1^2) + a*x2", "x1*x3"}, .dim = 3, .parameters = {{"a", 0.5}}};
  const RangeMap range{.anchors = normals(2, 3, 34)};
  const std::vector<MapDescription> maps{sine, hyperbolic, texts, range};
  std::vector<Target> targets;
  targets.reserve(every_structure().size());
  for (const CovarianceType structure : every_structure()) {
    const MapDescription& map = maps[targets.size() % maps.size()];
    targets.push_back(ObservedMixture{mixture_of(structure, 3, 4), {map, y, R}});
  }
  return targets;
}

/// Sparse priors of every operator and smoothing, the last two with proximal chains.
inline std::vector<Target> every_regularised_target() {
  const auto observation = [](Eigen::Index dim) {
    return NonlinearObservation(ElementwiseMap{.function = MapFunction::tanh, .A = normals(3, dim, 35)},
                                Eigen::Vector3d(0.5, -1.0, 0.25), 0.75);
  };
  const SparsePrior image{.analysis = AnalysisOperator::gradient_2d,
                          .shape = {2, 3},
                          .smoothing = Smoothing::pseudo_huber,
                          .width = 0.5};
  const SparsePrior matrix{.analysis = AnalysisOperator::matrix,
                           .matrix = normals(2, 3, 36),
                           .smoothing = Smoothing::huber,
                           .width = 0.5};
  return {Regularised{image, observation(6)}, Regularised{matrix, observation(3)},
          Regularised{{.weight = 2.0}, observation(3)},
          Regularised{{.weight = 0.5, .analysis = AnalysisOperator::gradient}, observation(9)}};
}

/// Proximal chains on a target of which they know the prior.
inline std::vector<Plan> proximal_plans_of(const Target& target) {
  const ChainRun trace{.warmup = 3, .steps = 9, .thin = 4, .output = ChainOutput::trace};
  const ChainRun moments{.steps = 19, .output = ChainOutput::moments};
  return {mcmc_plan(target, Myula{.theta = 0.2, .step = 0.1, .run = trace}),
          mcmc_plan(target, Myula{.theta = 0.2, .step = 0.1, .metropolis = true, .run = moments})};
}

/// Targets of every kind that are no mixtures.
inline std::vector<Target> every_target() {
  std::vector<Target> targets{
      SinGaussian{.dim = 3},
      Banana{.scale = 2.0, .curvature = 0.25, .dim = 5},
      Funnel{.scale = 1.0, .dim = 4},
      ManyWell{.wells = 2, .dim = 3},
      Logistic{.data = normals(20, 9, 31),
               .labels = normals(20, 1, 32).unaryExpr([](double z) { return z > 0.0 ? 1.0 : 0.0; }),
               .prior_std = 2.0},
      every_function(),
      StudentTMixture{.components = 3, .nu = 2.0, .dim = 3, .locations = normals(3, 3, 33)},
      Seeds{},
      Brownian{}};
  const std::vector<Target> observed = every_observed_mixture();
  targets.insert(targets.end(), observed.begin(), observed.end());
  const std::vector<Target> regularised = every_regularised_target();
  targets.insert(targets.end(), regularised.begin(), regularised.end());
  return targets;
}

/// Whether the density has no derivative in some places.
inline bool has_kinks(const Target& target) {
  const Regularised* const regularised = target.regularised();
  return regularised != nullptr && regularised->prior.smoothing == Smoothing::none;
}

/// Chains of every kind for a target that cannot be drawn from.
inline std::vector<Plan> every_plan_of(const Target& target) {
  if (has_kinks(target)) return proximal_plans_of(target);
  std::vector<Plan> plans;
  for (McmcSampler sampler : every_mcmc_sampler(target.dim())) {
    std::visit(
        [](auto& method) {
          method.run.start = Start::gaussian;
          method.run.start_std = 0.5;
          *method.step *= 0.2;
        },
        sampler);
    plans.push_back(mcmc_plan(target, sampler));
  }
  // They are expressions, of which one has all the plans.
  if (target.tapes() != nullptr && target.expression() == nullptr && target.observed() == nullptr)
    plans.resize(2);
  return plans;
}

/// Steps with products of matrices of every shape, straight and transposed.
inline Plan plan_of_products() {
  Plan plan = dynamics_plan({.drift = {"x2", "-x1", "x1*x3"}, .steps = 4, .start = GaussianStart{}});
  const Eigen::MatrixXd dense = 0.5 * Eigen::MatrixXd(normals(3, 3, 41));
  plan.matrices = {dense, Eigen::MatrixXd(dense.triangularView<Eigen::Lower>()), dense.col(0)};
  std::vector<Stage>& stages = std::get<Program>(plan.steps.front()).stages;
  for (int matrix = 0; matrix < 3; ++matrix) {
    for (const bool transposed : {false, true}) {
      stages.push_back(Product{.matrix = matrix, .from = 0, .to = 2, .transposed = transposed});
      stages.push_back(Combine{.to = 0, .terms = {{0, 0.5}, {2, 1.0}}});
    }
  }
  return plan;
}

/// The field (t, x_1, x_2), as a function.
inline CustomField shifted() {
  return {.dim = 3,
          .evaluate =
              [](double t, Eigen::Index n, const double* x, double* f) {
                for (Eigen::Index i = 0; i < n; ++i, x += 3, f += 3) {
                  f[0] = t;
                  f[1] = x[0];
                  f[2] = x[1];
                }
              },
          .id = "shifted"};
}

/// Plans of dynamics by name: each of them, with every scheme, start and kind of covariance that they have.
inline std::vector<Plan> every_plan_of_named_dynamics() {
  const Eigen::MatrixXd factor = Eigen::MatrixXd(normals(3, 3, 61));
  const Mixture tied({0.25, 0.75}, normals(2, 3, 62), Covariance::tied_cholesky(factor));
  const Mixture full({0.25, 0.75}, normals(2, 3, 63),
                     Covariance::full_cholesky({factor, Eigen::MatrixXd(normals(3, 3, 64))}));
  const Vp process{.beta = LinearBeta{.min = 0.5, .max = 3.0}};
  std::vector<Plan> plans;
  const auto add = [&](Dynamics dynamics, Scheme scheme, const DynamicsStart& start) {
    dynamics.steps = 6;
    dynamics.scheme = scheme;
    dynamics.start = start;
    if (scheme == Scheme::sra1) dynamics.path_steps = 12;
    plans.push_back(dynamics_plan(dynamics));
  };
  const GaussianStart gaussian{.mean = {1.0, -0.5, 0.25}, .std = 0.5};
  add(langevin_dynamics(full, 1.5), Scheme::euler_maruyama, ExactStart{});
  add(langevin_dynamics(tied), Scheme::heun, gaussian);
  add(langevin_dynamics(Target(ManyWell{.dim = 3})), Scheme::sra1, ExactStart{});
  add(reverse_dynamics(full, process, 0.5), Scheme::euler_maruyama, ExactStart{});
  add(reverse_dynamics(tied, process), Scheme::heun, ExactStart{});  // the last evaluation is at the data
  add(reverse_dynamics(full, process), Scheme::sra1, PointStart{{1.0, -0.5, 0.25}});
  add(probability_flow_dynamics(tied, process), Scheme::rk4, ExactStart{});
  add(naive_backward_dynamics(full, process), Scheme::heun, tied);
  const Eigen::MatrixXd A = 0.5 * Eigen::MatrixXd(normals(3, 3, 65)), S = factor * factor.transpose();
  const Eigen::VectorXd b = normals(3, 1, 66);
  for (const Scheme scheme : {Scheme::exact, Scheme::euler_maruyama, Scheme::heun, Scheme::sra1})
    add(linear_dynamics(A, b, 0.5 * (S + S.transpose())), scheme, gaussian);
  add(linear_dynamics(A), Scheme::rk4, full);
  return plans;
}

/// Plans of every scheme and every kind of noise, in dimension 1 and 3, of drifts and noises as functions,
/// chains of exact transitions, and dynamics by name.
inline std::vector<Plan> every_plan_of_dynamics() {
  const std::vector<std::string> pendulum{"x2", "-sin(x1) - x2/2 + cos(3*t)", "tanh(x1*x2) - x3"};
  const std::vector<std::string> additive{"(1 + t)/4", "1/2", "exp(-t)"};
  const std::vector<std::string> multiplicative{"x1/4", "sqrt(1 + x2^2)/3", "t/2 + sin(x3)/4"};
  std::vector<Plan> plans;
  const auto add = [&](Scheme scheme, const DynamicsNoise& noise) {
    plans.push_back(dynamics_plan({.drift = pendulum,
                                   .noise = noise,
                                   .t_start = 0.5,
                                   .t_end = 1.75,
                                   .steps = 12,
                                   .scheme = scheme,
                                   .start = GaussianStart{.mean = {1.0, -0.5, 0.25}, .std = 0.5}}));
  };
  for (const Scheme scheme : {Scheme::euler_maruyama, Scheme::heun, Scheme::sra1, Scheme::milstein}) {
    add(scheme, 0.5);
    add(scheme, std::vector<double>{0.5, 0.0, 1.5});
    add(scheme, additive);
  }
  for (const Scheme scheme : {Scheme::euler_maruyama, Scheme::milstein}) add(scheme, multiplicative);
  for (const Scheme scheme : {Scheme::euler, Scheme::heun, Scheme::rk4}) add(scheme, 0.0);
  for (Dynamics dynamics :
       {brownian(3), ornstein_uhlenbeck(2.0), geometric_brownian(0.5, 0.75), sine_dynamics()}) {
    dynamics.steps = 10;
    plans.push_back(dynamics_plan(dynamics));
  }
  Dynamics coupled{.drift = {"x2 - 1", "-4*x1 - x2", "x1 - x3"},
                   .noise = std::vector<double>{0.0, 0.5, 1.0},
                   .steps = 6,
                   .scheme = Scheme::exact,
                   .start = GaussianStart{}};
  plans.push_back(dynamics_plan(coupled));
  // Starts of every structure, and steps on a finer Brownian motion.
  Dynamics shared{.drift = pendulum,
                  .noise = 0.5,
                  .steps = 3,
                  .start = Mixture({0.25, 0.75}, normals(2, 3, 51), Covariance::diag(Points::Ones(2, 3))),
                  .path_steps = 12};
  plans.push_back(dynamics_plan(shared));
  shared.scheme = Scheme::sra1;
  const Eigen::MatrixXd factor = Eigen::MatrixXd(normals(3, 3, 52));
  shared.start = Mixture({0.25, 0.75}, normals(2, 3, 53), Covariance::tied_cholesky(factor));
  plans.push_back(dynamics_plan(shared));
  coupled.path_steps = 12;
  coupled.start = Mixture({0.25, 0.75}, normals(2, 3, 54),
                          Covariance::full_cholesky({factor, Eigen::MatrixXd(normals(3, 3, 55))}));
  plans.push_back(dynamics_plan(coupled));
  for (const Covariance& covariance :
       {Covariance::spherical({2.0}), Covariance::diag(Points{{1.0, 0.0, 4.0}}),
        Covariance::tied_cholesky(factor)})
    plans.push_back(mcmc_plan(Mixture({1.0}, normals(1, 3, 56), covariance),
                              OrnsteinUhlenbeck{.step = 0.3, .speed = 2.0, .run = {.steps = 5}}));
  plans.push_back(plan_of_products());
  plans.push_back(dynamics_plan({.custom_drift = shifted(),
                                 .noise = additive,
                                 .steps = 5,
                                 .scheme = Scheme::sra1,
                                 .start = GaussianStart{}}));
  plans.push_back(
      dynamics_plan({.drift = pendulum, .custom_noise = shifted(), .steps = 5, .start = GaussianStart{}}));
  for (Plan& plan : every_plan_of_named_dynamics()) plans.push_back(std::move(plan));
  return plans;
}

/// An observation of `rows` directions with much noise, so that no method diverges.
inline LinearObservation observation_of(Eigen::Index dim, Eigen::Index rows, std::uint64_t seed = 5) {
  return {normals(rows, dim, seed) / std::sqrt(static_cast<double>(dim)), normals(rows, 1, seed + 1), 0.5};
}

inline Plan guided_plan_of(const GuidedSampler& sampler, const Mixture& prior,
                           const LinearObservation& observation) {
  const ForwardProcess process = vp(LinearBeta{});
  return guided_plan(prior, std::span(&observation, 1), process, TimeGrid::uniform(process, 5), sampler);
}

/// Guided runs of every method that takes a map, on a mixture of each structure under an observation with
/// each kind of map.
inline std::vector<Plan> every_guided_plan_with_map() {
  const ForwardProcess process = vp(LinearBeta{});
  const TimeGrid grid = TimeGrid::uniform(process, 5);
  std::vector<Plan> plans;
  for (const Target& target : every_observed_mixture()) {
    const ObservedMixture& observed = *target.observed();
    for (const GuidedSampler& sampler : every_guided_sampler()) {
      if (takes_map(sampler))
        plans.push_back(guided_plan(observed.prior, observed.observation, process, grid, sampler));
    }
  }
  return plans;
}

/// D = E[x_0 | x_t] of a mixture and J^T v, as a program would bring them. J of a mixture is symmetric.
inline HostDenoiser denoiser_of_mixture(const Mixture& mixture) {
  return {.id = "mixture by hand",
          .function = [mixture](const Points& x, Level level, Points& D) { D = mixture.denoiser(x, level); },
          .transposed_jvp = [mixture](const Points& x, const Points& v, Level level,
                                      Points& product) { product = mixture.denoiser_jvp(x, v, level); }};
}

/// The methods that run with a custom denoiser, with integrators without noise, whose coordinates may differ.
inline std::vector<GuidedSampler> guided_samplers_of_denoisers() {
  return {Tmp{.integrator = Ddim{}},
          Tmp{.scale = Tmp::Scale::diffuse, .integrator = Heun{.variable = Heun::Variable::n}},
          Tmp{.scale = Tmp::Scale::row_sum, .integrator = Ddim{}},
          Pigdm{.tau2 = 2.0, .integrator = Heun{.variable = Heun::Variable::n}},
          PigdmAlgorithm1{.integrator = Ddim{}},
          Dps{.zeta = 0.3, .epsilon = 1e-3, .integrator = Dpmpp2s{}},
          DpsLikelihood{.integrator = Dpmpp2m{}},
          DpsGsg{.zeta = 0.05, .directions = 5, .integrator = Ddim{}},
          DpsGsg{.zeta = 0.05, .directions = 5, .pullback = DpsGsg::Pullback::alpha, .integrator = Ddim{}}};
}

}  // namespace gmdiff::test
