#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <gmdiff/model/fokker_planck.hpp>
#include <gmdiff/model/gaussian_fit.hpp>
#include <gmdiff/plan/plan.hpp>

#include "base/random.hpp"
#include "device/reference/program.hpp"
#include "particle/normals.hpp"
#include "plan/coefficients.hpp"
#include "support/golden.hpp"

// golden/langevin_closed.json: steps on a sin-gaussian, stationary laws of linear steps, and other closed
// forms of Langevin chains (mathematics.md §5.4, §8, §12, §15.5).

namespace gmdiff::langevin_closed {
namespace {

using Eigen::Matrix2d;
using Eigen::MatrixXd;
using Eigen::Vector2d;
using test::json;

const json& rows_of(const std::string& name) {
  for (const json& golden_case : test::load_golden("langevin_closed")["cases"]) {
    if (golden_case["name"] == name) return golden_case["rows"];
  }
  throw std::invalid_argument("no golden case " + name);
}

/// A one-dimensional step from x and v with the normals z and z2.
struct Given {
  double x = 0.0, v = 0.0, z = 0.0, z2 = 0.0;
};

struct Stepped {
  double x, proposal, v, log_ratio;
};

/// Runs the first step of a plan that never rejects. Vectors 2 and 5 of a chain are proposal and velocity.
Stepped one_step(const Plan& plan, const Given& given) {
  const reference::Model model(plan.problems.front());
  Points x{{given.x}};
  reference::ProgramSteps steps(
      plan, model, nullptr, x,
      {.normals =
           [&given](std::int64_t /*n*/, const Combine& stage) {
             if (stage.stream == NoiseStream::velocity) return &given.v;
             return stage.draw == 0 ? &given.z : &given.z2;
           },
       .choice = [](std::int64_t /*n*/) { return 0.0; },
       .direction = [](std::int64_t /*n*/, int /*q*/) -> const double* { return nullptr; },
       .log_uniform = [](std::int64_t /*n*/) { return -std::numeric_limits<double>::infinity(); }});
  steps.advance(plan.prologue, 0);
  steps.advance(std::get<Program>(plan.steps.front()), 0);
  return {steps.vector(0)(0, 0), steps.vector(2)(0, 0), steps.vector(5)(0, 0),
          steps.chains().front().log_ratio};
}

TEST(GoldenLangevinClosed, StepsOnASinGaussianHaveTheExpectedStates) {
  const double h = 0.5;
  for (const json& row : rows_of("steps_sin")) {
    const Given given{.x = row["x"][0], .z = row["z"][0]};
    const Stepped ula = one_step(mcmc_plan(SinGaussian{}, Ula{.step = h, .run = {.steps = 1}}), given);
    const Stepped mala = one_step(mcmc_plan(SinGaussian{}, Mala{.step = h, .run = {.steps = 1}}), given);
    EXPECT_NEAR(ula.x, row["ula"][0].get<double>(), 1e-12);
    EXPECT_NEAR(mala.proposal, row["mala_proposal"][0].get<double>(), 1e-12);
    EXPECT_NEAR(mala.log_ratio, row["mala_log_ratio"].get<double>(), 1e-12);
  }
}

/// The covariance S = A S A^T + B B^T that the step (x, v) -> A (x, v) + B (z, z2) of a plan keeps.
struct LinearStep {
  Matrix2d A, B;

  explicit LinearStep(const Plan& plan) {
    const auto image = [&plan](const Given& given) {
      const Stepped to = one_step(plan, given);
      return Vector2d(to.x, to.v);
    };
    A.col(0) = image({.x = 1.0});
    A.col(1) = image({.v = 1.0});
    B.col(0) = image({.z = 1.0});
    B.col(1) = image({.z2 = 1.0});
  }

