#include "model/dynamics_fields.hpp"

#include <cmath>

#include "base/check.hpp"

namespace gmdiff {
namespace {

/// Most steps of a plan, which holds the time of each.
constexpr int max_steps = 100'000'000;
/// Most normals of a path that a step adds up.
constexpr int max_path_ratio = 4096;

void check_amplitude(double value) {
  require(value >= 0.0 && std::isfinite(value), "dynamics: noise must be >= 0 and finite, got ", value);
}

void check_size(std::size_t size, int dim, const char* what) {
  require(size == static_cast<std::size_t>(dim), "dynamics: expected ", dim, " ", what,
          ", one for each drift, got ", size);
}

/// Reads the noise of each form.
class NoiseReader {
 public:
  NoiseReader(int dim, const std::map<std::string, double>& parameters)
      : dim_(dim), parameters_(parameters) {}

  std::variant<double, VectorField> operator()(double value) const {
    check_amplitude(value);
    return value;
  }
  std::variant<double, VectorField> operator()(const std::vector<double>& values) const {
    check_size(values.size(), dim_, "numbers of noise");
    bool are_equal = true;
    for (const double value : values) {
      check_amplitude(value);
      are_equal = are_equal && value == values.front();
    }
    if (are_equal) return values.front();
    return VectorField(values);
  }
  std::variant<double, VectorField> operator()(const std::vector<std::string>& texts) const {
    check_size(texts.size(), dim_, "texts of noise");
    return VectorField(texts, "dynamics: noise", parameters_);
  }

 private:
  int dim_;
  const std::map<std::string, double>& parameters_;
};

/// Reads the start of each form: a mixture, or a Gaussian, possibly of variance 0.
class StartReader {
 public:
  explicit StartReader(int dim) : dim_(dim) {}

  Mixture operator()(const PointStart& start) const { return gaussian(start.point, 0.0); }
  Mixture operator()(const Mixture& start) const {
    require(start.dim() == dim_, "dynamics: the mixture of the start has dimension ", start.dim(),
            ", expected ", dim_, ", the number of drifts");
    return start;
  }
  Mixture operator()(const ExactStart& /*start*/) const {
    fail(
        "dynamics: the start \"exact\" is the law of named dynamics, and these have none; expected a point, "
        "a "
        "normal law or a mixture");
  }
  Mixture operator()(const GaussianStart& start) const {
    require(start.std >= 0.0 && std::isfinite(start.std), "dynamics: std of the start must be >= 0, got ",
            start.std);
    const std::vector<double> zero(static_cast<std::size_t>(dim_), 0.0);
    return gaussian(start.mean.empty() ? zero : start.mean, start.std);
  }

 private:
  Mixture gaussian(const std::vector<double>& mean, double std) const {
    check_size(mean.size(), dim_, "coordinates of the start");
    Points means(1, dim_);
    for (std::size_t j = 0; j < mean.size(); ++j) {
      require(std::isfinite(mean[j]), "dynamics: coordinate ", j + 1, " of the start is ", mean[j]);
      means(0, static_cast<Eigen::Index>(j)) = mean[j];
    }
    return {{1.0}, means, Covariance::spherical({std * std})};
  }

  int dim_;
};

VectorField drift_of(const Dynamics& dynamics) {
  if (!dynamics.custom_drift) return {dynamics.drift, "dynamics: drift", dynamics.parameters};
  require(dynamics.drift.empty(), "dynamics: drift and custom_drift exclude each other, given both");
  return VectorField(*dynamics.custom_drift);
}

std::variant<double, VectorField> noise_of(const Dynamics& dynamics, int dim) {
  if (!dynamics.custom_noise) return std::visit(NoiseReader(dim, dynamics.parameters), dynamics.noise);
  require(dynamics.noise == DynamicsNoise(0.0),
          "dynamics: noise and custom_noise exclude each other, given both");
  VectorField noise(*dynamics.custom_noise);
  require(noise.dim() == dim, "dynamics: custom_noise has dimension ", noise.dim(), ", expected ", dim,
          ", that of the drift");
  return noise;
}

/// Functions have no derivatives, and what they depend on is unknown.
void check_functions(Scheme scheme, const DynamicsFields& fields) {
  const CustomField* const noise = fields.field() == nullptr ? nullptr : fields.field()->custom();
  const CustomField* const drift = fields.drift.custom();
  if (scheme == Scheme::exact) {
    const CustomField* const function = drift != nullptr ? drift : noise;
    require(function == nullptr,
            "dynamics: the scheme exact needs drift and noise as numbers or texts, given the function \"",
            function == nullptr ? "" : function->id, "\"");
  }
  if (noise == nullptr) return;
  require(scheme != Scheme::milstein,
          "dynamics: the scheme milstein needs the derivative of the noise, which the function \"", noise->id,
          "\" does not give; use euler-maruyama");
  require(scheme != Scheme::heun && scheme != Scheme::sra1, "dynamics: the scheme ", to_string(scheme),
          " needs additive noise, as numbers or texts in t; given the function \"", noise->id,
          "\"; use euler-maruyama");
}

void check_noise(const Dynamics& dynamics, const DynamicsFields& fields) {
  check_functions(dynamics.scheme, fields);
  const char* scheme = to_string(dynamics.scheme);
  switch (dynamics.scheme) {
    case Scheme::euler:
    case Scheme::rk4:
      return require(fields.number() != nullptr && *fields.number() == 0.0, "dynamics: the scheme ", scheme,
                     " integrates ODEs; expected noise 0");
    case Scheme::heun:
    case Scheme::sra1:
      return require(fields.is_additive(), "dynamics: the scheme ", scheme,
                     " needs additive noise, but a noise text depends on x; use milstein or euler-maruyama");
    case Scheme::milstein:
      return require(
          fields.number() != nullptr || fields.field()->is_diagonal(),
          "dynamics: the scheme milstein needs a noise j that depends on no coordinate but x_j; use "
          "euler-maruyama");
    case Scheme::euler_maruyama:
    case Scheme::exact:
      return;
  }
}

}  // namespace

void check_times(const Dynamics& dynamics) {
  require(std::isfinite(dynamics.t_start), "dynamics: t_start must be finite, got ", dynamics.t_start);
  require(std::isfinite(dynamics.t_end) && dynamics.t_end > dynamics.t_start,
          "dynamics: t_end must be finite and greater than t_start = ", dynamics.t_start, ", got ",
          dynamics.t_end);
  require(dynamics.steps >= 1 && dynamics.steps <= max_steps, "dynamics: steps must be 1 to ", max_steps,
          ", got ", dynamics.steps);
  const int ratio = dynamics.path_steps / dynamics.steps;
  require(dynamics.path_steps == 0 ||
              (ratio >= 1 && ratio <= max_path_ratio && dynamics.path_steps == ratio * dynamics.steps),
          "dynamics: path_steps must be a multiple of steps = ", dynamics.steps, ", at most ", max_path_ratio,
          " times as much, got ", dynamics.path_steps);
}

DynamicsFields fields_of(const Dynamics& dynamics) {
  check_times(dynamics);
  const VectorField drift = drift_of(dynamics);
  DynamicsFields fields{.drift = drift, .noise = noise_of(dynamics, drift.dim())};
  check_noise(dynamics, fields);
  return fields;
}

Mixture start_of(const Dynamics& dynamics, int dim) { return std::visit(StartReader(dim), dynamics.start); }

}  // namespace gmdiff
