#include <gmdiff/network/learned_denoiser.hpp>

#include <gmdiff/io/denoiser_file.hpp>
#include <gmdiff/io/sampler_file.hpp>
#include <gmdiff/network/trained_sampler.hpp>
#include <gmdiff/network/training.hpp>

#include "bindings.hpp"
#include "callables.hpp"
#include "descriptions.hpp"
#include "models.hpp"
#include "numbers.hpp"
#include "options.hpp"
#include "released.hpp"
#include "running.hpp"
#include "states.hpp"
#include "training_state.hpp"

// Denoisers learned from data and trained samplers.

namespace gmdiff::python {
namespace {

/// The keywords of a training: its subject, all settings, and how it runs.
template <class Of, class Settings>
std::vector<std::string> keys_of_training(std::vector<std::string> first, Settings settings) {
  SettingKeys keys{std::move(first)};
  Of::visit(keys, settings);
  for (const char* key : {"threads", "progress"}) keys.keys.emplace_back(key);
  return keys.keys;
}

template <class Of, class Settings>
std::string signature_of_training(const char* name, const char* first, const char* result,
                                  Settings settings) {
  SettingKeys keys;
  Of::visit(keys, settings);
  std::string text = concat("def ", name, "(", first, ", *");
  for (const std::string& key : keys.keys) text += concat(", ", key, ": typing.Any = ...");
  return concat(text, ", threads: int = 0, progress: bool | typing.Callable | None = None) -> ", result);
}

/// Threads, and progress: a function of (iteration, iterations, loss), or True for a bar of tqdm.
template <class Options>
void set_common(const Arguments& given, Options& options) {
  if (const nb::object threads = given.find("threads"); threads.is_valid())
    options.threads = static_cast<int>(integer_of(threads, given.place("threads"), 0, 1024));
  const nb::object progress = given.find("progress");
  if (!progress.is_valid()) return;
  if (PyBool_Check(progress.ptr())) {
    if (const auto bar = progress_of(progress, given.place("progress")))
      options.progress = [bar](const auto& report) { bar({report.iteration, report.iterations}); };
    return;
  }
  options.progress = [function = Function(progress, given.place("progress"))](const auto& report) {
    function.call([&] { return nb::make_tuple(report.iteration, report.iterations, report.loss); },
                  [](const nb::object&) {});
  };
}

/// The training to continue; null for a new one, whose settings are read.
/// @param expected the type of a training in messages
template <class Of, class Training>
const Training* resumed(const Arguments& given, const char* expected, auto& settings) {
  const nb::object resume = given.find("resume");
  if (!resume.is_valid()) {
    SettingInput input(given);
    Of::visit(input, settings);
    return nullptr;
  }
  if (!nb::isinstance<Training>(resume)) fail_type(given.place("resume"), expected, resume);
  SettingKeys keys;
  Of::visit(keys, settings);
  for (const std::string& key : keys.keys) {
    if (given.find(key).is_valid()) fail(given.place(key), ": a training that goes on has its own settings");
  }
  return &nb::cast<const Training&>(resume);
}

TrainingData data_of(const nb::object& value, const std::string& place) {
  if (is_mixture(value)) return mixture_of(value, "law");
  return points_of(value, place, "(n, d); or a Mixture");
}

nb::object train_denoiser(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("train_denoiser",
                        keys_of_training<OfDenoiser>({"data", "resume"}, DenoiserSettings{}), 1, positional,
                        named);
  const TrainingData data = data_of(given.need("data"), given.place("data"));
  TrainingOptions options;
  set_common(given, options);
  DenoiserSettings settings;
  const auto* before = resumed<OfDenoiser, DenoiserTraining>(given, "a DenoiserTraining", settings);
  return nb::cast(watched([&](const std::stop_token& stop) {
    options.stop = stop;
    if (before != nullptr) return continue_training(*before, data, options);
    return gmdiff::train_denoiser(data, settings, options);
  }));
}

void bind_denoiser(nb::module_& module) {
  nb::class_<DenoiserTraining> training(module, "DenoiserTraining", docs("DenoiserTraining"));
  def_state(training);
  training
      .def_prop_ro(
          "settings",
          [](const DenoiserTraining& self) {
            SettingOutput output;
            DenoiserSettings settings = self.settings;
            OfDenoiser::visit(output, settings);
            return output.dict;
          },
          "The settings of the training, by the keywords of `train_denoiser`.")
      .def_ro("iteration", &DenoiserTraining::iteration, docs("DenoiserTraining::iteration"))
      .def_ro("scale", &DenoiserTraining::scale, docs("DenoiserTraining::scale"))
      .def_prop_ro(
          "mean", [](const DenoiserTraining& self) { return array(self.mean); },
          docs("DenoiserTraining::mean"))
      .def_prop_ro(
          "parameters", [](const DenoiserTraining& self) { return array(self.parameters); },
          "Parameters of the network, as one array.")
      .def_prop_ro(
          "averaged", [](const DenoiserTraining& self) { return array(self.averaged); },
          docs("DenoiserTraining::averaged"))
      .def(
          "denoiser",
          [](const DenoiserTraining& self, nb::handle threads) {
            return LearnedDenoiser(
                self, static_cast<int>(integer_of(threads, "DenoiserTraining.denoiser: threads", 0, 1024)));
          },
          any_arg("threads") = 1, docs("LearnedDenoiser"))
      .def(
          "save",
          [](const DenoiserTraining& self, nb::handle file, nb::handle overwrite) {
            write_denoiser(path_of(file, "DenoiserTraining.save: file"), self,
                           truth_of(overwrite, "DenoiserTraining.save: overwrite"));
          },
          any_arg("file"), any_arg("overwrite") = false, docs("write_denoiser"))
      .def("__repr__", [](const DenoiserTraining& self) {
        return concat("<DenoiserTraining in dimension ", self.mean.size(), ", iteration ", self.iteration,
                      " of ", self.settings.iterations, ">");
      });
  nb::class_<LearnedDenoiser> made(module, "LearnedDenoiser", docs("LearnedDenoiser"));
  def_copies(made);
  refuse_pickles(made, "LearnedDenoiser: holds a network that is ready to run; pickle its DenoiserTraining");
  made.def_prop_ro("dim", &LearnedDenoiser::dim, "Dimension d.")
      .def_prop_ro(
          "id", [](const LearnedDenoiser& self) { return self.denoiser().id; },
          "The text that identifies the denoiser in hashes; it depends on the parameters.")
      .def(
          "__call__",
          [](const LearnedDenoiser& self, nb::handle x, nb::handle level) {
            const Points points = points_of(x, "LearnedDenoiser: x");
            const Level at = level_of(level, "LearnedDenoiser: level");
            return array(released([&] { return self(points, at); }));
          },
          any_arg("x"), any_arg("level"), "D of each row of x (n, d).")
      .def("__repr__", [](const LearnedDenoiser& self) {
        return concat("<LearnedDenoiser in dimension ", self.dim(), ">");
      });
  module.def("train_denoiser", &train_denoiser,
             nb::sig(keep(signature_of_training<OfDenoiser>(
                 "train_denoiser", "data: typing.Any, resume: DenoiserTraining | None = None",
                 "DenoiserTraining", DenoiserSettings{}))),
             "Learns a denoiser from data: a Mixture, whose draws are the data, or points (n, d) "
             "(mathematics.md §17). The "
             "keywords are the settings of the training; `resume` is a training to continue with its own "
             "settings and the "
             "same data. `progress` is a function of (done, total). The result has the same bits for any "
             "number of threads and for a training in parts. Raises ValueError for settings out of range; "
             "NonFiniteError "
             "when the loss is not finite.");
  module.def(
      "read_denoiser", [](nb::handle file) { return read_denoiser(path_of(file, "read_denoiser: file")); },
      any_arg("file"), docs("read_denoiser"));
}

nb::object train_sampler(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("train_sampler",
                        keys_of_training<OfSampler>({"target", "resume", "device"}, SamplerSettings{}), 1,
                        positional, named);
  const Target target = target_of(given.need("target"), given.place("target"));
  SamplerTrainingOptions options;
  set_common(given, options);
  if (const nb::object device = given.find("device"); device.is_valid())
    options.device = device_of(device, given.place("device"));
  SamplerSettings settings;
  const auto* before = resumed<OfSampler, SamplerTraining>(given, "a SamplerTraining", settings);
  return nb::cast(watched([&](const std::stop_token& stop) {
    options.stop = stop;
    if (before != nullptr) return continue_sampler(*before, target, options);
    return gmdiff::train_sampler(target, settings, options);
  }));
}

void bind_sampler(nb::module_& module) {
  nb::class_<SamplerTraining> training(module, "SamplerTraining", docs("SamplerTraining"));
  def_state(training);
  training
      .def_prop_ro(
          "settings",
          [](const SamplerTraining& self) {
            SettingOutput output;
            SamplerSettings settings = self.settings;
            OfSampler::visit(output, settings);
            return output.dict;
          },
          "The settings of the training, by the keywords of `train_sampler`.")
      .def_ro("iteration", &SamplerTraining::iteration, docs("SamplerTraining::iteration"))
      .def_prop_ro(
          "target", [](const SamplerTraining& self) { return self.target; }, docs("SamplerTraining::target"))
      .def_prop_ro(
          "parameters", [](const SamplerTraining& self) { return array(self.parameters); },
          docs("SamplerTraining::parameters"))
      .def(
          "sampler",
          [](const SamplerTraining& self, nb::handle target, nb::handle threads) {
            return TrainedSampler(
                self, target_of(target, "SamplerTraining.sampler: target"),
                static_cast<int>(integer_of(threads, "SamplerTraining.sampler: threads", 0, 1024)));
          },
          any_arg("target"), any_arg("threads") = 1, docs("TrainedSampler"))
      .def(
          "save",
          [](const SamplerTraining& self, nb::handle file, nb::handle overwrite) {
            write_sampler(path_of(file, "SamplerTraining.save: file"), self,
                          truth_of(overwrite, "SamplerTraining.save: overwrite"));
          },
          any_arg("file"), any_arg("overwrite") = false, docs("write_sampler"))
      .def("__repr__", [](const SamplerTraining& self) {
        return concat("<SamplerTraining of ", self.target, ", iteration ", self.iteration, " of ",
                      self.settings.iterations, ">");
      });
  nb::class_<TrainedSampler> made(module, "TrainedSampler", docs("TrainedSampler"));
  def_copies(made);
  refuse_pickles(made,
                 "TrainedSampler: holds networks that are ready to run; pickle its SamplerTraining and the "
                 "target");
  made.def_prop_ro("dim", &TrainedSampler::dim, "Dimension d.")
      .def(
          "draws",
          [](const TrainedSampler& self, nb::handle count, nb::handle seed, nb::handle first) {
            const std::int64_t n = integer_of(count, "TrainedSampler.draws: count");
            const std::uint64_t with = seed_of(seed, "TrainedSampler.draws: seed");
            const std::int64_t from = integer_of(first, "TrainedSampler.draws: first", 0);
            WeightedDraws draws = released([&] { return self.draws(n, with, from); });
            return nb::make_tuple(array(std::move(draws.x)), array(std::move(draws.log_weights)));
          },
          any_arg("count"), any_arg("seed") = 0, any_arg("first") = 0, docs("TrainedSampler::draws"))
      .def("__repr__", [](const TrainedSampler& self) {
        return concat("<TrainedSampler in dimension ", self.dim(), ">");
      });
  module.def(
      "train_sampler", &train_sampler,
      nb::sig(keep(signature_of_training<OfSampler>(
          "train_sampler", "target: typing.Any, resume: SamplerTraining | None = None, device: str = \"cpu\"",
          "SamplerTraining", SamplerSettings{}))),
      "Learns a diffusion from a Gaussian mixture to the law of a target, an unnormalised log-density "
      "(mathematics.md "
      "§17). The keywords are the settings of the training; `resume` is a training to continue with its own "
      "settings "
      "and the same target. `device` is \"cpu\" or one GPU, as \"cuda\". `progress` is a function of (done, "
      "total). The result has the same bits for any device and number of threads and for a training in "
      "parts. Raises ValueError for settings out of range; "
      "NonFiniteError "
      "when the loss is not finite.");
  module.def(
      "read_sampler", [](nb::handle file) { return read_sampler(path_of(file, "read_sampler: file")); },
      any_arg("file"), docs("read_sampler"));
}

}  // namespace

void bind_learning(nb::module_& module) {
  bind_denoiser(module);
  bind_sampler(module);
}

}  // namespace gmdiff::python
