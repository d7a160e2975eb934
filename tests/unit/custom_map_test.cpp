#include <atomic>
#include <chrono>
#include <cmath>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <Eigen/Cholesky>

#include <gtest/gtest.h>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/device/tuned.hpp>
#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/model/importance.hpp>
#include <gmdiff/model/modes.hpp>
#include <gmdiff/model/posterior.hpp>
#include <gmdiff/model/quadrature.hpp>
#include <gmdiff/model/target.hpp>
#include <gmdiff/network/trained_sampler.hpp>
#include <gmdiff/plan/plan.hpp>
#include <gmdiff/plan/smc_plan.hpp>

#include "device/cases.hpp"
#include "device/executor.hpp"
#include "support/expect_invalid.hpp"
#include "support/point_sets.hpp"

// Maps of nonlinear observations that a program brings itself (mathematics.md §13.2).

namespace gmdiff::custom_map_tests {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using test::expect_invalid;
using test::normal_points;

Eigen::Map<const Points> rows(const double* values, Index n, Index columns) { return {values, n, columns}; }
Eigen::Map<Points> rows(double* values, Index n, Index columns) { return {values, n, columns}; }

/// The distances to anchors, as `RangeMap`.
CustomMap distances(const Points& anchors) {
  const Index d = anchors.cols(), dy = anchors.rows();
  // (x - a_i) / |x - a_i| of row n, and the distance
  const auto direction = [anchors, d](const double* x, Index n, Index i, double& r) -> Eigen::RowVectorXd {
    const Eigen::RowVectorXd difference = rows(x, n + 1, d).row(n) - anchors.row(i);
    r = difference.norm();
    return difference / r;
  };
  return {
      .dim = static_cast<int>(d),
      .outputs = static_cast<int>(dy),
      .value =
          [direction, dy](Index n, const double* x, double* phi) {
            for (Index k = 0; k < n * dy; ++k) direction(x, k / dy, k % dy, phi[k]);
          },
      .transposed_product =
          [direction, d, dy](Index n, const double* x, const double* w, double* product) {
            rows(product, n, d).setZero();
            double r = 0.0;
            for (Index k = 0; k < n * dy; ++k)
              rows(product, n, d).row(k / dy) += w[k] * direction(x, k / dy, k % dy, r);
          },
      .hessian =
          [direction, d, dy](Index n, const double* x, const double* w, const double* v, double* product) {
            rows(product, n, d).setZero();
            double r = 0.0;
            for (Index k = 0; k < n * dy; ++k) {
              const Eigen::RowVectorXd along = direction(x, k / dy, k % dy, r);
              const Eigen::RowVectorXd of = rows(v, n, d).row(k / dy);
              rows(product, n, d).row(k / dy) += w[k] / r * (of - along.dot(of) * along);
            }
          },
      .id = "distances"};
}

/// A x.
CustomMap linear(const MatrixXd& A) {
  const Index d = A.cols(), dy = A.rows();
  return {.dim = static_cast<int>(d),
          .outputs = static_cast<int>(dy),
          .value =
              [=](Index n, const double* x, double* phi) {
                for (Index i = 0; i < n; ++i) rows(phi, n, dy).row(i) = A * rows(x, n, d).row(i).transpose();
              },
          .transposed_product =
              [=](Index n, const double* /*x*/, const double* w, double* product) {
                for (Index i = 0; i < n; ++i) rows(product, n, d).row(i) = rows(w, n, dy).row(i) * A;
              },
          .id = "linear"};
}

const Points anchors{{-1.0, 0.0}, {1.0, 0.25}, {0.5, -2.0}};
const MatrixXd R{{0.5, 0.125, 0.0}, {0.125, 0.25, -0.0625}, {0.0, -0.0625, 0.375}};

NonlinearObservation observed_by(const MapDescription& map) { return {map, VectorXd{{1.5, 1.25, 2.0}}, R}; }

Mixture prior() {
  return {{0.25, 0.75},
          Points{{0.5, 1.0}, {0.0, -1.0}},
          Covariance::full({MatrixXd{{0.5, 0.0}, {0.0, 0.75}}, MatrixXd{{0.75, 0.25}, {0.25, 0.5}}})};
}

SparsePrior smooth_prior() {
  SparsePrior prior{.weight = 0.5, .smoothing = Smoothing::pseudo_huber};
  prior.width = 0.2;
  return prior;
}

/// The same targets with a map of the library and with functions.
std::vector<std::pair<Target, Target>> pairs_of_targets() {
  const NonlinearObservation built_in = observed_by(RangeMap{anchors}),
                             by_hand = observed_by(distances(anchors));
  return {{ObservedMixture{prior(), built_in}, ObservedMixture{prior(), by_hand}},
          {Regularised{smooth_prior(), built_in}, Regularised{smooth_prior(), by_hand}}};
}

double largest(const MatrixXd& values) { return values.cwiseAbs().maxCoeff(); }

TEST(CustomMaps, WithABuiltInFormulaHaveItsDerivatives) {
  const Points x = normal_points(20, 2, 3), v = normal_points(20, 2, 4);
  for (const auto& [expected, found] : pairs_of_targets()) {
    EXPECT_FALSE(expected.calls_functions());
    EXPECT_TRUE(found.calls_functions() && found.has_exact_hessian());
    const VectorXd l = expected.log_density(x);
    EXPECT_LT(largest(found.log_density(x) - l), 1e-12 * largest(l));
    EXPECT_LT(largest(found.gradient(x) - expected.gradient(x)), 1e-12 * largest(expected.gradient(x)));
    const Points Hv = expected.hessian_vp(x, v);
    EXPECT_LT(largest(found.hessian_vp(x, v) - Hv), 1e-12 * largest(Hv));
    VectorXd l_once;
    Points g_once;
    found.evaluate(x, l_once, g_once);
    EXPECT_EQ(l_once, found.log_density(x));
    EXPECT_EQ(g_once, found.gradient(x));
  }
  const NonlinearObservation built_in = observed_by(RangeMap{anchors}),
                             by_hand = observed_by(distances(anchors));
  EXPECT_LT(largest(by_hand.value(x) - built_in.value(x)), 1e-14);
  const VectorXd point = x.row(0).transpose();
  EXPECT_LT(largest(by_hand.jacobian(point) - built_in.jacobian(point)), 1e-14);
}

/// The rows of a map's transposed products, and the calls for them.
struct Calls {
  Index calls = 0, rows = 0;
};

CustomMap counted(CustomMap map, Calls& calls) {
  map.concurrent = false;
  map.transposed_product = [&calls, function = map.transposed_product](Index n, const double* x,
                                                                       const double* w, double* product) {
    ++calls.calls;
    calls.rows += n;
    function(n, x, w, product);
  };
  return map;
}

TEST(CustomMaps, GiveAHessianByOneJacobian) {
  Calls calls;
  const NonlinearObservation observation = observed_by(counted(distances(anchors), calls));
  const Points x = normal_points(2, 2, 5);
  Points twice(4, 2);
  twice << x.row(0), x.row(0), x.row(1), x.row(1);
  const Points v = Points::Identity(2, 2).replicate(2, 1);
  const Points Hv = observation.hessian_vp(twice, v);
  // J of two points has three rows each, and J^T is needed for four rows.
  EXPECT_EQ(calls.calls, 2);
  EXPECT_EQ(calls.rows, 6 + 4);
  for (Index n = 0; n < 4; ++n)
    EXPECT_EQ(Points(Hv.row(n)), observation.hessian_vp(twice.row(n), v.row(n))) << n;
  // A call has at most 4096 rows, here those of 1365 points.
  calls = {};
  const Points many = normal_points(1400, 2, 6), along = normal_points(1400, 2, 7);
  const Points expected = observed_by(RangeMap{anchors}).hessian_vp(many, along);
  EXPECT_LT(largest(observation.hessian_vp(many, along) - expected), 1e-12 * largest(expected));
  EXPECT_EQ(calls.calls, 2 + 1);
}

TEST(CustomMaps, MayGiveTheirOwnProductsWithTheJacobian) {
  Calls calls;
  CustomMap map = counted(distances(anchors), calls);
  map.product = [J = observed_by(RangeMap{anchors})](Index n, const double* x, const double* v,
                                                     double* product) {
    for (Index i = 0; i < n; ++i)
      rows(product, n, 3).row(i) =
          J.jacobian(rows(x, n, 2).row(i).transpose()) * rows(v, n, 2).row(i).transpose();
  };
  const Points x = normal_points(20, 2, 3), v = normal_points(20, 2, 4);
  const Points expected = observed_by(RangeMap{anchors}).hessian_vp(x, v);
  EXPECT_LT(largest(observed_by(map).hessian_vp(x, v) - expected), 1e-12 * largest(expected));
  EXPECT_EQ(calls.rows, 20);  // of J^T alone
}

TEST(CustomMaps, WithABuiltInFormulaHaveItsMaximaAndIntegrals) {
  for (const auto& [expected, found] : pairs_of_targets()) {
    const Modes of_built_in = modes(expected), of_functions = modes(found);
    EXPECT_FALSE(of_functions.is_gauss_newton);
    ASSERT_EQ(of_functions.maxima.size(), of_built_in.maxima.size());
    ASSERT_FALSE(of_functions.maxima.empty());
    for (std::size_t k = 0; k < of_functions.maxima.size(); ++k) {
      EXPECT_LT(largest(of_functions.maxima[k].x - of_built_in.maxima[k].x), 1e-9);
      EXPECT_NEAR(of_functions.maxima[k].log_mass, of_built_in.maxima[k].log_mass, 1e-9);
    }
    const ImportanceResult a = importance(expected, prior(), 500), b = importance(found, prior(), 500);
    EXPECT_NEAR(a.log_normalizer, b.log_normalizer, 1e-12);
    EXPECT_LT(largest(a.weights - b.weights), 1e-13);
  }
  // Without smoothing the maxima have kinks and are searched otherwise (§15.3).
  const auto kinked = [](const MapDescription& map) {
    return modes(Regularised{{.weight = 2.0}, observed_by(map)});
  };
  const Modes expected = kinked(RangeMap{anchors}), found = kinked(distances(anchors));
  ASSERT_EQ(found.maxima.size(), expected.maxima.size());
  ASSERT_FALSE(found.maxima.empty());
  for (std::size_t k = 0; k < found.maxima.size(); ++k)
    EXPECT_LT(largest(found.maxima[k].x - expected.maxima[k].x), 1e-9);
  const Points left{{-3.0}};
  const Mixture normal({1.0}, Points{{0.25}}, Covariance::spherical({1.0}));
  const auto integral = [&](const MapDescription& map) {
    return quadrature(ObservedMixture{normal, {map, VectorXd{{3.25}}, 0.5}});
  };
  const Quadrature a = integral(RangeMap{left}), b = integral(distances(left));
  EXPECT_NEAR(a.log_normalizer, b.log_normalizer, 1e-10);
  EXPECT_NEAR(a.mean(0), b.mean(0), 1e-10);
}

TEST(CustomMaps, WithoutAHessianUseThatOfGaussAndNewton) {
  CustomMap map = distances(anchors);
  map.hessian = {};
  const NonlinearObservation observation = observed_by(map);
  const Target target = ObservedMixture{prior(), observation};
  EXPECT_FALSE(target.has_exact_hessian());
  const Points x{{0.75, -0.5}}, v{{1.0, -2.0}};
  const MatrixXd J = observation.jacobian(x.row(0).transpose());
  const VectorXd expected = prior().hessian_vp(x, v).row(0).transpose() -
                            J.transpose() * R.llt().solve(J * v.row(0).transpose()).eval();
  EXPECT_LT(largest(target.hessian_vp(x, v).row(0).transpose() - expected), 1e-13 * largest(expected));
  // The maxima do not depend on the Hessian, and the result names the approximation of their masses.
  const Modes exact = modes(ObservedMixture{prior(), observed_by(distances(anchors))}), found = modes(target);
  EXPECT_TRUE(found.is_gauss_newton);
  ASSERT_EQ(found.maxima.size(), exact.maxima.size());
  for (std::size_t k = 0; k < found.maxima.size(); ++k) {
    EXPECT_LT(largest(found.maxima[k].x - exact.maxima[k].x), 1e-6);
    EXPECT_GT(std::abs(found.maxima[k].log_mass - exact.maxima[k].log_mass), 1e-3);
  }
}

TEST(CustomMaps, ThatAreLinearHaveTheExactEvidence) {
  // Gauss-Newton is exact here, and Laplace's approximation of a normal law, too.
  const MatrixXd A{{1.0, -0.5}, {0.25, 2.0}, {0.5, 0.5}};
  const Mixture normal({1.0}, Points{{0.5, -1.0}}, Covariance::spherical({1.5}));
  const VectorXd y{{1.5, 1.25, 2.0}};
  const Modes found = modes(ObservedMixture{normal, observed_by(linear(A))});
  ASSERT_EQ(found.maxima.size(), 1U);
  const Posterior exact = posterior(normal, LinearObservation(A, y, R));
  EXPECT_NEAR(found.log_normalizer, static_cast<double>(exact.log_evidence), 1e-12);
  EXPECT_LT(largest(found.maxima.front().x - exact.mixture.mean()), 1e-12);
}

std::vector<McmcSampler> every_sampler() {
  const ChainRun trace{.warmup = 2, .steps = 6, .thin = 3, .output = ChainOutput::trace};
  return {Mala{.step = 0.1, .run = trace}, Hmc{.step = 0.1, .leapfrogs = 3, .run = trace},
          Obabo{.step = 0.1, .run = trace},
          Mala{.adapt = StepAdaptation::chain,
               .run = {.warmup = 4, .steps = 3, .thin = 3, .output = ChainOutput::trace}}};
}

TEST(CustomMaps, WithABuiltInFormulaHaveItsChains) {
  for (const auto& [built_in, by_hand] : pairs_of_targets()) {
    for (const McmcSampler& sampler : every_sampler()) {
      Options options{
          .count = 600, .seed = 3, .device = Device::cpu(1), .precision = Precision::f64, .first = 7};
      const Plan plan = mcmc_plan(by_hand, sampler);
      const Points expected = run(plan, options).to_double();
      EXPECT_LT(largest(run(mcmc_plan(built_in, sampler), options).to_double() - expected), 1e-9) << plan;
      options.device = Device::cpu(3);
      EXPECT_EQ(run(plan, options).to_double(), expected);
      const auto executor = make_executor(options.device);
      EXPECT_EQ(run(plan, test::in_batches(plan, options, *executor)).to_double(), expected);
      const Index per_chain = expected.rows() / 600;
      const Options last{.count = 10, .seed = 3, .precision = Precision::f64, .first = 597};
      EXPECT_EQ(run(plan, last).to_double(), expected.bottomRows(10 * per_chain));
      options.device = Device::reference();
      EXPECT_LT(largest(run(plan, options).to_double() - expected), 1e-9);
    }
  }
}

TEST(CustomMaps, TakeProximalChainsAndPilotRuns) {
  const Regularised built_in{{.weight = 2.0}, observed_by(RangeMap{anchors})};
  const Regularised by_hand{{.weight = 2.0}, observed_by(distances(anchors))};
  const Options options{.count = 50, .precision = Precision::f64};
  const Myula myula{.theta = 0.1, .metropolis = true, .run = {.steps = 10}};
  EXPECT_LT(largest(run(mcmc_plan(built_in, myula), options).to_double() -
                    run(mcmc_plan(by_hand, myula), options).to_double()),
            1e-9);
  expect_invalid([&] { mcmc_plan(by_hand, Myula{}); },
                 "myula: theta is missing; it has a default only for the map identity, given custom");
  // A pilot run has the numbers of the target: those of a custom target that returns them.
  const Target target = pairs_of_targets().front().second;
  const CustomTarget same{.dim = 2,
                          .evaluate =
                              [target](Index n, const double* x, double* l, double* g) {
                                VectorXd values;
                                Points gradient;
                                target.evaluate(rows(x, n, 2), values, gradient);
                                Eigen::Map<VectorXd>(l, n) = values;
                                rows(g, n, 2) = gradient;
                              },
                          .id = "same"};
  EXPECT_EQ(*std::get<Mala>(tuned(target, Mala{}).sampler).step,
            *std::get<Mala>(tuned(same, Mala{}).sampler).step);
}

TEST(CustomMaps, AreCalledByOneThreadAtATimeIfTheyAskForIt) {
  std::atomic<int> inside{0}, most{0};
  CustomMap map = distances(anchors);
  map.value = [&, function = map.value](Index n, const double* x, double* phi) {
    const int now = ++inside;
    if (now > most) most = now;
    std::this_thread::sleep_for(std::chrono::microseconds(50));
    function(n, x, phi);
    --inside;
  };
  map.concurrent = false;
  const Target target = ObservedMixture{prior(), observed_by(map)};
  run(mcmc_plan(target, Ula{.step = 0.01, .run = {.steps = 10}}), {.count = 2048, .device = Device::cpu(4)});
  EXPECT_EQ(most, 1);
}

TEST(CustomMaps, PassTheirErrorsOn) {
  struct Own {};
  CustomMap throws = distances(anchors), forgets = distances(anchors);
  throws.transposed_product = [](Index /*n*/, const double* /*x*/, const double* /*w*/, double* /*product*/) {
    throw Own();
  };
  forgets.value = [](Index /*n*/, const double* /*x*/, double* /*phi*/) {};
  const Mala mala{.step = 0.1, .run = {.steps = 3}};
  for (const Device& device : {Device::cpu(2), Device::reference()}) {
    const Options options{.count = 700, .device = device};
    EXPECT_THROW(run(mcmc_plan(ObservedMixture{prior(), observed_by(throws)}, mala), options), Own);
    expect_invalid(
        [&] {
          run(mcmc_plan(ObservedMixture{prior(), observed_by(forgets)}, mala), options);
        },
        "run: chain 0 starts where the log-density of the target is nan; other first states are needed");
  }
  EXPECT_THROW(modes(ObservedMixture{prior(), observed_by(throws)}), Own);
}

TEST(CustomMaps, EnterTheHashByTheirNameBesideAllNumbers) {
  const auto plan = [](const Target& target) {
    return mcmc_plan(target, Mala{.step = 0.1, .run = {.steps = 3}});
  };
  const CustomMap map = distances(anchors);
  CustomMap other = map;
  other.id = "other";
  const NonlinearObservation observation = observed_by(map);
  SparsePrior wider = smooth_prior(), huber = smooth_prior();
  wider.width = 0.25;
  huber.smoothing = Smoothing::huber;
  const Mixture normal({1.0}, Points::Zero(1, 2), Covariance::spherical({1.0}));
  const std::vector<Target> targets{ObservedMixture{prior(), observation},
                                    ObservedMixture{prior(), observed_by(other)},
                                    ObservedMixture{normal, observation},
                                    ObservedMixture{prior(), {map, VectorXd{{1.5, 1.25, 2.25}}, R}},
                                    ObservedMixture{prior(), {map, VectorXd{{1.5, 1.25, 2.0}}, 0.5}},
                                    Regularised{smooth_prior(), observation},
                                    Regularised{wider, observation},
                                    Regularised{huber, observation}};
  std::set<std::uint64_t> hashes;
  for (const Target& target : targets) hashes.insert(plan(target).hash());
  EXPECT_EQ(hashes.size(), targets.size());
  EXPECT_EQ(plan(targets.front()).hash(), plan(ObservedMixture{prior(), observed_by(map)}).hash());
  EXPECT_EQ(run(plan(targets.front()), {.count = 3}).provenance().notes.back(),
            "the values are those of the map \"distances\", which the plan's hash knows by its name alone");
}

TEST(CustomMaps, NameBadDescriptions) {
  const auto refused = [](auto change, const std::string& message) {
    CustomMap map = distances(anchors);
    change(map);
    expect_invalid([&] { observed_by(map); }, message);
  };
  refused([](CustomMap& map) { map.id.clear(); }, "custom map: the id is empty; it names the map in results");
  refused([](CustomMap& map) { map.dim = 0; }, "custom map \"distances\": dim must be at least 1, got 0");
  refused([](CustomMap& map) { map.outputs = 0; },
          "custom map \"distances\": outputs must be at least 1, got 0");
  refused([](CustomMap& map) { map.value = {}; },
          "custom map \"distances\": has no function value, which gives Phi");
  refused([](CustomMap& map) { map.transposed_product = {}; },
          "custom map \"distances\": has no function transposed_product, which gives J^T w");
  refused([](CustomMap& map) { map.outputs = 2; },
          "NonlinearObservation: the map custom has 2 values, but y has 3 entries");
  const NonlinearObservation observation = observed_by(distances(anchors));
  expect_invalid([&] { observation.value(Points{{1.0}}); },
                 "NonlinearObservation: points have dimension 1, expected 2");
  expect_invalid([&] { observation.likelihood(); },
                 "NonlinearObservation: a map given by functions (CustomMap) has no operations");
  const Mixture line({1.0}, Points{{0.0}}, Covariance::spherical({1.0}));
  expect_invalid(
      [&] {
        Target(ObservedMixture{line, observation});
      },
      "observed: the prior has dimension 1, but the map custom takes points of dimension 2");
}

TEST(CustomMaps, AreRefusedWhereOperationsAreNeeded) {
  const NonlinearObservation observation = observed_by(distances(anchors));
  const ForwardProcess process{Vp{}};
  const TimeGrid grid = TimeGrid::uniform(process, 3);
  const std::string message =
      "guidance: the map \"distances\" is a function of the calling program (CustomMap), which guided "
      "samplers "
      "and SMC do not call; expected an elementwise map, range or expression, or a Markov chain as the "
      "sampler";
  expect_invalid([&] { guided_plan(prior(), observation, process, grid, Dps{}); }, message);
  expect_invalid([&] { smc_plan(prior(), observation, process, grid, Bootstrap{}); }, message);
  const std::string no_json = "to_json: a map given by functions (CustomMap) has no JSON form";
  expect_invalid([&] { to_json(NonlinearProblem{.prior = prior(), .observation = observation}); }, no_json);
  expect_invalid([&] { to_json(Target(Regularised{smooth_prior(), observation})); }, no_json);
  CustomMap without = distances(anchors);
  without.hessian = {};
  const SamplerSettings settings{.method = PathMethod::mcd, .loss = PathLoss::elbo};
  expect_invalid(
      [&] {
        start_sampler(ObservedMixture{prior(), observed_by(without)}, settings);
      },
      "trained sampler: the loss elbo of the method mcd needs products with the Hessian, which the "
      "custom map \"distances\" has not; use the method dis, another loss, or detach_target_score");
  const std::string name = start_sampler(ObservedMixture{prior(), observation}, settings).target;
  EXPECT_TRUE(name.starts_with("observed:distances:")) << name;
}

}  // namespace
}  // namespace gmdiff::custom_map_tests
