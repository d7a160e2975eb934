#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gmdiff/io/npy.hpp>

#include "io/checksum.hpp"
#include "io/npz.hpp"

namespace gmdiff::study {

/// Arrays of a result file: a single array without a name is a .npy file, several named arrays are a .npz
/// archive.
using ResultArrays = std::vector<io::NpzEntry>;

/// The single array of a .npy file.
ResultArrays npy_array(std::vector<std::int64_t> shape, Precision precision);
/// Arrays of all particles of SMC chains: `samples` (count, N, d), or (count, M, N, d) with M levels kept,
/// and in float64 `log_weights` (count, N) and `log_evidence` (count).
ResultArrays particle_arrays(const std::vector<std::int64_t>& shape, Precision precision);

/// Arrays of paths of a trained sampler: `samples` (count, d), or (count, M, d) with M states kept, and in
/// float64 `log_weights` (count).
ResultArrays path_arrays(const std::vector<std::int64_t>& shape, Precision precision);

/// Tells which arrays an archive of Markov chains holds beside the samples.
struct ChainArrays {
  bool moments = false, acceptance = false, steps = false;  ///< acceptance and steps belong to the moments
  bool log_density = false;                                 ///< of every state of a trace
  bool velocities = false;                                  ///< of kinetic chains

  bool any() const { return moments || log_density || velocities; }
};

/// Arrays of Markov chains: `samples`, and in float64 of chains with moments `mean` and `variance` (count, d),
/// `batch_means` (count, 16, d), for d <= 32 `covariance` (count, d, d), `acceptance` and `non_finite` (count)
/// of methods that have them, and `step` (count) of chains that adapted their own; on request `log_density`
/// (count, kept) and `velocities` (count, d). A single array without a name if there are samples only.
ResultArrays chain_arrays(const std::vector<std::int64_t>& shape, Precision precision,
                          const ChainArrays& more);

inline bool is_archive(const ResultArrays& arrays) { return !arrays.front().name.empty(); }

/// Writes either kind of file, rows by rows.
class ResultWriter {
 public:
  /// @throws as `NpyWriter` and `io::NpzWriter`.
  ResultWriter(const std::filesystem::path& file, const ResultArrays& arrays, bool force);

  /// Appends to an array by its name.
  void append(const std::string& name, std::span<const double> values);
  template <class Scalar>
  void append(std::size_t array, std::span<const Scalar> values) {
    if (npz_) {
      npz_->append(array, values);
    } else {
      npy_->append(values);
    }
    checksums_[array].update(std::as_bytes(values));
  }
  /// Checksums of the values written so far, for the sidecar.
  std::vector<std::uint64_t> checksums() const;
  void commit(const std::string& sidecar) { npz_ ? npz_->commit(sidecar) : npy_->commit(sidecar); }
  /// Call this after whole rows, because the checksums cover all values.
  void commit_partial(const std::filesystem::path& other, const std::string& sidecar) {
    npz_ ? npz_->commit_partial(other, sidecar) : npy_->commit_partial(other, sidecar);
  }

 private:
  std::optional<NpyWriter> npy_;
  std::optional<io::NpzWriter> npz_;
  std::vector<io::Checksum> checksums_;
  std::vector<std::string> names_;
};

/// Reads either kind of file; the first bytes tell which one it is.
class ResultReader {
 public:
  /// @throws as `NpyReader` and `io::NpzReader`.
  explicit ResultReader(const std::filesystem::path& file);

  const ResultArrays& arrays() const { return arrays_; }
  /// Goes to the first value of an array.
  void open(std::size_t array);
  /// The next bytes of the open array.
  void read_bytes(std::span<char> bytes);

 private:
  std::optional<NpyReader> npy_;
  std::optional<io::NpzReader> npz_;
  ResultArrays arrays_;
  std::int64_t position_ = 0;  // in the .npy file
};

}  // namespace gmdiff::study
