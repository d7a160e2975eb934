#include <gmdiff/model/process.hpp>

#include <gmdiff/model/time_grid.hpp>

#include "bindings.hpp"
#include "callables.hpp"
#include "descriptions.hpp"
#include "models.hpp"
#include "states.hpp"

// Forward processes and time grids.

namespace gmdiff::python {

ProcessDescription process_of(nb::handle object, const std::string& place) {
  if (nb::isinstance<ForwardProcess>(object)) return nb::cast<const ForwardProcess&>(object).description();
  if (auto description = VariantCast<ProcessDescription>::from(object)) return *description;
  fail_type(place, "a process, such as Vp(LinearBeta(0.1, 20))", object);
}

GridDescription grid_of(nb::handle object, const std::string& place) {
  if (nb::isinstance<TimeGrid>(object)) return nb::cast<const TimeGrid&>(object).description();
  if (auto description = VariantCast<GridDescription>::from(object)) return *description;
  fail_type(place, "a grid, such as UniformGrid(100)", object);
}

namespace {

/// A function of the time that calls a function of Python.
std::function<double(double)> time_function(const Arguments& given, const char* key) {
  const nb::object function = given.find(key);
  if (!function.is_valid()) return {};
  return [function = Function(function, given.place(key)), place = given.place(key)](double t) {
    double value = 0.0;
    function.call([&] { return nb::make_tuple(t); },
                  [&](const nb::object& result) { value = number_of(result, place + ": the result"); });
    return value;
  };
}

CustomProcess custom_process(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("CustomProcess", {"alpha", "sigma", "dalpha", "dsigma", "T"}, 2, positional, named);
  given.need("alpha");
  given.need("sigma");
  CustomProcess process{.alpha = time_function(given, "alpha"),
                        .sigma = time_function(given, "sigma"),
                        .dalpha = time_function(given, "dalpha"),
                        .dsigma = time_function(given, "dsigma")};
  if (const nb::object T = given.find("T"); T.is_valid()) process.T = number_of(T, given.place("T"));
  return process;
}

/// Binds a function of the time.
void def_of_time(nb::class_<ForwardProcess>& made, const char* name,
                 double (ForwardProcess::*function)(double) const, const char* text) {
  const std::string place = concat("ForwardProcess.", name, ": t");
  made.def(
      name,
      [place, function](const ForwardProcess& self, nb::handle t) {
        return (self.*function)(number_of(t, place));
      },
      any_arg("t"), text);
}

void bind_forward_process(nb::module_& module) {
  nb::class_<CustomProcess> custom(module, "CustomProcess", docs("CustomProcess"));
  def_copies(custom);
  refuse_pickles(custom, "CustomProcess: holds functions, which a pickle cannot keep");
  custom
      .def(
          "__init__",
          [](CustomProcess* self, const nb::args& positional, const nb::kwargs& named) {
            new (self) CustomProcess(custom_process(positional, named));
          },
          nb::sig("def __init__(self, alpha: typing.Callable, sigma: typing.Callable, *, dalpha: "
                  "typing.Callable | "
                  "None = None, dsigma: typing.Callable | None = None, T: float = 1.0) -> None"))
      .def_ro("T", &CustomProcess::T, "Largest time T.")
      .def("__repr__",
           [](const CustomProcess& self) { return concat("<CustomProcess on [0, ", self.T, "]>"); });
  nb::class_<ForwardProcess> made(module, "ForwardProcess", docs("ForwardProcess"));
  def_state(
      made, [](const ForwardProcess& self) { return object_of(self.description()); },
      [](nb::handle description) { return ForwardProcess(process_of(description, "ForwardProcess")); });
  made.def(
          "__init__",
          [](ForwardProcess* self, nb::handle description) {
            new (self) ForwardProcess(process_of(description, "ForwardProcess: description"));
          },
          any_arg("description"))
      .def_prop_ro(
          "description", [](const ForwardProcess& self) { return object_of(self.description()); },
          "The description of the process.")
      .def_prop_ro("name", &ForwardProcess::name, "Name of the kind of process.")
      .def_prop_ro("T", &ForwardProcess::T, docs("ForwardProcess::T"))
      .def_prop_ro("has_derivatives", &ForwardProcess::has_derivatives,
                   "Whether alpha and sigma have derivatives, which some samplers need.")
      .def(
          "level",
          [](const ForwardProcess& self, nb::handle t) {
            return self.level(number_of(t, "ForwardProcess.level: t"));
          },
          any_arg("t"), "The level (alpha, sigma) at time t.")
      .def("__repr__", [](const ForwardProcess& self) {
        return concat("ForwardProcess(", nb::repr(object_of(self.description())).c_str(), ")");
      });
  def_of_time(
      made, "alpha", &ForwardProcess::alpha,
      "alpha(t) >= 0 at a time in [0, T]. Raises ValueError for other times, as the functions below.");
  def_of_time(made, "sigma", &ForwardProcess::sigma, "sigma(t) >= 0.");
  def_of_time(made, "log_snr", &ForwardProcess::log_snr, docs("ForwardProcess::log_snr"));
  def_of_time(made, "drift", &ForwardProcess::drift, docs("ForwardProcess::drift"));
  def_of_time(made, "squared_diffusion", &ForwardProcess::squared_diffusion,
              docs("ForwardProcess::squared_diffusion"));
  def_of_time(made, "p", &ForwardProcess::p, docs("ForwardProcess::p"));
  def_of_time(made, "q", &ForwardProcess::q, "q = alpha' - alpha p, see `p`.");
}

void bind_time_grid(nb::module_& module) {
  nb::class_<TimeGrid> made(module, "TimeGrid", docs("TimeGrid"));
  def_copies(made);
  refuse_pickles(made, "TimeGrid: does not keep its process; pickle the process and the description");
  made.def(
          "__init__",
          [](TimeGrid* self, nb::handle process, nb::handle description, nb::handle observation) {
            const ForwardProcess forward(process_of(process, "TimeGrid: process"));
            const GridDescription grid = grid_of(description, "TimeGrid: description");
            if (!observation.is_none() && !nb::isinstance<LinearObservation>(observation))
              fail_type("TimeGrid: observation", "a LinearObservation", observation);
            const auto* observed =
                observation.is_none() ? nullptr : &nb::cast<const LinearObservation&>(observation);
            new (self) TimeGrid(forward, grid, observed);
          },
          any_arg("process"), any_arg("description"), nb::arg("observation") = nb::none())
      .def_prop_ro("num_steps", &TimeGrid::num_steps, "Number of steps, one less than the levels.")
      .def_prop_ro(
          "times", [](const TimeGrid& self) { return array(self.times()); }, docs("TimeGrid::times"))
      .def_prop_ro(
          "levels",
          [](const TimeGrid& self) {
            nb::list levels;
            for (const GridLevel& level : self.levels())
              levels.append(Level{.alpha = static_cast<double>(level.alpha),
                                  .sigma = static_cast<double>(level.sigma)});
            return levels;
          },
          "The levels from noisy to clean.")
      .def_prop_ro(
          "description", [](const TimeGrid& self) { return object_of(self.description()); },
          "Description of the grid.")
      .def("__len__", [](const TimeGrid& self) { return self.levels().size(); })
      .def("__repr__", [](const TimeGrid& self) {
        return concat("<TimeGrid of ", self.num_steps(), " steps, ",
                      nb::repr(object_of(self.description())).c_str(), ">");
      });
}

}  // namespace

void bind_process(nb::module_& module) {
  bind_description<LinearBeta>(module);
  bind_description<CosineBeta>(module);
  bind_descriptions<ProcessDescription>(module);
  bind_forward_process(module);
  bind_descriptions<GridDescription>(module);
}

void bind_grid(nb::module_& module) { bind_time_grid(module); }

}  // namespace gmdiff::python
