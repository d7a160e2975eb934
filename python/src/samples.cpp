#include <gmdiff/device/samples.hpp>

#include <nanobind/ndarray.h>

#include <dlpack/dlpack.h>

#include <gmdiff/device/dlpack.hpp>
#include <gmdiff/device/paths.hpp>
#include <gmdiff/device/smc.hpp>

#include "bindings.hpp"
#include "device/sample_values.hpp"
#include "docstrings.hpp"
#include "numbers.hpp"
#include "states.hpp"

// Results of runs as arrays.

namespace gmdiff::python {

template <>
struct StateOf<Provenance> {
  static constexpr AllMembers members{
      &Provenance::seed,     &Provenance::problem_seeds, &Provenance::first,   &Provenance::plan_hash,
      &Provenance::math,     &Provenance::device,        &Provenance::seconds, &Provenance::particle_steps,
      &Provenance::warnings, &Provenance::notes};
};
template <>
struct StateOf<Acceptance> {
  static constexpr AllMembers members{&Acceptance::probability, &Acceptance::non_finite, &Acceptance::step};
};
template <>
struct StateOf<ChainMoments> {
  static constexpr AllMembers members{&ChainMoments::steps, &ChainMoments::mean, &ChainMoments::variance,
                                      &ChainMoments::covariance, &ChainMoments::batch_means};
};
template <>
struct StateOf<ChainReport> {
  static constexpr AllMembers members{&ChainReport::log_evidence, &ChainReport::smallest_ess,
                                      &ChainReport::smallest_ess_step};
};
template <>
struct StateOf<SmcHistory> {
  static constexpr AllMembers members{&SmcHistory::steps, &SmcHistory::ess, &SmcHistory::resampled,
                                      &SmcHistory::log_weights, &SmcHistory::ancestors};
};

namespace {

std::vector<std::size_t> shape_of(const Samples& samples) {
  return {samples.shape().begin(), samples.shape().end()};
}

template <class Scalar>
nb::object view(const Samples& samples, const nb::handle owner) {
  const std::vector<std::size_t> shape = shape_of(samples);
  const Scalar* data = nullptr;
  {
    // Values on a GPU are copied to the host first.
    const nb::gil_scoped_release release;
    data = samples.host<Scalar>().data();
  }
  return nb::ndarray<nb::numpy, const Scalar>(data, shape.size(), shape.data(), owner).cast();
}

/// A view of NumPy on the values, which it must not change. It keeps the samples alive.
nb::object numpy_of(const nb::object& self) {
  const auto& samples = nb::cast<const Samples&>(self);
  return samples.precision() == Precision::f32 ? view<float>(samples, self) : view<double>(samples, self);
}

nb::object array_protocol(const nb::object& self, const nb::object& dtype, const nb::object& copy) {
  const nb::object values = numpy_of(self);
  const bool converts =
      !dtype.is_none() && !values.attr("dtype").equal(nb::module_::import_("numpy").attr("dtype")(dtype));
  if (converts && copy.is(Py_False))
    throw nb::value_error("Samples: another dtype needs a copy, and copy is False");
  if (converts) return values.attr("astype")(dtype);
  return copy.is(Py_True) ? values.attr("copy")() : values;
}

DLManagedTensor* tensor_of(const nb::object& capsule) {
  return static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor"));
}

/// A capsule that nobody took gives its tensor back.
void release_capsule(PyObject* capsule) {
  if (PyCapsule_IsValid(capsule, "dltensor") == 0) return;
  auto* tensor = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule, "dltensor"));
  tensor->deleter(tensor);
}

