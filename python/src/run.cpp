#include <gmdiff/device/session.hpp>

#include <gmdiff/device/path_moments.hpp>
#include <gmdiff/model/posterior.hpp>
#include <gmdiff/model/probability_flow.hpp>

#include "bindings.hpp"
#include "descriptions.hpp"
#include "docstrings.hpp"
#include "errors.hpp"
#include "models.hpp"
#include "numbers.hpp"
#include "options.hpp"
#include "plans.hpp"
#include "released.hpp"
#include "running.hpp"
#include "shown_law.hpp"
#include "states.hpp"

// Functions that run plans, with and without a session.

namespace gmdiff::python {

template <>
struct StateOf<Posterior> {
  static constexpr AllMembers members{&Posterior::mixture, &Posterior::log_evidence,
                                      &Posterior::component_log_likelihood};
};
namespace {

/// Hands the warnings of a run to Python's `warnings`. @throws the warning where the program asks for that.
void warn(const Samples& samples) {
  for (const std::string& text : samples.provenance().warnings) {
    if (PyErr_WarnEx(run_warning().ptr(), text.c_str(), 1) != 0) throw nb::python_error();
  }
}

template <class Result>
nb::object with_warnings(Result samples) {
  warn(samples);
  return nb::cast(std::move(samples));
}

/// Runs a plan, on the session or on that of the thread. @param session null for the latter
nb::object run_plan(const Plan& plan, Options options, const Session* session) {
  return with_warnings(watched([&](const std::stop_token& stop) {
    options.stop = stop;
    return session != nullptr ? session->run(plan, options) : run(plan, options);
  }));
}

nb::object run_plan(const std::vector<SmcPlan>& plans, Options options, const Session* session) {
  return with_warnings(watched([&](const std::stop_token& stop) {
    options.stop = stop;
    return session != nullptr ? session->run(plans, options) : run(std::span<const SmcPlan>(plans), options);
  }));
}

nb::object run_plan(const PathPlan& plan, Options options, const Session* session) {
  return with_warnings(watched([&](const std::stop_token& stop) {
    options.stop = stop;
    return session != nullptr ? session->run(plan, options) : run(plan, options);
  }));
}

nb::object sample(const Session* session, const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("sample", with_options(sample_keys()), 4, positional, named);
  const Options options = options_of(given);
  nb::object samples = std::visit([&](const auto& plan) { return run_plan(plan, options, session); },
                                  sampling_plan_of(given, options.seed));
  keep_origin(samples, given);
  return samples;
}

nb::object forward(const Session* session, const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("forward", with_options({"law", "process", "grid", "prior"}), 3, positional, named);
  const Plan plan = forward_plan_of(given);
  nb::object samples = run_plan(plan, options_of(given), session);
  keep_origin(samples, given);
  return samples;
}

/// The moments over the paths of `forward`, as a dict of arrays.
nb::dict moments_over_paths(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("path_moments", with_options({"law", "process", "grid", "prior"}), 3, positional,
                        named);
  const Plan plan = forward_plan_of(given);
  Options options = options_of(given);
  const PathMoments moments = watched([&](const std::stop_token& stop) {
    options.stop = stop;
    return path_moments(plan, options);
  });
  const auto M = moments.times.size(), d = static_cast<std::size_t>(plan.dim());
  nb::dict result;
  result["times"] = array(moments.times);
  result["mean"] = array(moments.mean);
  result["variance"] = array(moments.variance);
  if (moments.covariance.size() > 0) {
    const double* entries = moments.covariance.data();
    result["covariance"] = array(std::vector<double>(entries, entries + M * d * d), {M, d, d});
  }
  return result;
}

nb::object draw(const Session* session, const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("draw", with_options({"law", "level", "prior"}), 2, positional, named);
  const Plan plan = draw_plan_of(given);
  nb::object samples = run_plan(plan, options_of(given), session);
  keep_origin(samples, given);
  return samples;
}

/// Quantities by name, as arrays.
nb::dict dict_of(Evaluation&& values, const EvaluateOptions& options) {
  nb::dict result;
  if (options.log_density) result["log_density"] = array(std::move(values.log_density));
  if (options.log_responsibilities)
    result["log_responsibilities"] = array(std::move(values.log_responsibilities));
  if (options.score) result["score"] = array(std::move(values.score));
  if (options.denoiser) result["denoiser"] = array(std::move(values.denoiser));
  return result;
}

/// Selects the quantities of a sequence of names.
void select(const nb::object& names, const std::string& place, EvaluateOptions& options) {
  options.log_density = options.log_responsibilities = options.score = options.denoiser = false;
  bool* const selected[] = {&options.log_density, &options.log_responsibilities, &options.score,
                            &options.denoiser};
  for (const nb::object& name : listed(names))
    *selected[choice_of(name, place, {"log_density", "log_responsibilities", "score", "denoiser"})] = true;
}

nb::object evaluate_law(const Session* session, const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("evaluate", {"law", "x", "level", "quantities", "device", "precision"}, 4, positional,
                        named);
  const nb::object law = given.need("law"), level = given.find("level");
  if (const auto target = find_target(law)) {
    if (level.is_valid()) fail(given.place("level"), " has no meaning for a target");
    nb::dict result;
    const Points x = points_in(given.need("x"), given.place("x"), target->dim());
    Eigen::VectorXd density;
    Points gradient;
    released([&] {
      target->evaluate(x, density, gradient);
      return 0;
    });
    result["log_density"] = array(std::move(density));
    result["gradient"] = array(std::move(gradient));
    return result;
  }
  const Mixture mixture = mixture_of(law, given.place("law"));
  const Points x = points_in(given.need("x"), given.place("x"), mixture.dim());
  EvaluateOptions options{.score = true, .denoiser = true};
  if (const nb::object names = given.find("quantities"); names.is_valid())
    select(names, given.place("quantities"), options);
  if (const nb::object device = given.find("device"); device.is_valid())
    options.device = device_of(device, given.place("device"));
  if (const nb::object precision = given.find("precision"); precision.is_valid())
    options.precision = precision_of(precision, given.place("precision"));
  const Level at = level.is_valid() ? level_of(level, given.place("level")) : Level{};
  return dict_of(watched([&](const std::stop_token& stop) {
                   options.stop = stop;
                   return session != nullptr ? session->evaluate(mixture, x, at, options)
                                             : evaluate(mixture, x, at, options);
                 }),
                 options);
}

/// Defines the functions that a session and the module share.
template <class Place, class... Extra>
void def_runs(Place& place, const char* self, const auto& wrap, const Extra&... extra) {
  const auto signature = [&](const char* name, const std::string& arguments, const char* result) {
    return keep(concat("def ", name, "(", self, arguments, ") -> ", result));
  };
  const std::string options = options_signature;
  place.def("sample", wrap(sample),
            nb::sig(signature("sample", concat(sample_signature, ", ", options), "Samples")),
            "Samples of a law. The law is a Mixture or a list of them, a problem, a target, or a Denoiser in "
            "dimension "
            "`dim`. With `observation` (or a list of them) the samples are those of the posterior. The "
            "warnings of a "
            "run are given to Python's `warnings`, too.",
            extra...);
  place.def("forward", wrap(forward),
            nb::sig(signature(
                "forward",
                concat("law: typing.Any, process: typing.Any = None, grid: typing.Any = None, *, prior: "
                       "bool = False, ",
                       options),
                "Samples")),
            "Paths of x_t at the grid's times, from data to T: shape (count, steps + 1, d), with the times "
            "in `times`. x_0 is "
            "`start`, or else equals the result of `draw` with the same seed. With `history=M` the paths "
            "have M of the "
            "levels. The law is a mixture with process and grid, a problem with a prior, or Dynamics, an SDE "
            "or ODE.",
            extra...);
  place.def(
      "draw", wrap(draw),
      nb::sig(signature(
          "draw", concat("law: typing.Any, level: typing.Any = None, *, prior: bool = False, ", options),
          "Samples")),
      docs("draw"), extra...);
  place.def("evaluate", wrap(evaluate_law),
            nb::sig(signature(
                "evaluate",
                "law: typing.Any, x: typing.Any, level: typing.Any = None, quantities: "
                "typing.Sequence[str] = ('log_density', 'score', 'denoiser'), *, device: str = 'best', "
                "precision: typing.Any = 'f64'",
                "dict[str, numpy.ndarray]")),
            "Log-density, score and denoiser of a mixture at points x (n, d), or log-density and gradient of "
            "a target, "
            "as a dict of arrays.",
            extra...);
}

using Run = nb::object (*)(const Session*, const nb::args&, const nb::kwargs&);

void bind_session(nb::module_& module) {
  nb::class_<Session> made(module, "Session", docs("Session"));
  refuse_pickles(made, "Session: holds threads or a GPU; make one in each process");
  made.def(
          "__init__",
          [](Session* self, nb::handle device) {
            const Device given = device.is_none() ? Device::best() : device_of(device, "Session: device");
            new (self) Session(given);
          },
          nb::arg("device") = nb::none())
      .def_prop_ro(
          "device", [](const Session& self) { return self.device().name(); },
          "Name of the device, such as \"cpu\".")
      .def("__repr__", [](const Session& self) { return concat("<Session of ", self.device().name(), ">"); });
  def_runs(made, "self, ", [](Run run) {
    return [run](const Session& self, const nb::args& positional, const nb::kwargs& named) {
      return run(&self, positional, named);
    };
  });
}

Posterior posterior_of(nb::handle prior, nb::handle observation) {
  nb::object law = nb::borrow(prior), observed = nb::borrow(observation);
  if (const auto any = find_problem(prior)) {
    const auto* problem = std::get_if<Problem>(&*any);
    if (problem == nullptr)
      fail("posterior: prior: the posterior of this problem is no mixture; see quadrature and importance");
    if (!observation.is_none())
      fail("posterior: observation has no meaning for a problem, which has its own");
    require(problem->observation.has_value(), "posterior: the problem has no observation");
    return posterior(problem->prior, *problem->observation);
  }
  const Mixture mixture = mixture_of(law, "posterior: prior");
  if (!nb::isinstance<LinearObservation>(observed))
    fail_type("posterior: observation", "a LinearObservation", observed);
  const auto& linear = nb::cast<const LinearObservation&>(observed);
  return released([&] { return posterior(mixture, linear); });
}

void bind_posterior(nb::module_& module) {
  nb::class_<Posterior> made(module, "Posterior", docs("Posterior"));
  def_state(made);
  made.def_ro("mixture", &Posterior::mixture, docs("Posterior::mixture"))
      .def_ro("log_evidence", &Posterior::log_evidence, docs("Posterior::log_evidence"))
      .def_prop_ro(
          "component_log_likelihood",
          [](const Posterior& self) { return array(self.component_log_likelihood); },
          docs("Posterior::component_log_likelihood"))
      .def("__repr__", [](const Posterior& self) {
        return concat("<Posterior: log_evidence ", self.log_evidence, ", ",
                      nb::repr(nb::cast(self.mixture)).c_str(), ">");
      });
  module.def("posterior", &posterior_of, any_arg("prior"), nb::arg("observation") = nb::none(),
             docs("posterior"));
}

void bind_devices(nb::module_& module) {
  module.def(
      "devices",
      [] {
        nb::list list;
        for (const DeviceInfo& info : devices()) {
          nb::dict entry;
          entry["name"] = info.name;
          entry["description"] = info.description;
          entry["available"] = info.available;
          entry["reason"] = info.reason;
          list.append(entry);
        }
        return list;
      },
      docs("devices"));
}

}  // namespace

void bind_run(nb::module_& module) {
  module.def(
      "path_moments", &moments_over_paths,
      nb::sig(keep(concat("def path_moments(law: typing.Any, process: typing.Any = None, grid: typing.Any = "
                          "None, *, prior: bool = False, ",
                          options_signature, ") -> dict[str, numpy.ndarray]"))),
      "Moments over the paths of `forward` at every time that `history` keeps, all of them if it is 0, in "
      "double: a dict with times (M), mean and variance (M, d), and up to d = 32 covariance (M, d, d), "
      "with the divisor count - 1. The memory does not grow with `count`.");
  bind_posterior(module);
  bind_devices(module);
  def_runs(module, "", [](Run run) {
    return [run](const nb::args& positional, const nb::kwargs& named) {
      return run(nullptr, positional, named);
    };
  });
  bind_session(module);
}

}  // namespace gmdiff::python
