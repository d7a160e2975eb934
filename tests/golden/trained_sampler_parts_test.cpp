#include <gtest/gtest.h>

#include <gmdiff/metrics/path_weights.hpp>
#include <gmdiff/network/trained_sampler.hpp>

#include "network/paths/path_sweep.hpp"
#include "network/paths/scalar_functions.hpp"
#include "trained_sampler_cases.hpp"

// The parts of a trained sampler against automatic differentiation: its schedule, the law of its start, and
// the numbers about its weights.

namespace gmdiff::test {

TEST(GoldenTrainedSampler, StepSizesAndAnnealing) {
  each_sampler_case("schedule", [](const json& golden_case) {
    SamplerSettings settings{.method = PathMethod::ula, .prior = PathPrior::gp};
    settings.steps = golden_case["N"].get<int>();
    const Eigen::VectorXd b = vector(golden_case["b"]);
    Eigen::VectorXd parameters = Eigen::VectorXd::Zero(4 + b.size());  // mu, s, dt, fr, b in 1-D
    parameters.tail(b.size()) = b;
    const network::PathModel model(settings, 1, parameters);
    const Eigen::VectorXd c = vector(golden_case["c"]), beta = vector(golden_case["beta"]);
    const auto stride = golden_case["c_stride"].get<std::size_t>();
    for (std::size_t i = 0; i < static_cast<std::size_t>(c.size()); ++i)
      EXPECT_NEAR(model.relative_steps()[i * stride], c(static_cast<Eigen::Index>(i)), path_tolerance);
    for (Eigen::Index n = 0; n < beta.size(); ++n) EXPECT_NEAR(model.beta(n), beta(n), path_tolerance) << n;

    const network::PathSumsLayout of(1, 1, settings.steps);
    Eigen::VectorXd sums = Eigen::VectorXd::Zero(of.size);
    sums.segment(of.beta, beta.size()) = vector(golden_case["cotangent"]);
    const Eigen::VectorXd gradient = model.raw_gradient(sums.data(), network::path_switches(settings));
    expect_near_array(gradient.tail(b.size()).transpose(), rows_of(golden_case["b_gradient"]), path_tolerance,
                      "b");
  });
}

TEST(GoldenTrainedSampler, MixtureOfTheStart) {
  each_sampler_case("mixture", [](const json& golden_case) {
    const Points means = matrix(golden_case["means"]), deviations = matrix(golden_case["stds"]);
    const bool has_logits = !golden_case["logits"].is_null();
    const Eigen::Index K = means.rows(), d = means.cols();
    SamplerSettings settings;
    settings.components = static_cast<int>(K);
    settings.steps = 1;
    settings.loss = PathLoss::log_variance;
    settings.learn_weights = has_logits;
    Eigen::VectorXd parameters = Eigen::VectorXd::Zero(2 * K * d + 1 + d + (has_logits ? K : 0));
    parameters.head(K * d) = means.reshaped<Eigen::RowMajor>();
    for (Eigen::Index i = 0; i < K * d; ++i)
      parameters(K * d + i) = network::inverse_softplus(deviations(i / d, i % d));
    if (has_logits) parameters.tail(K) = vector(golden_case["logits"]);
    std::vector<Eigen::Index> active;
    for (Eigen::Index k = 0; k < K; ++k)
      if (golden_case["mask"][static_cast<std::size_t>(k)] == 1) active.push_back(k);
    const network::PathModel model(settings, d, parameters, active);

    const Points x = matrix(golden_case["x"]), v = matrix(golden_case["v"]);
    using network::block_paths;
    const auto lanes = [](const Points& rows) {
      std::vector<double> points(static_cast<std::size_t>(rows.cols() * block_paths), 0.0);
      for (Eigen::Index i = 0; i < rows.rows(); ++i)
        for (Eigen::Index j = 0; j < rows.cols(); ++j)
          points[static_cast<std::size_t>(j * block_paths + i)] = rows(i, j);
      return points;
    };
    const auto rows = [&](const std::vector<double>& points) {
      return Points(Points::NullaryExpr(x.rows(), std::ssize(points) / block_paths,
                                        [&](Eigen::Index i, Eigen::Index j) {
                                          return points[static_cast<std::size_t>(j * block_paths + i)];
                                        }));
    };
    // The sum over the points, in the place of each component; masked components stay 0.
    const auto sum = [&](const std::vector<double>& of_lanes, Eigen::Index cols) {
      Points sums = Points::Zero(K, cols);
      const Points terms = rows(of_lanes);
      for (std::size_t place = 0; place < active.size(); ++place)
        for (Eigen::Index j = 0; j < cols; ++j)
          sums(active[place], j) = terms.col(static_cast<Eigen::Index>(place) * cols + j).sum();
      return sums;
    };
    for (const cpu::InstructionSet set : instruction_sets_here()) {
      SCOPED_TRACE(cpu::to_string(set));
      const network::PathUnit unit = network::path_unit(set);
      const auto size = static_cast<std::size_t>(block_paths * d);
      std::vector<double> gamma(active.size() * block_paths), work = gamma, log_p(block_paths), score(size),
                                                              product(size);
      unit.mixture_score(model.mixture(), lanes(x).data(), gamma.data(), log_p.data(), score.data());
      expect_near_array(rows(log_p), vector(golden_case["logp"]), path_tolerance, "log p");
      expect_near_array(rows(score), matrix(golden_case["score"]), path_tolerance, "score");

      const auto expect_sums = [&](const auto& add, const json& expected) {
        std::vector<double> of_mean(active.size() * size), of_deviation = of_mean,
                                                           of_logit(active.size() * block_paths);
        add(network::MixtureSums{of_mean.data(), of_deviation.data(), of_logit.data()});
        expect_near_array(sum(of_mean, d), matrix(expected["means"]), path_tolerance, "means");
        expect_near_array(sum(of_deviation, d), matrix(expected["stds"]), path_tolerance, "stds");
        if (has_logits)
          expect_near_array(sum(of_logit, 1), vector(expected["logits"]), path_tolerance, "logits");
      };
      expect_sums(
          [&](const network::MixtureSums& sums) {
            unit.mixture_products(model.mixture(), lanes(x).data(), lanes(v).data(), gamma.data(),
                                  work.data(), product.data(), &sums);
          },
          golden_case["score_gradient"]);
      expect_near_array(rows(product), matrix(golden_case["hvp"]), path_tolerance, "H v");
      expect_sums(
          [&](const network::MixtureSums& sums) {
            const Points w = vector(golden_case["w"]);
            unit.mixture_gradient(model.mixture(), lanes(x).data(), lanes(w).data(), work.data(), sums);
          },
          golden_case["logp_gradient"]);
    }
  });
}

TEST(GoldenTrainedSampler, NumbersAboutWeights) {
  each_sampler_case("metrics", [](const json& golden_case) {
    const PathSummary forward = forward_summary(vector(golden_case["log_w_forward"]));
    EXPECT_NEAR(forward.bound, golden_case["elbo"].get<double>(), path_tolerance);
    EXPECT_NEAR(forward.log_z, golden_case["log_z_reverse"].get<double>(), path_tolerance);
    EXPECT_NEAR(forward.ess, golden_case["ess_reverse"].get<double>(), path_tolerance);
    const PathSummary backward = backward_summary(vector(golden_case["log_w_backward"]));
    EXPECT_NEAR(backward.bound, golden_case["eubo"].get<double>(), path_tolerance);
    EXPECT_NEAR(backward.log_z, golden_case["log_z_forward"].get<double>(), path_tolerance);
    EXPECT_NEAR(backward.ess, golden_case["ess_forward"].get<double>(), path_tolerance);
  });
}

}  // namespace gmdiff::test
