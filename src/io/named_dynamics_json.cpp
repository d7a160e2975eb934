#include "io/named_dynamics_json.hpp"

#include <utility>

#include "io/mixture_json.hpp"
#include "io/parameter_reader.hpp"
#include "io/parameter_writer.hpp"
#include "io/target_json.hpp"

namespace gmdiff::io {
namespace {

// ----- parts

/// A target, or a mixture, which has weights instead of a type.
std::variant<Mixture, Target> read_law(const Json& value, const Location& where) {
  if (as_object(value, where).contains("weights")) return read_mixture(value, where);
  return read_target(value, where);
}

Mixture read_prior(const Json& value, const Location& where) {
  return read_mixture(member(value, where, "prior"), where.key("prior"));
}

/// Constructs the process, so that an error names its place.
ProcessDescription read_process(const Json& value, const Location& where) {
  const Json* given = optional_member(value, "process");
  if (given == nullptr) return Vp{};
  const Location place = where.key("process");
  ProcessDescription process = read_variant<ProcessDescription>(*given, place, "process");
  at_place(place, [&] { return ForwardProcess(process); });
  return process;
}

double read_or(const Json& value, const Location& where, const char* key, double otherwise) {
  const Json* given = optional_member(value, key);
  return given == nullptr ? otherwise : read_number(*given, where.key(key));
}

double read_required(const Json& value, const Location& where, const char* key) {
  return read_number(member(value, where, key), where.key(key));
}

/// S from the key `covariance` (d, d), or from `noise`, a number or d numbers.
Eigen::MatrixXd read_covariance(const Json& value, const Location& where, Eigen::Index d) {
  const Json* noise = optional_member(value, "noise");
  const Json* covariance = optional_member(value, "covariance");
  if (noise != nullptr && covariance != nullptr)
    where.fail("\"noise\" and \"covariance\" exclude each other");
  if (covariance != nullptr) return read_array(*covariance, where.key("covariance"), {d, d}).points();
  if (noise == nullptr) return {};
  const Location place = where.key("noise");
  Eigen::VectorXd sigma;
  if (noise->is_number()) {
    sigma = Eigen::VectorXd::Constant(d, read_number(*noise, place));
  } else {
    sigma = read_array(*noise, place, {d}).vector();
  }
  if (!(sigma.minCoeff() >= 0.0)) place.fail("expected numbers >= 0, given ", sigma.minCoeff());
  return sigma.cwiseAbs2().asDiagonal();
}

// ----- the dynamics of each name

Dynamics read_langevin(const Json& value, const Location& where) {
  return langevin_dynamics(read_law(member(value, where, "target"), where.key("target")),
                           read_or(value, where, "speed", 1.0));
}
Dynamics read_reverse(const Json& value, const Location& where) {
  return reverse_dynamics(read_prior(value, where), read_process(value, where),
                          read_or(value, where, "zeta", 1.0));
}
Dynamics read_flow(const Json& value, const Location& where) {
  return probability_flow_dynamics(read_prior(value, where), read_process(value, where));
}
Dynamics read_naive(const Json& value, const Location& where) {
  return naive_backward_dynamics(read_prior(value, where), read_process(value, where));
}
Dynamics read_linear(const Json& value, const Location& where) {
  const auto A = read_array(member(value, where, "A"), where.key("A"), {any_size, any_size});
  const Eigen::Index d = A.size(0);
  Eigen::VectorXd b;
  if (const Json* given = optional_member(value, "b")) b = read_array(*given, where.key("b"), {d}).vector();
  return linear_dynamics(A.points(), std::move(b), read_covariance(value, where, d));
}
Dynamics read_brownian(const Json& value, const Location& where) {
  int dim = 1;
  ParameterReader(value, where).whole("dim", dim, catalogue::max_target_dim);
  return brownian(dim, read_or(value, where, "std", 1.0));
}
Dynamics read_ou(const Json& value, const Location& where) {
  return ornstein_uhlenbeck(read_or(value, where, "std", 1.0));
}
Dynamics read_geometric(const Json& value, const Location& where) {
  return geometric_brownian(read_required(value, where, "a"), read_required(value, where, "b"));
}
Dynamics read_sine(const Json& /*value*/, const Location& /*where*/) { return sine_dynamics(); }

struct Kind {
  const char* name;
  std::vector<std::string> keys;
  Dynamics (*read)(const Json& value, const Location& where);
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{{LangevinDynamics::name, {"target", "speed"}, read_langevin},
                                     {ReverseDynamics::name, {"prior", "process", "zeta"}, read_reverse},
                                     {ProbabilityFlowDynamics::name, {"prior", "process"}, read_flow},
                                     {NaiveBackwardDynamics::name, {"prior", "process"}, read_naive},
                                     {LinearDynamics::name, {"A", "b", "covariance", "noise"}, read_linear},
                                     {"brownian", {"dim", "std"}, read_brownian},
                                     {"ou", {"std"}, read_ou},
                                     {"geometric", {"a", "b"}, read_geometric},
                                     {"sine", {}, read_sine}};
  return all;
}

// ----- writing

OrderedJson write_law(const Mixture& law) { return write_mixture(law); }
OrderedJson write_law(const Target& law) { return write_variant(law.description()); }

void write_own(OrderedJson& object, const LangevinDynamics& langevin) {
  object["target"] = std::visit([](const auto& law) { return write_law(law); }, langevin.law);
  object["speed"] = json_number(langevin.speed);
}
void write_own(OrderedJson& object, const LinearDynamics& linear) {
  object["A"] = rows(linear.A);
  if (linear.b.size() > 0) object["b"] = numbers(linear.b);
  if (linear.S.size() > 0) object["covariance"] = rows(linear.S);
}
void write_own(OrderedJson& object, const auto& of_process) {
  object["prior"] = write_mixture(of_process.prior);
  object["process"] = write_variant(of_process.process);
  if constexpr (requires { of_process.zeta; }) object["zeta"] = json_number(of_process.zeta);
}

}  // namespace

Dynamics read_named_dynamics(const Json& value, const Location& where,
                             const std::vector<std::string>& common) {
  std::vector<std::string> names;
  names.reserve(kinds().size());
  for (const Kind& kind : kinds()) names.emplace_back(kind.name);
  const Kind& kind = kinds()[read_choice(member(value, where, "type"), where.key("type"), names)];
  std::vector<std::string> keys{"type"};
  keys.insert(keys.end(), kind.keys.begin(), kind.keys.end());
  keys.insert(keys.end(), common.begin(), common.end());
  check_keys(value, where, keys);
  return kind.read(value, where);
}

OrderedJson write_named_dynamics(const NamedDynamics& dynamics) {
  OrderedJson object{{"type", name_of(dynamics)}};
  std::visit([&](const auto& own) { write_own(object, own); }, dynamics);
  return object;
}

}  // namespace gmdiff::io
