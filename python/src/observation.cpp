#include <gmdiff/model/observation.hpp>

#include <gmdiff/model/nonlinear_observation.hpp>

#include "bindings.hpp"
#include "callables.hpp"
#include "descriptions.hpp"
#include "io/nonlinear_json.hpp"
#include "released.hpp"
#include "states.hpp"

// Linear observations, maps, and observations with a map.

namespace gmdiff::python {

template <>
struct StateOf<ElementwiseMap> {
  static constexpr AllMembers members{&ElementwiseMap::function, &ElementwiseMap::A, &ElementwiseMap::b};
};
template <>
struct StateOf<RangeMap> {
  static constexpr AllMembers members{&RangeMap::anchors};
};
template <>
struct StateOf<ExpressionMap> {
  static constexpr AllMembers members{&ExpressionMap::texts, &ExpressionMap::dim, &ExpressionMap::parameters};
};
namespace {

/// The noise of an observation: `noise_std`, or `noise_covariance` with the precision of its numbers.
template <class Make>
auto with_noise(const Arguments& given, Make make) {
  const nb::object std = given.find("noise_std"), covariance = given.find("noise_covariance");
  if (std.is_valid() == covariance.is_valid())
    fail(given.function(), ": expected either noise_std or noise_covariance, given ",
         std.is_valid() ? "both" : "none");
  if (std.is_valid()) return make(number_of(std, given.place("noise_std")));
  double precision = 0.0;
  Eigen::MatrixXd R = matrix_of(covariance, given.place("noise_covariance"), "(dy, dy)", &precision);
  return make(std::move(R), precision);
}

LinearObservation linear_observation(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("LinearObservation", {"A", "y", "noise_std", "noise_covariance"}, 3, positional,
                        named);
  const Eigen::MatrixXd A = matrix_of(given.need("A"), given.place("A"), "(dy, d)");
  const Eigen::VectorXd y = vector_of(given.need("y"), given.place("y"), "(dy)");
  return with_noise(given, [&](auto... noise) { return LinearObservation(A, y, std::move(noise)...); });
}

/// The state of an observation for pickles and comparisons.
template <class Observation>
nb::dict noise_of(const Observation& observation) {
  nb::dict state;
  state["y"] = array(observation.y());
  if (observation.has_noise_std()) {
    state["noise_std"] = observation.noise_std();
  } else {
    state["noise_covariance"] = array(observation.noise_covariance());
  }
  return state;
}

void bind_linear(nb::module_& module) {
  nb::class_<LinearObservation>(module, "LinearObservation", docs("LinearObservation"))
      .def(
          "__init__",
          [](LinearObservation* self, const nb::args& positional, const nb::kwargs& named) {
            new (self) LinearObservation(linear_observation(positional, named));
          },
          nb::sig("def __init__(self, A: typing.Any, y: typing.Any, noise_std: float | None = None, *, "
                  "noise_covariance: typing.Any = None) -> None"))
      .def_prop_ro(
          "A", [](const LinearObservation& self) { return array(self.A()); }, "Matrix A, shape (dy, d).")
      .def_prop_ro(
          "y", [](const LinearObservation& self) { return array(self.y()); },
          "Observed values y, shape (dy).")
      .def_prop_ro(
          "noise_std",
          [](const LinearObservation& self) -> nb::object {
            if (!self.has_noise_std()) return nb::none();
            return nb::float_(self.noise_std());
          },
          "Standard deviation of the noise; None where its covariance is no multiple of the identity.")
      .def_prop_ro(
          "noise_covariance", [](const LinearObservation& self) { return array(self.noise_covariance()); },
          docs("LinearObservation::noise_covariance"))
      .def(
          "__eq__",
          [](const LinearObservation& self, nb::handle other) {
            if (!nb::isinstance<LinearObservation>(other)) return false;
            const auto& given = nb::cast<const LinearObservation&>(other);
            return self.A() == given.A() && self.y() == given.y() &&
                   self.noise_covariance() == given.noise_covariance();
          },
          nb::sig("def __eq__(self, other: object, /) -> bool"))
      .def("__getstate__",
           [](const LinearObservation& self) {
             nb::dict state = noise_of(self);
             state["A"] = array(self.A());
             return state;
           })
      .def("__setstate__",
           [](LinearObservation& self, const nb::dict& state) {
             new (&self) LinearObservation(linear_observation(nb::args(), nb::borrow<nb::kwargs>(state)));
           })
      .def("__repr__", [](const LinearObservation& self) {
        return concat("<LinearObservation of ", self.A().rows(),
                      self.A().rows() == 1 ? " number" : " numbers", " in dimension ", self.A().cols(),
                      self.has_noise_std() ? concat(", noise_std=", self.noise_std()) : ", noise_covariance",
                      ">");
      });
}

/// A map as text, "range" by its anchors.
MapDescription map_of(nb::handle object, const std::string& place) {
  if (auto map = VariantCast<MapDescription>::from(object)) return *map;
  fail_type(place, "a map: ElementwiseMap, RangeMap, ExpressionMap or CustomMap", object);
}

const std::vector<std::string>& function_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const std::string& name : map_names()) {
      if (name != "range" && name != "expression") list.push_back(name);
    }
    return list;
  }();
  return names;
}

