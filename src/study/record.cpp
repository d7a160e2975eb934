#include "study/record.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <fstream>
#include <limits>

#include <gmdiff/metrics/path_weights.hpp>
#include <gmdiff/sampler/learned.hpp>

#include "base/check.hpp"
#include "base/infinity.hpp"
#include "base/log_mean_exp.hpp"
#include "device/chain_remarks.hpp"
#include "io/json_input.hpp"
#include "io/parameter_reader.hpp"
#include "io/sidecar.hpp"
#include "study/chain_figures.hpp"

namespace gmdiff::study {
namespace {

/// Reads keys of a sidecar; each failure has its own message.
class SidecarReader {
 public:
  SidecarReader(const Json& json, std::string file) : json_(json), file_(std::move(file)) {}

  template <class T>
  T get(const char* key) const {
    const Json& value = at(key);
    try {
      return value.get<T>();
    } catch (const Json::exception&) {
      fail(file_, ": \"", key, "\" has the wrong type");
    }
  }

  const Json& at(const char* key) const {
    const auto found = json_.find(key);
    require(found != json_.end(), file_, ": the key \"", key, "\" is missing");
    return *found;
  }

  std::uint64_t unsigned_number(const char* key) const { return to_unsigned(at(key), key); }

  std::uint64_t to_unsigned(const Json& value, const char* key) const {
    require(value.is_number_unsigned(), file_, ": \"", key, "\" has the wrong type");
    return value.get<std::uint64_t>();
  }

