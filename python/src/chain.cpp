#include <gmdiff/metrics/chain_diagnostics.hpp>

#include <iomanip>
#include <sstream>

#include <gmdiff/device/sample.hpp>

#include "bindings.hpp"
#include "models.hpp"
#include "plans.hpp"
#include "records.hpp"
#include "released.hpp"
#include "study/diagnosis.hpp"
#include "study/law.hpp"

// Diagnostics of Markov chains.

namespace gmdiff::python {

template <>
struct StateOf<ChainDiagnostics> {
  static constexpr AllMembers members{&ChainDiagnostics::mean,     &ChainDiagnostics::sd,
                                      &ChainDiagnostics::rhat,     &ChainDiagnostics::rhat_split,
                                      &ChainDiagnostics::ess_bulk, &ChainDiagnostics::ess_tail,
                                      &ChainDiagnostics::ess_mean, &ChainDiagnostics::mcse};
};
template <>
struct StateOf<PooledMoments> {
  static constexpr AllMembers members{&PooledMoments::mean,           &PooledMoments::variance,
                                      &PooledMoments::standard_error, &PooledMoments::rhat_split,
                                      &PooledMoments::square,         &PooledMoments::square_error};
};
template <>
struct StateOf<study::DiagnosedQuantity> {
  static constexpr AllMembers members{&study::DiagnosedQuantity::name,
                                      &study::DiagnosedQuantity::diagnostics};
};
template <>
struct StateOf<study::ModeShares> {
  static constexpr AllMembers members{&study::ModeShares::draws, &study::ModeShares::chains};
};
template <>
struct StateOf<study::Diagnosis> {
  static constexpr AllMembers members{&study::Diagnosis::coordinates, &study::Diagnosis::estimates,
                                      &study::Diagnosis::modes, &study::Diagnosis::warnings};
};
namespace {

/// Draws of shape (chains, draws, d) or (chains, draws).
study::ChainDraws chains_from(nb::handle value, const std::string& place) {
  constexpr const char* shape = "(chains, draws, d) or (chains, draws)";
  const Numbers numbers = numbers_of(value, place, shape, {2, 3});
  const std::int64_t chains = numbers.shape[0], draws = numbers.shape[1];
  const std::int64_t dim = numbers.shape.size() == 3 ? numbers.shape[2] : 1;
  require(chains >= 1 && draws >= 1 && dim >= 1, place, ": expected an array of shape ", shape,
          " without an axis of length 0, given (", chains, ", ", draws, ", ", dim, ")");
  return {Eigen::Map<const Points>(numbers.values, chains * draws, dim), chains};
}

/// The mixture of which the modes are counted: itself, or the law of a problem.
std::optional<Mixture> law_of_modes(const Arguments& given) {
  const nb::object law = given.find("law"), prior = given.find("prior");
  const bool of_prior = prior.is_valid() && truth_of(prior, given.place("prior"));
  if (!law.is_valid()) {
    require(!of_prior, given.place("prior"), " belongs to a problem, and law is not given");
    return {};
  }
  if (nb::isinstance<Problem>(law)) return study::law_of(nb::cast<const Problem&>(law), of_prior).mixture;
  require(!of_prior, given.place("prior"), " belongs to a problem, and law is none");
  if (!is_mixture(law)) fail_type(given.place("law"), "a Mixture or a Problem, whose law has modes", law);
  return mixture_of(law, "law");
}

/// The result of `diagnose`, with the weights of the law.
struct PythonDiagnosis {
  study::Diagnosis found;
  std::int64_t chains, draws;
  std::optional<Mixture> law;
};

PythonDiagnosis diagnose_draws(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("diagnose", {"x", "law", "estimates", "prior"}, 2, positional, named);
  const study::ChainDraws chains = chains_from(given.need("x"), given.place("x"));
  std::optional<Mixture> law = law_of_modes(given);
  std::vector<std::string> estimates;
  with_argument(given, "estimates", [&](const nb::object& texts, const std::string& place) {
    for (const nb::object& text : listed(texts)) estimates.push_back(text_of(text, place));
  });
  study::Diagnosis found = released([&] {
    return diagnose(chains, estimates, law ? &*law : nullptr,
                    {.draws = given.place("x"), .estimate = given.place("estimates:")});
  });
  return {std::move(found), chains.chains(), chains.draws(), std::move(law)};
}

std::string table_of(const PythonDiagnosis& self) {
  std::ostringstream out;
  out << "<Diagnosis of " << self.chains << (self.chains == 1 ? " chain" : " chains") << " of " << self.draws
      << " draws";
  for (const auto* quantities : {&self.found.coordinates, &self.found.estimates}) {
    for (const study::DiagnosedQuantity& quantity : *quantities) {
      const ChainDiagnostics& d = quantity.diagnostics;
      out << "\n  " << quantity.name << ": mean " << std::setprecision(4) << d.mean << " +- "
          << std::setprecision(2) << d.mcse << std::setprecision(4) << ", R-hat " << d.rhat << ", ESS "
          << d.ess_bulk << " bulk, " << d.ess_tail << " tail";
    }
  }
  return out.str() + ">";
}

void bind_diagnostics(nb::module_& module) {
  using D = ChainDiagnostics;
  Record<D> made(module, "ChainDiagnostics");
  made.def("mean", &D::mean)
      .def("sd", &D::sd)
      .def("rhat", &D::rhat)
      .def("rhat_split", &D::rhat_split)
      .def("ess_bulk", &D::ess_bulk)
      .def("ess_tail", &D::ess_tail)
      .def("ess_mean", &D::ess_mean)
      .def("mcse", &D::mcse);
  made.made().def("__repr__", [](const D& self) {
    return concat("<ChainDiagnostics: mean ", self.mean, " +- ", self.mcse, ", R-hat ", self.rhat, ">");
  });
}

nb::object shares(const std::optional<study::ModeShares>& modes, Eigen::VectorXd study::ModeShares::*member) {
  return modes ? nb::object(array((*modes).*member)) : nb::none();
}

void bind_diagnosis(nb::module_& module) {
  using D = PythonDiagnosis;
  nb::class_<D> made(
      module, "Diagnosis",
      "Diagnostics of Markov chains: of each coordinate, of observables, and the shares of a law's modes.");
  made.def_prop_ro(
          "coordinates",
          [](const D& self) {
            return list_from(self.found.coordinates,
                             [](const auto& quantity) { return nb::cast(quantity.diagnostics); });
          },
          nb::for_getter(nb::sig("def coordinates(self) -> list[ChainDiagnostics]")),
          "Diagnostics of each coordinate.")
      .def_prop_ro(
          "estimates",
          [](const D& self) {
            nb::dict dict;
            for (const auto& quantity : self.found.estimates)
              dict[quantity.name.c_str()] = nb::cast(quantity.diagnostics);
            return dict;
          },
          nb::for_getter(nb::sig("def estimates(self) -> dict[str, ChainDiagnostics]")),
          "Diagnostics of each observable, by its text.")
      .def_prop_ro(
          "weights",
          [](const D& self) { return self.law ? nb::object(array(self.law->weights())) : nb::none(); },
          "Weights of the law's components (K); None without a law.")
      .def_prop_ro(
          "share_of_draws", [](const D& self) { return shares(self.found.modes, &study::ModeShares::draws); },
          "Share of the draws in each mode of the law, by the largest responsibility (K).")
      .def_prop_ro(
          "share_of_chains",
          [](const D& self) { return shares(self.found.modes, &study::ModeShares::chains); },
          "Share of the chains whose last draw is in each mode of the law (K). No diagnostic of the chains "
          "alone can see a mode that no chain visits.")
      .def_prop_ro(
          "warnings", [](const D& self) { return list_from(self.found.warnings); },
          nb::for_getter(nb::sig("def warnings(self) -> list[str]")),
          "Quantities whose R-hat is above 1.01 or whose effective sample size is below 400.")
      .def("__repr__", &table_of);
  def_state(
      made,
      [](const D& self) {
        return nb::make_tuple(to_state(self.found), self.chains, self.draws, to_state(self.law));
      },
      [](nb::handle state) {
        const auto parts = nb::cast<nb::tuple>(state);
        return D{from_state<study::Diagnosis>(nb::object(parts[0])), nb::cast<std::int64_t>(parts[1]),
                 nb::cast<std::int64_t>(parts[2]), from_state<std::optional<Mixture>>(nb::object(parts[3]))};
      });
}

/// A number for each coordinate of the chains, in the order of the coordinates.
template <class F>
nb::object of_coordinates(nb::handle x, const std::string& place, F f) {
  const study::ChainDraws chains = chains_from(x, place);
  Eigen::VectorXd values(chains.dim());
  released([&] {
    for (Eigen::Index j = 0; j < values.size(); ++j) values(j) = f(chains.columns(chains.all().col(j)));
    return 0;
  });
  return array(std::move(values));
}

nb::object batch_means_of(nb::handle x, nb::handle batches) {
  const MeanEstimate found =
      batch_means(vector_of(x, "batch_means: x"), integer_of(batches, "batch_means: batches", 0));
  return nb::make_tuple(found.mean, found.mcse);
}

nb::object density_of_trace(nb::handle samples, nb::handle target) {
  if (!nb::isinstance<Samples>(samples))
    fail_type("trace_log_density: trace", "the Samples of chains with output=\"trace\"", samples);
  const auto& trace = nb::cast<const Samples&>(samples);
  if (is_mixture(target)) {
    const Mixture mixture = mixture_of(target, "trace_log_density: target");
    return array(released([&] { return trace_log_density(trace, mixture); }));
  }
  const Target law = target_of(target, "trace_log_density: target");
  return array(released([&] { return trace_log_density(trace, law); }));
}

void bind_pool(nb::module_& module) {
  using P = PooledMoments;
  Record<P>(module, "PooledMoments")
      .def("mean", &P::mean)
      .def("variance", &P::variance)
      .def("standard_error", &P::standard_error)
      .def("rhat_split", &P::rhat_split)
      .def("square", &P::square)
      .def("square_error", &P::square_error)
      .with_repr();
  module.def(
      "pooled",
      [](nb::handle samples) {
        if (!nb::isinstance<Samples>(samples))
          fail_type("pooled: samples", "the Samples of chains with output=\"moments\"", samples);
        const auto& moments = nb::cast<const Samples&>(samples).moments();
        require(moments.has_value(),
                "pooled: samples: they have no moments; give the chains output=\"moments\"");
        return pooled(*moments);
      },
      any_arg("samples"), docs("pooled"));
}

}  // namespace

void bind_chain(nb::module_& module) {
  bind_diagnostics(module);
  bind_diagnosis(module);
  bind_pool(module);
  module.def("trace_log_density", &density_of_trace, any_arg("trace"), any_arg("target"),
             docs("trace_log_density"));
  module.def(
      "diagnose", &diagnose_draws,
      nb::sig("def diagnose(x: typing.Any, law: typing.Any = None, *, estimates: str | typing.Sequence[str] "
              "= (), "
              "prior: bool = False) -> Diagnosis"),
      "Convergence of chains from their draws x, shape (chains, draws, d) or (chains, draws): those of a run "
      "with output=\"trace\", or of any other sampler. law: a Mixture or a Problem, whose modes are counted. "
      "estimates: texts of observables in x1, x2, ... (x in one dimension), such as \"x1^2\".");
  module.def(
      "chain_diagnostics",
      [](nb::handle draws) {
        const Eigen::MatrixXd columns = points_of(draws, "chain_diagnostics: draws", "(draws, chains)");
        return released([&] { return chain_diagnostics(columns); });
      },
      any_arg("draws"), docs("chain_diagnostics"));
  module.def(
      "nested_rhat",
      [](nb::handle x, nb::handle superchains) {
        const Eigen::Index groups = integer_of(superchains, "nested_rhat: superchains");
        return of_coordinates(x, "nested_rhat: x",
                              [&](const Eigen::MatrixXd& draws) { return nested_rhat(draws, groups); });
      },
      any_arg("x"), any_arg("superchains"),
      nb::sig("def nested_rhat(x: typing.Any, superchains: int) -> numpy.ndarray"),
      keep(concat(docs("nested_rhat"),
                  " x: (chains, draws, d) or (chains, draws). The result has one number for each "
                  "coordinate.")));
  module.def("batch_means", &batch_means_of, any_arg("x"), any_arg("batches"),
             nb::sig("def batch_means(x: typing.Any, batches: int) -> tuple[float, float]"),
             keep(concat(docs("batch_means"), " Returns (mean, standard error).")));
}

}  // namespace gmdiff::python
