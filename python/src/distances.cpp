#include <gmdiff/metrics/distances.hpp>

#include "bindings.hpp"
#include "descriptions.hpp"
#include "models.hpp"
#include "numbers.hpp"
#include "options.hpp"
#include "released.hpp"

// Distances between sets, and between sets and laws; diagnostics of Markov chains.

namespace gmdiff::python {
namespace {

PointSet set_of(nb::handle object, const std::string& place) {
  if (nb::isinstance<Samples>(object)) return PointSet(nb::cast<const Samples&>(object));
  return PointSet(points_of(object, place));
}

/// Order, number and seed of the directions, and the device.
SlicedOptions sliced_options(const Arguments& given) {
  SlicedOptions options;
  const auto with = [&](const char* key, auto read) {
    if (const nb::object value = given.find(key); value.is_valid()) read(value, given.place(key));
  };
  with("p", [&](auto value, auto place) { options.p = static_cast<int>(integer_of(value, place, 1, 2)); });
  with("slices", [&](auto value, auto place) {
    options.slices = static_cast<int>(integer_of(value, place, 1, std::numeric_limits<int>::max()));
  });
  with("seed", [&](auto value, auto place) { options.seed = seed_of(value, place); });
  with("device", [&](auto value, auto place) { options.device = device_of(value, place); });
  return options;
}

Device device_or_cpu(const Arguments& given) {
  const nb::object device = given.find("device");
  return device.is_valid() ? device_of(device, given.place("device")) : Device::cpu();
}

/// f(x, y) for two sets, or f(x, law) for a set and a mixture.
template <class F>
double between(const Arguments& given, F f) {
  const PointSet x = set_of(given.need("x"), given.place("x"));
  const nb::object y = given.need("y");
  if (is_mixture(y)) {
    const Mixture law = mixture_of(y, "law");
    return released([&] { return f(x, law); });
  }
  const PointSet set = set_of(y, given.place("y"));
  return released([&] { return f(x, set); });
}

double sliced(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("sliced_wasserstein", {"x", "y", "p", "slices", "seed", "device"}, 2, positional,
                        named);
  const SlicedOptions options = sliced_options(given);
  return between(given, [&](const auto& x, const auto& y) { return sliced_wasserstein(x, y, options); });
}

double max_sliced(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("max_sliced_wasserstein", {"x", "y", "p", "slices", "seed", "device"}, 2, positional,
                        named);
  const SlicedOptions options = sliced_options(given);
  return between(given, [&](const auto& x, const auto& y) { return max_sliced_wasserstein(x, y, options); });
}

double mmd(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("mmd_squared", {"x", "y", "bandwidth", "device"}, 2, positional, named);
  const Device device = device_or_cpu(given);
  std::optional<double> bandwidth;
  if (const nb::object value = given.find("bandwidth"); value.is_valid())
    bandwidth = number_of(value, given.place("bandwidth"));
  return between(given, [&]<class Other>(const PointSet& x, const Other& y) {
    if constexpr (std::is_same_v<Other, Mixture>) {
      require(bandwidth.has_value(), given.place("bandwidth"), ": is needed for the distance to a mixture");
      return mmd_squared(x, y, *bandwidth, device);
    } else {
      return mmd_squared(x, y, bandwidth, device);
    }
  });
}

double energy(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("energy_distance", {"x", "y", "form", "device"}, 2, positional, named);
  const Device device = device_or_cpu(given);
  const PointSet x = set_of(given.need("x"), given.place("x")), y = set_of(given.need("y"), given.place("y"));
  const nb::object form = given.find("form");
  const bool is_v = form.is_valid() && choice_of(form, given.place("form"), {"u", "v"}) == 1;
  return released([&] { return energy_distance(x, y, is_v ? EnergyForm::v : EnergyForm::u, device); });
}

nb::dict sinkhorn(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("sinkhorn_divergence",
                        {"x", "y", "epsilon", "relative_epsilon", "tolerance", "max_iterations", "device"}, 2,
                        positional, named);
  const Device device = device_or_cpu(given);
  const PointSet x = set_of(given.need("x"), given.place("x")), y = set_of(given.need("y"), given.place("y"));
  SinkhornOptions options;
  const auto with = [&](const char* key, auto& option) {
    if (const nb::object value = given.find(key); value.is_valid())
      option = number_of(value, given.place(key));
  };
  with("epsilon", options.epsilon);
  with("relative_epsilon", options.relative_epsilon);
  with("tolerance", options.tolerance);
  if (const nb::object most = given.find("max_iterations"); most.is_valid())
    options.max_iterations =
        static_cast<int>(integer_of(most, given.place("max_iterations"), 1, std::numeric_limits<int>::max()));
  SinkhornDivergence result = released([&] { return sinkhorn_divergence(x, y, options, device); });
  nb::dict values;
  values["value"] = result.value;
  values["epsilon"] = result.epsilon;
  values["iterations"] = result.iterations;
  values["error"] = result.error;
  values["f"] = array(std::move(result.f));
  values["g"] = array(std::move(result.g));
  return values;
}

nb::dict moments(nb::handle x, nb::handle law) {
  const PointSet set = set_of(x, "moment_errors: x");
  const Mixture mixture = mixture_of(law, "moment_errors: law");
  const MomentErrors errors = released([&] { return moment_errors(set, mixture); });
  nb::dict values;
  values["mean"] = errors.mean;
  values["covariance"] = errors.covariance;
  values["whitened_mean"] = errors.whitened_mean;
  values["whitened_covariance"] = errors.whitened_covariance;
  return values;
}

nb::dict mode_frequencies_of(nb::handle x, nb::handle law) {
  const PointSet set = set_of(x, "mode_frequencies: x");
  const Mixture mixture = mixture_of(law, "mode_frequencies: law");
  ModeFrequencies modes = released([&] { return mode_frequencies(set, mixture); });
  nb::dict values;
  values["frequencies"] = array(std::move(modes.frequencies));
  values["weights"] = array(std::move(modes.weights));
  values["total_variation"] = modes.total_variation;
  return values;
}

nb::tuple divergence(nb::handle samples, nb::handle p, nb::handle q) {
  const PointSet set = set_of(samples, "kl_divergence: samples_of_p");
  const Mixture first = mixture_of(p, "kl_divergence: p"), second = mixture_of(q, "kl_divergence: q");
  const KlEstimate estimate = released([&] { return kl_divergence(set, first, second); });
  return nb::make_tuple(estimate.value, estimate.standard_error);
}

}  // namespace

void bind_distances(nb::module_& module) {
  const char* const of_slices =
      "(x: typing.Any, y: typing.Any, *, p: int = 1, slices: int = 100, seed: int = 0, device: str = 'cpu') "
      "-> "
      "float";
  module.def("sliced_wasserstein", &sliced, nb::sig(keep(concat("def sliced_wasserstein", of_slices))),
             "SW_p between the sets x and y, or between x and the mixture y (mathematics.md §9.1).");
  module.def("max_sliced_wasserstein", &max_sliced,
             nb::sig(keep(concat("def max_sliced_wasserstein", of_slices))), docs("max_sliced_wasserstein"));
  module.def(
      "mmd_squared", &mmd,
      nb::sig(
          "def mmd_squared(x: typing.Any, y: typing.Any, *, bandwidth: float | None = None, device: str = "
          "'cpu') -> float"),
      docs("mmd_squared"));
  module.def(
      "energy_distance", &energy,
      nb::sig("def energy_distance(x: typing.Any, y: typing.Any, *, form: str = 'u', device: str = 'cpu') -> "
              "float"),
      docs("energy_distance"));
  module.def(
      "sinkhorn_divergence", &sinkhorn,
      nb::sig("def sinkhorn_divergence(x: typing.Any, y: typing.Any, *, epsilon: float | None = None, "
              "relative_epsilon: float = 0.05, tolerance: float = 1e-06, max_iterations: int = 2000, device: "
              "str = 'cpu') -> dict[str, typing.Any]"),
      docs("sinkhorn_divergence"));
  module.def("moment_errors", &moments, any_arg("x"), any_arg("law"), docs("MomentErrors"));
  module.def("mode_frequencies", &mode_frequencies_of, any_arg("x"), any_arg("law"),
             docs("mode_frequencies"));
  module.def("kl_divergence", &divergence, any_arg("samples_of_p"), any_arg("p"), any_arg("q"),
             docs("KlEstimate"));
}

}  // namespace gmdiff::python
