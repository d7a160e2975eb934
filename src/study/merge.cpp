#include "study/merge.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "base/check.hpp"
#include "device/chain_remarks.hpp"
#include "io/checksum.hpp"
#include "io/sidecar.hpp"
#include "study/array_reader.hpp"
#include "study/chain_figures.hpp"
#include "study/interrupted.hpp"

namespace gmdiff::study {
namespace {

constexpr std::int64_t copy_bytes = 1 << 22;

/// Warnings of a part without those about its chains, which are decided again for the chains of the whole
/// run.
std::vector<std::string> warnings_of_run(const RunRecord& part) {
  std::vector<std::string> warnings = part.warnings;
  const std::vector<std::string> of_chains = chain_warnings(part);
  std::erase_if(warnings,
                [&](const std::string& warning) { return std::ranges::count(of_chains, warning) > 0; });
  return warnings;
}

/// The record of the whole run.
RunRecord merge_records(std::span<const Part> parts) {
  RunRecord whole = parts.front().record;
  whole.warnings = warnings_of_run(whole);
  std::set<std::string> devices{whole.device};
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const RunRecord& record = parts[i].record;
    whole.end = record.end;
    require(!__builtin_add_overflow(whole.shape[0], record.shape[0], &whole.shape[0]),
            "the merged run has 2^63 particles or more");
    if (record.start) *whole.start += *record.start;
    if (record.smc) append(whole.smc->chains, record.smc->chains);
    if (record.acceptance) add_chains(*whole.acceptance, *record.acceptance);
    whole.particle_steps += record.particle_steps;
    whole.seconds += record.seconds;
    add_missing(whole.warnings, warnings_of_run(record));
    add_missing(whole.notes, record.notes);
    devices.insert(record.device);
  }
  whole.weights = whole.figures = nullptr;  // those of the whole run come from the values
  whole.complete = true;
  whole.device.clear();
  for (const std::string& device : devices) whole.device += (whole.device.empty() ? "" : ", ") + device;
  return whole;
}

/// Copies arrays of files in chunks of bounded size.
class Copier {
 public:
  Copier(ResultWriter& writer, const MergeOptions& options, std::int64_t total)
      : writer_(writer), options_(options), total_(total) {}

  /// @throws std::invalid_argument when the values do not have the checksum that the part's sidecar
  ///   records.
  void copy(const Part& part, std::size_t array) {
    part.arrays[array].precision == Precision::f32 ? copy<float>(part, array) : copy<double>(part, array);
  }

 private:
  template <class Scalar>
  void copy(const Part& part, std::size_t array) {
    ResultReader reader(part.file);
    reader.open(array);
    std::vector<Scalar> chunk;
    io::Checksum checksum;
    for (std::int64_t left = part.arrays[array].bytes(); left > 0;
         left -= std::ssize(chunk) * std::int64_t{sizeof(Scalar)}) {
      if (options_.stop.stop_requested()) throw WorkInterrupted("interrupted: nothing was written");
      chunk.resize(static_cast<std::size_t>(std::min(copy_bytes, left)) / sizeof(Scalar));
      const std::span<char> bytes(reinterpret_cast<char*>(chunk.data()), chunk.size() * sizeof(Scalar));
      reader.read_bytes(bytes);
      checksum.update(std::as_bytes(bytes));
      writer_.append(array, std::span<const Scalar>(chunk));
      done_ += std::ssize(bytes);
      if (options_.progress) options_.progress({.done = done_, .total = total_});
    }
    require(checksum.value() == part.record.checksums[array], io::find_sidecar(part.file).string(),
            " does not belong to ", part.file, ": the values have the checksum ", io::hex(checksum.value()),
            ", the sidecar says ", io::hex(part.record.checksums[array]));
  }

  ResultWriter& writer_;
  const MergeOptions& options_;
  std::int64_t total_;
  std::int64_t done_ = 0;
};

/// Reads an array of doubles row by row.
class RowReader {
 public:
  RowReader(const Part& part, const char* name) : reader_(part.file) {
    const auto found = std::ranges::find(part.arrays, name, &io::NpzEntry::name);
    reader_.open(static_cast<std::size_t>(found - part.arrays.begin()));
    std::size_t size = 1;
    for (std::size_t i = 1; i < found->shape.size(); ++i) size *= static_cast<std::size_t>(found->shape[i]);
    row_.resize(size);
  }
  const double* next() {
    reader_.read_bytes({reinterpret_cast<char*>(row_.data()), row_.size() * sizeof(double)});
    return row_.data();
  }

