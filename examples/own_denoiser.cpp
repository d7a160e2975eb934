// A denoiser of one's own: any function of rows and a level, here a score and a linear filter written by hand.

#include <gmdiff/gmdiff.hpp>

#include <cmath>
#include <iostream>

using namespace gmdiff;

/// The score of 1/2 N((-2, 0), I) + 1/2 N((2, 0), I) diffused to a level: with v = alpha^2 + sigma^2 both
/// components have covariance v I, and tanh(2 alpha x_1 / v) is the difference of their responsibilities.
void score_of_two_modes(const Points& x, Level level, Points& score) {
  const double v = level.alpha * level.alpha + level.sigma * level.sigma;
  for (Eigen::Index n = 0; n < x.rows(); ++n) {
    score(n, 0) = (2.0 * level.alpha * std::tanh(2.0 * level.alpha * x(n, 0) / v) - x(n, 0)) / v;
    score(n, 1) = -x(n, 1) / v;
  }
}

int main() {
  const ForwardProcess process = vp(LinearBeta{.min = 0.1, .max = 30.0});
  const TimeGrid grid(process, LogSnrGrid{.steps = 200, .t_end = 1e-3});
  const Options options{.count = 20000, .seed = 1, .device = Device::cpu(), .precision = Precision::f64};

  // The score by hand and the built-in mixture move the same particles alike.
  const Sampler sampler = Dpmpp2m{.start = Start::gaussian};
  const Mixture mixture({0.5, 0.5}, Points{{-2, 0}, {2, 0}}, Covariance::spherical({1.0, 1.0}));
  const Denoiser by_hand = denoiser_of(HostScore{.id = "two modes", .function = score_of_two_modes});
  const Samples x = sample(by_hand, /*dim=*/2, process, grid, sampler, options);
  const Samples expected = sample(mixture, process, grid, sampler, options);
  std::cout << std::boolalpha << "score by hand agrees with the mixture: "
            << ((x.to_double() - expected.to_double()).cwiseAbs().maxCoeff() < 1e-9) << '\n';

  // A linear denoiser: x_0 ~ N(0, I) seen through y = x_1 + 0.5 n = 1 has a Gaussian posterior N(m, V), and
  // the denoiser of that posterior is D = m + alpha V (alpha^2 V + sigma^2 I)^-1 (x - alpha m).
  const Mixture prior({1.0}, Points{{0, 0}}, Covariance::spherical({1.0}));
  const Posterior exact =
      posterior(prior, LinearObservation(Eigen::MatrixXd{{1, 0}}, Eigen::VectorXd{{1}}, 0.5));
  const Eigen::RowVector2d m(0.8, 0.0);
  const Eigen::RowVector2d V(0.2, 1.0);
  const HostDenoiser filter{
      .id = "linear filter", .function = [=](const Points& rows, Level level, Points& D) {
        const Eigen::RowVector2d gain =
            level.alpha * V.array() / (level.alpha * level.alpha * V.array() + level.sigma * level.sigma);
        for (Eigen::Index n = 0; n < rows.rows(); ++n) {
          D.row(n) = m + gain.cwiseProduct(rows.row(n) - level.alpha * m);
        }
      }};
  const Samples filtered = sample(filter, /*dim=*/2, process, grid, sampler, options);
  const Points values = filtered.to_double();
  const Eigen::RowVectorXd mean = values.colwise().mean();
  const Eigen::RowVectorXd variance = (values.rowwise() - mean).array().square().colwise().mean();
  std::cout.precision(2);
  std::cout << std::fixed << "mean     " << mean << "   exact " << exact.mixture.mean().transpose() << '\n'
            << "variance " << variance << "   exact " << exact.mixture.covariance().diagonal().transpose()
            << '\n'
            << "note: " << filtered.provenance().notes.back() << '\n';
}
