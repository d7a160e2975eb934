#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/device/options.hpp>
#include <gmdiff/device/samples.hpp>
#include <gmdiff/device/smc.hpp>
#include <gmdiff/metrics/chain_diagnostics.hpp>
#include <gmdiff/sampler/smc.hpp>

#include "io/json_output.hpp"

namespace gmdiff::study {

using Json = io::OrderedJson;

/// The results of SMC besides its samples.
struct SmcRecord {
  std::int64_t particles = 0;  ///< number of particles of a chain
  ChainReport chains;          ///< reports of the finished chains of the range
};

/// The origin of a .npy or .npz file, as stored in the sidecar `x.npy.json` beside `x.npy`.
struct RunRecord {
  std::string version;
  std::string verb;     ///< sample, forward or draw
  std::string problem;  ///< path of the problem file as given
  std::string law;      ///< "prior", "posterior", "target" or "dynamics"
  Json sampler;         ///< with all its parameters; null without a sampler
  Json process;         ///< null for draw
  Json grid;            ///< null for draw
  std::uint64_t seed = 0;
  std::uint64_t first = 0;  ///< range [first, end), of particles or of chains
  std::uint64_t end = 0;
  std::string precision;  ///< f32 or f64
  std::string math;       ///< exact or fast, as requested
  std::string plan_hash;
  std::string device;
  std::vector<std::int64_t> shape;
  std::vector<std::uint64_t> checksums;  ///< checksum of each array's values (io/sidecar.hpp)
  Json times;                            ///< times of the kept levels; null without history
  /// Digest of the given start states (`start_digest`); absent when none were given.
  std::optional<std::uint64_t> start;
  std::optional<SmcRecord> smc;          ///< only of SMC samplers
  std::optional<Acceptance> acceptance;  ///< only of Markov chains with a Metropolis ratio
  Json moments;                          ///< pooled moments of Markov chains; null without them
  /// Diagnostics of Markov chains (`ChainFigures`): "rhat", "ess_bulk", "ess_tail" and "mcse" of the coordinates
  /// of a trace, and "estimates"; null without them
  Json figures;
  Json weights;          ///< summary of the weights of paths (`weights_json`); null without them
  bool complete = true;  ///< false: interrupted, and the range is the finished one
  double particle_steps = 0.0;
  std::vector<std::string> warnings;
  std::vector<std::string> notes;
  double seconds = 0.0;
};

/// The sidecar of a record. The merged sidecar of adjacent ranges equals that of the whole run except for
/// `seconds`.
Json sidecar_json(const RunRecord& record);
/// Reads the sidecar of `file`. @throws std::invalid_argument naming the sidecar when it is missing, is not
/// JSON or lacks a key.
RunRecord read_sidecar(const std::filesystem::path& file);

/// Names in records: f32 or f64, exact or fast.
const char* precision_name(Precision precision);
const char* math_name(MathMode math);

/// The unit that a range of the run counts: "particles", "chains" or "paths".
const char* counted(const RunRecord& record);

/// Whether the record's sampler is a Markov chain.
bool is_of_markov_chains(const RunRecord& record);

/// Logarithm of the chains' mean evidence. The mean is unbiased, its logarithm is not.
double mean_log_evidence(const SmcRecord& smc);

/// The pooled moments as in a record: "mean", "variance", "standard_error", "rhat_split".
Json moments_json(const PooledMoments& moments);

/// The estimates of `forward_summary` as in a record: "elbo", "log_z" and "ess", each with its "_error". If
/// all weights are 0, these are -inf, -inf and 0.
Json weights_json(const std::vector<double>& log_weights);

/// Appends the chains of the next range.
void add_chains(Acceptance& chains, const Acceptance& more);

/// Warnings about the chains or paths of a complete record: of SMC, of Markov chains that never moved or have
/// not mixed, and of weights that are all 0.
std::vector<std::string> chain_warnings(const RunRecord& record);

/// Appends the texts of `more` that `texts` does not contain.
void add_missing(std::vector<std::string>& texts, const std::vector<std::string>& more);

/// Digest of start states (n, d) of the particles first, first + 1, ...; particle n of chain c has index
/// c N + n. It is the sum over particles of a hash of index and state, so that the digests of adjacent ranges
/// add up to that of the whole.
std::uint64_t start_digest(const Points& states, std::uint64_t first);

}  // namespace gmdiff::study
