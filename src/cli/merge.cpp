#include <algorithm>
#include <memory>
#include <set>

#include "base/check.hpp"
#include "cli/arguments.hpp"
#include "cli/files.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/record.hpp"
#include "cli/result_file.hpp"
#include "cli/verb.hpp"
#include "device/chain_remarks.hpp"
#include "io/checksum.hpp"
#include "io/npy_header.hpp"
#include "io/sidecar.hpp"

namespace gmdiff::cli {
namespace {

constexpr std::int64_t block_bytes = 1 << 22;

struct MergeFlags {
  std::vector<std::string> files;
  CommonFlags common;
  std::string out;
  bool force = false;
};

/// One of the files to merge.
struct Part {
  std::string file;
  RunRecord record;
  ResultArrays arrays;
};

/// Checks the evidence in the sidecar, and that an archive holds what SMC writes.
void check_smc(const Part& part) {
  const RunRecord& record = part.record;
  require(!record.smc || std::ssize(record.smc->chains.log_evidence) == record.shape[0], part.file, ": it has ", record.shape[0],
          " chains, but its sidecar the log-evidence of ", record.smc ? record.smc->chains.log_evidence.size() : 0);
  if (!is_archive(part.arrays)) return;
  require(record.smc && record.shape.size() == 3 && part.arrays == particle_arrays(record.shape, part.arrays.front().precision), part.file,
          ": it does not hold the arrays samples, log_weights and log_evidence of its sidecar");
}

/// Reads the sidecar and checks that it speaks of the file.
Part load_part(const std::string& file) {
  const ResultReader reader(file);
  Part part{file, read_sidecar(file), reader.arrays()};
  require(!part.arrays.empty(), file, ": it holds no array");
  const RunRecord& record = part.record;
  const io::NpzEntry& samples = part.arrays.front();
  require(record.shape == samples.shape, file, ": its shape is ", io::shape_text(samples.shape), ", its sidecar says ",
          io::shape_text(record.shape));
  require(record.precision == precision_name(samples.precision), file, ": it holds ", precision_name(samples.precision),
          " values, its sidecar says ", record.precision);
  const std::uint64_t rows = record.end - record.first;
  require(!record.shape.empty() && static_cast<std::uint64_t>(record.shape[0]) == rows, file, ": it has ",
          record.shape.empty() ? 0 : record.shape[0], " rows, but its sidecar speaks of ", counted(record), " ", record.first, ":",
          record.end);
  check_smc(part);
  require(record.checksums.size() == part.arrays.size(), file, ": it holds ", part.arrays.size(), " arrays, its sidecar names ",
          record.checksums.size(), " checksums");
  return part;
}

/// The reference device computes other bits than the others, which agree with each other.
bool is_reference(const RunRecord& record) { return record.device == "reference"; }

/// `cpu` of `cpu:4`; devices that were merged are of one kind where that matters.
std::string device_kind(const RunRecord& record) { return record.device.substr(0, record.device.find_first_of(":,")); }

/// Throws unless both are parts of one run.
void check_one_run(const Part& a, const Part& b) {
  const auto same = [&](const char* what, const std::string& in_a, const std::string& in_b) {
    require(in_a == in_b, "not parts of one run: ", what, " is ", in_a, " in ", a.file, " and ", in_b, " in ", b.file);
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
  same("the start", x.start ? "given states" : "the process's own", y.start ? "given states" : "the process's own");
  same("the shape of a particle", io::shape_text({x.shape.begin() + 1, x.shape.end()}),
       io::shape_text({y.shape.begin() + 1, y.shape.end()}));
  same("the list of times", x.times.dump(), y.times.dump());
  same("the number of arrays", std::to_string(a.arrays.size()), std::to_string(b.arrays.size()));
  same("the sampler's kind", x.smc ? "SMC" : "without weights", y.smc ? "SMC" : "without weights");
  require(is_reference(x) == is_reference(y), "not parts of one run: ", a.file, " comes from the device ", x.device, ", ", b.file, " from ",
          y.device, ", and the reference device has other bits than the others");
  require(x.math == "exact" || device_kind(x) == device_kind(y), "not parts of one run: ", a.file, " comes from the device ", x.device,
          ", ", b.file, " from ", y.device, ", and in fast mode their bits differ");
}

/// The parts in the order of their ranges, checked to be one run without gaps.
std::vector<Part> load_parts(const std::vector<std::string>& files) {
  require(files.size() >= 2, "merge: expected at least two files");
  std::vector<Part> parts;
  parts.reserve(files.size());
  for (const std::string& file : files) parts.push_back(load_part(file));
  for (std::size_t i = 1; i < parts.size(); ++i) check_one_run(parts[0], parts[i]);
  std::stable_sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.record.first < b.record.first; });
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const Part& before = parts[i - 1];
    const Part& part = parts[i];
    const char* kind = counted(part.record);
    require(part.record.first >= before.record.end, "the ranges overlap: ", before.file, " holds ", kind, " ", before.record.first, ":",
            before.record.end, ", ", part.file, " holds ", part.record.first, ":", part.record.end);
    require(part.record.first == before.record.end, kind, " ", before.record.end, ":", part.record.first, " are missing between ",
            before.file, " and ", part.file);
  }
  return parts;
}

/// Warnings of a part without those of its chains, which the chains of the whole run decide anew.
std::vector<std::string> warnings_of_run(const RunRecord& part) {
  std::vector<std::string> warnings = part.warnings;
  const std::vector<std::string> of_chains = chain_warnings(part);
  std::erase_if(warnings, [&](const std::string& warning) { return std::ranges::count(of_chains, warning) > 0; });
  return warnings;
}

