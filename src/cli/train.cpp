#include <memory>

#include <gmdiff/io/denoiser_file.hpp>
#include <gmdiff/io/sampler_file.hpp>
#include <gmdiff/metrics/denoiser_error.hpp>
#include <gmdiff/network/learned_denoiser.hpp>

#include "base/check.hpp"
#include "cli/output.hpp"
#include "cli/problem_source.hpp"
#include "cli/train_flags.hpp"
#include "cli/training_log.hpp"
#include "cli/watched_training.hpp"

namespace gmdiff::cli {
namespace {

/// The prior of a problem. @throws std::invalid_argument for a problem without one.
struct PriorOf {
  const std::string& file;
  Mixture operator()(const Problem& problem) const { return problem.prior; }
  Mixture operator()(const NonlinearProblem& problem) const { return problem.prior; }
  Mixture operator()(const TargetProblem& /*problem*/) const { refuse("a target"); }
  Mixture operator()(const DynamicsProblem& /*problem*/) const { refuse("dynamics"); }
  [[noreturn]] void refuse(const char* has) const {
    fail("train: ", file, " has ", has, "; expected a prior, or --data FILE without a problem");
  }
};

/// The data to learn from, and the law that judges the result.
struct TrainInput {
  TrainingData data;
  std::optional<Mixture> law;
};

TrainInput read_input(const TrainFlags& flags, const std::optional<AnyProblem>& problem, InputFiles& inputs,
                      std::vector<std::string>& warnings) {
  std::optional<Mixture> law;
  if (problem) law = std::visit(PriorOf{flags.problem}, *problem);
  if (!flags.data) return {*law, law};
  add_data(inputs, *flags.data);
  Points rows = load_points(*flags.data, warnings);
  require(!law || law->dim() == rows.cols(), "--data ", *flags.data, ": its rows have dimension ",
          rows.cols(), ", the prior of ", flags.problem, " has ", law ? law->dim() : 0);
  return {std::move(rows), law};
}

DenoiserSettings parse_settings(const TrainFlags& flags) {
  DenoiserSettings settings;
  set_common_settings(flags, settings);
  if (flags.rate) settings.rate = parse_number("--rate", *flags.rate);
  if (flags.parametrisation) settings.parametrisation = parametrisation_of(*flags.parametrisation);
  if (flags.weight) settings.weight = parametrisation_of(*flags.weight);
  return settings;
}

DenoiserTraining begin(const TrainFlags& flags, const TrainingData& data) {
  if (!flags.resume) return start_training(data, parse_settings(flags));
  auto settings = common_setting_flags(flags);
  settings.emplace_back("--parametrisation", &flags.parametrisation);
  settings.emplace_back("--weight", &flags.weight);
  check_no_settings(flags, settings);
  return read_denoiser(*flags.resume);
}

/// The training of a denoiser, for `watched_training`.
struct DenoiserKind {
  using Options = TrainingOptions;
  const TrainingData& data;
  TrainingLog& log;
  int threads;

