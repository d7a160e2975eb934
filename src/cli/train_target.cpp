#include <gmdiff/io/sampler_file.hpp>
#include <gmdiff/metrics/path_weights.hpp>

#include "base/check.hpp"
#include "cli/output.hpp"
#include "cli/train_flags.hpp"
#include "cli/training_log.hpp"
#include "cli/watched_training.hpp"
#include "io/npz.hpp"

namespace gmdiff::cli {
namespace {

SamplerSettings settings_of(const TrainFlags& flags, const std::optional<SamplerSettings>& of_problem) {
  SamplerSettings settings =
      flags.sampler ? parse_sampler_settings(*flags.sampler) : of_problem.value_or(SamplerSettings{});
  set_common_settings(flags, settings);
  if (flags.rate) settings.network_rate = parse_number("--rate", *flags.rate);
  return settings;
}

SamplerTraining begin(const TrainFlags& flags, const Target& target,
                      const std::optional<SamplerSettings>& of_problem) {
  if (!flags.resume) return start_sampler(target, settings_of(flags, of_problem));
  auto settings = common_setting_flags(flags);
  settings.emplace_back("--sampler", &flags.sampler);
  check_no_settings(flags, settings);
  return read_sampler(*flags.resume);
}

/// Threads that judge; 0: one per usable processor.
int host_threads(const Device& device) { return device.kind() == Device::Kind::cpu ? device.number() : 0; }

/// Figures of `paths` fresh paths, and of as many from exact draws where the target has them.
Json judged_paths(const SamplerTraining& training, const Target& target, std::int64_t paths, int threads) {
  const std::uint64_t seed = training.settings.seed;
  const TrainedSampler sampler(training, target, threads);
  const PathSummary forward = forward_summary(sampler.draws(paths, seed).log_weights);
  Json figures{{"paths", paths},
               {"elbo", json_number(forward.bound)},
               {"log_z", json_number(forward.log_z)},
               {"ess", json_number(forward.ess)}};
  if (!target.has_draws()) return figures;
  const PathSummary backward =
      backward_summary(sampler.backward_log_weights(target.draws(paths, seed), seed));
  figures["eubo"] = json_number(backward.bound);
  figures["log_z_backward"] = json_number(backward.log_z);
  figures["ess_backward"] = json_number(backward.ess);
  return figures;
}

/// The training of a sampler, for `watched_training`.
struct SamplerKind {
  using Options = SamplerTrainingOptions;
  const Target& target;
  TrainingLog& log;
  const Device& device;

