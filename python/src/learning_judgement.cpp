#include <gmdiff/metrics/denoiser_error.hpp>
#include <gmdiff/metrics/path_weights.hpp>
#include <gmdiff/network/trained_sampler.hpp>

#include "bindings.hpp"
#include "callables.hpp"
#include "models.hpp"
#include "records.hpp"
#include "released.hpp"
#include "running.hpp"

// How good learned denoisers and trained samplers are.

namespace gmdiff::python {

template <>
struct StateOf<PathSummary> {
  static constexpr AllMembers members{&PathSummary::bound, &PathSummary::bound_error,
                                      &PathSummary::log_z, &PathSummary::log_z_error,
                                      &PathSummary::ess,   &PathSummary::ess_error};
};
template <>
struct StateOf<DenoiserError> {
  static constexpr AllMembers members{
      &DenoiserError::n,           &DenoiserError::floor,           &DenoiserError::excess,
      &DenoiserError::floor_error, &DenoiserError::excess_error,    &DenoiserError::loss,
      &DenoiserError::unresolved,  &DenoiserError::unresolved_error};
};
namespace {

void bind_path_weights(nb::module_& module) {
  using S = PathSummary;
  Record<S> made(module, "PathSummary");
  made.def("bound", &S::bound)
      .def("bound_error", &S::bound_error)
      .def("log_z", &S::log_z)
      .def("log_z_error", &S::log_z_error)
      .def("ess", &S::ess)
      .def("ess_error", &S::ess_error);
  made.made().def("__repr__", [](const S& self) {
    return concat("<PathSummary: bound ", self.bound, ", log_z ", self.log_z, " +- ", self.log_z_error,
                  ", ess ", self.ess, ">");
  });
  module.def(
      "forward_summary",
      [](nb::handle log_w) { return forward_summary(vector_of(log_w, "forward_summary: log_w")); },
      any_arg("log_w"), docs("forward_summary"));
  module.def(
      "backward_summary",
      [](nb::handle log_w) { return backward_summary(vector_of(log_w, "backward_summary: log_w")); },
      any_arg("log_w"), docs("backward_summary"));
}

void def_more(nb::module_& module) {
  nb::borrow<nb::class_<TrainedSampler>>(module.attr("TrainedSampler"))
      .def(
          "backward_log_weights",
          [](const TrainedSampler& self, nb::handle x, nb::handle seed, nb::handle first) {
            const Points points = points_of(x, "TrainedSampler.backward_log_weights: x");
            const std::uint64_t with = seed_of(seed, "TrainedSampler.backward_log_weights: seed");
            const std::int64_t from = integer_of(first, "TrainedSampler.backward_log_weights: first", 0);
            return array(released([&] { return self.backward_log_weights(points, with, from); }));
          },
          any_arg("x"), any_arg("seed") = 0, any_arg("first") = 0,
          docs("TrainedSampler::backward_log_weights"));
  nb::borrow<nb::class_<SamplerTraining>>(module.attr("SamplerTraining"))
      .def_ro("dim", &SamplerTraining::dim)
      .def_prop_ro(
          "networks", [](const SamplerTraining& self) { return array(self.networks); },
          docs("SamplerTraining::networks"))
      .def_ro("active", &SamplerTraining::active, docs("SamplerTraining::active"))
      .def_prop_ro(
          "chains", [](const SamplerTraining& self) { return array(self.chains); },
          docs("SamplerTraining::chains"));
}

nb::list errors_of(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("denoiser_errors", {"denoiser", "law", "levels", "count", "seed"}, 3, positional,
                        named);
  const HostDenoiser denoiser = host_denoiser_of(given.need("denoiser"), given.place("denoiser"));
  const Mixture law = mixture_of(given.need("law"), given.place("law"));
  const std::vector<double> levels = list_of(given.need("levels"), given.place("levels"));
  DenoiserErrorOptions options;
  with_argument(given, "count",
                [&](const auto& value, const auto& place) { options.count = integer_of(value, place); });
  with_argument(given, "seed",
                [&](const auto& value, const auto& place) { options.seed = seed_of(value, place); });
  return list_from(
      watched([&](const std::stop_token&) { return denoiser_errors(denoiser, law, levels, options); }));
}

void bind_denoiser_errors(nb::module_& module) {
  using E = DenoiserError;
  Record<E> made(module, "DenoiserError");
  made.def("n", &E::n)
      .def("floor", &E::floor)
      .def("excess", &E::excess)
      .def("floor_error", &E::floor_error)
      .def("excess_error", &E::excess_error)
      .def("loss", &E::loss)
      .def("unresolved", &E::unresolved)
      .def("unresolved_error", &E::unresolved_error);
  made.made().def("__repr__", [](const E& self) {
    return concat("<DenoiserError at n = ", self.n, ": floor ", self.floor, ", excess ", self.excess, " +- ",
                  self.excess_error, ">");
  });
  module.def("denoiser_errors", &errors_of,
             nb::sig("def denoiser_errors(denoiser: typing.Any, law: Mixture, levels: "
                     "typing.Sequence[float], *, count: int = "
                     "10000, seed: int = 0) -> list[DenoiserError]"),
             docs("denoiser_errors"));
}

}  // namespace

void bind_learning_judgement(nb::module_& module) {
  bind_path_weights(module);
  def_more(module);
  bind_denoiser_errors(module);
}

}  // namespace gmdiff::python