/// The record of the whole run.
RunRecord merge_records(const std::vector<Part>& parts) {
  RunRecord whole = parts.front().record;
  whole.warnings = warnings_of_run(whole);
  std::set<std::string> devices{whole.device};
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const RunRecord& record = parts[i].record;
    whole.end = record.end;
    require(!__builtin_add_overflow(whole.shape[0], record.shape[0], &whole.shape[0]), "the merged run has 2^63 particles or more");
    if (record.start) *whole.start += *record.start;
    if (record.smc) append(whole.smc->chains, record.smc->chains);
    whole.particle_steps += record.particle_steps;
    whole.seconds += record.seconds;
    add_missing(whole.warnings, warnings_of_run(record));
    add_missing(whole.notes, record.notes);
    devices.insert(record.device);
  }
  add_missing(whole.warnings, chain_warnings(whole));
  whole.complete = true;
  whole.device.clear();
  for (const std::string& device : devices) whole.device += (whole.device.empty() ? "" : ", ") + device;
  return whole;
}

/// Copies arrays of files block by block.
class Copier {
 public:
  Copier(ResultWriter& writer, ProgressLine& line, std::stop_token stop) : writer_(writer), line_(line), stop_(std::move(stop)) {}

  /// @throws std::invalid_argument when the values are not those that the part's sidecar speaks of.
  void copy(const Part& part, std::size_t array) {
    part.arrays[array].precision == Precision::f32 ? copy<float>(part, array) : copy<double>(part, array);
  }

 private:
  template <class Scalar>
  void copy(const Part& part, std::size_t array) {
    ResultReader reader(part.file);
    reader.open(array);
    std::vector<Scalar> block;
    io::Checksum checksum;
    for (std::int64_t left = part.arrays[array].bytes(); left > 0; left -= std::ssize(block) * std::int64_t{sizeof(Scalar)}) {
      if (stop_.stop_requested()) throw CommandInterrupted("interrupted: nothing was written");
      block.resize(static_cast<std::size_t>(std::min(block_bytes, left)) / sizeof(Scalar));
      const std::span<char> bytes(reinterpret_cast<char*>(block.data()), block.size() * sizeof(Scalar));
      reader.read_bytes(bytes);
      checksum.update(std::as_bytes(bytes));
      writer_.append(array, std::span<const Scalar>(block));
      done_ += std::ssize(bytes);
      line_.update(done_);
    }
    require(checksum.value() == part.record.checksums[array], io::find_sidecar(part.file).string(), " does not belong to ", part.file,
            ": the values have the checksum ", hex(checksum.value()), ", the sidecar says ", hex(part.record.checksums[array]));
  }

  ResultWriter& writer_;
  ProgressLine& line_;
  std::stop_token stop_;
  std::int64_t done_ = 0;
};

/// The arrays of the whole run, of `rows` rows.
ResultArrays whole_arrays(const Part& part, std::int64_t rows) {
  ResultArrays arrays = part.arrays;
  for (io::NpzEntry& array : arrays) array.shape.front() = rows;
  return arrays;
}

void write_merged(const MergeFlags& flags, const std::vector<Part>& parts, RunRecord& whole) {
  const ResultArrays arrays = whole_arrays(parts.front(), whole.shape.front());
  std::int64_t bytes = 0;
  for (const io::NpzEntry& array : arrays) bytes += array.bytes();
  check_free_space(flags.out, static_cast<std::uint64_t>(bytes) * (is_archive(arrays) ? 2 : 1));
  const InterruptWatcher watcher;
  ResultWriter writer(flags.out, arrays, flags.force);
  ProgressLine line("merge", bytes, flags.common.quiet);
  Copier copier(writer, line, watcher.token());
  for (std::size_t array = 0; array < arrays.size(); ++array) {
    for (const Part& part : parts) copier.copy(part, array);
  }
  whole.checksums = writer.checksums();
  writer.commit(json_text(sidecar_json(whole)));
}

void run_merge(const MergeFlags& flags) {
  check_output_with_sidecar(flags.out, flags.force);
  InputFiles inputs;
  for (const std::string& file : flags.files) add_data(inputs, file);
  check_not_input(flags.out, inputs);
  const std::vector<Part> parts = load_parts(flags.files);
  require(!is_archive(parts.front().arrays) || flags.out.ends_with(".npz"), "--out ", flags.out,
          ": the parts are archives; give a name that ends in .npz");
  RunRecord whole = merge_records(parts);
  write_merged(flags, parts, whole);
  print_remarks(whole.warnings, whole.notes, flags.common.quiet);
  print(flags.common.json ? json_text(result_json(whole, flags.out)) : result_text(whole, flags.out));
}

}  // namespace

Verb add_merge(CLI::App& command) {
  CLI::App* verb = command.add_subcommand("merge", "joins the ranges of one run, checked to be one run");
  auto flags = std::make_shared<MergeFlags>();
  verb->add_option("FILES", flags->files, ".npy or .npz files of adjacent ranges, in any order; each with its FILE.json")
      ->required()
      ->type_name("");
  verb->add_option("--out", flags->out, "the .npy or .npz file to write, as the parts are")->required()->type_name("FILE");
  add_force(*verb, flags->force);
  add_common_flags(*verb, flags->common);
  set_examples(*verb, "  gmdiff merge a.npy b.npy --out merged.npy\n");
  return {verb, [flags] { run_merge(*flags); }};
}

}  // namespace gmdiff::cli
