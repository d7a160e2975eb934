#include <gmdiff/model/generator.hpp>
#include <gmdiff/model/importance.hpp>
#include <gmdiff/model/modes.hpp>
#include <gmdiff/model/probability_flow.hpp>
#include <gmdiff/model/quadrature.hpp>

#include "bindings.hpp"
#include "descriptions.hpp"
#include "models.hpp"
#include "numbers.hpp"
#include "released.hpp"

// Answers about laws without samples: maxima, integrals, probability flows, generators.

namespace gmdiff::python {
namespace {

Modes find_modes(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("modes", {"target", "starts", "draws", "spread", "seed"}, 1, positional, named);
  const Target target = target_of(given.need("target"), given.place("target"));
  ModeOptions options;
  if (const nb::object starts = given.find("starts"); starts.is_valid())
    options.starts = points_of(starts, given.place("starts"));
  if (const nb::object draws = given.find("draws"); draws.is_valid())
    options.draws =
        static_cast<int>(integer_of(draws, given.place("draws"), 0, std::numeric_limits<int>::max()));
  if (const nb::object spread = given.find("spread"); spread.is_valid())
    options.spread = number_of(spread, given.place("spread"));
  if (const nb::object seed = given.find("seed"); seed.is_valid())
    options.seed = seed_of(seed, given.place("seed"));
  return released([&] { return modes(target, options); });
}

void bind_modes(nb::module_& module) {
  nb::class_<Mode>(module, "Mode", docs("Mode"))
      .def_prop_ro("x", [](const Mode& self) { return array(self.x); })
      .def_ro("log_density", &Mode::log_density)
      .def_prop_ro("hessian", [](const Mode& self) { return array(self.hessian); })
      .def_ro("log_mass", &Mode::log_mass, docs("Mode::log_mass"))
      .def("__repr__",
           [](const Mode& self) { return concat("<Mode of log-density ", self.log_density, ">"); });
  nb::class_<Modes>(module, "Modes", docs("Modes"))
      .def_prop_ro("maxima",
                   [](const Modes& self) {
                     nb::list list;
                     for (const Mode& mode : self.maxima) list.append(nb::cast(mode));
                     return list;
                   })
      .def_ro("log_normalizer", &Modes::log_normalizer, docs("Modes::log_normalizer"))
      .def_ro("saddles", &Modes::saddles)
      .def_ro("unfinished", &Modes::unfinished)
      .def_ro("outside", &Modes::outside)
      .def(
          "laplace_mixture",
          [](const Modes& self, nb::handle scale) {
            return laplace_mixture(self, number_of(scale, "Modes.laplace_mixture: scale"));
          },
          nb::arg("scale") = 1.0, docs("laplace_mixture"))
      .def("__len__", [](const Modes& self) { return self.maxima.size(); })
      .def("__repr__", [](const Modes& self) { return concat("<Modes: ", self.maxima.size(), " maxima>"); });
  module.def(
      "modes", &find_modes,
      nb::sig("def modes(target: typing.Any, *, starts: typing.Any = None, draws: int = 16, spread: float = "
              "1.0, seed: int = 0) -> Modes"),
      docs("modes"));
}

nb::dict integrate(nb::handle target, nb::handle lower, nb::handle upper) {
  const Target given = target_of(target, "quadrature: target");
  QuadratureBox box;
  if (!lower.is_none()) box.lower = vector_of(lower, "quadrature: lower", "(d)");
  if (!upper.is_none()) box.upper = vector_of(upper, "quadrature: upper", "(d)");
  if (lower.is_none() != upper.is_none()) fail("quadrature: lower and upper belong together");
  Quadrature result = released([&] { return quadrature(given, box); });
  nb::dict values;
  values["log_normalizer"] = result.log_normalizer;
  values["mean"] = array(std::move(result.mean));
  values["covariance"] = array(result.covariance);
  values["edge_mass"] = result.edge_mass;
  values["log_normalizer_error"] = result.error.log_normalizer;
  nb::list marginals;
  for (MarginalDensity& marginal : result.marginals)
    marginals.append(nb::make_tuple(array(std::move(marginal.points)), array(std::move(marginal.density))));
  values["marginals"] = marginals;
  return values;
}

nb::dict weigh(nb::handle target, nb::handle proposal, nb::handle count, nb::handle seed) {
  const Target given = target_of(target, "importance: target");
  const Mixture law = mixture_of(proposal, "importance: proposal");
  const std::int64_t n = integer_of(count, "importance: count");
  const std::uint64_t with = seed_of(seed, "importance: seed");
  ImportanceResult result = released([&] { return importance(given, law, n, with); });
  nb::dict values;
  values["log_normalizer"] = result.log_normalizer;
  values["log_normalizer_error"] = result.log_normalizer_error;
  values["mean"] = array(std::move(result.mean));
  values["mean_error"] = array(std::move(result.mean_error));
  values["ess"] = result.ess;
  values["largest_weight"] = result.largest_weight;
  values["points"] = array(std::move(result.points));
  values["weights"] = array(std::move(result.weights));
  return values;
}

nb::tuple flow(nb::handle law, nb::handle process, nb::handle x, nb::handle t) {
  const Mixture mixture = mixture_of(law, "probability_flow: law");
  const ForwardProcess forward(process_of(process, "probability_flow: process"));
  const Points points = points_of(x, "probability_flow: x");
  const double time = number_of(t, "probability_flow: t");
  ProbabilityFlow result = released([&] { return probability_flow(mixture, forward, points, time); });
  return nb::make_tuple(array(std::move(result.velocity)), array(std::move(result.divergence)));
}

nb::object generate(nb::handle dynamics, nb::handle F, nb::handle x, nb::handle t) {
  if (!nb::isinstance<Dynamics>(dynamics)) fail_type("generator: dynamics", "Dynamics", dynamics);
  if (!nb::isinstance<Expression>(F)) fail_type("generator: F", "an Expression", F);
  const auto& equation = nb::cast<const Dynamics&>(dynamics);
  const auto& function = nb::cast<const Expression&>(F);
  const Points points = points_of(x, "generator: x");
  const double time = number_of(t, "generator: t");
  return array(released([&] { return generator(equation, function, points, time); }));
}

}  // namespace

void bind_answers(nb::module_& module) {
  bind_modes(module);
  module.def("quadrature", &integrate, nb::arg("target"), nb::arg("lower") = nb::none(),
             nb::arg("upper") = nb::none(), docs("quadrature"));
  module.def("importance", &weigh, nb::arg("target"), nb::arg("proposal"), nb::arg("count") = 10'000,
             nb::arg("seed") = 0, docs("importance"));
  module.def("probability_flow", &flow, nb::arg("law"), nb::arg("process"), nb::arg("x"), nb::arg("t"),
             docs("probability_flow"));
  module.def("generator", &generate, nb::arg("dynamics"), nb::arg("F"), nb::arg("x"), nb::arg("t") = 0.0,
             docs("generator"));
}

}  // namespace gmdiff::python