ElementwiseMap elementwise_map(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("ElementwiseMap", {"function", "A", "b"}, 3, positional, named);
  ElementwiseMap map;
  map.function =
      static_cast<MapFunction>(choice_of(given.need("function"), given.place("function"), function_names()));
  map.A = matrix_of(given.need("A"), given.place("A"), "(dy, d)");
  if (const nb::object b = given.find("b"); b.is_valid()) map.b = vector_of(b, given.place("b"), "(dy)");
  return map;
}

RangeMap range_map(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("RangeMap", {"anchors"}, 1, positional, named);
  return {.anchors = points_of(given.need("anchors"), given.place("anchors"), "(dy, d)")};
}

ExpressionMap expression_map(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("ExpressionMap", {"texts", "dim", "parameters"}, 2, positional, named);
  ExpressionMap map;
  const nb::object texts = given.need("texts");
  if (PyUnicode_Check(texts.ptr()) || !PySequence_Check(texts.ptr()))
    fail_type(given.place("texts"), "a sequence of texts", texts);
  for (const nb::handle text : nb::borrow<nb::sequence>(texts))
    map.texts.push_back(text_of(text, given.place("texts")));
  map.dim = static_cast<int>(integer_of(given.need("dim"), given.place("dim"), 1, catalogue::max_target_dim));
  if (const nb::object parameters = given.find("parameters"); parameters.is_valid()) {
    if (!PyDict_Check(parameters.ptr()))
      fail_type(given.place("parameters"), "a dict of names and numbers", parameters);
    for (const auto& [key, value] : nb::borrow<nb::dict>(parameters)) {
      const std::string name = text_of(key, given.place("parameters"));
      map.parameters[name] = number_of(value, concat(given.place("parameters"), "[\"", name, "\"]"));
    }
  }
  return map;
}

template <class T>
void bind_map(nb::module_& module, const char* name, T (*make)(const nb::args&, const nb::kwargs&),
              const char* signature) {
  nb::class_<T> made(module, name, docs(name));
  def_state(made);
  made.def(
          "__init__",
          [make](T* self, const nb::args& positional, const nb::kwargs& named) {
            new (self) T(make(positional, named));
          },
          nb::sig(signature))
      .def("__repr__", [name](const T& /*self*/) { return concat("<", name, ">"); });
}

NonlinearObservation nonlinear_observation(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("NonlinearObservation", {"map", "y", "noise_std", "noise_covariance"}, 3, positional,
                        named);
  const MapDescription map = map_of(given.need("map"), given.place("map"));
  const Eigen::VectorXd y = vector_of(given.need("y"), given.place("y"), "(dy)");
  return with_noise(given, [&](auto... noise) { return NonlinearObservation(map, y, std::move(noise)...); });
}

