#include <gmdiff/model/target.hpp>

#include <gmdiff/io/logistic_csv.hpp>
#include <gmdiff/model/expression.hpp>
#include <gmdiff/model/target_law.hpp>

#include "bindings.hpp"
#include "descriptions.hpp"
#include "models.hpp"
#include "released.hpp"
#include "states.hpp"

// Targets of Markov chains, expressions, and the laws of targets.

namespace gmdiff::python {

template <>
struct StateOf<ExpressionVariables> {
  static constexpr AllMembers members{&ExpressionVariables::dim, &ExpressionVariables::parameters,
                                      &ExpressionVariables::time};
};

template <>
struct StateOf<ObservedMixture> {
  static constexpr AllMembers members{&ObservedMixture::prior, &ObservedMixture::observation};
};

std::optional<Target> find_target(nb::handle object) {
  if (nb::isinstance<Target>(object)) return nb::cast<const Target&>(object);
  if (auto description = VariantCast<TargetDescription>::from(object)) return Target(*description);
  return {};
}

Target target_of(nb::handle object, const std::string& place) {
  if (auto target = find_target(object)) return *target;
  fail_type(place, "a target, such as Banana()", object);
}

namespace {

void bind_observed(nb::module_& module) {
  nb::class_<ObservedMixture> made(module, "ObservedMixture", docs("ObservedMixture"));
  def_state(made);
  made.def(
          "__init__",
          [](ObservedMixture* self, nb::handle prior, nb::handle observation) {
            if (!nb::isinstance<NonlinearObservation>(observation))
              fail_type("ObservedMixture: observation", "a NonlinearObservation", observation);
            new (self) ObservedMixture{mixture_of(prior, "ObservedMixture: prior"),
                                       nb::cast<const NonlinearObservation&>(observation)};
          },
          any_arg("prior"), any_arg("observation"))
      .def_ro("prior", &ObservedMixture::prior, "The prior p(x).")
      .def_ro("observation", &ObservedMixture::observation, "The nonlinear observation.")
      .def("__repr__", [](const ObservedMixture& self) {
        return concat("<ObservedMixture: ", nb::repr(nb::cast(self.prior)).c_str(), ", ",
                      nb::repr(nb::cast(self.observation)).c_str(), ">");
      });
}

/// Binds a function of points.
template <class F>
void def_of_points(nb::class_<Target>& made, const char* name, F function) {
  const std::string place = concat("Target.", name, ": x");
  made.def(
      name,
      [place, function](const Target& self, nb::handle x) {
        const Points points = points_in(x, place, self.dim());
        return array(released([&] { return function(self, points); }));
      },
      any_arg("x"), docs(std::string("Target::") + name));
}

void bind_targets(nb::module_& module) {
  nb::class_<Target> made(module, "Target", docs("Target"));
  def_state(
      made, [](const Target& self) { return object_of(self.description()); },
      [](nb::handle description) { return target_of(description, "Target"); });
  made.def(
          "__init__",
          [](Target* self, nb::handle description) {
            new (self) Target(target_of(description, "Target: description"));
          },
          any_arg("description"))
      .def_prop_ro("dim", &Target::dim, "Dimension d.")
      .def_prop_ro(
          "description", [](const Target& self) { return object_of(self.description()); },
          "Description of the target.")
      .def_prop_ro("has_draws", &Target::has_draws, docs("Target::has_draws"))
      .def_prop_ro(
          "log_normalizer",
          [](const Target& self) -> nb::object {
            const std::optional<double> value = self.log_normalizer();
            return value ? nb::object(nb::float_(*value)) : nb::none();
          },
          docs("Target::log_normalizer"))
      .def(
          "hessian_vp",
          [](const Target& self, nb::handle x, nb::handle v) {
            const Points points = points_in(x, "Target.hessian_vp: x", self.dim()),
                         tangents = points_in(v, "Target.hessian_vp: v", self.dim());
            return array(released([&] { return self.hessian_vp(points, tangents); }));
          },
          any_arg("x"), any_arg("v"), docs("Target::hessian_vp"))
      .def("__repr__", [](const Target& self) {
        return concat("<Target ", name_of(self.description()), " in dimension ", self.dim(), ">");
      });
  def_of_points(made, "log_density", [](const Target& t, const Points& x) { return t.log_density(x); });
  def_of_points(made, "gradient", [](const Target& t, const Points& x) { return t.gradient(x); });
}

void bind_law(nb::module_& module) {
  nb::class_<TargetLaw> made(module, "TargetLaw", docs("TargetLaw"));
  // The law is computed again: its tables are larger than the target.
  def_state(
      made, [](const TargetLaw& self) { return nb::cast(self.target()); },
      [](nb::handle target) {
        const Target given = target_of(target, "TargetLaw");
        return released([&] { return TargetLaw(given); });
      });
  made.def(
          "__init__",
          [](TargetLaw* self, nb::handle target) {
            const Target given = target_of(target, "TargetLaw: target");
            new (self) TargetLaw(released([&] { return TargetLaw(given); }));
          },
          any_arg("target"))
      .def_prop_ro("dim", &TargetLaw::dim, "Dimension d.")
      .def_prop_ro("log_normalizer", &TargetLaw::log_normalizer, docs("TargetLaw::log_normalizer"))
      .def_prop_ro(
          "mean", [](const TargetLaw& self) { return array(self.mean()); }, "E[X], shape (d).")
      .def_prop_ro(
          "covariance", [](const TargetLaw& self) { return array(self.covariance()); },
          "Cov[X], shape (d, d).")
      .def_prop_ro("has_exact_draws", &TargetLaw::has_exact_draws, docs("TargetLaw::has_exact_draws"))
      .def("__repr__", [](const TargetLaw& self) {
        return concat("<TargetLaw of ", name_of(self.target().description()), " in dimension ", self.dim(),
                      ">");
      });
}

void bind_expression(nb::module_& module) {
  nb::class_<Expression> made(module, "Expression", docs("Expression"));
  def_state(
      made,
      [](const Expression& self) {
        return nb::make_tuple(to_state(self.text()), to_state(self.variables()));
      },
      [](nb::handle state) {
        const auto parts = nb::cast<nb::tuple>(state);
        return Expression(from_state<std::string>(nb::object(parts[0])),
                          from_state<ExpressionVariables>(nb::object(parts[1])));
      });
  made.def(
          "__init__",
          [](Expression* self, const nb::args& positional, const nb::kwargs& named) {
            const Arguments given("Expression", {"text", "dim", "parameters", "time"}, 2, positional, named);
            ExpressionTarget target;
            nb::kwargs of_target;
            for (const char* key : {"dim", "parameters"}) {
              if (const nb::object value = given.find(key); value.is_valid()) of_target[key] = value;
            }
            of_target["density"] = given.need("text");
            target = description_of<ExpressionTarget>(nb::args(), of_target);
            const nb::object time = given.find("time");
            new (self)
                Expression(target.density, {.dim = target.dim,
                                            .parameters = target.parameters,
                                            .time = time.is_valid() && truth_of(time, given.place("time"))});
          },
          nb::sig("def __init__(self, text: str, dim: int = 1, *, parameters: dict[str, float] | None = "
                  "None, time: "
                  "bool = False) -> None"))
      .def_prop_ro("text", &Expression::text, "The text as given.")
      .def_prop_ro("dim", &Expression::dim, "Dimension d of x.")
      .def(
          "value",
          [](const Expression& self, nb::handle x, nb::handle t) {
            return array(
                self.value(points_of(x, "Expression.value: x"), number_of(t, "Expression.value: t")));
          },
          any_arg("x"), any_arg("t") = 0.0, docs("Expression::value"))
      .def(
          "gradient",
          [](const Expression& self, nb::handle x, nb::handle t) {
            return array(self.gradient(points_of(x, "Expression.gradient: x"),
                                       number_of(t, "Expression.gradient: t")));
          },
          any_arg("x"), any_arg("t") = 0.0, docs("Expression::gradient"))
      .def("__repr__", [](const Expression& self) {
        return concat("Expression(", nb::repr(nb::str(self.text().c_str())).c_str(), ", dim=", self.dim(),
                      ")");
      });
}

}  // namespace

void bind_target(nb::module_& module) {
  bind_description<SparsePrior, false>(module);
  bind_observed(module);
  bind_descriptions<TargetDescription>(module);
  bind_targets(module);
  bind_law(module);
  bind_expression(module);
  module.def(
      "read_logistic",
      [](nb::handle file, nb::handle standardise, nb::handle prior_std) {
        const std::size_t choice =
            choice_of(standardise, "read_logistic: standardise", {"none", "scale", "center-scale"});
        return read_logistic(path_of(file, "read_logistic: file"), static_cast<Standardise>(choice),
                             number_of(prior_std, "read_logistic: prior_std"));
      },
      any_arg("file"), any_arg("standardise") = "none", any_arg("prior_std") = 1.0, docs("read_logistic"));
}

}  // namespace gmdiff::python
