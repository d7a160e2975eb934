#include <gtest/gtest.h>

#include "network/paths/refinement.hpp"
#include "trained_sampler_paths.hpp"

// Paths of trained samplers and their gradients against automatic differentiation.

namespace gmdiff::test {

TEST(GoldenTrainedSampler, PathsAndEveryGradientOfTheElbo) {
  each_sampler_case("trajectory", [](const json& golden_case) {
    const PathCase of(golden_case);
    ThreadPool pool(1);
    network::PathSweep<double> sweep(of.settings, of.target, pool, of.active);
    sweep.assign(of.parameters, of.networks);
    std::vector<Points> states;
    Points ratios;
    Eigen::VectorXd log_w;
    PathGradient gradient;
    const double loss =
        sweep.loss(golden_batch<double>(golden_case, PathOrigin::forward, &states, &ratios), log_w, gradient);
    for (std::size_t path = 0; path < states.size(); ++path)
      expect_near_array(states[path], matrix(golden_case["states"][path]), path_tolerance, "states");
    expect_near_array(ratios, matrix(golden_case["step_log_ratio"]), path_tolerance, "step_log_ratio");
    expect_near_array(log_w, vector(golden_case["log_w"]), path_tolerance, "log_w");
    const double expected = golden_case["loss"].get<double>();
    EXPECT_NEAR(loss, expected, path_tolerance * log_w.cwiseAbs().maxCoeff());
    expect_path_gradient(of, gradient);
  });
}

TEST(GoldenTrainedSampler, LossesWithStatesHeldFixed) {
  each_sampler_case("log-variance", [](const json& golden_case) {
    PathCase of(golden_case);
    ThreadPool pool(1);
    std::vector<Points> states;
    Eigen::VectorXd log_w;
    PathGradient gradient;
    network::PathSweep<double> sweep(of.settings, of.target, pool, of.active);
    sweep.assign(of.parameters, of.networks);
    const auto batch = golden_batch<double>(golden_case, PathOrigin::given, &states);
    const double loss = sweep.loss(batch, log_w, gradient);
    expect_near_array(log_w, vector(golden_case["log_w"]), path_tolerance, "log_w");
    EXPECT_NEAR(loss, golden_case["loss"].get<double>(), path_tolerance * loss);
    expect_path_gradient(of, gradient);

    of.settings.loss = PathLoss::trajectory_balance;
    of.parameters.conservativeResize(0);
    of.read_parameters(golden_case["parameters"]);
    const json& balance = golden_case["trajectory_balance"];
    network::PathSweep<double> balanced(of.settings, of.target, pool, of.active);
    balanced.assign(of.parameters, of.networks);
    const double of_balance = balanced.loss(batch, log_w, gradient);
    EXPECT_NEAR(of_balance, balance["loss"].get<double>(), path_tolerance * of_balance);
    EXPECT_NEAR(gradient.parameters.tail(1)(0), balance["log_z_gradient"].get<double>(), path_tolerance);
  });
}

TEST(GoldenTrainedSampler, BackwardPaths) {
  each_sampler_case("backward", [](const json& golden_case) {
    const PathCase of(golden_case);
    ThreadPool pool(1);
    network::PathSweep<double> sweep(of.settings, of.target, pool, of.active);
    sweep.assign(of.parameters, of.networks);
    std::vector<Points> states;
    const Eigen::VectorXd log_w =
        sweep.log_weights(golden_batch<double>(golden_case, PathOrigin::backward, &states));
    for (std::size_t path = 0; path < states.size(); ++path)
      expect_near_array(states[path], matrix(golden_case["states"][path]), path_tolerance, "states");
    expect_near_array(log_w, vector(golden_case["log_w"]), path_tolerance, "log_w");
  });
}

TEST(GoldenTrainedSampler, CandidatesOfARefinement) {
  each_sampler_case("refinement", [](const json& golden_case) {
    PathCase of(golden_case);
    ThreadPool pool(1);
    network::PathSweep<double> sweep(of.settings, of.target, pool, of.active);
    sweep.assign(of.parameters, of.networks);
    const Points x = matrix(golden_case["candidates"]);
    Points gradient;
    Eigen::VectorXd log_rho;
    of.target.evaluate(x, log_rho, gradient);
    const Eigen::VectorXd log_p0 = network::log_prior(sweep.model(), sweep.unit(), x);
    expect_near_array(log_p0, vector(golden_case["log_prior"]), path_tolerance, "log p0");
    expect_near_array(Eigen::VectorXd(log_rho - log_p0), vector(golden_case["score_ratio"]), path_tolerance,
                      "ratio");
    expect_near_array(network::residual_scores(log_rho, log_p0, golden_case["delta"].get<double>()),
                      vector(golden_case["score_residual"]), path_tolerance, "residual");

    const json& noises = golden_case["path_noise"];
    const auto repeats = std::ssize(noises[0]);
    const auto fill = [&](Eigen::Index first, PathBlock<double>& block) {
      for (Eigen::Index p = 0; first + p < repeats * x.rows(); ++p) {
        const json& of_path = noises[static_cast<std::size_t>((first + p) / repeats)]
                                    [static_cast<std::size_t>((first + p) % repeats)];
        for (Eigen::Index n = 0; n < of.settings.steps; ++n)
          write_points(of_path[static_cast<std::size_t>(n)], p, block.noise(n));
      }
    };
    const Eigen::VectorXd scores =
        network::group_means(sweep.log_weights(network::candidate_paths<double>(x, repeats, fill)), repeats);
    expect_near_array(scores, vector(golden_case["score_elbo"]), path_tolerance, "elbo");
    const Eigen::Index chosen = network::best_candidate(scores);
    EXPECT_EQ(chosen, golden_case["chosen_elbo"].get<Eigen::Index>());

    // Components begin in their order.
    const auto next = std::ssize(of.active);
    of.active.push_back(next);
    for (Eigen::Index k = 0; k < of.settings.components; ++k)
      EXPECT_EQ(golden_case["mask_after"][static_cast<std::size_t>(k)], k <= next ? 1 : 0);
    of.parameters.segment(next * x.cols(), x.cols()) = x.row(chosen).transpose();
    sweep.activate(of.active);
    sweep.assign(of.parameters, of.networks);
    expect_near_array(network::log_prior(sweep.model(), sweep.unit(), x),
                      vector(golden_case["log_prior_after"]), path_tolerance, "log p0 after");
  });
}

}  // namespace gmdiff::test
