#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <Eigen/Core>

#include <gmdiff/model/custom_field.hpp>
#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/process.hpp>
#include <gmdiff/model/target.hpp>

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
/// Paths of named dynamics start from their law: exact draws of the law of `LangevinDynamics`, or of p_t at
/// the process time of the start.
struct ExactStart {};
/// Paths start from a point, a normal law, exact draws of a mixture (d), or the law of named dynamics.
using DynamicsStart = std::variant<GaussianStart, PointStart, Mixture, ExactStart>;

/// sigma: a number >= 0 for all coordinates, or for each coordinate a number >= 0 or a text in t and x. Noise
/// is additive if no text depends on x.
using DynamicsNoise = std::variant<double, std::vector<double>, std::vector<std::string>>;

/// dX = (c/2) grad l(X) dt + sqrt(c) dW, where l is the log-density of a law (mathematics.md §16.4).
struct LangevinDynamics {
  static constexpr const char* name = "langevin";
  std::variant<Mixture, Target> law;  ///< a mixture has a density
  double speed = 1.0;                 ///< c > 0
};
/// The process backwards, with the time u = T - t: dY = [-f Y + ((1 + zeta^2)/2) g^2 grad log p_{T-u}(Y)] du
/// + zeta g dB, where p_t is the law of the prior in the process dX = f X dt + g dW (§16.4).
struct ReverseDynamics {
  static constexpr const char* name = "reverse";
  Mixture prior;
  ProcessDescription process = Vp{};
  double zeta = 1.0;  ///< >= 0; 0: an ODE
};
/// The ODE whose flow carries p_0 to p_t: dX = [f X - (g^2/2) grad log p_t(X)] dt (§2.3, §16.4).
struct ProbabilityFlowDynamics {
  static constexpr const char* name = "probability-flow";
  Mixture prior;
  ProcessDescription process = Vp{};
};
/// The process with the sign of time changed and nothing else: dY = -f Y du + g dB (§5.4, §16.4).
struct NaiveBackwardDynamics {
  static constexpr const char* name = "naive-backward";
  Mixture prior;
  ProcessDescription process = Vp{};
};
/// dX = (A X + b) dt + dW, where W has the covariance S per unit of time (§16.2).
struct LinearDynamics {
  static constexpr const char* name = "linear";
  Eigen::MatrixXd A;       ///< (d, d)
  Eigen::VectorXd b = {};  ///< (d); empty: 0
  Eigen::MatrixXd S = {};  ///< (d, d), symmetric and positive semidefinite; empty: 0, an ODE
};
/// Dynamics whose drift and noise follow from a law, a process or matrices.
using NamedDynamics = std::variant<LangevinDynamics, ReverseDynamics, ProbabilityFlowDynamics,
                                   NaiveBackwardDynamics, LinearDynamics>;
/// Name in problem files, such as "langevin".
const char* name_of(const NamedDynamics& dynamics);

/// An SDE, or an ODE if the noise is 0, with its scheme. d is the number of drift texts, or the dimension of
/// the function or of the named dynamics that replace them.
struct Dynamics {
  /// Drift and noise by name; then there are no texts, no functions, no parameters, and `noise` is 0
  std::optional<NamedDynamics> named = {};
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
/// Langevin dynamics from N(0, I), from time 0 to 1.
Dynamics langevin_dynamics(std::variant<Mixture, Target> law, double speed = 1.0);
/// The process backwards from p_T over the time T. The last step of `heun` and `rk4` needs a prior with a
/// density.
Dynamics reverse_dynamics(Mixture prior, const ProcessDescription& process, double zeta = 1.0);
/// The probability flow from p_0 over the time T. A start without noise needs a prior with a density.
Dynamics probability_flow_dynamics(Mixture prior, const ProcessDescription& process);
/// The process from p_T over the time T with the sign of time changed.
Dynamics naive_backward_dynamics(Mixture prior, const ProcessDescription& process);
/// Linear dynamics from N(0, I), from time 0 to 1, by exact steps.
/// @param b empty: 0. @param S empty: 0
Dynamics linear_dynamics(Eigen::MatrixXd A, Eigen::VectorXd b = {}, Eigen::MatrixXd S = {});

/// d: the dimension of the states. It is 0 without drift.
int dim_of(const Dynamics& dynamics);

}  // namespace gmdiff
