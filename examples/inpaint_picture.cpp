// Noiseless inpainting: the left half of a picture of 4 x 4 pixels is seen exactly, MCGdiff draws the right half. The prior knows three
// pictures; the exact posterior says how often each must come.

#include <gmdiff/gmdiff.hpp>

#include <array>
#include <iostream>

using namespace gmdiff;

int main() {
  const std::array<const char*, 3> pictures{
      "####"
      "#..#"
      "#..#"
      "####",  // a frame
      "####"
      "#..."
      "#..."
      "####",  // a bracket
      ".#.."
      ".#.."
      ".#.."
      ".#..",  // a bar
  };
  Points means(3, 16);
  for (Eigen::Index k = 0; k < 3; ++k) {
    for (Eigen::Index i = 0; i < 16; ++i)
      means(k, i) = pictures[static_cast<std::size_t>(k)][i] == '#' ? 1.0 : 0.0;
  }
  const Mixture prior({0.5, 0.25, 0.25}, means, Covariance::spherical({0.05, 0.05, 0.05}));

  // The pixels of the first two columns: those of the frame and of the bracket, which agree there.
  Eigen::MatrixXd seen = Eigen::MatrixXd::Zero(8, 16);
  for (Eigen::Index i = 0; i < 8; ++i) seen(i, 4 * (i / 2) + i % 2) = 1.0;
  const LinearObservation left_half(seen, seen * means.row(0).transpose(), /*noise_std=*/0.0);

  const ForwardProcess process = vp(LinearBeta{.min = 0.02, .max = 20.0});
  const TimeGrid grid = TimeGrid::uniform(process, 50);
  const SmcSamples x =
      sample(prior, left_half, process, grid, Mcgdiff{.particles = 128}, {.count = 400, .seed = 1});
  const Posterior exact = posterior(prior, left_half);

  // Which picture each draw shows, by the responsibilities of the prior.
  const Eigen::VectorXd share = prior.responsibilities(x.to_double()).colwise().mean();
  std::cout.precision(2);
  std::cout
      << "share of frame and bracket    " << share.head(2).transpose() << '\n'
      << "exact                         " << exact.mixture.weights().head(2).transpose() << '\n'
      << "largest error in the left half "
      << ((x.to_double() * seen.transpose()).rowwise() - left_half.y().transpose()).cwiseAbs().maxCoeff()
      << '\n';
}
