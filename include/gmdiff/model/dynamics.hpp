#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gmdiff/model/custom_field.hpp>
#include <gmdiff/model/mixture.hpp>

// SDEs and ODEs of a user, dX = mu(t, X) dt + sigma(t, X) dW with one Brownian motion for each coordinate
// (mathematics.md §16).

namespace gmdiff {

/// Schemes of dynamics. S = sigma below.
enum class Scheme {
  euler_maruyama,  ///< any noise; without noise it is `euler`
  euler,           ///< noise 0
  heun,            ///< additive noise, or none
  sra1,            ///< additive noise: strong order 3/2
  milstein,        ///< S_j that depends on t and x_j: strong order 1
  rk4,             ///< noise 0: order 4
  exact,           ///< exact transitions: linear drift with constant noise, or geometric Brownian motions
};

/// Name in problem files, such as "euler-maruyama".
const char* to_string(Scheme scheme);
/// All schemes, in the order above.
std::vector<Scheme> all_schemes();

/// All paths start at one point (d).
struct PointStart {
  std::vector<double> point = {};
};
/// Paths start from N(mean, std^2 I). An empty mean is 0.
struct GaussianStart {
  std::vector<double> mean = {};  ///< (d)
  double std = 1.0;               ///< >= 0
};
/// Paths start from a point, a normal law, or exact draws of a mixture (d).
using DynamicsStart = std::variant<GaussianStart, PointStart, Mixture>;

/// sigma: a number >= 0 for all coordinates, or for each coordinate a number >= 0 or a text in t and x. Noise
/// is additive if no text depends on x.
using DynamicsNoise = std::variant<double, std::vector<double>, std::vector<std::string>>;

/// An SDE, or an ODE if the noise is 0, with its scheme. d is the number of drift texts, or the dimension of
/// the function that replaces them.
struct Dynamics {
  /// (d) expressions in t and x1 to xd, or x if d is 1
  std::vector<std::string> drift = {};
  /// The drift as a function of the calling program, for every scheme but `exact`; then `drift` is empty
  std::optional<CustomField> custom_drift = {};
  DynamicsNoise noise = 0.0;
  /// sigma(t, x) as a function, for the scheme `euler_maruyama`; then `noise` is 0
  std::optional<CustomField> custom_noise = {};
  std::map<std::string, double> parameters = {};  ///< further names of the texts
  double t_start = 0.0;
  double t_end = 1.0;  ///< > t_start
  int steps = 1000;    ///< >= 1, all of the length (t_end - t_start) / steps
  Scheme scheme = Scheme::euler_maruyama;
  DynamicsStart start = GaussianStart{};
  /// 0, or a multiple of `steps`, at most 4096 times as much: paths belong to the Brownian motion of a run
  /// with that many steps, so runs with different steps can be compared path by path.
  int path_steps = 0;
};

/// Brownian motion: dX = std dW in dimension `dim`, from 0, by exact steps.
Dynamics brownian(int dim = 1, double std = 1.0);
/// Ornstein-Uhlenbeck process with the stationary law N(0, std^2): dX = -X / (2 std^2) dt + dW, by exact
/// steps.
Dynamics ornstein_uhlenbeck(double std = 1.0);
/// Geometric Brownian motion dX = a X dt + b X dW from 1, by exact steps.
Dynamics geometric_brownian(double a, double b);
/// dX = -5 (X - sin 5t) dt + dW from 0 to time 5, by 5000 Euler-Maruyama steps.
Dynamics sine_dynamics();

}  // namespace gmdiff