 private:
  ResultReader reader_;
  std::vector<double> row_;
};

/// The pooled moments of all chains, which are added in the order of the whole run.
PooledMoments pooled_moments(std::span<const Part> parts) {
  const Json& sampler = parts.front().record.sampler;
  MomentPool pool(parts.front().record.shape.back(), sampler.at("steps").get<std::int64_t>());
  for (const Part& part : parts) {
    RowReader mean(part, "mean"), variance(part, "variance"), batch_means(part, "batch_means");
    for (std::int64_t c = 0; c < part.record.shape.front(); ++c)
      pool.add(mean.next(), variance.next(), batch_means.next());
  }
  return pool.result();
}

/// Adds the states of a part.
void add_states(ChainFigures& figures, const Part& part) {
  const std::vector<std::int64_t>& shape = part.record.shape;
  const std::int64_t dim = shape.back(), levels = shape.size() == 3 ? shape[1] : 1;
  const std::int64_t chain_bytes = levels * dim * std::int64_t{sizeof(double)};
  const std::int64_t most_chains = std::max<std::int64_t>(1, copy_bytes / chain_bytes);
  ArrayReader reader(part.file, "samples");
  for (std::int64_t first = 0; first < shape.front(); first += most_chains) {
    Points states(std::min(most_chains, shape.front() - first) * levels, dim);
    reader.read({states.data(), static_cast<std::size_t>(states.size())});
    figures.add(states);
  }
}

/// The diagnostics of all chains.
void add_figures(RunRecord& whole, std::span<const Part> parts, const PooledMoments* moments) {
  std::vector<std::string> estimates;
  for (const Part& part : parts) {
    if (estimates.empty()) estimates = estimates_of(part.record);
  }
  std::optional<ChainFigures> figures = chain_figures(whole, estimates);
  if (!figures) return;
  for (const Part& part : parts) {
    if (!figures->needs_states()) break;
    add_states(*figures, part);
  }
  figures->write_to(whole, moments);
}

/// The summary of the weights of all paths.
Json whole_weights(std::span<const Part> parts) {
  std::vector<double> log_weights;
  log_weights.reserve(static_cast<std::size_t>(parts.back().record.end - parts.front().record.first));
  for (const Part& part : parts) {
    RowReader reader(part, "log_weights");
    for (std::int64_t n = 0; n < part.record.shape.front(); ++n) log_weights.push_back(*reader.next());
  }
  return weights_json(log_weights);
}

/// The arrays of the whole run, which has `rows` rows.
ResultArrays whole_arrays(const Part& part, std::int64_t rows) {
  ResultArrays arrays = part.arrays;
  for (io::NpzEntry& array : arrays) array.shape.front() = rows;
  return arrays;
}

}  // namespace

std::int64_t num_bytes(std::span<const Part> parts) {
  std::int64_t bytes = 0;
  for (const Part& part : parts) {
    for (const io::NpzEntry& array : part.arrays) bytes += array.bytes();
  }
  return bytes;
}

RunRecord merge(std::span<const Part> parts, const std::filesystem::path& out, const MergeOptions& options) {
  RunRecord whole = merge_records(parts);
  const ResultArrays arrays = whole_arrays(parts.front(), whole.shape.front());
  ResultWriter writer(out, arrays, options.force);
  Copier copier(writer, options, num_bytes(parts));
  for (std::size_t array = 0; array < arrays.size(); ++array) {
    for (const Part& part : parts) copier.copy(part, array);
  }
  std::optional<PooledMoments> moments;
  if (!whole.moments.is_null()) moments = pooled_moments(parts);
  if (moments) whole.moments = moments_json(*moments);
  if (!parts.front().record.weights.is_null()) whole.weights = whole_weights(parts);
  add_figures(whole, parts, moments ? &*moments : nullptr);
  add_missing(whole.warnings, chain_warnings(whole));
  whole.checksums = writer.checksums();
  writer.commit(io::json_text(sidecar_json(whole)));
  return whole;
}

}  // namespace gmdiff::study