 private:
  const Json& json_;
  std::string file_;
};

Json parse_sidecar(const std::filesystem::path& sidecar, const std::filesystem::path& file) {
  std::ifstream in(sidecar, std::ios::binary);
  require(in.good(), sidecar.string(), " is missing: only the sidecar tells which run ", file.string(),
          " belongs to");
  Json json = io::parse_ordered_json(in, io::Location(sidecar.string()));
  require(json.is_object(), sidecar.string(), " is not a JSON object");
  return json;
}

void read_range(const SidecarReader& reader, const std::string& sidecar, RunRecord& record) {
  const Json& range = reader.at("range");
  require(range.is_array() && range.size() == 2, sidecar, ": \"range\" is not of the form [A, B]");
  record.first = reader.to_unsigned(range[0], "range");
  record.end = reader.to_unsigned(range[1], "range");
  require(record.first < record.end && record.end <= std::uint64_t{1} << 63, sidecar,
          ": \"range\" is not a range of particles");
}

std::optional<std::uint64_t> read_start(const SidecarReader& reader, const std::string& sidecar) {
  const Json& start = reader.at("start");
  if (start.is_null()) return {};
  require(start.is_object() && start.contains("digest") && start["digest"].is_string(), sidecar,
          ": \"start\" has no digest");
  const std::string digits = start["digest"].get<std::string>();
  require(digits.size() == 16 && digits.find_first_not_of("0123456789abcdef") == std::string::npos, sidecar,
          ": the digest of \"start\" is not 16 hexadecimal digits");
  return std::stoull(digits, nullptr, 16);
}

std::optional<SmcRecord> read_smc(const SidecarReader& reader, const std::string& sidecar) {
  if (reader.at("particles").is_null()) return {};
  const auto numbers = [&](const char* key) -> const Json& {
    const Json& values = reader.at(key);
    const bool are_numbers =
        values.is_array() && std::ranges::all_of(values, [](const Json& value) { return value.is_number(); });
    require(are_numbers, sidecar, ": \"", key, "\" is not an array of numbers");
    return values;
  };
  SmcRecord smc{.particles = reader.get<std::int64_t>("particles"),
                .chains = {.log_evidence = numbers("log_evidence"),
                           .smallest_ess = numbers("smallest_ess"),
                           .smallest_ess_step = numbers("smallest_ess_step")}};
  const std::size_t chains = smc.chains.log_evidence.size();
  require(smc.chains.smallest_ess.size() == chains && smc.chains.smallest_ess_step.size() == chains, sidecar,
          ": \"log_evidence\", \"smallest_ess\" and \"smallest_ess_step\" differ in length");
  return smc;
}

void add_smc(Json& json, const std::optional<SmcRecord>& smc) {
  for (const char* key : {"particles", "log_evidence", "mean_log_evidence", "log_evidence_sd", "smallest_ess",
                          "smallest_ess_step"})
    json[key] = nullptr;
  if (!smc) return;
  json["particles"] = smc->particles;
  json["log_evidence"] = smc->chains.log_evidence;
  json["mean_log_evidence"] = io::json_number(mean_log_evidence(*smc));
  if (smc->chains.log_evidence.size() > 1)
    json["log_evidence_sd"] = io::json_number(log_evidence_sd(smc->chains.log_evidence));
  json["smallest_ess"] = smc->chains.smallest_ess;
  json["smallest_ess_step"] = smc->chains.smallest_ess_step;
}

void add_acceptance(Json& json, const std::optional<Acceptance>& acceptance) {
  if (!acceptance) return;
  json["acceptance"] = acceptance->probability;
  json["non_finite"] = acceptance->non_finite;
  if (!acceptance->step.empty()) json["step"] = acceptance->step;
}

std::optional<Acceptance> read_acceptance(const Json& json, const SidecarReader& reader,
                                          const std::string& sidecar) {
  if (!json.contains("acceptance")) return {};
  Acceptance acceptance{.probability = reader.get<std::vector<double>>("acceptance"),
                        .non_finite = reader.get<std::vector<std::int64_t>>("non_finite")};
  require(acceptance.probability.size() == acceptance.non_finite.size(), sidecar,
          ": \"acceptance\" and \"non_finite\" differ in length");
  if (json.contains("step")) acceptance.step = reader.get<std::vector<double>>("step");
  return acceptance;
}

/// The figures of Markov chains, whose shape the warnings rely on.
Json read_figures(const Json& json, const std::string& sidecar) {
  Json figures;
  for (const char* key : {"rhat", "ess_bulk", "ess_tail", "mcse", "estimates"}) {
    if (!json.contains(key)) continue;
    require(json[key].is_array(), sidecar, ": \"", key, "\" is not a list");
    figures[key] = json[key];
  }
  if (!figures.contains("estimates")) return figures;
  for (const Json& row : figures["estimates"]) {
    require(row.is_object() && row.contains("estimate") && row["estimate"].is_string(), sidecar,
            ": \"estimates\" is not a list of estimates");
  }
  return figures;
}

/// Chains whose acceptance is 0.
std::vector<std::string> acceptance_warnings(const Acceptance& acceptance, std::uint64_t first) {
  const auto stuck = std::ranges::find(acceptance.probability, 0.0);
  if (stuck == acceptance.probability.end()) return {};
  const auto chain = first + static_cast<std::uint64_t>(stuck - acceptance.probability.begin());
  return {concat(std::ranges::count(acceptance.probability, 0.0), " of ", acceptance.probability.size(),
                 " chains accepted no proposal after their warm-up, first chain ", chain,
                 ": the step is too large where they are")};
}

/// Whether the sampler of a record is one of a variant.
template <class Variant>
bool is_one_of(const RunRecord& record) {
  if (!record.sampler.is_object() || !record.sampler.contains("type")) return false;
  const std::vector<std::string> names = io::alternative_names<Variant>();
  return std::ranges::any_of(names, [&](const std::string& name) { return record.sampler["type"] == name; });
}

bool all_weights_are_zero(const Json& weights) { return weights.at("ess") == 0.0; }

}  // namespace

Json sidecar_json(const RunRecord& record) {
  Json json;
  json["version"] = record.version;
  json["verb"] = record.verb;
  json["problem"] = record.problem;
  json["law"] = record.law;
  json["sampler"] = record.sampler;
  json["process"] = record.process;
  json["grid"] = record.grid;
  json["seed"] = record.seed;
  json["range"] = {record.first, record.end};
  json["precision"] = record.precision;
  json["math"] = record.math;
  json["plan_hash"] = record.plan_hash;
  json["device"] = record.device;
  json["shape"] = record.shape;
  json[io::checksums_key] = io::write_checksums(record.checksums);
  json["times"] = record.times;
  json["start"] = record.start ? Json{{"digest", io::hex(*record.start)}} : Json(nullptr);
  add_smc(json, record.smc);
  add_acceptance(json, record.acceptance);
  if (!record.moments.is_null()) json["moments"] = record.moments;
  if (!record.figures.is_null()) json.update(record.figures);
  if (!record.weights.is_null()) json["weights"] = record.weights;
  json["complete"] = record.complete;
  json["particle_steps"] = record.particle_steps;
  json["warnings"] = record.warnings;
  json["notes"] = record.notes;
  json["seconds"] = record.seconds;
  return json;
}

RunRecord read_sidecar(const std::filesystem::path& file) {
  const std::filesystem::path path = io::find_sidecar(file);
  const std::string sidecar = path.string();
  const Json json = parse_sidecar(path, file);
  const SidecarReader reader(json, sidecar);
  RunRecord record;
  record.version = reader.get<std::string>("version");
  record.verb = reader.get<std::string>("verb");
  record.problem = reader.get<std::string>("problem");
  record.law = reader.get<std::string>("law");
  record.sampler = reader.at("sampler");
  record.process = reader.at("process");
  record.grid = reader.at("grid");
  record.seed = reader.unsigned_number("seed");
  read_range(reader, sidecar, record);
  record.precision = reader.get<std::string>("precision");
  record.math = reader.get<std::string>("math");
  record.plan_hash = reader.get<std::string>("plan_hash");
  record.device = reader.get<std::string>("device");
  record.shape = reader.get<std::vector<std::int64_t>>("shape");
  record.checksums =
      io::read_checksums(reader.at(io::checksums_key), io::Location(sidecar).key(io::checksums_key));
  record.times = reader.at("times");
  record.start = read_start(reader, sidecar);
  record.smc = read_smc(reader, sidecar);
  record.acceptance = read_acceptance(json, reader, sidecar);
  if (json.contains("moments")) record.moments = json["moments"];
  record.figures = read_figures(json, sidecar);
  if (json.contains("weights")) record.weights = json["weights"];
  record.complete = reader.get<bool>("complete");
  record.particle_steps = reader.get<double>("particle_steps");
  record.warnings = reader.get<std::vector<std::string>>("warnings");
  record.notes = reader.get<std::vector<std::string>>("notes");
  record.seconds = reader.get<double>("seconds");
  return record;
}

const char* precision_name(Precision precision) { return precision == Precision::f32 ? "f32" : "f64"; }

const char* math_name(MathMode math) { return math == MathMode::exact ? "exact" : "fast"; }

double mean_log_evidence(const SmcRecord& smc) { return log_mean_exp(smc.chains.log_evidence); }

bool is_of_markov_chains(const RunRecord& record) { return is_one_of<McmcSampler>(record); }

const char* counted(const RunRecord& record) {
  if (is_one_of<LearnedSampler>(record)) return "paths";
  return record.smc || is_of_markov_chains(record) ? "chains" : "particles";
}

Json moments_json(const PooledMoments& moments) {
  return {{"mean", io::json_vector(moments.mean)},
          {"variance", io::json_vector(moments.variance)},
          {"standard_error", io::json_vector(moments.standard_error)},
          {"rhat_split", io::json_vector(moments.rhat_split)}};
}

Json weights_json(const std::vector<double>& log_weights) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const Eigen::Map<const Eigen::VectorXd> log_w(log_weights.data(), std::ssize(log_weights));
  const PathSummary summary = log_w.maxCoeff() == -infinity ? PathSummary{.bound = -infinity,
                                                                          .bound_error = nan,
                                                                          .log_z = -infinity,
                                                                          .log_z_error = nan,
                                                                          .ess = 0.0,
                                                                          .ess_error = nan}
                                                            : forward_summary(log_w);
  return {{"elbo", io::json_number(summary.bound)},  {"elbo_error", io::json_number(summary.bound_error)},
          {"log_z", io::json_number(summary.log_z)}, {"log_z_error", io::json_number(summary.log_z_error)},
          {"ess", io::json_number(summary.ess)},     {"ess_error", io::json_number(summary.ess_error)}};
}

