#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include <gmdiff/io/denoiser_file.hpp>
#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/io/sampler_file.hpp>
#include <gmdiff/network/learned_denoiser.hpp>

#include "io/dynamics_json.hpp"
#include "io/mixture_json.hpp"
#include "io/nonlinear_json.hpp"
#include "io/parameter_reader.hpp"
#include "io/problem_input.hpp"
#include "io/sampler_settings.hpp"
#include "io/target_json.hpp"
#include "model/named_dynamics.hpp"

namespace gmdiff {

namespace {

using io::any_size;
using io::at;
using io::Json;
using io::Location;

LinearObservation read_observation(const Json& value, const Location& where, std::int64_t d) {
  io::as_object(value, where);
  io::check_keys(value, where, {"A", "y", "noise_std", "noise_covariance"});
  const auto A = io::read_array(io::member(value, where, "A"), where.key("A"), {any_size, d});
  const std::int64_t dy = A.size(0);
  const auto y = io::read_array(io::member(value, where, "y"), where.key("y"), {dy});
  const Json* noise_std = io::optional_member(value, "noise_std");
  const Json* noise_covariance = io::optional_member(value, "noise_covariance");
  if (noise_std != nullptr && noise_covariance != nullptr)
    where.fail("\"noise_std\" and \"noise_covariance\" exclude each other");
  if (noise_std != nullptr) {
    const double std = io::read_number(*noise_std, where.key("noise_std"));
    return io::at_place(where, [&] { return LinearObservation(A.points(), y.vector(), std); });
  }
  if (noise_covariance == nullptr) where.fail("missing key \"noise_std\" (or \"noise_covariance\")");
  const auto R = io::read_array(*noise_covariance, where.key("noise_covariance"), {dy, dy});
  return io::at_place(where, [&] {
    return LinearObservation(A.points(), y.vector(), Eigen::MatrixXd(R.points()), R.relative_precision);
  });
}

/// Start and grid of a Fokker-Planck equation. @param problem of any kind
void read_density(const Json& root, const Location& top, auto& problem) {
  if (const Json* start = io::optional_member(root, "start"))
    problem.start = io::read_mixture(*start, top.key("start"));
  if (const Json* density = io::optional_member(root, "density"))
    problem.density = io::read_description<DensityDescription>(*density, top.key("density"));
}

const std::vector<std::string>& keys_with_prior() {
  static const std::vector<std::string> keys{"prior",   "process", "grid",    "observation",
                                             "sampler", "start",   "density", "denoiser"};
  return keys;
}

/// The learned denoiser that takes the place of the prior's. @param problem with a prior
void read_denoiser_of(const Json& root, const Location& top, auto& problem) {
  const Json* value = io::optional_member(root, "denoiser");
  if (value == nullptr) return;
  const Location where = top.key("denoiser");
  if (!value->is_string()) where.fail("expected the path of a learned denoiser, got ", io::describe(*value));
  const std::filesystem::path file = where.folder() / value->get_ref<const std::string&>();
  problem.denoiser = io::at_place(where, [&] { return io::read_given_denoiser(file, problem.prior.dim()); });
  where.note(file);
}

/// Finds the file of a trained sampler, whose path is relative to the folder of the problem.
AnySampler with_model(AnySampler sampler, const Location& where, Eigen::Index dim) {
  if (auto* trained = std::get_if<LearnedSampler>(&sampler)) {
    auto& learned = std::get<Learned>(*trained);
    const std::filesystem::path file = where.folder() / learned.model;
    learned.model = file.string();
    io::at_place(where.key("model"), [&] { io::check_model(learned, dim); });
    where.note(file);
  }
  return sampler;
}

/// The sampler of a problem; empty without one, and for one that is to be trained, whose settings the problem
/// gets. @param dim of the law
std::optional<AnySampler> read_sampler_of(const Json& root, const Location& top, Eigen::Index dim,
                                          std::optional<SamplerSettings>& training) {
  const Json* sampler = io::optional_member(root, "sampler");
  if (sampler == nullptr) return {};
  const Location where = top.key("sampler");
  if (io::is_trainable(*sampler)) {
    training = io::read_sampler_settings(*sampler, where);
    return {};
  }
  return with_model(io::read_variant<AnySampler>(*sampler, where, "sampler"), where, dim);
}

/// Whether a sampler samples a prior or a posterior, and not the posterior alone.
bool needs_observation(const AnySampler& sampler) {
  return std::holds_alternative<SmcSampler>(sampler) || std::holds_alternative<GuidedSampler>(sampler);
}

/// Process and grid. @param problem with a prior
void read_schedule(const Json& root, const Location& top, auto& problem) {
  if (const Json* process = io::optional_member(root, "process")) {
    problem.process = io::read_variant<ProcessDescription>(*process, top.key("process"), "process");
  }
  if (const Json* grid = io::optional_member(root, "grid")) {
    problem.grid = io::read_variant<GridDescription>(*grid, top.key("grid"), "grid");
  }
}

/// A sampler that evaluates a learned denoiser. The start of others is a draw of the prior's p_T, which is no
/// part of a denoiser.
AnySampler usual_sampler(bool is_observed) {
  if (is_observed) return GuidedSampler(Pigdm{});
  return Ddim{.start = Start::gaussian};
}

Problem read_prior_problem(const Json& root, const Location& top) {
  io::check_keys(root, top, keys_with_prior());
  Problem problem{.prior = io::read_mixture(io::member(root, top, "prior"), top.key("prior"))};
  read_schedule(root, top, problem);
  if (const Json* observation = io::optional_member(root, "observation")) {
    problem.observation = read_observation(*observation, top.key("observation"), problem.prior.dim());
  }
  if (const auto sampler = read_sampler_of(root, top, problem.prior.dim(), problem.training)) {
    problem.sampler = *sampler;
    if (needs_observation(*sampler) && !problem.observation) {
      top.key("sampler").fail(root.at("sampler").at("type").get<std::string>(),
                              " samples the posterior of an observation, and the problem has none");
    }
  }
  read_density(root, top, problem);
  read_denoiser_of(root, top, problem);
  if (problem.denoiser && !root.contains("sampler"))
    problem.sampler = usual_sampler(problem.observation.has_value());
  return problem;
}

/// Constructs process and grid, so that a file that is read can also be run.
void check_schedule(const Problem& problem, const Location& top) {
  const auto process = io::at_place(top.key("process"), [&] { return ForwardProcess(problem.process); });
  const LinearObservation* observation = problem.observation ? &*problem.observation : nullptr;
  io::at_place(top.key("grid"), [&] { return TimeGrid(process, problem.grid, observation); });
}

/// Whether the observation of a problem has a map.
bool has_map(const Json& root) {
  const Json* observation = io::optional_member(root, "observation");
  return observation != nullptr && observation->is_object() && observation->contains("map");
}

NonlinearProblem read_nonlinear_problem(const Json& root, const Location& top) {
  io::check_keys(root, top, keys_with_prior());
  const Mixture prior = io::read_mixture(io::member(root, top, "prior"), top.key("prior"));
  NonlinearProblem problem{.prior = prior,
                           .observation = io::read_nonlinear_observation(
                               root.at("observation"), top.key("observation"), prior.dim())};
  io::at_place(top, [&] { return target_of(problem); });
  read_schedule(root, top, problem);
  if (const auto sampler = read_sampler_of(root, top, prior.dim(), problem.training)) {
    problem.sampler = *sampler;
    io::at_place(top.key("sampler"), [&] { check_takes_map(problem.sampler); });
  }
  read_density(root, top, problem);
  read_denoiser_of(root, top, problem);
  if (problem.denoiser && !root.contains("sampler")) problem.sampler = usual_sampler(true);
  return problem;
}

TargetProblem read_target_problem(const Json& root, const Location& top) {
  if (root.contains("prior")) top.fail("\"prior\" and \"target\" exclude each other");
  io::check_keys(root, top, {"target", "sampler", "start", "density"});
  const Location place = top.key("target");
  TargetProblem problem{.target = io::read_target(io::member(root, top, "target"), place)};
  if (const auto sampler = read_sampler_of(root, top, problem.target.dim(), problem.training)) {
    const std::optional<TargetSampler> of_target = without_prior(*sampler);
    if (!of_target) {
      top.key("sampler").fail(root.at("sampler").at("type").get<std::string>(),
                              " needs a prior; Markov chains and learned samplers sample a target");
    }
    problem.sampler = *of_target;
  }
  read_density(root, top, problem);
  return problem;
}

DynamicsProblem read_dynamics_problem(const Json& root, const Location& top) {
  for (const char* other : {"prior", "target"}) {
    if (root.contains(other)) top.fail("\"", other, "\" and \"dynamics\" exclude each other");
  }
  io::check_keys(root, top, {"dynamics"});
  const Location place = top.key("dynamics");
  DynamicsProblem problem{.dynamics = io::read_dynamics(root.at("dynamics"), place)};
  io::at_place(top, [&] { check_dynamics(problem.dynamics); });
  return problem;
}

}  // namespace

AnyProblem io::read_any_problem(std::istream& in, const std::string& name,
                                const std::filesystem::path& folder,
                                std::vector<std::filesystem::path>& files) {
  const Location top(name, folder, &files);
  const Json root = io::parse_json(in, top);
  io::as_object(root, top);
  if (root.contains("dynamics")) return read_dynamics_problem(root, top);
  if (root.contains("target")) return read_target_problem(root, top);
  if (has_map(root)) {
    NonlinearProblem problem = read_nonlinear_problem(root, top);
    check_schedule(prior_of(problem), top);
    return problem;
  }
  Problem problem = read_prior_problem(root, top);
  check_schedule(problem, top);
  return problem;
}

AnyProblem io::read_any_problem(const std::filesystem::path& file,
                                std::vector<std::filesystem::path>& files) {
  std::error_code none;
  const auto status = std::filesystem::status(file, none);
  require(std::filesystem::exists(status), file.string(), ": no such file");
  require(!std::filesystem::is_directory(status), file.string(), ": is a folder");
  std::ifstream in(file, std::ios::binary);
  require(in.is_open(), file.string(), ": cannot be opened for reading");
  files.push_back(file);
  return io::read_any_problem(in, file.string(), file.parent_path(), files);
}

GivenDenoiser io::read_given_denoiser(const std::filesystem::path& file, Eigen::Index dim) {
  const LearnedDenoiser learned(read_denoiser(file), 0);
  require(learned.dim() == dim, file.string(), ": the denoiser has dimension ", learned.dim(),
          ", and the prior has ", dim);
  return {.file = file.string(), .denoiser = learned.denoiser()};
}

void io::check_model(const Learned& sampler, Eigen::Index dim) {
  const SamplerTraining training = read_sampler(sampler.model);
  require(training.dim == dim, sampler.model, ": the sampler has dimension ", training.dim,
          ", and the law has ", dim);
}

Problem io::with_prior(AnyProblem problem, const std::string& name) {
  require(!std::holds_alternative<TargetProblem>(problem), name, " has a target; expected a prior");
  require(!std::holds_alternative<NonlinearProblem>(problem), name,
          " has an observation with a map; expected a linear one, or none");
  auto* of_prior = std::get_if<Problem>(&problem);
  require(of_prior != nullptr, name, " has dynamics; expected a prior");
  return std::move(*of_prior);
}

Problem read_problem(std::istream& in, const std::string& name, const std::filesystem::path& folder) {
  return io::with_prior(read_any_problem(in, name, folder), name);
}

Problem read_problem(const std::filesystem::path& file) {
  return io::with_prior(read_any_problem(file), file.string());
}

AnyProblem read_any_problem(std::istream& in, const std::string& name, const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  return io::read_any_problem(in, name, folder, files);
}

AnyProblem read_any_problem(const std::filesystem::path& file) {
  std::vector<std::filesystem::path> files;
  return io::read_any_problem(file, files);
}

Problem parse_problem(const std::string& json, const std::string& name, const std::filesystem::path& folder) {
  std::istringstream in(json);
  return read_problem(in, name, folder);
}

}  // namespace gmdiff
