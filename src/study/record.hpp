#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/device/options.hpp>
#include <gmdiff/device/smc.hpp>
#include <gmdiff/sampler/smc.hpp>

#include "io/json_output.hpp"

namespace gmdiff::study {

using Json = io::OrderedJson;

/// What SMC tells beside its samples.
struct SmcRecord {
  std::int64_t particles = 0;  ///< of a chain
  ChainReport chains;          ///< of the range, as far as it is run
};

/// Where a .npy or .npz file comes from: the sidecar `x.npy.json` that stands beside `x.npy`.
struct RunRecord {
  std::string version;
  std::string verb;     ///< sample, forward or draw
  std::string problem;  ///< file as given
  std::string law;      ///< "prior" or "posterior"
  Json sampler;         ///< with all its parameters; null where there is none
  Json process;         ///< null for draw
  Json grid;            ///< null for draw
  std::uint64_t seed = 0;
  std::uint64_t first = 0;  ///< range [first, end), of particles or of chains
  std::uint64_t end = 0;
  std::string precision;  ///< f32 or f64
  std::string math;       ///< exact or fast, as asked for
  std::string plan_hash;
  std::string device;
  std::vector<std::int64_t> shape;
  std::vector<std::uint64_t> checksums;  ///< of each array's values (io/sidecar.hpp)
  Json times;                            ///< of the levels kept; null without history
  std::optional<std::uint64_t>
      start;  ///< digest of the given start states (`start_digest`), absent where none were given
  std::optional<SmcRecord> smc;  ///< absent for samplers without weights
  bool complete = true;          ///< false: interrupted, the range is what was finished
  double particle_steps = 0.0;
  std::vector<std::string> warnings;
  std::vector<std::string> notes;
  double seconds = 0.0;
};

/// The sidecar. Runs of adjacent ranges, merged, have the sidecar of the whole run but for `seconds`.
Json sidecar_json(const RunRecord& record);
/// Reads the sidecar of `file`. @throws std::invalid_argument naming the sidecar when it is missing, no JSON, or lacks a key.
RunRecord read_sidecar(const std::filesystem::path& file);

/// Names as records write them: f32 or f64, exact or fast.
const char* precision_name(Precision precision);
const char* math_name(MathMode math);

/// What a range of the run counts: "particles" or "chains".
const char* counted(const RunRecord& record);

/// log of the mean evidence of the chains, which is unbiased before the logarithm is taken.
double mean_log_evidence(const SmcRecord& smc);

/// What the chains of a whole record warn of; nothing of samplers without weights.
std::vector<std::string> chain_warnings(const RunRecord& record);

/// Appends those of `more` that are not there yet.
void add_missing(std::vector<std::string>& texts, const std::vector<std::string>& more);

/// Digest of start states (n, d) of the particles first, first + 1, ...; particle n of chain c has index
/// c N + n. It is the sum over particles of a hash of index and state, so that the digests of adjacent ranges
/// add up to that of the whole.
std::uint64_t start_digest(const Points& states, std::uint64_t first);

}  // namespace gmdiff::study
