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

#include "cli/output.hpp"

namespace gmdiff::cli {

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
  std::optional<std::uint64_t> start;    ///< digest of the given start states (`start_digest`), absent where none were given
  std::optional<SmcRecord> smc;          ///< absent for samplers without weights
  bool complete = true;                  ///< false: interrupted, the range is what was finished
  double particle_steps = 0.0;
  std::vector<std::string> warnings;
  std::vector<std::string> notes;
  double seconds = 0.0;
};

/// The sidecar. Runs of adjacent ranges, merged, have the sidecar of the whole run but for `seconds`.
Json sidecar_json(const RunRecord& record);
/// What `--json` prints: the record with `file` and `particle_steps_per_second`, of a draw, which has no steps, `particles_per_second`.
Json result_json(const RunRecord& record, const std::filesystem::path& file);
/// The same for people.
std::string result_text(const RunRecord& record, const std::filesystem::path& file);

/// Reads the sidecar of `file`. @throws std::invalid_argument naming the sidecar when it is missing, no JSON, or lacks a key.
RunRecord read_sidecar(const std::filesystem::path& file);

/// What a range of the run counts: "particles" or "chains".
const char* counted(const RunRecord& record);

/// What the chains of a whole record warn of; nothing of samplers without weights.
std::vector<std::string> chain_warnings(const RunRecord& record);

/// Appends those of `more` that are not there yet.
void add_missing(std::vector<std::string>& texts, const std::vector<std::string>& more);

/// Digest of start states (n, d) of the particles first, first + 1, ...: the sum over particles of a hash of index and state, so that the
/// digests of adjacent ranges add up to that of the whole.
std::uint64_t start_digest(const Points& states, std::uint64_t first);

}  // namespace gmdiff::cli
