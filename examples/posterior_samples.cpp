// README's example: sample a posterior by DDIM and judge the samples against the exact one.

#include <gmdiff/gmdiff.hpp>
#include <iostream>

using namespace gmdiff;

int main() {
  Mixture prior({0.6, 0.4}, Points{{0, 0}, {2, 2}}, Covariance::spherical({0.5, 0.8}));
  LinearObservation observation(Eigen::MatrixXd{{1, 0}}, Eigen::VectorXd{{1.5}}, /*noise_std=*/0.1);
  ForwardProcess process = vp(LinearBeta{.min = 0.02, .max = 7.0});
  TimeGrid grid = TimeGrid::uniform(process, 300);

  Samples x = sample(prior, observation, process, grid, Ddim{.eta = 0.0}, {.count = 2000, .seed = 7});
  Posterior exact = posterior(prior, observation);
  Judgement w1 = judge(x, exact.mixture, {.metric = Metric::sliced_wasserstein, .seed = 8}).front();

  std::cout.precision(3);
  std::cout << "log-evidence " << exact.log_evidence << ", weights " << exact.mixture.weights().transpose()
            << '\n'
            << "sliced W1 " << w1.value << ", of exact draws " << w1.floor << '\n';
}