nb::object dlpack(const nb::object& self, const nb::kwargs& named) {
  const auto given = [&](const char* key) {
    return named.contains(key) ? nb::object(named[key]) : nb::none();
  };
  const nb::object device = given("dl_device"), copy = given("copy");
  const auto& samples = nb::cast<const Samples&>(self);
  const bool is_for_host = samples.on_device() && device.equal(nb::make_tuple(static_cast<int>(kDLCPU), 0));
  if (is_for_host && copy.is(Py_False))
    throw nb::buffer_error("Samples.__dlpack__: the values are on a GPU, and copy is False");
  if (copy.is(Py_True) || is_for_host) return numpy_of(self).attr("copy")().attr("__dlpack__")();
  nb::object capsule = nb::steal(PyCapsule_New(to_dlpack(samples), "dltensor", release_capsule));
  if (!capsule.is_valid()) throw nb::python_error();
  const DLDevice& place = tensor_of(capsule)->dl_tensor.device;
  const auto own = nb::make_tuple(static_cast<int>(place.device_type), place.device_id);
  if (!device.is_none() && !device.equal(own))
    throw nb::buffer_error(
        "Samples.__dlpack__: the values are on another device; convert with numpy() for the host");
  return capsule;
}

nb::object dlpack_device(const Samples& samples) {
  if (const auto place = samples.on_device()) return nb::make_tuple(static_cast<int>(kDLCUDA), place->index);
  return nb::make_tuple(static_cast<int>(kDLCPU), 0);
}

nb::list texts(const std::vector<std::string>& list) {
  nb::list result;
  for (const std::string& text : list) result.append(text);
  return result;
}

nb::dict provenance_of(const Samples& samples) {
  const Provenance& origin = samples.provenance();
  nb::dict result;
  result["seed"] = origin.seed;
  result["first"] = origin.first;
  result["plan_hash"] = origin.plan_hash;
  result["math"] = origin.math == MathMode::exact ? "exact" : "fast";
  result["device"] = origin.device;
  result["seconds"] = origin.seconds;
  result["particle_steps"] = origin.particle_steps;
  nb::list seeds;
  for (const std::uint64_t seed : origin.problem_seeds) seeds.append(seed);
  result["problem_seeds"] = seeds;
  result["warnings"] = texts(origin.warnings);
  result["notes"] = texts(origin.notes);
  return result;
}

nb::object acceptance_of(const Samples& samples) {
  if (!samples.acceptance()) return nb::none();
  nb::dict result;
  result["probability"] = array(samples.acceptance()->probability);
  result["non_finite"] = array(samples.acceptance()->non_finite, {samples.acceptance()->non_finite.size()});
  if (!samples.acceptance()->step.empty()) result["step"] = array(samples.acceptance()->step);
  return result;
}

/// Rows of d d or 16 d numbers as an array (chains, d, d) or (chains, 16, d).
nb::object folded(const Points& rows, Eigen::Index first, Eigen::Index second) {
  return array(std::vector<double>(rows.data(), rows.data() + rows.size()),
               {static_cast<std::size_t>(rows.rows()), static_cast<std::size_t>(first),
                static_cast<std::size_t>(second)});
}

nb::object moments_of(const Samples& samples) {
  if (!samples.moments()) return nb::none();
  const ChainMoments& moments = *samples.moments();
  const Eigen::Index d = moments.mean.cols();
  nb::dict result;
  result["steps"] = moments.steps;
  result["mean"] = array(moments.mean);
  result["variance"] = array(moments.variance);
  result["covariance"] = moments.covariance.cols() > 0 ? folded(moments.covariance, d, d) : nb::none();
  result["batch_means"] = folded(moments.batch_means, ChainMoments::batches, d);
  return result;
}

nb::tuple shape_tuple(const Samples& samples) {
  nb::list shape;
  for (const std::int64_t size : samples.shape()) shape.append(size);
  return nb::tuple(shape);
}

/// The state of samples for pickles: values and metadata, without the law of the run that a picture shows.
nb::tuple state_of(const nb::object& self) {
  const auto& samples = nb::cast<const Samples&>(self);
  if (samples.on_device())
    throw nb::type_error(
        "Samples: the values are in the memory of a GPU; pickle numpy(), times and provenance");
  return nb::make_tuple(numpy_of(self), to_state(samples.shape()), to_state(samples.times()),
                        to_state(samples.provenance()), to_state(samples.acceptance()),
                        to_state(samples.moments()), to_state(samples.velocities()));
}