void add_chains(Acceptance& chains, const Acceptance& more) {
  const auto add = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  add(chains.probability, more.probability);
  add(chains.non_finite, more.non_finite);
  add(chains.step, more.step);
}

std::vector<std::string> chain_warnings(const RunRecord& record) {
  if (!record.weights.is_null() && all_weights_are_zero(record.weights))
    return {"the weights of all paths are 0: the paths do not reach the target"};
  if (is_of_markov_chains(record)) {
    std::vector<std::string> warnings;
    if (record.acceptance) warnings = acceptance_warnings(*record.acceptance, record.first);
    add_missing(warnings, convergence_warnings(record));
    return warnings;
  }
  if (!record.smc || record.smc->chains.log_evidence.empty()) return {};
  return chain_warnings(record.smc->chains, record.smc->particles);
}

void add_missing(std::vector<std::string>& texts, const std::vector<std::string>& more) {
  for (const std::string& text : more) {
    if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
  }
}

std::uint64_t start_digest(const Points& states, std::uint64_t first) {
  // FNV-1a, one 64-bit word at a time.
  constexpr std::uint64_t offset = 0xcbf29ce484222325, prime = 0x100000001b3;
  std::uint64_t sum = 0;
  for (Eigen::Index i = 0; i < states.rows(); ++i) {
    std::uint64_t hash = (offset ^ (first + static_cast<std::uint64_t>(i))) * prime;
    for (Eigen::Index j = 0; j < states.cols(); ++j) {
      hash = (hash ^ std::bit_cast<std::uint64_t>(states(i, j))) * prime;
      hash ^= hash >> 32;  // A product moves bits only upwards, so mix the upper half down.
    }
    sum += hash;
  }
  return sum;
}

}  // namespace gmdiff::study
