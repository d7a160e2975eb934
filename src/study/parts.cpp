#include "study/parts.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "io/npy_header.hpp"
#include "study/chain_figures.hpp"

namespace gmdiff::study {
namespace {

/// Checks the evidence in the sidecar, and that an archive holds the arrays that SMC, chains with moments or
/// trained samplers write.
void check_arrays(const Part& part) {
  const RunRecord& record = part.record;
  require(!record.smc || std::ssize(record.smc->chains.log_evidence) == record.shape[0], part.file,
          ": it has ", record.shape[0], " chains, but its sidecar the log-evidence of ",
          record.smc ? record.smc->chains.log_evidence.size() : 0);
  if (!record.weights.is_null()) {
    require(record.weights.is_object() && record.weights.contains("ess"), part.file,
            ": the weights in its sidecar are no summary of paths");
    require(part.arrays == path_arrays(record.shape, part.arrays.front().precision), part.file,
            ": it does not hold the arrays samples and log_weights of its sidecar");
    return;
  }
  if (!is_archive(part.arrays)) return;
  if (!record.moments.is_null()) {
    require(record.sampler.is_object() && record.sampler.contains("steps") &&
                record.sampler["steps"].is_number_unsigned(),
            part.file, ": its sidecar has moments, but no number of steps of the sampler");
  }
  if (is_of_markov_chains(record)) {
    const auto has = [&](const char* name) {
      return std::ranges::any_of(part.arrays, [&](const io::NpzEntry& array) { return array.name == name; });
    };
    const ChainArrays expected{.moments = !record.moments.is_null(),
                               .acceptance = record.acceptance.has_value(),
                               .steps = record.acceptance && !record.acceptance->step.empty(),
                               .log_density = has("log_density") && record.shape.size() == 3,
                               .velocities = has("velocities")};
    require(part.arrays == chain_arrays(record.shape, part.arrays.front().precision, expected), part.file,
            ": it does not hold the arrays of the chains of its sidecar");
    return;
  }
  require(record.smc && record.shape.size() == (record.times.is_null() ? 3U : 4U) &&
              part.arrays == particle_arrays(record.shape, part.arrays.front().precision),
          part.file, ": it does not hold the arrays samples, log_weights and log_evidence of its sidecar");
}

/// Checks that the sidecar has the acceptance of every chain.
void check_acceptance(const Part& part) {
  const RunRecord& record = part.record;
  require(!record.acceptance || std::ssize(record.acceptance->probability) == record.shape[0], part.file,
          ": it has ", record.shape[0], " chains, but its sidecar the acceptance of ",
          record.acceptance ? record.acceptance->probability.size() : 0);
  require(!record.acceptance || record.acceptance->step.empty() ||
              std::ssize(record.acceptance->step) == record.shape[0],
          part.file, ": it has ", record.shape[0], " chains, but its sidecar the steps of ",
          record.acceptance ? record.acceptance->step.size() : 0);
}

/// Reads the sidecar and checks that it describes the file.
Part load_part(const std::string& file) {
  const ResultReader reader(file);
  Part part{file, read_sidecar(file), reader.arrays()};
  require(!part.arrays.empty(), file, ": it holds no array");
  const RunRecord& record = part.record;
  const io::NpzEntry& samples = part.arrays.front();
  require(record.shape == samples.shape, file, ": its shape is ", io::shape_text(samples.shape),
          ", its sidecar says ", io::shape_text(record.shape));
  require(record.precision == precision_name(samples.precision), file, ": it holds ",
          precision_name(samples.precision), " values, its sidecar says ", record.precision);
  const std::uint64_t rows = record.end - record.first;
  require(!record.shape.empty() && static_cast<std::uint64_t>(record.shape[0]) == rows, file, ": it has ",
          record.shape.empty() ? 0 : record.shape[0], " rows, but its sidecar speaks of ", counted(record),
          " ", record.first, ":", record.end);
  check_arrays(part);
  check_acceptance(part);
  require(record.checksums.size() == part.arrays.size(), file, ": it holds ", part.arrays.size(),
          " arrays, its sidecar names ", record.checksums.size(), " checksums");
  return part;
}

/// The bits of the reference device differ from those of the other devices, which agree with each other.
bool is_reference(const RunRecord& record) { return record.device == "reference"; }

/// "samples, velocities", or "one array" of a .npy file
std::string names_of(const ResultArrays& arrays) {
  if (!is_archive(arrays)) return "one array";
  std::string names;
  for (const io::NpzEntry& array : arrays) names += (names.empty() ? "" : ", ") + array.name;
  return names;
}

/// `cpu` for `cpu:4`. Devices that were merged before are of one kind where the kind matters.
std::string device_kind(const RunRecord& record) {
  return record.device.substr(0, record.device.find_first_of(":,"));
}

/// Throws unless both parts belong to one run.
void check_one_run(const Part& a, const Part& b) {
  const auto same = [&](const char* what, const std::string& in_a, const std::string& in_b) {
    require(in_a == in_b, "not parts of one run: ", what, " is ", in_a, " in ", a.file, " and ", in_b, " in ",
            b.file);
  };
  const RunRecord& x = a.record;
  const RunRecord& y = b.record;
  same("the version", x.version, y.version);
  same("the verb", x.verb, y.verb);
  same("the law", x.law, y.law);
  same("the plan hash", x.plan_hash, y.plan_hash);
  same("the seed", std::to_string(x.seed), std::to_string(y.seed));
  same("the precision", x.precision, y.precision);
  same("the math mode", x.math, y.math);
  same("the start", x.start ? "given states" : "the process's own",
       y.start ? "given states" : "the process's own");
  same("the shape of a particle", io::shape_text({x.shape.begin() + 1, x.shape.end()}),
       io::shape_text({y.shape.begin() + 1, y.shape.end()}));
  // A part of a long trace has none, and neither has a record of an earlier version.
  const std::vector<std::string> of_x = estimates_of(x), of_y = estimates_of(y);
  if (!of_x.empty() && !of_y.empty()) same("the list of estimates", Json(of_x).dump(), Json(of_y).dump());
  same("the list of times", x.times.dump(), y.times.dump());
  same("the list of arrays", names_of(a.arrays), names_of(b.arrays));
  same("the record of moments", x.moments.is_null() ? "missing" : "present",
       y.moments.is_null() ? "missing" : "present");
  same("the acceptance", x.acceptance ? "recorded" : "missing", y.acceptance ? "recorded" : "missing");
  same("the sampler's kind", x.smc ? "SMC" : "without weights", y.smc ? "SMC" : "without weights");
  require(is_reference(x) == is_reference(y), "not parts of one run: ", a.file, " comes from the device ",
          x.device, ", ", b.file, " from ", y.device,
          ", and the reference device has other bits than the others");
  require(x.math == "exact" || device_kind(x) == device_kind(y), "not parts of one run: ", a.file,
          " comes from the device ", x.device, ", ", b.file, " from ", y.device,
          ", and in fast mode their bits differ");
}

}  // namespace

std::vector<Part> load_parts(const std::vector<std::string>& files) {
  require(files.size() >= 2, "merge: expected at least two files");
  std::vector<Part> parts;
  parts.reserve(files.size());
  for (const std::string& file : files) parts.push_back(load_part(file));
  for (std::size_t i = 1; i < parts.size(); ++i) check_one_run(parts[0], parts[i]);
  std::stable_sort(parts.begin(), parts.end(),
                   [](const Part& a, const Part& b) { return a.record.first < b.record.first; });
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const Part& before = parts[i - 1];
    const Part& part = parts[i];
    const char* kind = counted(part.record);
    require(part.record.first >= before.record.end, "the ranges overlap: ", before.file, " holds ", kind, " ",
            before.record.first, ":", before.record.end, ", ", part.file, " holds ", part.record.first, ":",
            part.record.end);
    require(part.record.first == before.record.end, kind, " ", before.record.end, ":", part.record.first,
            " are missing between ", before.file, " and ", part.file);
  }
  return parts;
}

}  // namespace gmdiff::study