std::string json_of(const NonlinearObservation& observation) {
  return io::write_nonlinear_observation(observation, io::MapDimension::written).dump();
}

void bind_nonlinear(nb::module_& module) {
  const auto docs_of = [](const char* name) { return docs(std::string("NonlinearObservation::") + name); };
  nb::class_<NonlinearObservation> made(module, "NonlinearObservation", docs("NonlinearObservation"));
  def_state(
      made, [](const NonlinearObservation& self) { return nb::str(json_of(self).c_str()); },
      [](nb::handle json) {
        return io::read_nonlinear_observation(io::Json::parse(nb::cast<nb::str>(json).c_str()),
                                              io::Location("NonlinearObservation"), io::any_size);
      });
  made.def(
          "__init__",
          [](NonlinearObservation* self, const nb::args& positional, const nb::kwargs& named) {
            new (self) NonlinearObservation(nonlinear_observation(positional, named));
          },
          nb::sig("def __init__(self, map: typing.Any, y: typing.Any, noise_std: float | None = None, *, "
                  "noise_covariance: typing.Any = None) -> None"))
      .def_prop_ro("dim", &NonlinearObservation::dim, "Dimension d of x.")
      .def_prop_ro(
          "y", [](const NonlinearObservation& self) { return array(self.y()); },
          "Observed values y, shape (dy).")
      .def_prop_ro(
          "map", [](const NonlinearObservation& self) { return object_of(self.map()); }, "The map Phi.")
      .def_prop_ro(
          "noise_covariance", [](const NonlinearObservation& self) { return array(self.noise_covariance()); },
          "R, shape (dy, dy).")
      .def(
          "value",
          [](const NonlinearObservation& self, nb::handle x) {
            const Points points = points_of(x, "NonlinearObservation.value: x");
            return array(released([&] { return self.value(points); }));
          },
          any_arg("x"), docs_of("value"))
      .def(
          "log_likelihood",
          [](const NonlinearObservation& self, nb::handle x) {
            const Points points = points_of(x, "NonlinearObservation.log_likelihood: x");
            return array(released([&] { return self.log_likelihood(points); }));
          },
          any_arg("x"), docs_of("log_likelihood"))
      .def(
          "gradient",
          [](const NonlinearObservation& self, nb::handle x) {
            const Points points = points_of(x, "NonlinearObservation.gradient: x");
            return array(released([&] { return self.gradient(points); }));
          },
          any_arg("x"), docs_of("gradient"))
      .def(
          "__eq__",
          [](const NonlinearObservation& self, nb::handle other) {
            if (!nb::isinstance<NonlinearObservation>(other)) return false;
            const auto& given = nb::cast<const NonlinearObservation&>(other);
            if (self.custom() != nullptr || given.custom() != nullptr) return &self == &given;
            return json_of(self) == json_of(given);
          },
          nb::sig("def __eq__(self, other: object, /) -> bool"))
      .def("__repr__", [](const NonlinearObservation& self) {
        return concat("<NonlinearObservation of ", self.y().size(),
                      self.y().size() == 1 ? " number" : " numbers", " by the map ", name_of(self.map()),
                      " in dimension ", self.dim(), ">");
      });
}

}  // namespace

void bind_observation(nb::module_& module) {
  bind_linear(module);
  bind_map<ElementwiseMap>(module, "ElementwiseMap", elementwise_map,
                           "def __init__(self, function: str, A: typing.Any, b: typing.Any = None) -> None");
  bind_map<RangeMap>(module, "RangeMap", range_map, "def __init__(self, anchors: typing.Any) -> None");
  bind_map<ExpressionMap>(
      module, "ExpressionMap", expression_map,
      "def __init__(self, texts: typing.Sequence[str], dim: int, parameters: dict[str, float] | "
      "None = None) -> None");
  bind_nonlinear(module);
}

}  // namespace gmdiff::python
