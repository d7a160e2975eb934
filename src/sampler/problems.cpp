#include <algorithm>
#include <cstdint>
#include <functional>
#include <numbers>
#include <vector>

#include <gmdiff/model/benchmark_mixtures.hpp>
#include <gmdiff/sampler/problem.hpp>

#include "base/check.hpp"
#include "base/extended.hpp"
#include "base/linear_algebra.hpp"
#include "base/random.hpp"

namespace gmdiff {

namespace {

constexpr int max_benchmark_dim = 10'000;
constexpr int benchmark_components = 25;

Points points(std::initializer_list<std::initializer_list<double>> rows) { return Points(rows); }

/// The random arrays of the benchmark (§7.8). Each has its own stream, whose index is the enumerator.
enum class BenchmarkArray : std::uint64_t {
  weights,
  operator_matrix,
  singular_values,
  noise_level,
  component,
  state,
  observation_noise
};

StreamKey benchmark_stream(std::uint64_t seed, BenchmarkArray array) {
  return {.seed = seed, .index = static_cast<std::uint64_t>(array), .purpose = Purpose::user};
}

/// Standard normals, row-major.
Points normals(std::uint64_t seed, BenchmarkArray array, Eigen::Index rows, Eigen::Index cols) {
  NormalStream stream(benchmark_stream(seed, array), Precision::f64);
  Points z(rows, cols);
  for (Eigen::Index m = 0; m < z.size(); ++m) z.data()[m] = stream(static_cast<std::uint64_t>(m));
  return z;
}

/// Uniforms in (0, 1): midpoints of 2^52 cells, so that no singular value is 0.
double uniform(std::uint64_t seed, BenchmarkArray array, std::uint64_t m) {
  return open_uniform(uniform_u64(benchmark_stream(seed, array), m));
}

/// Means (8i, 8j, 8i, 8j, ...), i, j = -2 ... 2, j fastest.
Points benchmark_means(Eigen::Index dx) {
  Points means(benchmark_components, dx);
  for (Eigen::Index k = 0; k < means.rows(); ++k) {
    for (Eigen::Index m = 0; m < dx; ++m)
      means(k, m) = 8.0 * static_cast<double>((m % 2 == 0 ? k / 5 : k % 5) - 2);
  }
  return means;
}

Mixture benchmark_prior(const McgdiffProblem& parameters) {
  const Points z = normals(parameters.seed, BenchmarkArray::weights, 1, benchmark_components);
  std::vector<double> weights(benchmark_components);
  std::transform(z.data(), z.data() + z.size(), weights.begin(), [](double x) { return x * x; });
  return {weights, benchmark_means(parameters.dx),
          Covariance::spherical(std::vector<double>(benchmark_components, 1.0))};
}

/// Draws x* from the prior: a component by its weight, then a standard normal around its mean.
Eigen::VectorXd benchmark_state(const Mixture& prior, std::uint64_t seed) {
  const double u = uniform(seed, BenchmarkArray::component, 0);
  Eigen::Index k = 0;
  for (double sum = prior.weights()(0); sum <= u && k + 1 < prior.num_components();)
    sum += prior.weights()(++k);
  return (prior.means().row(k) + normals(seed, BenchmarkArray::state, 1, prior.dim())).transpose();
}

/// A = U diag(s) V^T, sigma_y = u max(s), y = A x* + sigma_y eps.
LinearObservation benchmark_observation(const McgdiffProblem& parameters, const Eigen::VectorXd& x) {
  const std::uint64_t seed = parameters.seed;
  const Eigen::Index dy = parameters.dy;
  const auto svd =
      linear_algebra::full_svd(normals(seed, BenchmarkArray::operator_matrix, dy, parameters.dx));
  Eigen::VectorXd s(dy);
  for (Eigen::Index i = 0; i < dy; ++i)
    s(i) = uniform(seed, BenchmarkArray::singular_values, static_cast<std::uint64_t>(i));
  std::sort(s.begin(), s.end(), std::greater<>());
  const Eigen::MatrixXd scaled = svd.U * s.asDiagonal();
  const Eigen::MatrixXd A = linear_algebra::product(scaled, svd.V.leftCols(dy).transpose());
  const double noise_std = uniform(seed, BenchmarkArray::noise_level, 0) * s(0);
  const Eigen::VectorXd noise = normals(seed, BenchmarkArray::observation_noise, dy, 1).col(0);
  const Eigen::VectorXd y = linear_algebra::product(A, x) + noise_std * noise;
  return {A, y, noise_std};
}

}  // namespace

Problem tutorial_1d() {
  return {.prior = Mixture({0.3, 0.5, 0.2}, points({{-1.0}, {0.2}, {1.8}}),
                           Covariance::spherical({0.09, 0.16, 0.25})),
          .process = Vp{.beta = LinearBeta{.min = 0.02, .max = 7.0}},
          .grid = UniformGrid{.steps = 300},
          .observation = LinearObservation(Eigen::MatrixXd{{1.0}}, Eigen::VectorXd{{0.5}}, 0.5),
          .sampler = Ddim{}};
}

Problem tutorial_2d() {
  const Eigen::MatrixXd identity = Eigen::MatrixXd::Identity(2, 2);
  return {.prior = Mixture({0.6, 0.4}, points({{0.0, 0.0}, {2.0, 2.0}}),
                           Covariance::full({0.5 * identity, 0.8 * identity})),
          .process = Vp{.beta = LinearBeta{.min = 0.02, .max = 7.0}},
          .grid = UniformGrid{.steps = 300},
          .observation = LinearObservation(Eigen::MatrixXd{{1.0, 0.0}}, Eigen::VectorXd{{1.5}}, 0.1),
          .sampler = Ddim{}};
}

Problem bench_2d() {
  return {.prior = Mixture({0.3, 0.4, 0.3}, points({{-1.0, -1.0}, {1.0, 1.0}, {2.0, -2.0}}),
                           Covariance::full({Eigen::MatrixXd{{0.5, 0.1}, {0.1, 0.5}},
                                             Eigen::MatrixXd{{0.7, -0.1}, {-0.1, 0.7}},
                                             Eigen::MatrixXd{{0.3, 0.0}, {0.0, 1.0}}})),
          .process = Vp{.beta = LinearBeta{.min = 0.02, .max = 5.0}, .T = 2.0},
          .grid = UniformGrid{.steps = 300, .t_end = 0.001},
          .sampler = EulerMaruyama{}};
}

namespace {

Problem course_three() {
  return {.prior = Mixture({0.5, 0.25, 0.25}, points({{0.0, 2.0}, {-1.5, -1.0}, {1.5, -1.0}}),
                           Covariance::spherical({0.375, 0.375, 0.375})),
          .process = Ou{},
          .grid = UniformGrid{.steps = 300},
          .sampler = Ddim{},
          .start = Mixture({1.0}, points({{0.0, 0.25}}), Covariance::spherical({0.0625})),
          .density = {.lower = Eigen::Vector2d(-6.0, -5.5),
                      .upper = Eigen::Vector2d(6.0, 6.5),
                      .cells = {120, 120},
                      .times = {0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0}}};
}

/// 1000 components at x_2 = sin x_1, -pi < x_1 < pi, of standard deviation 0.02.
Problem course_sine() {
  constexpr int K = 1000;
  constexpr long double pi = std::numbers::pi_v<long double>;
  Points means(K, 2);
  for (int k = 0; k < K; ++k) {
    const long double x = pi * (2.0L * (k + 0.5L) / K - 1.0L);
    means.row(k) << static_cast<double>(x), static_cast<double>(extended::sin(x));
  }
  return {.prior = Mixture(std::vector<double>(K, 1.0), means,
                           Covariance::spherical(std::vector<double>(K, 0.02 * 0.02))),
          .process = Vp{.beta = LinearBeta{.min = 0.02, .max = 7.0}},
          .grid = UniformGrid{.steps = 300},
          .sampler = Ddim{}};
}

TargetProblem course_sin() {
  return {
      .target = SinGaussian{},
      .sampler = Ula{.step = 0.1, .run = {.warmup = 1000, .steps = 30'000}},
      .start = Mixture({1.0 / 3.0, 2.0 / 3.0}, points({{-4.0}, {4.0}}), Covariance::spherical({0.04, 0.04})),
      .density = {.lower = Eigen::VectorXd{{-8.0}},
                  .upper = Eigen::VectorXd{{8.0}},
                  .cells = {400},
                  .times = {0.0, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0}}};
}

/// Chains of MALA, whose step the run tunes.
TargetProblem chains_of(const Target& target) {
  return {.target = target, .sampler = Mala{.run = {.warmup = 500, .steps = 2000}}};
}

/// The mixture of 40 components, by deterministic samples from exact starts.
Problem gmm40_problem() {
  return {.prior = gmm40(), .process = Edm{}, .grid = KarrasGrid{}, .sampler = Heun{}};
}

/// A position whose distances to two anchors are observed with the standard deviation 0.25.
NonlinearProblem course_range() {
  return {.prior = Mixture({0.625, 0.375}, points({{0.5, 1.0}, {0.0, -1.0}}),
                           Covariance::full({Eigen::MatrixXd{{0.5, 0.0}, {0.0, 0.75}},
                                             Eigen::MatrixXd{{0.75, 0.25}, {0.25, 0.5}}})),
          .process = Vp{.beta = LinearBeta{.min = 0.02, .max = 7.0}},
          .grid = UniformGrid{.steps = 200},
          .observation = {RangeMap{.anchors = points({{-1.0, 0.0}, {1.0, 0.0}})},
                          Eigen::VectorXd{{1.5, 1.25}}, 0.25},
          .sampler = Mala{.run = {.warmup = 500, .steps = 2000}}};
}

struct ReadyMade {
  const char* name;
  AnyProblem (*make)();
};
constexpr ReadyMade ready_made[] = {
    {"tutorial-1d", [] { return AnyProblem(tutorial_1d()); }},
    {"tutorial-2d", [] { return AnyProblem(tutorial_2d()); }},
    {"bench-2d", [] { return AnyProblem(bench_2d()); }},
    {"course-three", [] { return AnyProblem(course_three()); }},
    {"course-sine", [] { return AnyProblem(course_sine()); }},
    {"course-sin", [] { return AnyProblem(course_sin()); }},
    {"banana", [] { return AnyProblem(chains_of(Banana{})); }},
    {"funnel", [] { return AnyProblem(chains_of(Funnel{})); }},
    {"many-well", [] { return AnyProblem(chains_of(ManyWell{})); }},
    {"student-t-mixture", [] { return AnyProblem(chains_of(StudentTMixture{})); }},
    {"seeds", [] { return AnyProblem(chains_of(Seeds{})); }},
    {"brownian", [] { return AnyProblem(chains_of(Brownian{})); }},
    {"gmm40", [] { return AnyProblem(gmm40_problem()); }},
    {"course-range", [] { return AnyProblem(course_range()); }},
};

}  // namespace

Target target_of(const NonlinearProblem& problem) {
  return ObservedMixture{problem.prior, problem.observation};
}

Problem prior_of(const NonlinearProblem& problem) {
  return {.prior = problem.prior,
          .process = problem.process,
          .grid = problem.grid,
          .sampler = problem.sampler,
          .start = problem.start,
          .density = problem.density,
          .denoiser = problem.denoiser};
}

namespace {

bool takes_map(const Sampler& /*sampler*/) { return false; }
bool takes_map(const McmcSampler& /*sampler*/) { return true; }
bool takes_map(const LearnedSampler& /*sampler*/) { return true; }
bool takes_map(const SmcSampler& sampler) {
  return std::visit([](const auto& method) { return method.takes_map; }, sampler);
}
bool takes_map(const GuidedSampler& sampler) {
  return std::visit([](const auto& method) { return method.takes_map; }, sampler);
}

/// Names of the alternatives that take an observation with a map, each after a comma.
template <class... Methods>
std::string names_with_map(const std::variant<Methods...>* /*samplers*/) {
  std::string names;
  const auto add = [&names](const char* name, bool has_map) {
    if (has_map) names += concat(", ", name);
  };
  (add(Methods::name, Methods::takes_map), ...);
  return names;
}

}  // namespace

std::optional<TargetSampler> without_prior(const AnySampler& sampler) {
  if (const auto* chains = std::get_if<McmcSampler>(&sampler)) return *chains;
  if (const auto* learned = std::get_if<LearnedSampler>(&sampler)) return *learned;
  return {};
}

AnySampler any_sampler(const TargetSampler& sampler) {
  return std::visit([](const auto& kind) { return AnySampler(kind); }, sampler);
}

bool takes_map(const AnySampler& sampler) {
  return std::visit([](const auto& kind) { return takes_map(kind); }, sampler);
}

void check_takes_map(const AnySampler& sampler) {
  if (takes_map(sampler)) return;
  const auto name = [](const auto& method) { return method.name; };
  const std::string others = names_with_map(static_cast<GuidedSampler*>(nullptr)) +
                             names_with_map(static_cast<SmcSampler*>(nullptr));
  fail(std::visit([&](const auto& kind) { return std::visit(name, kind); }, sampler),
       " takes no observation with a map; expected ", others.substr(2),
       ", a Markov chain or a learned sampler");
}

std::vector<std::string> problem_names() {
  std::vector<std::string> names;
  for (const ReadyMade& problem : ready_made) names.emplace_back(problem.name);
  return names;
}

AnyProblem ready_made_problem(const std::string& name) {
  for (const ReadyMade& problem : ready_made) {
    if (name == problem.name) return problem.make();
  }
  fail("ready_made_problem: unknown name ", name);
}

Problem mcgdiff_problem(const McgdiffProblem& parameters) {
  const auto& [dx, dy, seed, num_points] = parameters;
  require(dx >= 2 && dx <= max_benchmark_dim && dx % 2 == 0, "mcgdiff_problem: dx must be even, from 2 to ",
          max_benchmark_dim, ", given ", dx);
  require(dy >= 1 && dy <= dx, "mcgdiff_problem: dy must be from 1 to dx = ", dx, ", given ", dy);
  require(num_points >= 2, "mcgdiff_problem: points must be at least 2, given ", num_points);
  const Mixture prior = benchmark_prior(parameters);
  return {.prior = prior,
          .process = Ddpm{.steps = 999, .first = 0.02, .last = 1e-4},
          .grid = McgdiffGrid{.points = num_points},
          .observation = benchmark_observation(parameters, benchmark_state(prior, seed)),
          .sampler = Ddim{}};
}

}  // namespace gmdiff