  void place(Options& options) const { options.threads = threads; }
  DenoiserTraining continued(DenoiserTraining training, const Options& options) const {
    return continue_training(std::move(training), data, options);
  }
  void write(const std::string& file, const DenoiserTraining& training, bool overwrite) const {
    write_denoiser(file, training, overwrite);
  }
  /// Iterations say it all: `judge` has its own draws, and its figures come with the result.
  void note_checkpoint(const DenoiserTraining& /*training*/) const {}
  void note(const TrainingReport& report) const {
    log.add(report.iteration, report.iterations, report.loss, report.lost,
            {{"rate", json_number(report.rate)}});
  }
};

std::vector<DenoiserError> judge(const DenoiserTraining& training, const Mixture& law, int threads) {
  return denoiser_errors(LearnedDenoiser(training, threads).denoiser(), law, {0.02, 0.1, 0.5, 2.0, 10.0},
                         {.seed = training.settings.seed});
}

/// @param log of the training; none of an imported one.
Json training_json(const TrainFlags& flags, const DenoiserTraining& training, const TrainingLog* log,
                   const std::vector<DenoiserError>& errors) {
  Json json;
  json["file"] = flags.out;
  json["parametrisation"] = to_string(training.settings.parametrisation);
  json["parameters"] = training.parameters.size();
  json["iterations"] = training.iteration;
  if (log != nullptr) {
    json["loss"] = json_number(log->mean());
    json["lost_gradients"] = log->lost();
  }
  json["mean"] = json_vector(training.mean);
  json["scale"] = json_number(training.scale);
  if (errors.empty()) return json;
  json["levels"] = Json::array();
  for (const DenoiserError& error : errors) {
    json["levels"].push_back({{"n", json_number(error.n)},
                              {"floor", json_number(error.floor)},
                              {"excess", json_number(error.excess)},
                              {"excess_error", json_number(error.excess_error)}});
  }
  return json;
}

std::string training_text(const TrainFlags& flags, const DenoiserTraining& training, const TrainingLog* log,
                          const std::vector<DenoiserError>& errors) {
  std::string text = concat(flags.out, ": ", to_string(training.settings.parametrisation), ", ",
                            training.parameters.size(), " parameters, iteration ", training.iteration);
  if (log != nullptr) text += log->mean_text();
  text += "\n";
  if (errors.empty()) return text;
  Table table({"n", "floor", "excess", "excess/floor"});
  for (const DenoiserError& error : errors)
    table.add({format_number(error.n), format_number(error.floor, 3), format_number(error.excess, 3),
               format_number(error.excess / error.floor, 2)});
  return concat(text, "\n", table.text());
}

void check_denoiser_flags(const TrainFlags& flags) {
  for (const auto& [name, text] : {std::pair<const char*, const FlagText*>{"--sampler", &flags.sampler},
                                   {"--draws", &flags.draws},
                                   {"--count", &flags.count}})
    require(
        !*text, name,
        ": it belongs to the training of a sampler, which needs a problem with a target, or with a prior and "
        "--sampler or a \"sampler\" that is trained");
}

void print_training(const TrainFlags& flags, const DenoiserTraining& training, const TrainingLog* log,
                    const std::vector<DenoiserError>& errors) {
  print(flags.common.json ? json_text(training_json(flags, training, log, errors))
                          : training_text(flags, training, log, errors));
}

/// Writes the denoiser of a state dictionary of torch, and judges it if there is a prior.
void import_denoiser_of(const TrainFlags& flags, const std::optional<AnyProblem>& problem,
                        InputFiles inputs) {
  check_denoiser_flags(flags);
  for (const auto& [name, text] : {std::pair<const char*, const FlagText*>{"--data", &flags.data},
                                   {"--resume", &flags.resume},
                                   {"--log", &flags.log},
                                   {"--checkpoint-every", &flags.checkpoint_every}})
    require(!*text, name, ": --import writes the denoiser of ", *flags.import_file, " without training it");
  inputs.emplace_back(*flags.import_file);
  check_not_input(flags.out, inputs);
  const DenoiserTraining training = import_denoiser(*flags.import_file, parse_settings(flags));
  std::vector<DenoiserError> errors;
  if (problem) {
    const Mixture law = std::visit(PriorOf{flags.problem}, *problem);
    require(law.dim() == training.mean.size(), "--import ", *flags.import_file, ": its mean has dimension ",
            training.mean.size(), ", the prior of ", flags.problem, " has ", law.dim());
    errors = judge(training, law, training_threads(flags));
  }
  write_denoiser(flags.out, training, flags.force);
  print_training(flags, training, nullptr, errors);
}

void train_denoiser_of(const TrainFlags& flags, const std::optional<AnyProblem>& problem, InputFiles inputs) {
  check_denoiser_flags(flags);
  std::vector<std::string> warnings;
  const TrainInput input = read_input(flags, problem, inputs, warnings);
  check_not_input(flags.out, inputs);
  if (flags.log) check_not_input(*flags.log, inputs);
  DenoiserTraining training = begin(flags, input.data);
  const int threads = training_threads(flags);
  TrainingLog log(flags.log);
  training = watched_training(flags, std::move(training), DenoiserKind{input.data, log, threads});
  std::vector<DenoiserError> errors;
  if (input.law) errors = judge(training, *input.law, threads);
  for (const std::string& warning : log.warnings()) warnings.push_back(warning);
  print_remarks(warnings, {}, flags.common.quiet);
  print_training(flags, training, &log, errors);
}

/// The settings of a sampler in a problem file; empty without one.
struct TrainingOf {
  std::optional<SamplerSettings> operator()(const DynamicsProblem& /*problem*/) const { return {}; }
  std::optional<SamplerSettings> operator()(const auto& problem) const { return problem.training; }
};

/// The law that a sampler is trained for. @throws std::invalid_argument for dynamics.
struct LawOf {
  const std::string& file;
  study::PathLaw operator()(const auto& problem) const { return study::path_law_of(problem); }
  study::PathLaw operator()(const DynamicsProblem& /*problem*/) const {
    fail("train: ", file, " has dynamics; expected a prior or a target");
  }
};

/// Whether a sampler is trained, and not a denoiser.
bool trains_sampler(const TrainFlags& flags, const AnyProblem& problem) {
  return std::holds_alternative<TargetProblem>(problem) || flags.sampler ||
         std::visit(TrainingOf{}, problem) || (flags.resume && holds_sampler(*flags.resume));
}

void run_train(const TrainFlags& flags) {
  // A training may continue in its own file.
  check_output_without_sidecar(flags.out, flags.force);
  check_distinct({{"--out", flags.out}, {"--draws", flags.draws}, {"--log", flags.log}});
  require(!flags.problem.empty() || flags.data || flags.import_file,
          "train: expected a PROBLEM or --data FILE");
  require(!flags.keep_checkpoints || flags.checkpoint_every,
          "--keep-checkpoints keeps the files of --checkpoint-every K, which is not given");
  InputFiles inputs;
  std::optional<AnyProblem> problem;
  if (!flags.problem.empty()) problem = load_any_problem(flags.problem, inputs);
  if (problem && trains_sampler(flags, *problem)) {
    train_sampler_of(flags, std::visit(LawOf{flags.problem}, *problem), std::visit(TrainingOf{}, *problem),
                     std::move(inputs));
  } else if (flags.import_file) {
    import_denoiser_of(flags, problem, std::move(inputs));
  } else {
    train_denoiser_of(flags, problem, std::move(inputs));
  }
}

}  // namespace

void check_no_settings(const TrainFlags& flags,
                       const std::vector<std::pair<const char*, const FlagText*>>& settings) {
  for (const auto& [name, text] : settings)
    require(!*text, name, ": --resume continues a training with the settings that ", *flags.resume, " holds");
}

std::vector<std::pair<const char*, const FlagText*>> common_setting_flags(const TrainFlags& flags) {
  return {{"--iterations", &flags.iterations}, {"--batch", &flags.batch},   {"--seed", &flags.seed},
          {"--hidden", &flags.hidden},         {"--layers", &flags.layers}, {"--rate", &flags.rate},
          {"--precision", &flags.precision}};
}

std::int64_t whole_flag(const char* flag, const FlagText& text, std::int64_t low, std::int64_t high,
                        std::int64_t otherwise) {
  return text ? parse_integer(flag, *text, low, high) : otherwise;
}

std::filesystem::path checkpoint_file(const std::string& out, std::int64_t iteration) {
  const std::filesystem::path file(out);
  return file.parent_path() / concat(file.stem().string(), "-", iteration, file.extension().string());
}

void check_checkpoints(const TrainFlags& flags, std::int64_t iteration, std::int64_t iterations) {
  if (!flags.keep_checkpoints) return;
  const std::int64_t every = whole_flag("--checkpoint-every", flags.checkpoint_every, 1, 1 << 24, 1);
  for (std::int64_t next = iteration / every * every + every; next < iterations; next += every)
    check_output_without_sidecar(checkpoint_file(flags.out, next), flags.force);
  if (iteration < iterations)
    check_output_without_sidecar(checkpoint_file(flags.out, iterations), flags.force);
}

int training_threads(const TrainFlags& flags) {
  if (!flags.device) return 0;
  const Device device = Device::parse(*flags.device);
  require(device.kind() == Device::Kind::cpu, "--device ", *flags.device,
          ": a denoiser is trained on cpu or cpu:THREADS");
  return device.number();
}

Device sampler_device(const TrainFlags& flags) {
  if (!flags.device) return Device::cpu();
  const Device device = Device::parse(*flags.device);
  require(device.kind() != Device::Kind::reference && device.numbers().size() == 1, "--device ",
          *flags.device, ": a sampler is trained on cpu, cpu:THREADS or one GPU, as cuda or cuda:1");
  return device;
}

Verb add_train(CLI::App& command) {
  CLI::App* verb = command.add_subcommand(
      "train", "learns a denoiser from a prior or from data, or a sampler of a target, prior or posterior");
  auto flags = std::make_shared<TrainFlags>();
  verb->add_option(
          "PROBLEM", flags->problem,
          "problem file, - for standard input: a sampler of its target is trained, or of its prior or "
          "posterior with --sampler or a \"sampler\" of dis, mcd, cmcd or dbs; else the denoiser of "
          "its prior")
      ->type_name("");
  verb->add_option("--out", flags->out, "the .npz file to write")->required()->type_name("FILE");
  verb->add_option("--data", flags->data,
                   "rows to learn from, shape (n, d), instead of draws of the prior, which then only judges")
      ->type_name("FILE");
  verb->add_option("--iterations", flags->iterations, "number of iterations (4000; sampler: 10000)")
      ->type_name("N");
  verb->add_option("--batch", flags->batch, "rows, or paths, of an iteration (1024; sampler: 2000)")
      ->type_name("B");
  verb->add_option("--seed", flags->seed, "64-bit seed (0)")->type_name("S");
  verb->add_option("--parametrisation", flags->parametrisation,
                   "what the network estimates: x0, eps, v or edm (edm)")
      ->type_name("NAME");
  verb->add_option("--weight", flags->weight, "weights of the levels: those of x0, eps, v or edm (as above)")
      ->type_name("NAME");
  verb->add_option(
          "--sampler", flags->sampler,
          "method of a sampler: dis, ula, mcd, cmcd or dbs with parameters, as dis:components=4:steps=32 "
          "or, for modes far apart, dis:components=40:refine_every=20:support_std=40 (dis)")
      ->type_name("METHOD");
  verb->add_option("--draws", flags->draws,
                   "write points x and log_weights of the trained sampler to this .npz file")
      ->type_name("FILE");
  verb->add_option("--count", flags->count, "paths that judge, and draws (10000)")->type_name("N");
  verb->add_option("--hidden", flags->hidden, "units of a layer (128)")->type_name("H");
  verb->add_option("--layers", flags->layers, "hidden layers (2)")->type_name("L");
  verb->add_option("--rate", flags->rate,
                   "rate of Adam; it falls to 0 over the last half (0.001; sampler: 0.0005, last quarter)")
      ->type_name("R");
  verb->add_option("--precision", flags->precision, "of the network: f32 or f64 (f32)")->type_name("P");
  verb->add_option("--device", flags->device,
                   "cpu or cpu:THREADS; of a sampler also cuda or cuda:INDEX (cpu)")
      ->type_name("DEVICE");
  verb->add_option("--resume", flags->resume, "continue the training of this file, with its settings")
      ->type_name("FILE");
  verb->add_option("--checkpoint-every", flags->checkpoint_every, "write FILE every K iterations")
      ->type_name("K");
  verb->add_flag("--keep-checkpoints", flags->keep_checkpoints,
                 "also keep each checkpoint, as FILE with its iteration: model-200.npz");
  verb->add_option("--log", flags->log,
                   "append a line of JSON every 100 iterations, and for a target one at every checkpoint")
      ->type_name("FILE");
  verb->add_option("--import", flags->import_file,
                   "write the denoiser of this .npz of a torch state dictionary instead of training one")
      ->type_name("FILE");
  add_force(*verb, flags->force);
  add_common_flags(*verb, flags->common);
  set_examples(*verb,
               "  gmdiff train problem.json --out model.npz --iterations 200 --batch 256 --hidden 32 "
               "--log log.jsonl\n"
               "  gmdiff train problem.json --resume model.npz --out model.npz --force\n"
               "  gmdiff train funnel.json --hidden 32 --sampler dis:steps=8 --iterations 50 --batch 128 "
               "--out s.npz\n"
               "  gmdiff train banana.json --hidden 16 --sampler dis:steps=8:components=3 --iterations 200 "
               "--batch 64 --out sampler.npz\n");
  return {verb, [flags] { run_train(*flags); }};
}

}  // namespace gmdiff::cli
