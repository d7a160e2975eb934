#include "fokker_planck.hpp"

#include <algorithm>

#include "bindings.hpp"
#include "callables.hpp"
#include "fields.hpp"
#include "models.hpp"
#include "records.hpp"
#include "released.hpp"
#include "running.hpp"

// Fokker-Planck equations on a grid of cells.

namespace gmdiff::python {

Boundary boundary_of(const Arguments& given) {
  const nb::object name = given.find("boundary");
  if (!name.is_valid()) return Boundary::reflecting;
  return static_cast<Boundary>(
      choice_of(name, given.place("boundary"), {"reflecting", "periodic", "absorbing"}));
}

namespace {

using Eigen::Index;
using Eigen::VectorXd;

FokkerPlanck langevin(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("FokkerPlanck.langevin", {"law", "grid", "speed", "boundary"}, 3, positional, named);
  const nb::object law = given.need("law"), speed = given.find("speed");
  const CellGrid& grid = grid_from(given.need("grid"), given.place("grid"));
  const double c = speed.is_valid() ? number_of(speed, given.place("speed")) : 1.0;
  const Boundary boundary = boundary_of(given);
  if (const auto target = find_target(law))
    return watched(
        [&](const std::stop_token&) { return FokkerPlanck::langevin(*target, grid, c, boundary); });
  if (!is_mixture(law)) fail_type(given.place("law"), "a Mixture or a target", law);
  return FokkerPlanck::langevin(mixture_of(law, "law"), grid, c, boundary);
}

/// A function of Python on rows x (n, d) that returns l (n).
FokkerPlanck::LogDensity log_density_of(const nb::object& value, const std::string& place) {
  return [function = Function(value, place), place](const Points& x) {
    VectorXd l = VectorXd::Zero(x.rows());
    function.call([&] { return nb::make_tuple(array(Points(x))); },
                  [&](const nb::object& result) {
                    l = vector_of(result, place + ": the result", "(n)");
                    require(l.size() == x.rows(), place, ": the result has ", l.size(), " numbers, expected ",
                            x.rows());
                  });
    return l;
  };
}

FokkerPlanck from_log_density(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("FokkerPlanck.from_log_density", {"log_density", "grid", "diffusion", "boundary"}, 3,
                        positional, named);
  const nb::object l = given.need("log_density");
  const CellGrid& grid = grid_from(given.need("grid"), given.place("grid"));
  const double diffusion = number_of(given.need("diffusion"), given.place("diffusion"));
  const Boundary boundary = boundary_of(given);
  const std::string place = given.place("log_density");
  if (PyCallable_Check(l.ptr()) == 0)
    return FokkerPlanck::from_log_density(values_of(l, place), grid, diffusion, boundary);
  return watched([&, function = log_density_of(l, place)](const std::stop_token&) {
    return FokkerPlanck::from_log_density(function, grid, diffusion, boundary);
  });
}

/// A coordinate of a field at one point.
DiagonalSde::Function at_points(VectorField field) {
  return [field = std::move(field)](double t, const VectorXd& x, Index axis) {
    return field.value(Points(x.transpose()), t)(0, axis);
  };
}

/// The field of an argument, in the dimension of the grid.
VectorField field_on(const Arguments& given, const char* key, const nb::object& value, const CellGrid& grid,
                     const std::map<std::string, double>& parameters) {
  VectorField field = field_of(value, given.place(key), key, parameters);
  require(field.dim() == grid.dim(), given.place(key), " has dimension ", field.dim(), ", the grid ",
          grid.dim());
  return field;
}

FokkerPlanck from_sde(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("FokkerPlanck.from_sde",
                        {"drift", "grid", "noise", "t", "boundary", "diffusion_slope", "parameters"}, 3,
                        positional, named);
  const CellGrid& grid = grid_from(given.need("grid"), given.place("grid"));
  std::map<std::string, double> parameters;
  double time = 0.0;
  with_argument(given, "parameters",
                [&](const auto& value, const auto& place) { parameters = parameters_from(value, place); });
  with_argument(given, "t", [&](const auto& value, const auto& place) { time = number_of(value, place); });
  DiagonalSde sde{.drift = at_points(field_on(given, "drift", given.need("drift"), grid, parameters))};
  with_argument(given, "noise", [&](const nb::object& value, const std::string& place) {
    if (PyFloat_Check(value.ptr()) || PyLong_Check(value.ptr())) {
      sde.noise = number_of(value, place);
    } else {
      sde.noise = at_points(field_on(given, "noise", value, grid, parameters));
    }
  });
  with_argument(given, "diffusion_slope", [&](const nb::object& value, const std::string&) {
    sde.diffusion_slope = at_points(field_on(given, "diffusion_slope", value, grid, parameters));
  });
  const Boundary boundary = boundary_of(given);
  return watched([&](const std::stop_token&) { return FokkerPlanck::from_sde(sde, grid, time, boundary); });
}

nb::dict rates_of(const FokkerPlanck& self) {
  nb::dict rates;
  nb::list up, down;
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(self.grid().dim()); ++axis) {
    up.append(array(self.rates().up[axis]));
    down.append(array(self.rates().down[axis]));
  }
  rates["up"] = up;
  rates["down"] = down;
  rates["loss"] = array(self.rates().loss);
  return rates;
}

/// The entries of Q: values, rows, columns.
nb::object entries_of(const FokkerPlanck& self) {
  const Eigen::SparseMatrix<double> Q = released([&] { return self.generator(); });
  std::vector<double> values;
  std::vector<std::int64_t> rows, columns;
  const auto size = static_cast<std::size_t>(Q.nonZeros());
  values.reserve(size);
  rows.reserve(size);
  columns.reserve(size);
  for (Index column = 0; column < Q.outerSize(); ++column) {
    for (Eigen::SparseMatrix<double>::InnerIterator entry(Q, column); entry; ++entry) {
      values.push_back(entry.value());
      rows.push_back(entry.row());
      columns.push_back(entry.col());
    }
  }
  const std::vector<std::size_t> shape{values.size()};
  return nb::make_tuple(array(std::move(values)), array(std::move(rows), shape),
                        array(std::move(columns), shape));
}

/// Binds a function of the masses, or other values, of all cells.
template <class F>
void def_of_values(nb::class_<FokkerPlanck>& made, const char* name, const char* argument, F f) {
  const std::string place = concat("FokkerPlanck.", name, ": ", argument);
  made.def(
      name,
      [place, f](const FokkerPlanck& self, nb::handle P) {
        const VectorXd values = values_of(P, place);
        return value_of(released([&] { return f(self, values); }));
      },
      any_arg(argument), docs(std::string("FokkerPlanck::") + name));
}

/// Defines a function of masses and a time.
template <class F>
void def_of_time(nb::class_<FokkerPlanck>& made, const char* name, const char* argument, F f) {
  const std::string place = concat("FokkerPlanck.", name, ": ");
  made.def(
      name,
      [place, argument, f](const FokkerPlanck& self, nb::handle P, nb::handle tau) {
        const VectorXd values = values_of(P, place + argument);
        const double time = number_of(tau, place + "tau");
        return array(released([&] { return f(self, values, time); }));
      },
      any_arg(argument), any_arg("tau"), docs(std::string("FokkerPlanck::") + name));
}

void def_steps(nb::class_<FokkerPlanck>& made) {
  using E = FokkerPlanck;
  def_of_values(made, "rate_of_change", "P",
                [](const E& e, const VectorXd& P) { return e.rate_of_change(P); });
  def_of_time(made, "advance", "P",
              [](const E& e, const VectorXd& P, double tau) { return e.advance(P, tau); });
  def_of_time(made, "expectation", "F",
              [](const E& e, const VectorXd& F, double tau) { return e.expectation(F, tau); });
  def_of_values(made, "relative_entropy", "P",
                [](const E& e, const VectorXd& P) { return e.relative_entropy(P); });
  def_of_values(made, "fisher_information", "P",
                [](const E& e, const VectorXd& P) { return e.fisher_information(P); });
  made.def(
          "advance_implicit",
          [](const E& self, nb::handle P, nb::handle tau, nb::handle steps) {
            const VectorXd values = values_of(P, "FokkerPlanck.advance_implicit: P");
            const double time = number_of(tau, "FokkerPlanck.advance_implicit: tau");
            const auto count = static_cast<int>(integer_of(steps, "FokkerPlanck.advance_implicit: steps", 1,
                                                           std::numeric_limits<int>::max()));
            return array(released([&] { return self.advance_implicit(values, time, count); }));
          },
          any_arg("P"), any_arg("tau"), any_arg("steps") = 1, docs("FokkerPlanck::advance_implicit"))
      .def(
          "reversed",
          [](const E& self, nb::handle P) { return self.reversed(values_of(P, "FokkerPlanck.reversed: P")); },
          any_arg("P"), docs("FokkerPlanck::reversed"));
}

void bind_equation(nb::module_& module) {
  using E = FokkerPlanck;
  const auto docs_of = [](const char* name) { return docs(std::string("FokkerPlanck::") + name); };
  nb::class_<E> made(module, "FokkerPlanck", docs("FokkerPlanck"));
  def_copies(made);
  refuse_pickles(made, "FokkerPlanck: is assembled from a grid and fields; pickle these and make it again");
  made.def_static("langevin", &langevin,
                  nb::sig("def langevin(law: typing.Any, grid: CellGrid, speed: float = 1.0, *, boundary: "
                          "str = 'reflecting') "
                          "-> FokkerPlanck"),
                  docs_of("langevin"))
      .def_static("from_log_density", &from_log_density,
                  nb::sig("def from_log_density(log_density: typing.Any, grid: CellGrid, diffusion: float, "
                          "*, boundary: str = "
                          "'reflecting') -> FokkerPlanck"),
                  "dX = D grad l dt + sqrt(2 D) dW with the diffusion D > 0. log_density: a function that "
                  "returns l (n) of "
                  "points x (n, d), or the values of l at the centres (size).")
      .def_static(
          "from_sde", &from_sde,
          nb::sig(
              "def from_sde(drift: typing.Any, grid: CellGrid, noise: typing.Any = 1.0, *, t: float = 0.0, "
              "boundary: str = 'reflecting', diffusion_slope: typing.Any = None, parameters: dict[str, "
              "float] | "
              "None = None) -> FokkerPlanck"),
          "A diffusion with the coefficients drift and noise at time t. Each is texts in t and x, numbers "
          "(d), a "
          "VectorField or a CustomField, which is called for one point after the other. diffusion_slope: the "
          "derivatives of D_j = noise_j^2 / 2 along their axes, by default a central difference.")
      .def_prop_ro("grid", [](const E& self) { return self.grid(); })
      .def_prop_ro("boundary",
                   [](const E& self) {
                     constexpr const char* names[] = {"reflecting", "periodic", "absorbing"};
                     return names[static_cast<std::size_t>(self.boundary())];
                   })
      .def_prop_ro("rates", &rates_of,
                   "Rates of jumps between neighbouring cells, as a dict: lists up and down of one "
                   "array (size) for each axis, and loss (size) out of the box.")
      .def_prop_ro("max_rate", &E::max_rate, docs_of("max_rate"))
      .def("generator", &entries_of,
           "The entries of Q as arrays (values, rows, columns): entry (j, i) is the rate from "
           "cell i to cell j.")
      .def(
          "stationary", [](const E& self) { return array(self.stationary()); }, docs_of("stationary"))
      .def(
          "decay_rates",
          [](const E& self, nb::handle count) {
            const Index number = integer_of(count, "FokkerPlanck.decay_rates: count");
            return array(released([&] { return self.decay_rates(number); }));
          },
          any_arg("count"), docs_of("decay_rates"))
      .def(
          "spectral_gap", [](const E& self) { return released([&] { return self.spectral_gap(); }); },
          docs_of("spectral_gap"))
      .def("__repr__",
           [](const E& self) { return concat("<FokkerPlanck on ", self.grid().size(), " cells>"); });
  def_steps(made);
}

/// The equation at a time, from a function of Python.
std::function<FokkerPlanck(double)> equation_of(const nb::object& value, const std::string& place) {
  return [function = Function(value, place), place](double t) {
    std::optional<FokkerPlanck> equation;
    function.call([&] { return nb::make_tuple(t); },
                  [&](const nb::object& result) {
                    if (!nb::isinstance<FokkerPlanck>(result))
                      fail_type(place + ": the result", "a FokkerPlanck", result);
                    equation = nb::cast<const FokkerPlanck&>(result);
                  });
    require(equation.has_value(), "interrupted");
    return *equation;
  };
}

nb::object magnus(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("advance_magnus", {"equation", "P", "t", "tau", "steps"}, 5, positional, named);
  const auto equation = equation_of(given.need("equation"), given.place("equation"));
  const VectorXd P = values_of(given.need("P"), given.place("P"));
  const double t = number_of(given.need("t"), given.place("t")),
               tau = number_of(given.need("tau"), given.place("tau"));
  const auto steps = static_cast<int>(
      integer_of(given.need("steps"), given.place("steps"), 1, std::numeric_limits<int>::max()));
  return array(watched([&](const std::stop_token&) { return advance_magnus(equation, P, t, tau, steps); }));
}

void bind_steps(nb::module_& module) {
  nb::class_<ImplicitEuler> made(module, "ImplicitEuler", docs("ImplicitEuler"));
  def_copies(made);
  refuse_pickles(made, "ImplicitEuler: holds a factorisation; make it again from its equation");
  made.def(
          "__init__",
          [](ImplicitEuler* self, nb::handle equation, nb::handle tau) {
            const auto& given =
                instance_of<FokkerPlanck>(equation, "ImplicitEuler: equation", "a FokkerPlanck");
            const double time = number_of(tau, "ImplicitEuler: tau");
            new (self) ImplicitEuler(released([&] { return ImplicitEuler(given, time); }));
          },
          any_arg("equation"), any_arg("tau"))
      .def(
          "step",
          [](const ImplicitEuler& self, nb::handle P) {
            const VectorXd values = values_of(P, "ImplicitEuler.step: P");
            return array(released([&] { return self.step(values); }));
          },
          any_arg("P"), docs("ImplicitEuler::step"))
      .def("__repr__", [](const ImplicitEuler& /*self*/) { return "<ImplicitEuler of a FokkerPlanck>"; });
  module.def(
      "advance_magnus", &magnus,
      nb::sig(
          "def advance_magnus(equation: typing.Callable, P: typing.Any, t: float, tau: float, steps: int) -> "
          "numpy.ndarray"),
      docs("advance_magnus"));
}

}  // namespace

void bind_fokker_planck(nb::module_& module) {
  bind_cells(module);
  bind_equation(module);
  bind_steps(module);
  bind_evolution(module);
}

}  // namespace gmdiff::python