template <class Scalar>
Samples::Buffer values_of(nb::handle state) {
  const auto values = nb::cast<nb::ndarray<const Scalar, nb::c_contig, nb::device::cpu>>(state);
  return Samples::Values<Scalar>(values.data(), values.data() + values.size());
}

Samples samples_of(nb::handle state) {
  const auto parts = nb::cast<nb::tuple>(state);
  const auto part = [&](std::size_t i) { return nb::object(parts[i]); };
  const bool is_single = nb::cast<std::size_t>(part(0).attr("itemsize")) == sizeof(float);
  auto values = std::make_shared<const SampleValues>(is_single ? values_of<float>(part(0))
                                                               : values_of<double>(part(0)));
  return {std::move(values),
          from_state<std::vector<std::int64_t>>(part(1)),
          from_state<std::vector<double>>(part(2)),
          from_state<Provenance>(part(3)),
          from_state<std::optional<Acceptance>>(part(4)),
          from_state<std::optional<ChainMoments>>(part(5)),
          from_state<std::optional<Points>>(part(6))};
}

/// The methods for pickles of a class of samples. A subclass has further parts.
template <class T, class... Base, class Parts, class Make>
void def_samples_state(nb::class_<T, Base...>& made, Parts parts, Make make) {
  made.def("__getstate__", [parts](const nb::object& self) {
    return nb::make_tuple(state_of(self), parts(nb::cast<const T&>(self)));
  });
  made.def("__setstate__", [make](T& self, const nb::tuple& state) {
    new (&self) T(make(samples_of(nb::object(state[0])), nb::object(state[1])));
  });
}

void bind_plain(nb::module_& module) {
  nb::class_<Samples> made(module, "Samples", docs("Samples"), nb::dynamic_attr());
  def_copies(made);
  def_samples_state(
      made, [](const Samples&) { return nb::none(); }, [](Samples samples, nb::handle) { return samples; });
  made.def_prop_ro("shape", &shape_tuple, "Shape of the values.")
      .def_prop_ro(
          "dtype",
          [](const Samples& self) {
            return nb::module_::import_("numpy").attr("dtype")(
                self.precision() == Precision::f32 ? "float32" : "float64");
          },
          "float32 or float64, as a dtype of NumPy.")
      .def_prop_ro("dim", &Samples::dim, docs("Samples::dim"))
      .def_prop_ro(
          "times", [](const Samples& self) { return array(self.times()); }, docs("Samples::times"))
      .def_prop_ro("provenance", &provenance_of, docs("Provenance"))
      .def_prop_ro(
          "warnings", [](const Samples& self) { return texts(self.provenance().warnings); },
          docs("Provenance::warnings"))
      .def_prop_ro(
          "notes", [](const Samples& self) { return texts(self.provenance().notes); },
          docs("Provenance::notes"))
      .def_prop_ro("acceptance", &acceptance_of, docs("Acceptance"))
      .def_prop_ro("moments", &moments_of, docs("ChainMoments"))
      .def_prop_ro(
          "velocities",
          [](const Samples& self) -> nb::object {
            return self.velocities() ? nb::object(array(*self.velocities())) : nb::none();
          },
          docs("Samples::velocities"))
      .def_prop_ro(
          "on_device", [](const Samples& self) { return self.on_device().has_value(); },
          "Whether the values are in the memory of a GPU.")
      .def(
          "numpy", [](const nb::object& self) { return numpy_of(self); },
          nb::sig("def numpy(self) -> numpy.ndarray"),
          "The values as an array of NumPy that must not be changed: a view without a copy in host memory. "
          "Values "
          "on a GPU are copied to the host, once.")
      .def("__array__", &array_protocol, nb::arg("dtype") = nb::none(), nb::arg("copy") = nb::none())
      .def("__dlpack__", &dlpack)
      .def("__dlpack_device__", &dlpack_device)
      .def("__len__", [](const Samples& self) { return self.shape().front(); })
      .def(
          "__getitem__",
          [](const nb::object& self, nb::handle key) -> nb::object { return numpy_of(self)[key]; },
          any_arg("key"))
      .def("__repr__", [](const Samples& self) {
        return concat("<Samples of shape ", nb::str(shape_tuple(self)).c_str(), ", ",
                      self.precision() == Precision::f32 ? "float32" : "float64", ", seed ",
                      self.provenance().seed, ", from ", self.provenance().device, ">");
      });
}

