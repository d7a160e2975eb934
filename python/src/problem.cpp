#include <gmdiff/sampler/problem.hpp>

#include <sstream>

#include <gmdiff/io/problem_file.hpp>

#include "bindings.hpp"
#include "callables.hpp"
#include "descriptions.hpp"
#include "models.hpp"
#include "named_dynamics.hpp"
#include "states.hpp"

// Problems: what a problem file holds.

namespace gmdiff::python {

std::optional<AnyProblem> find_problem(nb::handle object) { return VariantCast<AnyProblem>::from(object); }

namespace {

/// Sets process, grid, sampler and denoiser that are given. @param problem with a prior
void set_parts(const Arguments& given, auto& problem) {
  if (const nb::object process = given.find("process"); process.is_valid())
    problem.process = process_of(process, given.place("process"));
  if (const nb::object grid = given.find("grid"); grid.is_valid())
    problem.grid = grid_of(grid, given.place("grid"));
  if (const nb::object sampler = given.find("sampler"); sampler.is_valid())
    problem.sampler = sampler_of(sampler, given.place("sampler"));
  if (const nb::object denoiser = given.find("denoiser"); denoiser.is_valid()) {
    problem.denoiser = GivenDenoiser{.denoiser = host_denoiser_of(denoiser, given.place("denoiser"))};
    if (!given.find("sampler").is_valid()) problem.sampler = Ddim{.start = Start::gaussian};
  }
}

const std::vector<std::string>& problem_keys() {
  static const std::vector<std::string> keys{"prior",       "process", "grid",
                                             "observation", "sampler", "denoiser"};
  return keys;
}
constexpr const char* problem_signature =
    "def __init__(self, prior: Mixture, process: typing.Any = ..., grid: typing.Any = ..., observation: "
    "typing.Any = "
    "None, sampler: typing.Any = ..., denoiser: typing.Any = None) -> None";

Problem problem_of(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("Problem", problem_keys(), 5, positional, named);
  Problem problem{.prior = mixture_of(given.need("prior"), given.place("prior"))};
  if (const nb::object observation = given.find("observation"); observation.is_valid()) {
    if (!nb::isinstance<LinearObservation>(observation))
      fail_type(given.place("observation"),
                "a LinearObservation (a NonlinearProblem takes a NonlinearObservation)", observation);
    problem.observation = nb::cast<const LinearObservation&>(observation);
  }
  set_parts(given, problem);
  return problem;
}

NonlinearProblem nonlinear_problem_of(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("NonlinearProblem", problem_keys(), 5, positional, named);
  const nb::object observation = given.need("observation");
  if (!nb::isinstance<NonlinearObservation>(observation))
    fail_type(given.place("observation"), "a NonlinearObservation", observation);
  NonlinearProblem problem{.prior = mixture_of(given.need("prior"), given.place("prior")),
                           .observation = nb::cast<const NonlinearObservation&>(observation)};
  set_parts(given, problem);
  gmdiff::target_of(problem);
  return problem;
}

TargetProblem target_problem_of(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("TargetProblem", {"target", "sampler"}, 2, positional, named);
  TargetProblem problem{.target = target_of(given.need("target"), given.place("target"))};
  if (const nb::object sampler = given.find("sampler"); sampler.is_valid())
    problem.sampler = target_sampler_of(sampler, given.place("sampler"));
  return problem;
}

/// A problem as JSON, for files, comparisons and pickles.
template <class T>
std::string json_of(const T& problem) {
  return to_json(problem);
}

AnyProblem problem_of_json(const std::string& json, const std::string& name) {
  std::istringstream in(json);
  return read_any_problem(in, name, {});
}

template <class T>
nb::class_<T> bind_one(nb::module_& module, const char* name) {
  nb::class_<T> made(module, name, docs(name));
  made.def("to_json", &json_of<T>, "The problem as the text of a problem file.")
      .def(
          "__eq__",
          [](const T& self, nb::handle other) {
            return nb::isinstance<T>(other) && json_of(self) == json_of(nb::cast<const T&>(other));
          },
          nb::sig("def __eq__(self, other: object, /) -> bool"));
  def_state(
      made, [](const T& self) { return nb::str(json_of(self).c_str()); },
      [name](nb::handle json) {
        return std::get<T>(problem_of_json(nb::cast<nb::str>(json).c_str(), name));
      });
  return made;
}

/// Binds the parts of a problem that has a prior.
template <class T>
void def_parts(nb::class_<T>& made) {
  made.def_ro("prior", &T::prior, "The prior.")
      .def_prop_ro(
          "process", [](const T& self) { return object_of(self.process); },
          "Description of the forward process.")
      .def_prop_ro(
          "grid", [](const T& self) { return object_of(self.grid); }, "Description of the time grid.")
      .def_prop_ro(
          "sampler", [](const T& self) { return object_of(self.sampler); }, "The sampler.")
      .def_prop_ro(
          "dim", [](const T& self) { return self.prior.dim(); }, "Dimension d of the samples.")
      .def("__repr__", [](const T& self) {
        return concat("<", class_name(typeid(T)), ": ", nb::repr(nb::cast(self.prior)).c_str(), ", ",
                      nb::repr(object_of(self.sampler)).c_str(), ">");
      });
}

template <class T>
void def_init(nb::class_<T>& made, T (*make)(const nb::args&, const nb::kwargs&), const char* signature) {
  made.def(
      "__init__",
      [make](T* self, const nb::args& positional, const nb::kwargs& named) {
        new (self) T(make(positional, named));
      },
      nb::sig(signature));
}

void bind_classes(nb::module_& module) {
  auto problem = bind_one<Problem>(module, "Problem");
  def_init(problem, problem_of, problem_signature);
  def_parts(problem);
  problem.def_prop_ro(
      "observation",
      [](const Problem& self) -> nb::object {
        return self.observation ? nb::cast(*self.observation) : nb::none();
      },
      "The observation; None for a problem of the prior.");
  auto nonlinear = bind_one<NonlinearProblem>(module, "NonlinearProblem");
  def_init(nonlinear, nonlinear_problem_of, problem_signature);
  def_parts(nonlinear);
  nonlinear.def_ro("observation", &NonlinearProblem::observation, "The nonlinear observation.");
  auto target = bind_one<TargetProblem>(module, "TargetProblem");
  def_init(target, target_problem_of,
           "def __init__(self, target: typing.Any, sampler: typing.Any = ...) -> None");
  target.def_ro("target", &TargetProblem::target, "The target.")
      .def_prop_ro(
          "sampler", [](const TargetProblem& self) { return object_of(self.sampler); }, "The Markov chain.")
      .def_prop_ro(
          "dim", [](const TargetProblem& self) { return self.target.dim(); }, "Dimension d.")
      .def("__repr__", [](const TargetProblem& self) {
        return concat("<TargetProblem: ", nb::repr(nb::cast(self.target)).c_str(), ", ",
                      nb::repr(object_of(self.sampler)).c_str(), ">");
      });
}

/// A field of d texts, or a CustomField.
void read_field(const nb::object& value, const std::string& place, std::vector<std::string>& texts,
                std::optional<CustomField>& custom) {
  if (nb::isinstance<CustomField>(value)) {
    custom = nb::cast<const CustomField&>(value);
    return;
  }
  if (PyUnicode_Check(value.ptr())) {
    texts = {text_of(value, place)};
    return;
  }
  if (!PySequence_Check(value.ptr())) fail_type(place, "a text, a sequence of texts or a CustomField", value);
  for (const nb::handle text : nb::borrow<nb::sequence>(value)) texts.push_back(text_of(text, place));
}

void read_noise(const nb::object& value, const std::string& place, Dynamics& dynamics) {
  if (PyFloat_Check(value.ptr()) || PyLong_Check(value.ptr())) {
    dynamics.noise = number_of(value, place);
    return;
  }
  const bool is_texts = PyUnicode_Check(value.ptr()) || (PyList_Check(value.ptr()) && nb::len(value) > 0 &&
                                                         PyUnicode_Check(nb::object(value[0]).ptr()));
  if (!is_texts && !nb::isinstance<CustomField>(value)) {
    dynamics.noise = list_of(value, place, "(d)");
    return;
  }
  std::vector<std::string> texts;
  read_field(value, place, texts, dynamics.custom_noise);
  if (!texts.empty()) dynamics.noise = texts;
}

Dynamics dynamics_of(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("Dynamics", with_run_of_dynamics({"drift", "noise", "parameters"}), 2, positional,
                        named);
  Dynamics dynamics;
  read_field(given.need("drift"), given.place("drift"), dynamics.drift, dynamics.custom_drift);
  const auto with = [&](const char* key, auto read) {
    if (const nb::object value = given.find(key); value.is_valid()) read(value, given.place(key));
  };
  with("noise", [&](const auto& value, const auto& place) { read_noise(value, place, dynamics); });
  with("parameters", [&](const auto& value, const auto& place) {
    if (!PyDict_Check(value.ptr())) fail_type(place, "a dict of names and numbers", value);
    for (const auto& [key, number] : nb::borrow<nb::dict>(value)) {
      const std::string name = text_of(key, place);
      dynamics.parameters[name] = number_of(number, concat(place, "[\"", name, "\"]"));
    }
  });
  set_run_of_dynamics(given, dynamics);
  return dynamics;
}

void bind_dynamics(nb::module_& module) {
  nb::class_<Dynamics> dynamics(module, "Dynamics", docs("Dynamics"));
  def_init(dynamics, dynamics_of,
           "def __init__(self, drift: typing.Any, noise: typing.Any = 0.0, *, parameters: dict[str, float] | "
           "None = "
           "None, t_start: float = 0.0, t_end: float = 1.0, steps: int = 1000, scheme: str = "
           "'euler-maruyama', start: "
           "typing.Any = None, path_steps: int = 0) -> None");
  def_state(
      dynamics, [](const Dynamics& self) { return nb::str(json_of(DynamicsProblem{self}).c_str()); },
      [](nb::handle json) {
        return std::get<DynamicsProblem>(problem_of_json(nb::cast<nb::str>(json).c_str(), "Dynamics"))
            .dynamics;
      });
  dynamics.def_ro("t_start", &Dynamics::t_start, "Time of the start.")
      .def_ro("t_end", &Dynamics::t_end, "Time of the end, greater than `t_start`.")
      .def_ro("steps", &Dynamics::steps, "Number of steps of equal length.")
      .def_prop_ro(
          "scheme", [](const Dynamics& self) { return to_string(self.scheme); }, "Name of the scheme.")
      .def_prop_ro(
          "name",
          [](const Dynamics& self) -> nb::object {
            if (!self.named) return nb::none();
            return nb::str(name_of(*self.named));
          },
          "Name of dynamics by name, such as \"langevin\", else None.")
      .def("__repr__", [](const Dynamics& self) {
        return concat("<Dynamics: ", self.steps, " steps of ", to_string(self.scheme), " from ", self.t_start,
                      " to ", self.t_end, ">");
      });
  auto problem = bind_one<DynamicsProblem>(module, "DynamicsProblem");
  problem
      .def(
          "__init__",
          [](DynamicsProblem* self, nb::handle given) {
            if (!nb::isinstance<Dynamics>(given)) fail_type("DynamicsProblem: dynamics", "Dynamics", given);
            new (self) DynamicsProblem{nb::cast<const Dynamics&>(given)};
          },
          any_arg("dynamics"))
      .def_ro("dynamics", &DynamicsProblem::dynamics, "The SDE or ODE.")
      .def("__repr__", [](const DynamicsProblem& self) {
        return concat("<DynamicsProblem: ", nb::repr(nb::cast(self.dynamics)).c_str(), ">");
      });
}

nb::object mcgdiff(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("mcgdiff_problem", {"dx", "dy", "seed", "points"}, 3, positional, named);
  McgdiffProblem parameters;
  const auto with = [&](const char* key, int& parameter) {
    if (const nb::object value = given.find(key); value.is_valid())
      parameter = static_cast<int>(integer_of(value, given.place(key), 1, std::numeric_limits<int>::max()));
  };
  with("dx", parameters.dx);
  with("dy", parameters.dy);
  with("points", parameters.points);
  if (const nb::object seed = given.find("seed"); seed.is_valid())
    parameters.seed = seed_of(seed, given.place("seed"));
  return nb::cast(mcgdiff_problem(parameters));
}

void bind_problem_functions(nb::module_& module) {
  module.def(
      "load_problem",
      [](nb::handle file) { return object_of(read_any_problem(path_of(file, "load_problem: file"))); },
      any_arg("file"), docs("read_any_problem"));
  module.def(
      "parse_problem",
      [](nb::handle json) {
        return object_of(problem_of_json(text_of(json, "parse_problem: json"), "problem"));
      },
      any_arg("json"), "Reads a problem from the text of a problem file.");
  module.def(
      "ready_made_problem",
      [](nb::handle name) {
        return object_of(ready_made_problem(text_of(name, "ready_made_problem: name")));
      },
      any_arg("name"), docs("ready_made_problem"));
  module.def(
      "problem_names",
      [] {
        nb::list names;
        for (const std::string& name : problem_names()) names.append(name);
        return names;
      },
      docs("problem_names"));
  module.def(
      "mcgdiff_problem", &mcgdiff,
      nb::sig("def mcgdiff_problem(dx: int = 8, dy: int = 2, seed: int = 0, *, points: int = 21) -> Problem"),
      docs("mcgdiff_problem"));
}

}  // namespace

void bind_problem(nb::module_& module) {
  bind_classes(module);
  bind_dynamics(module);
  bind_problem_functions(module);
}

}  // namespace gmdiff::python
