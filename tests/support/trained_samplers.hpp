#pragma once

#include <cmath>
#include <numbers>
#include <string>

#include <gmdiff/network/trained_sampler.hpp>

// Small trained samplers and their targets.

namespace gmdiff::test {

/// N(mean, diag(std^2)) times `scale`, as a custom target with Hessian products.
inline CustomTarget scaled_gaussian(const Eigen::VectorXd& mean, const Eigen::VectorXd& std, double scale) {
  const Eigen::Index d = mean.size();
  const double constant = std::log(scale) - 0.5 * static_cast<double>(d) * std::log(2.0 * std::numbers::pi) -
                          std.array().log().sum();
  return {.dim = static_cast<int>(d),
          .evaluate =
              [=](Eigen::Index n, const double* x, double* l, double* g) {
                for (Eigen::Index i = 0; i < n; ++i) {
                  l[i] = constant;
                  for (Eigen::Index j = 0; j < d; ++j) {
                    const double z = (x[i * d + j] - mean(j)) / std(j);
                    l[i] -= 0.5 * z * z;
                    g[i * d + j] = -z / std(j);
                  }
                }
              },
          .hessian_vp =
              [=](Eigen::Index n, const double* /*x*/, const double* v, double* hv) {
                for (Eigen::Index i = 0; i < n * d; ++i) hv[i] = -v[i] / (std(i % d) * std(i % d));
              },
          .id = "gaussian"};
}

/// A target in two dimensions whose log-density is NaN where x_1 > 0.
inline CustomTarget target_without_some_values() {
  return {.dim = 2,
          .evaluate =
              [](Eigen::Index n, const double* x, double* l, double* g) {
                for (Eigen::Index i = 0; i < n; ++i) {
                  l[i] = x[2 * i] > 0.0 ? std::nan("") : 0.0;
                  g[2 * i] = g[2 * i + 1] = 0.0;
                }
              },
          .hessian_vp = {},
          .id = "broken"};
}

/// A batch of three blocks, the last not full; small networks in double.
inline SamplerSettings small_sampler(PathMethod method) {
  SamplerSettings settings;
  settings.method = method;
  settings.components = 3;
  settings.means_std = 0.5;
  settings.step = 0.05;
  settings.steps = 6;
  settings.hidden = 12;
  settings.batch = 150;
  settings.iterations = 6;
  settings.network_rate = settings.rate = 1e-2;
  settings.seed = 11;
  settings.precision = Precision::f64;
  return settings;
}

/// A training before its first iteration with parameters that are not 0 anywhere; `size` is that of the
/// networks' changes.
inline SamplerTraining random_sampler(const Target& target, const SamplerSettings& settings,
                                      double size = 0.1) {
  SamplerTraining training = start_sampler(target, settings);
  for (Eigen::Index i = 0; i < training.networks.size(); ++i)
    training.networks(i) += size * std::sin(static_cast<double>(i) + 0.3 * static_cast<double>(i % 17));
  // A fixed start law stays as it is.
  const Eigen::Index first = settings.prior == PathPrior::fixed ? 2 * training.dim : 0;
  for (Eigen::Index i = first; i < training.parameters.size(); ++i)
    training.parameters(i) += 0.1 * std::cos(2.0 * static_cast<double>(i));
  return training;
}

}  // namespace gmdiff::test