nb::object history_of(const SmcSamples& samples) {
  const SmcHistory& history = samples.history();
  if (history.steps.empty()) return nb::none();
  const std::size_t chains = samples.log_evidence().size(), weightings = history.steps.size();
  const std::size_t particles = history.log_weights.size() / (chains * weightings);
  nb::dict result;
  result["steps"] = array(history.steps, {weightings});
  result["ess"] = array(history.ess, {chains, weightings});
  result["resampled"] = array(history.resampled, {chains, weightings});
  result["log_weights"] = array(history.log_weights, {chains, weightings, particles});
  result["ancestors"] = array(history.ancestors, {chains, weightings, particles});
  return result;
}

void bind_smc(nb::module_& module) {
  const auto docs_of = [](const char* name) { return docs(std::string("SmcSamples::") + name); };
  nb::class_<SmcSamples, Samples> made(module, "SmcSamples", docs("SmcSamples"));
  def_samples_state(
      made,
      [](const SmcSamples& self) {
        return nb::make_tuple(to_state(self.chains()), to_state(self.log_weights()),
                              to_state(self.history()));
      },
      [](Samples samples, const nb::object& state) {
        const auto parts = nb::cast<nb::tuple>(state);
        return SmcSamples(std::move(samples), from_state<ChainReport>(nb::object(parts[0])),
                          from_state<std::vector<double>>(nb::object(parts[1])),
                          from_state<SmcHistory>(nb::object(parts[2])));
      });
  made.def_prop_ro(
          "log_evidence", [](const SmcSamples& self) { return array(self.log_evidence()); },
          docs("ChainReport::log_evidence"))
      .def_prop_ro(
          "smallest_ess", [](const SmcSamples& self) { return array(self.smallest_ess()); },
          docs("ChainReport::smallest_ess"))
      .def_prop_ro(
          "chain_weights", [](const SmcSamples& self) { return array(self.chain_weights()); },
          docs_of("chain_weights"))
      .def_prop_ro(
          "log_weights",
          [](const SmcSamples& self) -> nb::object {
            const std::size_t chains = self.log_evidence().size(), size = self.log_weights().size();
            if (size == 0) return nb::none();
            return array(self.log_weights(), {chains, size / chains});
          },
          docs_of("log_weights"))
      .def_prop_ro("history", &history_of, docs("SmcHistory"))
      .def(
          "mean_log_evidence",
          [](const SmcSamples& self, nb::handle problem) {
            return self.mean_log_evidence(integer_of(problem, "SmcSamples.mean_log_evidence: problem", 0));
          },
          any_arg("problem") = 0, docs_of("mean_log_evidence"))
      .def(
          "log_evidence_sd",
          [](const SmcSamples& self, nb::handle problem) {
            return self.log_evidence_sd(integer_of(problem, "SmcSamples.log_evidence_sd: problem", 0));
          },
          any_arg("problem") = 0, docs_of("log_evidence_sd"));
}

void bind_paths(nb::module_& module) {
  nb::class_<PathSamples, Samples> made(module, "PathSamples", docs("PathSamples"));
  def_samples_state(
      made, [](const PathSamples& self) { return to_state(self.log_weights()); },
      [](Samples samples, const nb::object& state) {
        return PathSamples(std::move(samples), from_state<std::vector<double>>(state));
      });
  made.def_prop_ro(
      "log_weights", [](const PathSamples& self) { return array(self.log_weights()); },
      docs("PathSamples::log_weights"));
}

}  // namespace

void bind_samples(nb::module_& module) {
  bind_plain(module);
  bind_smc(module);
  bind_paths(module);
}

}  // namespace gmdiff::python
