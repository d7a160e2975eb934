#include "named_dynamics.hpp"

#include <limits>
#include <utility>

#include "docstrings.hpp"
#include "io/parameter_reader.hpp"
#include "models.hpp"
#include "numbers.hpp"
#include "parameters.hpp"

namespace gmdiff::python {
namespace {

DynamicsStart start_of(const nb::object& value, const std::string& place) {
  if (is_mixture(value)) return mixture_of(value, "law");
  if (nb::isinstance<GaussianStart>(value)) return nb::cast<const GaussianStart&>(value);
  if (PyUnicode_Check(value.ptr())) {
    choice_of(value, place, {"exact"});
    return ExactStart{};
  }
  return PointStart{list_of(value, place, "(d), a point; a Mixture draws the starts from a law")};
}

double number_or(const Arguments& given, const char* key, double otherwise) {
  const nb::object value = given.find(key);
  return value.is_valid() ? number_of(value, given.place(key)) : otherwise;
}

/// Makes dynamics from arguments, of which all but those of the run are read by `make`.
template <class Make>
void bind(nb::module_& module, const char* name, std::vector<std::string> keys, std::size_t positional,
          const char* signature, Make make) {
  const auto call = [=](const nb::args& given_in_order, const nb::kwargs& named) {
    const Arguments given(name, with_run_of_dynamics(keys), positional, given_in_order, named);
    Dynamics dynamics = make(given);
    set_run_of_dynamics(given, dynamics);
    return dynamics;
  };
  const std::string run =
      ", t_start: float | None = None, t_end: float | None = None, steps: int | None = None, scheme: str | "
      "None = None, start: typing.Any = None, path_steps: int | None = None) -> Dynamics";
  module.def(name, call, nb::sig(keep(concat("def ", name, "(", signature, run))), docs(name));
}

std::variant<Mixture, Target> law_of(const Arguments& given) {
  const nb::object law = given.need("law");
  if (is_mixture(law)) return mixture_of(law, given.place("law"));
  return target_of(law, given.place("law"));
}

Mixture given_prior(const Arguments& given) { return mixture_of(given.need("prior"), given.place("prior")); }
ProcessDescription given_process(const Arguments& given) {
  return process_of(given.need("process"), given.place("process"));
}

Dynamics linear_of(const Arguments& given) {
  const Eigen::MatrixXd A = matrix_of(given.need("A"), given.place("A"), "(d, d)");
  const nb::object b = given.find("b"), S = given.find("S");
  return linear_dynamics(A, b.is_valid() ? vector_of(b, given.place("b"), "(d)") : Eigen::VectorXd(),
                         S.is_valid() ? matrix_of(S, given.place("S"), "(d, d)") : Eigen::MatrixXd());
}

}  // namespace

std::vector<std::string> with_run_of_dynamics(std::vector<std::string> keys) {
  keys.insert(keys.end(), {"t_start", "t_end", "steps", "scheme", "start", "path_steps"});
  return keys;
}

void set_run_of_dynamics(const Arguments& given, Dynamics& dynamics) {
  dynamics.t_start = number_or(given, "t_start", dynamics.t_start);
  dynamics.t_end = number_or(given, "t_end", dynamics.t_end);
  if (const nb::object steps = given.find("steps"); steps.is_valid())
    dynamics.steps = static_cast<int>(integer_of(steps, given.place("steps"), 1, io::max_steps));
  if (const nb::object steps = given.find("path_steps"); steps.is_valid())
    dynamics.path_steps =
        static_cast<int>(integer_of(steps, given.place("path_steps"), 0, std::numeric_limits<int>::max()));
  if (const nb::object scheme = given.find("scheme"); scheme.is_valid()) {
    std::vector<std::string> names;
    names.reserve(all_schemes().size());
    for (const Scheme one : all_schemes()) names.emplace_back(to_string(one));
    dynamics.scheme = all_schemes()[choice_of(scheme, given.place("scheme"), names)];
  }
  if (const nb::object start = given.find("start"); start.is_valid())
    dynamics.start = start_of(start, given.place("start"));
}

void bind_named_dynamics(nb::module_& module) {
  bind(module, "langevin_dynamics", {"law", "speed"}, 2, "law: typing.Any, speed: float = 1.0, *",
       [](const Arguments& given) {
         return langevin_dynamics(law_of(given), number_or(given, "speed", 1.0));
       });
  bind(module, "reverse_dynamics", {"prior", "process", "zeta"}, 3,
       "prior: typing.Any, process: typing.Any, zeta: float = 1.0, *", [](const Arguments& given) {
         return reverse_dynamics(given_prior(given), given_process(given), number_or(given, "zeta", 1.0));
       });
  bind(module, "probability_flow_dynamics", {"prior", "process"}, 2,
       "prior: typing.Any, process: typing.Any, *", [](const Arguments& given) {
         return probability_flow_dynamics(given_prior(given), given_process(given));
       });
  bind(module, "naive_backward_dynamics", {"prior", "process"}, 2,
       "prior: typing.Any, process: typing.Any, *", [](const Arguments& given) {
         return naive_backward_dynamics(given_prior(given), given_process(given));
       });
  bind(module, "linear_dynamics", {"A", "b", "S"}, 3,
       "A: typing.Any, b: typing.Any = None, S: typing.Any = None, *", &linear_of);
}

}  // namespace gmdiff::python
