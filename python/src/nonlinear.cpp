#include <gmdiff/model/gaussian_fit.hpp>
#include <gmdiff/model/importance.hpp>
#include <gmdiff/model/modes.hpp>
#include <gmdiff/model/quadrature.hpp>

#include "bindings.hpp"
#include "models.hpp"
#include "records.hpp"
#include "released.hpp"
#include "running.hpp"
#include "study/law.hpp"

// Normalisers, moments and maxima of targets, among them the posteriors of nonlinear observations.

namespace gmdiff::python {

template <>
struct StateOf<MarginalDensity> {
  static constexpr AllMembers members{&MarginalDensity::points, &MarginalDensity::density};
};
template <>
struct StateOf<QuadratureErrors> {
  static constexpr AllMembers members{&QuadratureErrors::log_normalizer, &QuadratureErrors::mean,
                                      &QuadratureErrors::covariance};
};
template <>
struct StateOf<QuadratureBox> {
  static constexpr AllMembers members{&QuadratureBox::lower, &QuadratureBox::upper};
};
template <>
struct StateOf<Quadrature> {
  static constexpr AllMembers members{
      &Quadrature::box,       &Quadrature::log_normalizer, &Quadrature::mean,     &Quadrature::covariance,
      &Quadrature::marginals, &Quadrature::error,          &Quadrature::edge_mass};
};
template <>
struct StateOf<ImportanceResult> {
  static constexpr AllMembers members{&ImportanceResult::log_normalizer,
                                      &ImportanceResult::log_normalizer_error,
                                      &ImportanceResult::mean,
                                      &ImportanceResult::mean_error,
                                      &ImportanceResult::second_moment,
                                      &ImportanceResult::second_moment_error,
                                      &ImportanceResult::ess,
                                      &ImportanceResult::largest_weight,
                                      &ImportanceResult::points,
                                      &ImportanceResult::weights};
};
template <>
struct StateOf<Mode> {
  static constexpr AllMembers members{&Mode::x, &Mode::log_density, &Mode::hessian, &Mode::log_mass};
};
template <>
struct StateOf<Modes> {
  static constexpr AllMembers members{&Modes::maxima,     &Modes::log_normalizer, &Modes::saddles,
                                      &Modes::unfinished, &Modes::outside,        &Modes::is_gauss_newton};
};
template <>
struct StateOf<GaussianFit> {
  static constexpr AllMembers members{&GaussianFit::mean, &GaussianFit::covariance, &GaussianFit::elbo,
                                      &GaussianFit::elbo_error, &GaussianFit::slope};
};
template <>
struct StateOf<GaussianBound> {
  static constexpr AllMembers members{&GaussianBound::elbo, &GaussianBound::by_mean,
                                      &GaussianBound::by_covariance};
};
namespace {

/// A target, or that of a problem.
Target target_from(const Arguments& given) {
  const nb::object object = given.need("target");
  if (auto target = find_target(object)) return *target;
  const auto problem = find_problem(object);
  if (!problem) fail_type(given.place("target"), "a target, such as Banana(), or a problem with one", object);
  auto target = study::target_in(*problem);
  require(target.has_value(), given.place("target"),
          ": the problem has no target; expected a TargetProblem or a NonlinearProblem");
  return *target;
}

QuadratureBox box_of(const Arguments& given) {
  const nb::object lower = given.find("lower"), upper = given.find("upper");
  if (lower.is_valid() != upper.is_valid())
    fail(given.function(), ": lower and upper belong together, and ", lower.is_valid() ? "upper" : "lower",
         " is missing");
  if (!lower.is_valid()) return {};
  return {.lower = vector_of(lower, given.place("lower"), "(d)"),
          .upper = vector_of(upper, given.place("upper"), "(d)")};
}

Quadrature quadrature_of(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("quadrature", {"target", "lower", "upper"}, 3, positional, named);
  const Target target = target_from(given);
  const QuadratureBox box = box_of(given);
  return watched([&](const std::stop_token&) { return quadrature(target, box); });
}

nb::object quadrature_denoiser_of(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("quadrature_denoiser", {"target", "x", "level", "lower", "upper"}, 3, positional,
                        named);
  const Target target = target_from(given);
  const Points x = points_of(given.need("x"), given.place("x"));
  const Level level = level_of(given.need("level"), given.place("level"));
  const QuadratureBox box = box_of(given);
  return array(watched([&](const std::stop_token&) { return quadrature_denoiser(target, x, level, box); }));
}

void bind_quadrature(nb::module_& module) {
  using Q = Quadrature;
  Record<MarginalDensity>(module, "MarginalDensity")
      .def("points", &MarginalDensity::points)
      .def("density", &MarginalDensity::density)
      .with_repr();
  Record<QuadratureErrors>(module, "QuadratureErrors")
      .def("log_normalizer", &QuadratureErrors::log_normalizer)
      .def("mean", &QuadratureErrors::mean)
      .def("covariance", &QuadratureErrors::covariance)
      .with_repr();
  Record<Q> made(module, "Quadrature");
  made.def("log_normalizer", &Q::log_normalizer)
      .def("mean", &Q::mean)
      .def("covariance", &Q::covariance)
      .def("edge_mass", &Q::edge_mass);
  made.made()
      .def_prop_ro(
          "lower", [](const Q& self) { return array(self.box.lower); }, "Lower sides of the box (d).")
      .def_prop_ro(
          "upper", [](const Q& self) { return array(self.box.upper); }, "Upper sides of the box (d).")
      .def_prop_ro(
          "marginals", [](const Q& self) { return list_from(self.marginals); },
          nb::for_getter(nb::sig("def marginals(self) -> list[MarginalDensity]")),
          docs("Quadrature::marginals"))
      .def_prop_ro(
          "error", [](const Q& self) { return self.error; }, docs("QuadratureErrors"))
      .def("__repr__", [](const Q& self) {
        return concat("<Quadrature: log_normalizer ", self.log_normalizer, " +- ", self.error.log_normalizer,
                      ">");
      });
  module.def("quadrature", &quadrature_of,
             nb::sig("def quadrature(target: typing.Any, lower: typing.Any = None, upper: typing.Any = None) "
                     "-> Quadrature"),
             docs("quadrature"));
  module.def("quadrature_denoiser", &quadrature_denoiser_of,
             nb::sig("def quadrature_denoiser(target: typing.Any, x: typing.Any, level: typing.Any, *, "
                     "lower: typing.Any = None, upper: typing.Any = None) -> numpy.ndarray"),
             docs("quadrature_denoiser"));
}

/// Draws and seed of a mixture as proposal, or points with their log-densities.
ImportanceResult importance_of(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("importance", {"target", "proposal", "count", "seed", "points", "log_proposal"}, 4,
                        positional, named);
  const Target target = target_from(given);
  const nb::object proposal = given.find("proposal"), points = given.find("points");
  if (proposal.is_valid() == points.is_valid())
    fail(given.function(), ": expected either proposal or points, given ",
         points.is_valid() ? "both" : "none");
  if (points.is_valid()) {
    for (const char* key : {"count", "seed"})
      if (given.find(key).is_valid()) fail(given.place(key), " has no meaning for points");
    Points x = points_of(points, given.place("points"));
    const Eigen::VectorXd log_q = vector_of(given.need("log_proposal"), given.place("log_proposal"), "(n)");
    return watched([&](const std::stop_token&) { return importance(target, std::move(x), log_q); });
  }
  if (given.find("log_proposal").is_valid()) fail(given.place("log_proposal"), " belongs to points");
  const Mixture law = mixture_of(proposal, given.place("proposal"));
  std::int64_t count = 10'000;
  std::uint64_t seed = 0;
  with_argument(given, "count",
                [&](const auto& value, const auto& place) { count = integer_of(value, place); });
  with_argument(given, "seed", [&](const auto& value, const auto& place) { seed = seed_of(value, place); });
  return watched([&](const std::stop_token&) { return importance(target, law, count, seed); });
}

void bind_importance(nb::module_& module) {
  using R = ImportanceResult;
  Record<R> made(module, "ImportanceResult");
  made.def("log_normalizer", &R::log_normalizer)
      .def("log_normalizer_error", &R::log_normalizer_error)
      .def("mean", &R::mean)
      .def("mean_error", &R::mean_error)
      .def("second_moment", &R::second_moment)
      .def("second_moment_error", &R::second_moment_error)
      .def("ess", &R::ess)
      .def("largest_weight", &R::largest_weight)
      .def("points", &R::points)
      .def("weights", &R::weights);
  made.made().def("__repr__", [](const R& self) {
    return concat("<ImportanceResult of ", self.points.rows(), " draws: log_normalizer ", self.log_normalizer,
                  " +- ", self.log_normalizer_error, ", ess ", self.ess, ">");
  });
  module.def("importance", &importance_of,
             nb::sig("def importance(target: typing.Any, proposal: Mixture | None = None, count: int = "
                     "10000, seed: int = 0, "
                     "*, points: typing.Any = None, log_proposal: typing.Any = None) -> ImportanceResult"),
             "Self-normalised importance sampling of a target: estimates from draws of a mixture, or from "
             "points (n, d) with "
             "the log-densities (n) of the law that they are draws of. Draw n depends on seed and n only.");
}

Modes modes_of(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("modes", {"target", "starts", "draws", "spread", "seed"}, 2, positional, named);
  const Target target = target_from(given);
  ModeOptions options;
  with_argument(given, "starts",
                [&](const auto& value, const auto& place) { options.starts = points_of(value, place); });
  with_argument(given, "draws", [&](const auto& value, const auto& place) {
    options.draws = static_cast<int>(integer_of(value, place, 0, 1'000'000));
  });
  with_argument(given, "spread",
                [&](const auto& value, const auto& place) { options.spread = number_of(value, place); });
  with_argument(given, "seed",
                [&](const auto& value, const auto& place) { options.seed = seed_of(value, place); });
  return watched([&](const std::stop_token&) { return modes(target, options); });
}

void bind_modes(nb::module_& module) {
  Record<Mode> mode(module, "Mode");
  mode.def("x", &Mode::x)
      .def("log_density", &Mode::log_density)
      .def("hessian", &Mode::hessian)
      .def("log_mass", &Mode::log_mass);
  mode.made().def("__repr__", [](const Mode& self) {
    return concat("<Mode with log_density ", self.log_density, ", log_mass ", self.log_mass, ">");
  });
  Record<Modes> made(module, "Modes");
  made.def("log_normalizer", &Modes::log_normalizer)
      .def("saddles", &Modes::saddles)
      .def("unfinished", &Modes::unfinished)
      .def("outside", &Modes::outside)
      .def("is_gauss_newton", &Modes::is_gauss_newton);
  made.made()
      .def_prop_ro(
          "maxima", [](const Modes& self) { return list_from(self.maxima); },
          nb::for_getter(nb::sig("def maxima(self) -> list[Mode]")), docs("Modes::maxima"))
      .def(
          "laplace_mixture",
          [](const Modes& self, nb::handle scale) {
            return laplace_mixture(self, number_of(scale, "Modes.laplace_mixture: scale"));
          },
          any_arg("scale") = 1.0, docs("laplace_mixture"))
      .def("__len__", [](const Modes& self) { return self.maxima.size(); })
      .def("__repr__", [](const Modes& self) {
        return concat("<Modes: ", self.maxima.size(), self.maxima.size() == 1 ? " maximum" : " maxima", ">");
      });
  module.def("modes", &modes_of,
             nb::sig("def modes(target: typing.Any, starts: typing.Any = None, *, draws: int = 16, spread: "
                     "float = 1.0, seed: "
                     "int = 0) -> Modes"),
             keep(concat(docs("modes"),
                         " The search begins at `starts` (n, d) and at `draws` draws of N(0, spread^2 I).")));
  module.def(
      "laplace_mixture",
      [](nb::handle found, nb::handle scale) {
        return laplace_mixture(instance_of<Modes>(found, "laplace_mixture: modes", "Modes"),
                               number_of(scale, "laplace_mixture: scale"));
      },
      any_arg("modes"), any_arg("scale") = 1.0, docs("laplace_mixture"));
}

GaussianFitOptions fit_options(const Arguments& given) {
  GaussianFitOptions options;
  with_argument(given, "draws", [&](const auto& value, const auto& place) {
    options.draws = static_cast<int>(integer_of(value, place, 4, 1'000'000));
  });
  with_argument(given, "seed",
                [&](const auto& value, const auto& place) { options.seed = seed_of(value, place); });
  return options;
}

GaussianFit fit_of(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("gaussian_fit", {"target", "starts", "draws", "seed"}, 2, positional, named);
  const Target target = target_from(given);
  const Mixture starts = mixture_of(given.need("starts"), given.place("starts"));
  const GaussianFitOptions options = fit_options(given);
  return watched([&](const std::stop_token&) { return gaussian_fit(target, starts, options); });
}

GaussianBound bound_of(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("gaussian_bound", {"target", "mean", "covariance", "draws", "seed"}, 3, positional,
                        named);
  const Target target = target_from(given);
  const Eigen::VectorXd mean = vector_of(given.need("mean"), given.place("mean"), "(d)");
  const Points covariance = points_of(given.need("covariance"), given.place("covariance"));
  const GaussianFitOptions options = fit_options(given);
  return watched([&](const std::stop_token&) { return gaussian_bound(target, mean, covariance, options); });
}

void bind_gaussian_fit(nb::module_& module) {
  Record<GaussianFit> fit(module, "GaussianFit");
  fit.def("mean", &GaussianFit::mean)
      .def("covariance", &GaussianFit::covariance)
      .def("elbo", &GaussianFit::elbo)
      .def("elbo_error", &GaussianFit::elbo_error)
      .def("slope", &GaussianFit::slope);
  fit.made().def("__repr__", [](const GaussianFit& self) {
    return concat("<GaussianFit: elbo ", self.elbo, " +- ", self.elbo_error, ">");
  });
  Record<GaussianBound> bound(module, "GaussianBound");
  bound.def("elbo", &GaussianBound::elbo)
      .def("by_mean", &GaussianBound::by_mean)
      .def("by_covariance", &GaussianBound::by_covariance);
  bound.made().def("__repr__",
                   [](const GaussianBound& self) { return concat("<GaussianBound: elbo ", self.elbo, ">"); });
  module.def("gaussian_fit", &fit_of,
             nb::sig("def gaussian_fit(target: typing.Any, starts: Mixture, *, draws: int = 1000, seed: int "
                     "= 0) -> GaussianFit"),
             docs("gaussian_fit"));
  module.def("gaussian_bound", &bound_of,
             nb::sig("def gaussian_bound(target: typing.Any, mean: typing.Any, covariance: typing.Any, *, "
                     "draws: int = 1000, seed: int = 0) -> GaussianBound"),
             docs("gaussian_bound"));
}

}  // namespace

void bind_target_answers(nb::module_& module) {
  bind_quadrature(module);
  bind_importance(module);
  bind_modes(module);
  bind_gaussian_fit(module);
}

}  // namespace gmdiff::python
