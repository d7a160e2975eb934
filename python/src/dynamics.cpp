#include <gmdiff/model/dynamics.hpp>

#include <gmdiff/model/generator.hpp>
#include <gmdiff/model/linear_transition.hpp>
#include <gmdiff/model/probability_flow.hpp>

#include "bindings.hpp"
#include "fields.hpp"
#include "models.hpp"
#include "named_dynamics.hpp"
#include "records.hpp"
#include "released.hpp"

// SDEs and ODEs: ready-made dynamics, their parts, the generator, exact transitions, the probability flow.

namespace gmdiff::python {

template <>
struct StateOf<GaussianStart> {
  static constexpr AllMembers members{&GaussianStart::mean, &GaussianStart::std};
};
template <>
struct StateOf<LinearTransition> {
  static constexpr AllMembers members{&LinearTransition::F, &LinearTransition::shift,
                                      &LinearTransition::factor};
};
template <>
struct StateOf<ProbabilityFlow> {
  static constexpr AllMembers members{&ProbabilityFlow::velocity, &ProbabilityFlow::divergence};
};

std::map<std::string, double> parameters_from(const nb::object& value, const std::string& place) {
  if (!PyDict_Check(value.ptr())) fail_type(place, "a dict of names and numbers", value);
  std::map<std::string, double> parameters;
  for (const auto& [key, number] : nb::borrow<nb::dict>(value)) {
    const std::string name = text_of(key, place);
    parameters[name] = number_of(number, concat(place, "[\"", name, "\"]"));
  }
  return parameters;
}

VectorField field_of(const nb::object& value, const std::string& place, const std::string& name,
                     const std::map<std::string, double>& parameters) {
  if (nb::isinstance<VectorField>(value)) return nb::cast<const VectorField&>(value);
  if (nb::isinstance<CustomField>(value)) return VectorField(nb::cast<const CustomField&>(value));
  if (PyUnicode_Check(value.ptr())) return VectorField({text_of(value, place)}, name, parameters);
  const bool is_texts = (PyList_Check(value.ptr()) || PyTuple_Check(value.ptr())) && nb::len(value) > 0 &&
                        PyUnicode_Check(nb::object(value[0]).ptr());
  if (is_texts) {
    std::vector<std::string> texts;
    for (const nb::handle text : nb::borrow<nb::sequence>(value)) texts.push_back(text_of(text, place));
    return VectorField(texts, name, parameters);
  }
  if (!PySequence_Check(value.ptr()) && !nb::hasattr(value, "__dlpack__"))
    fail_type(place, "texts, numbers, a CustomField or a VectorField", value);
  return VectorField(list_of(value, place, "(d)"));
}

namespace {

nb::object noise_of(const Dynamics& dynamics) {
  if (dynamics.custom_noise) return nb::cast(*dynamics.custom_noise);
  if (const auto* number = std::get_if<double>(&dynamics.noise)) return nb::float_(*number);
  if (const auto* numbers = std::get_if<std::vector<double>>(&dynamics.noise)) return array(*numbers);
  return list_from(std::get<std::vector<std::string>>(dynamics.noise));
}

nb::object start_of(const Dynamics& dynamics) {
  if (const auto* point = std::get_if<PointStart>(&dynamics.start)) return array(point->point);
  if (const auto* gaussian = std::get_if<GaussianStart>(&dynamics.start)) return nb::cast(*gaussian);
  if (std::holds_alternative<ExactStart>(dynamics.start)) return nb::str("exact");
  return nb::cast(std::get<Mixture>(dynamics.start));
}

/// Attributes of Dynamics, in addition to those of its numbers.
void def_parts(nb::module_& module) {
  auto made = nb::borrow<nb::class_<Dynamics>>(module.attr("Dynamics"));
  made.def_prop_ro(
          "drift",
          [](const Dynamics& self) -> nb::object {
            if (self.custom_drift) return nb::cast(*self.custom_drift);
            return list_from(self.drift);
          },
          docs("Dynamics::drift"))
      .def_prop_ro("noise", &noise_of, "sigma: a number, numbers (d), texts (d), or a CustomField.")
      .def_prop_ro(
          "parameters",
          [](const Dynamics& self) {
            nb::dict dict;
            for (const auto& [name, number] : self.parameters) dict[name.c_str()] = number;
            return dict;
          },
          docs("Dynamics::parameters"))
      .def_prop_ro("start", &start_of, "A Mixture, a GaussianStart, a point (d), or \"exact\".")
      .def_prop_ro(
          "path_steps", [](const Dynamics& self) { return self.path_steps; }, docs("Dynamics::path_steps"));
}

void bind_start(nb::module_& module) {
  nb::class_<GaussianStart> made(module, "GaussianStart", docs("GaussianStart"));
  def_state(made);
  made.def(
          "__init__",
          [](GaussianStart* self, nb::handle mean, nb::handle std) {
            new (self) GaussianStart{
                .mean = mean.is_none() ? std::vector<double>{} : list_of(mean, "GaussianStart: mean", "(d)"),
                .std = number_of(std, "GaussianStart: std")};
          },
          nb::arg("mean") = nb::none(), any_arg("std") = 1.0)
      .def_prop_ro(
          "mean", [](const GaussianStart& self) { return array(self.mean); }, docs("GaussianStart::mean"))
      .def_ro("std", &GaussianStart::std, docs("GaussianStart::std"))
      .def("__repr__", [](const GaussianStart& self) {
        return concat("GaussianStart(mean=", nb::repr(list_from(self.mean)).c_str(), ", std=", self.std, ")");
      });
}

void bind_ready_made(nb::module_& module) {
  module.def(
      "brownian",
      [](nb::handle dim, nb::handle std) {
        return brownian(static_cast<int>(integer_of(dim, "brownian: dim", 1, catalogue::max_target_dim)),
                        number_of(std, "brownian: std"));
      },
      any_arg("dim") = 1, any_arg("std") = 1.0, docs("brownian"));
  module.def(
      "ornstein_uhlenbeck",
      [](nb::handle std) { return ornstein_uhlenbeck(number_of(std, "ornstein_uhlenbeck: std")); },
      any_arg("std") = 1.0, docs("ornstein_uhlenbeck"));
  module.def(
      "geometric_brownian",
      [](nb::handle a, nb::handle b) {
        return geometric_brownian(number_of(a, "geometric_brownian: a"),
                                  number_of(b, "geometric_brownian: b"));
      },
      any_arg("a"), any_arg("b"), docs("geometric_brownian"));
  module.def(
      "sine_dynamics", [] { return sine_dynamics(); }, docs("sine_dynamics"));
}

Dynamics dynamics_from(nb::handle object, const std::string& place) {
  if (nb::isinstance<Dynamics>(object)) return nb::cast<const Dynamics&>(object);
  if (nb::isinstance<DynamicsProblem>(object)) return nb::cast<const DynamicsProblem&>(object).dynamics;
  fail_type(place, "Dynamics, or a problem with them", object);
}

nb::object generator_of(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("generator", {"dynamics", "F", "x", "t"}, 4, positional, named);
  const Dynamics dynamics = dynamics_from(given.need("dynamics"), given.place("dynamics"));
  const nb::object function = given.need("F"), t = given.find("t");
  const int dim = dim_of(dynamics);
  const Expression F =
      nb::isinstance<Expression>(function)
          ? nb::cast<const Expression&>(function)
          : Expression(text_of(function, given.place("F")), {.dim = dim, .parameters = dynamics.parameters});
  const Points x = points_of(given.need("x"), given.place("x"));
  const double time = t.is_valid() ? number_of(t, given.place("t")) : dynamics.t_start;
  return array(released([&] { return generator(dynamics, F, x, time); }));
}

void bind_field(nb::module_& module) {
  using F = VectorField;
  nb::class_<F> made(module, "VectorField", docs("VectorField"));
  def_copies(made);
  refuse_pickles(made, "VectorField: keeps its texts as operations only; make it again from the texts");
  made.def(
          "__init__",
          [](F* self, const nb::args& positional, const nb::kwargs& named) {
            const Arguments given("VectorField", {"field", "parameters"}, 1, positional, named);
            std::map<std::string, double> parameters;
            with_argument(given, "parameters", [&](const nb::object& value, const std::string& place) {
              parameters = parameters_from(value, place);
            });
            new (self) F(field_of(given.need("field"), given.place("field"), "field", parameters));
          },
          nb::sig(
              "def __init__(self, field: typing.Any, *, parameters: dict[str, float] | None = None) -> None"))
      .def_prop_ro("dim", &F::dim)
      .def_prop_ro("depends_on_time", &F::depends_on_time)
      .def_prop_ro("depends_on_position", &F::depends_on_position)
      .def_prop_ro("is_diagonal", &F::is_diagonal, docs("VectorField::is_diagonal"))
      .def(
          "value",
          [](const F& self, nb::handle x, nb::handle t) {
            const Points points = points_of(x, "VectorField.value: x");
            const double time = number_of(t, "VectorField.value: t");
            return array(released([&] { return self.value(points, time); }));
          },
          any_arg("x"), any_arg("t") = 0.0, docs("VectorField::value"))
      .def("diagonal_derivative", &F::diagonal_derivative, docs("VectorField::diagonal_derivative"))
      .def("__repr__", [](const F& self) { return concat("<VectorField in dimension ", self.dim(), ">"); });
}

void bind_transition(nb::module_& module) {
  using T = LinearTransition;
  Record<T> made(module, "LinearTransition");
  made.def("F", &T::F).def("shift", &T::shift).def("factor", &T::factor).with_repr();
  made.made()
      .def(
          "covariance", [](const T& self) { return array(self.covariance()); },
          docs("LinearTransition::covariance"))
      .def(
          "law",
          [](const T& self, nb::handle start) {
            return self.law(mixture_of(start, "LinearTransition.law: start"));
          },
          any_arg("start"), docs("LinearTransition::law"));
  module.def(
      "linear_transition",
      [](nb::handle A, nb::handle b, nb::handle S, nb::handle h) {
        const Eigen::MatrixXd drift = matrix_of(A, "linear_transition: A", "(d, d)");
        const Eigen::VectorXd shift = vector_of(b, "linear_transition: b", "(d)");
        const Eigen::MatrixXd noise = matrix_of(S, "linear_transition: S", "(d, d)");
        const double time = number_of(h, "linear_transition: h");
        return released([&] { return linear_transition(drift, shift, noise, time); });
      },
      any_arg("A"), any_arg("b"), any_arg("S"), any_arg("h"), docs("linear_transition"));
}

void bind_flow(nb::module_& module) {
  Record<ProbabilityFlow>(module, "ProbabilityFlow")
      .def("velocity", &ProbabilityFlow::velocity)
      .def("divergence", &ProbabilityFlow::divergence)
      .with_repr();
  module.def(
      "probability_flow",
      [](nb::handle law, nb::handle process, nb::handle x, nb::handle t) {
        const Mixture mixture = mixture_of(law, "probability_flow: law");
        const ForwardProcess noise(process_of(process, "probability_flow: process"));
        const Points points = points_of(x, "probability_flow: x");
        const double time = number_of(t, "probability_flow: t");
        return released([&] { return probability_flow(mixture, noise, points, time); });
      },
      any_arg("law"), any_arg("process"), any_arg("x"), any_arg("t"), docs("probability_flow"));
}

}  // namespace

void bind_dynamics_functions(nb::module_& module) {
  def_parts(module);
  bind_start(module);
  bind_ready_made(module);
  bind_named_dynamics(module);
  bind_field(module);
  bind_transition(module);
  bind_flow(module);
  module.def(
      "generator", &generator_of,
      nb::sig("def generator(dynamics: typing.Any, F: typing.Any, x: typing.Any, t: float | None = None) -> "
              "numpy.ndarray"),
      keep(concat(docs("generator"),
                  " F is a text or an Expression. By default t is the dynamics' t_start.")));
}

}  // namespace gmdiff::python