  Matrix2d stationary() const {
    Matrix2d S = B * B.transpose(), power = A;
    // S_{2n} = S_n + A^n S_n A^nT
    for (int doubling = 0; doubling < 12; ++doubling) {
      S += (power * S * power.transpose()).eval();
      power = (power * power).eval();
    }
    return S;
  }
};

TEST(GoldenLangevinClosed, LinearStepsHaveTheExpectedStationaryLaws) {
  for (const json& row : rows_of("stationary")) {
    const Mixture target({1.0}, Points{{0.0}}, Covariance::spherical({row["variance"].get<double>()}));
    const double h = row["step"];
    if (row.contains("ula")) {
      const Plan plan = mcmc_plan(target, Ula{.step = h, .run = {.steps = 1}});
      const double a = one_step(plan, {.x = 1.0}).x, b = one_step(plan, {.z = 1.0}).x;
      EXPECT_NEAR(a, row["ula_lag1"].get<double>(), 1e-12);
      EXPECT_NEAR(b * b / (1.0 - a * a), row["ula"].get<double>(), 1e-12 * row["ula"].get<double>());
      EXPECT_NEAR((1.0 + a) / (1.0 - a), row["ula_iact"].get<double>(), 1e-11);
      continue;
    }
    const double friction = row["friction"];
    const Matrix2d baoab =
        LinearStep(mcmc_plan(target, Baoab{.step = h, .friction = friction, .run = {.steps = 1}}))
            .stationary();
    const Matrix2d obabo =
        LinearStep(mcmc_plan(target, Obabo{.step = h, .friction = friction, .run = {.steps = 1}}))
            .stationary();
    EXPECT_NEAR(baoab(0, 0), row["baoab_x"].get<double>(), 1e-11);
    EXPECT_NEAR(baoab(1, 1), row["baoab_v"].get<double>(), 1e-12);
    EXPECT_NEAR(obabo(0, 0), row["obabo_x"].get<double>(), 1e-11);
    EXPECT_NEAR(obabo(1, 1), row["obabo_v"].get<double>(), 1e-12);
  }
}

TEST(GoldenLangevinClosed, AcceptingUniformsAreExactAndTheirLogarithmsNearly) {
  using Double = particle::One<double>;
  for (const json& row : rows_of("accept_uniform")) {
    const std::uint64_t U = row["w1"].get<std::uint64_t>() << 32 | row["w0"].get<std::uint64_t>();
    EXPECT_EQ(open_uniform(U), row["u"].get<double>());
    EXPECT_EQ(particle::open_uniform<Double>(U).v, row["u"].get<double>());
    const double log_u = row["log_u"];
    EXPECT_NEAR(particle::log_normal_number(particle::open_uniform<Double>(U)).v / log_u, 1.0, 1e-15);
  }
}

TEST(GoldenLangevinClosed, WordsOfTheStreamsOfChainsAreExact) {
  for (const json& row : rows_of("words")) {
    const StreamKey key{.seed = 20240702,
                        .index = row["index"],
                        .purpose = static_cast<Purpose>(row["purpose"].get<std::uint32_t>()),
                        .replicate = row["replicate"]};
    EXPECT_EQ(philox_words(key, row["block"]), row["words"].get<Words>()) << row["purpose"];
  }
}

/// From N(m0, v0) on a grid of order 2 in space, so with 800 cells the error is about 1e-5.
TEST(GoldenLangevinClosed, TheEntropyOfANormalLawFallsAsExpected) {
  for (const json& row : rows_of("kl_gaussian")) {
    const double s2 = row["target_variance"], m0 = row["m0"], v0 = row["v0"], c = row["speed"];
    const Mixture target({1.0}, Points{{0.0}}, Covariance::spherical({s2}));
    const double side = 8.0 * std::sqrt(std::max(s2, v0)) + std::abs(m0);
    const CellGrid grid(-side, side, 800);
    const auto equation = FokkerPlanck::langevin(target, grid, c);
    const Mixture start({1.0}, Points{{m0}}, Covariance::spherical({v0}));
    const Eigen::VectorXd first = cell_masses(start, grid);
    const Eigen::VectorXd P = equation.advance(first, row["t"]);
    const GridMoments moments = grid_moments(P, grid);
    const auto expect_near = [](double found, const json& expected) {
      EXPECT_NEAR(found / expected.get<double>(), 1.0, 1e-3) << found;
    };
    expect_near(moments.mean(0), row["mean"]);
    expect_near(moments.covariance(0, 0), row["variance"]);
    expect_near(equation.relative_entropy(P), row["kl"]);
    expect_near(equation.fisher_information(P), row["fisher"]);
    expect_near(-0.5 * c * equation.fisher_information(P), row["dkl_dt"]);
    // The logarithmic Sobolev inequality of a normal law with the constant tau = s^2 / 2.
    EXPECT_EQ(row["lsi_tau"].get<double>(), 0.5 * s2);
    EXPECT_LE(equation.relative_entropy(P), equation.relative_entropy(first) * row["bound"].get<double>());
  }
}

/// Variance at the data: that of p_T, v0 + n_T^2 in x / alpha, and once more what the noise had added.
TEST(GoldenLangevinClosed, TheNaiveBackwardProcessHasTheExpectedVariances) {
  for (const json& row : rows_of("naive_backward_scalar")) {
    const double T = row["T"], v0 = row["v0"];
    const bool is_brownian = row["process"].get<std::string>().starts_with("brownian");
    const double alpha = is_brownian ? 1.0 : std::exp(-0.5 * T);
    const double sigma = is_brownian ? std::sqrt(T) : std::sqrt(-std::expm1(-T));
    const AffineStep step =
        coefficients::naive_backward({0.0L, alpha, sigma, 0.0L, 0.0L}, {0.0L, 1.0L, 0.0L, 0.0L, 0.0L});
    const double of_start = alpha * alpha * v0 + sigma * sigma;
    EXPECT_NEAR(step.a * step.a * of_start + step.e * step.e, row["naive"].get<double>(), 1e-12 * 14.0);
    if (row.contains("naive_mean")) {
      EXPECT_NEAR(step.a * alpha * row["m0"].get<double>(), row["naive_mean"].get<double>(), 1e-14);
    }
  }
}

TEST(GoldenLangevinClosed, NormalLawsHaveTheExpectedBounds) {
  const Target target = SinGaussian{};
  for (const json& row : rows_of("gaussian_vi_sin")) {
    const GaussianBound bound = gaussian_bound(target, Eigen::VectorXd{{row["mean"].get<double>()}},
                                               MatrixXd{{row["variance"].get<double>()}});
    EXPECT_NEAR(bound.elbo, row["elbo"].get<double>(), 1e-12);
    EXPECT_NEAR(*target.log_normalizer() - bound.elbo, row["kl"].get<double>(), 1e-12);
    EXPECT_NEAR(bound.by_mean(0), row["d_mean"].get<double>(), 1e-12);
    EXPECT_NEAR(bound.by_covariance(0, 0), row["d_variance"].get<double>(), 1e-11);
  }
}

}  // namespace
}  // namespace gmdiff::langevin_closed