  void place(Options& options) const { options.device = device; }
  SamplerTraining continued(SamplerTraining training, const Options& options) const {
    return continue_sampler(std::move(training), target, options);
  }
  void write(const std::string& file, const SamplerTraining& training, bool overwrite) const {
    write_sampler(file, training, overwrite);
  }
  /// Judges the sampler by as many fresh paths as a line of the log is worth: the cost of an iteration.
  void note_checkpoint(const SamplerTraining& training) const {
    constexpr std::int64_t paths = 2000;
    if (!log.is_written()) return;
    try {
      log.add_judgement(training.iteration, judged_paths(training, target, paths, host_threads(device)));
    } catch (const NonFiniteError&) {
      // The checkpoint is written; whether the training diverges is found out by its own paths.
    }
  }
  void note(const SamplerReport& report) const {
    log.add(report.iteration, report.iterations, report.loss, report.lost,
            {{"elbo", json_number(report.elbo)},
             {"step", json_number(report.step)},
             {"components", report.components}});
  }
};

/// Judgement of a trained sampler by fresh paths.
struct TargetJudgement {
  std::int64_t count;
  PathSummary forward;
  std::optional<PathSummary> backward;  ///< for a law with exact draws
  std::optional<double> log_z;          ///< where it has a closed form
};

std::int64_t num_paths(const TrainFlags& flags) {
  return whole_flag("--count", flags.count, 2, 1 << 30, 10'000);
}

TargetJudgement judge(const TrainFlags& flags, const SamplerTraining& training, const study::PathLaw& law,
                      const Device& device) {
  const std::int64_t count = num_paths(flags);
  const std::uint64_t seed = training.settings.seed;  // draws are no paths of the training
  const TrainedSampler sampler(training, law.target, host_threads(device));
  const WeightedDraws draws = sampler.draws(count, seed);
  if (flags.draws)
    io::write_npz(*flags.draws,
                  {{"x", {count, training.dim}, {draws.x.data(), static_cast<std::size_t>(draws.x.size())}},
                   {"log_weights", {count}, {draws.log_weights.data(), static_cast<std::size_t>(count)}}},
                  flags.force);
  TargetJudgement found{count, forward_summary(draws.log_weights), {}, law.log_normalizer};
  if (law.has_draws())
    found.backward = backward_summary(sampler.backward_log_weights(law.draws(count, seed), seed));
  return found;
}

Json summary_json(const char* bound, const PathSummary& of) {
  return {{bound, json_number(of.bound)},   {std::string(bound) + "_error", json_number(of.bound_error)},
          {"log_z", json_number(of.log_z)}, {"log_z_error", json_number(of.log_z_error)},
          {"ess", json_number(of.ess)},     {"ess_error", json_number(of.ess_error)}};
}

/// Name of a target in problem files; of a mixture, "custom" and its hash.
std::string target_name(const study::PathLaw& law) {
  const CustomTarget* const custom = law.target.custom();
  return custom == nullptr ? name_of(law.target.description()) : concat("custom:", custom->id);
}

Json judgement_json(const TrainFlags& flags, const SamplerTraining& training, const study::PathLaw& law,
                    const TrainingLog& log, const TargetJudgement& found) {
  Json json;
  json["file"] = flags.out;
  json["method"] = to_string(training.settings.method);
  json["law"] = law.name;
  json["target"] = target_name(law);
  json["parameters"] = training.parameters.size() + training.networks.size();
  json["iterations"] = training.iteration;
  json["loss"] = json_number(log.mean());
  json["lost_gradients"] = log.lost();
  json["paths"] = found.count;
  json["forward"] = summary_json("elbo", found.forward);
  if (found.backward) json["backward"] = summary_json("eubo", *found.backward);
  if (found.log_z) json["log_z"] = json_number(*found.log_z);
  return json;
}

std::string judgement_text(const TrainFlags& flags, const SamplerTraining& training,
                           const study::PathLaw& law, const TrainingLog& log, const TargetJudgement& found) {
  const std::string of = law.mixture ? concat(law.name, " of ", flags.problem) : target_name(law);
  std::string text = concat(flags.out, ": ", to_string(training.settings.method), ", ", of, ", ",
                            training.parameters.size() + training.networks.size(), " parameters, iteration ",
                            training.iteration, log.mean_text(), "\n\n");
  Table table({concat(found.count, " paths"), "value", "error"});
  const auto add = [&](const std::string& name, double value, double error) {
    table.add({name, format_number(value, 4), format_number(error, 2)});
  };
  add("ELBO", found.forward.bound, found.forward.bound_error);
  add("log Z", found.forward.log_z, found.forward.log_z_error);
  add("ESS/n", found.forward.ess, found.forward.ess_error);
  if (found.backward) {
    add("EUBO", found.backward->bound, found.backward->bound_error);
    add("log Z backward", found.backward->log_z, found.backward->log_z_error);
    add("ESS/n backward", found.backward->ess, found.backward->ess_error);
  }
  if (found.log_z) table.add({"log Z exact", format_number(*found.log_z, 4), "-"});
  return concat(text, table.text());
}

void check_sampler_flags(const TrainFlags& flags) {
  for (const auto& [name, text] : {std::pair<const char*, const FlagText*>{"--data", &flags.data},
                                   {"--parametrisation", &flags.parametrisation},
                                   {"--weight", &flags.weight},
                                   {"--import", &flags.import_file}})
    require(!*text, name, ": it belongs to the training of a denoiser, and a sampler of ", flags.problem,
            " is trained");
  require(!flags.draws || flags.draws->ends_with(".npz"), "--draws ", flags.draws.value_or(""),
          ": points and weights are an archive; give a name that ends in .npz");
  (void)num_paths(flags);  // before the training, which may take hours
}

}  // namespace

void train_sampler_of(const TrainFlags& flags, const study::PathLaw& law,
                      const std::optional<SamplerSettings>& settings, InputFiles inputs) {
  check_sampler_flags(flags);
  const Device device = sampler_device(flags);
  check_not_input(flags.out, inputs);
  if (flags.log) check_not_input(*flags.log, inputs);
  if (flags.draws) {
    check_output_without_sidecar(*flags.draws, flags.force);
    if (flags.resume) inputs.emplace_back(*flags.resume);
    check_not_input(*flags.draws, inputs);
  }
  SamplerTraining training = begin(flags, law.target, settings);
  TrainingLog log(flags.log);
  training = watched_training(flags, std::move(training), SamplerKind{law.target, log, device});
  const TargetJudgement found = judge(flags, training, law, device);
  print_remarks(log.warnings(), {}, flags.common.quiet);
  print(flags.common.json ? json_text(judgement_json(flags, training, law, log, found))
                          : judgement_text(flags, training, law, log, found));
}

}  // namespace gmdiff::cli
