#include "study/results_file.hpp"

#include <limits>
#include <set>
#include <span>
#include <sstream>
#include <string_view>
#include <utility>

#include "base/check.hpp"
#include "io/checksum.hpp"
#include "io/json_input.hpp"
#include "io/json_output.hpp"
#include "study/record.hpp"

namespace gmdiff::study {
namespace {

// The first key of every line; a change of the records' meaning changes the number.
const std::string results_line_start = R"({"format":"gmdiff comparison 1",)";
constexpr std::string_view checksum_start = R"(,"checksum":")";
constexpr std::string_view checksum_end = R"("})";
constexpr std::size_t checksum_digits = 16;
constexpr std::size_t tail_size = checksum_start.size() + checksum_digits + checksum_end.size();

std::string checksum_of(std::string_view text) {
  io::Checksum checksum;
  checksum.update(std::as_bytes(std::span(text)));
  return io::hex(checksum.value());
}

// ----- writing

Json optional_json(const std::optional<double>& value) {
  return value ? io::json_number(*value) : Json(nullptr);
}

Json judgement_json(const Judgement& judgement) {
  Json json;
  json["quantity"] = judgement.quantity;
  json["value"] = io::json_number(judgement.value);
  json["value_sd"] = io::json_number(judgement.value_sd);
  json["floor"] = io::json_number(judgement.floor);
  json["floor_sd"] = io::json_number(judgement.floor_sd);
  json["ratio"] = io::json_number(judgement.ratio);
  json["bandwidth"] = optional_json(judgement.bandwidth);
  return json;
}

Json coverage_json(const std::optional<CoverageHits>& hits) {
  if (!hits) return nullptr;
  const auto hit = [](std::optional<bool> value) { return value ? Json(*value) : Json(nullptr); };
  Json json;
  json["level"] = io::json_number(hits->level);
  json["observed"] = hit(hits->observed);
  json["null_space"] = hit(hits->null_space);
  return json;
}

std::string line_of(const ComparisonRecord& record) {
  Json json;
  json["problem"] = record.problem;
  json["sampler"] = record.sampler;
  json["seed"] = record.seed;
  json["count"] = record.count;
  json["precision"] = precision_name(record.precision);
  json["device"] = record.device;
  json["judging"] = record.judging;
  json["plan_hash"] = record.plan_hash;
  json["version"] = record.version;
  json["error"] = record.error ? Json(*record.error) : Json(nullptr);
  json["diverged"] = record.diverged;
  json["judgements"] = Json::array();
  for (const Judgement& judgement : record.judgements)
    json["judgements"].push_back(judgement_json(judgement));
  json["log_evidence_error"] = optional_json(record.log_evidence_error);
  json["log_evidence_sd"] = optional_json(record.log_evidence_sd);
  json["ess"] = optional_json(record.ess);
  json["smallest_ess"] = optional_json(record.smallest_ess);
  json["coverage"] = coverage_json(record.coverage);
  json["seconds"] = io::json_number(record.seconds);
  json["evaluations"] = io::json_number(record.evaluations);
  json["warnings"] = record.warnings;
  const std::string object = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  const std::string text = results_line_start + object.substr(1, object.size() - 2);
  return concat(text, checksum_start, checksum_of(text), checksum_end);
}

// ----- reading

/// Reads the values of one line.
class RecordReader {
 public:
  RecordReader(const Json& json, io::Location where) : json_(json), where_(std::move(where)) {}

  template <class T>
  T get(const char* key) const {
    const Json& value = at(key);
    try {
      return value.get<T>();
    } catch (const Json::exception&) {
      where_.fail("\"", key, "\" has the wrong type");
    }
  }

  double number(const char* key) const {
    const Json& value = at(key);
    if (value.is_number()) return value.get<double>();
    if (value == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (value == "inf") return std::numeric_limits<double>::infinity();
    if (value == "-inf") return -std::numeric_limits<double>::infinity();
    where_.fail("\"", key, "\" has the wrong type");
  }

  std::optional<double> optional_number(const char* key) const {
    return at(key).is_null() ? std::nullopt : std::optional(number(key));
  }

  const Json& at(const char* key) const {
    const auto found = json_.is_object() ? json_.find(key) : json_.end();
    if (found == json_.end()) where_.fail("the key \"", key, "\" is missing");
    return *found;
  }

  const io::Location& where() const { return where_; }

 private:
  const Json& json_;
  io::Location where_;
};

Precision read_precision(const RecordReader& reader) {
  const std::string name = reader.get<std::string>("precision");
  for (const Precision precision : {Precision::f32, Precision::f64}) {
    if (name == precision_name(precision)) return precision;
  }
  reader.where().fail("\"precision\" is neither f32 nor f64");
}

std::vector<Judgement> read_judgements(const RecordReader& reader) {
  const Json& array = reader.at("judgements");
  if (!array.is_array()) reader.where().fail("\"judgements\" has the wrong type");
  std::vector<Judgement> judgements;
  for (const Json& json : array) {
    const RecordReader entry(json, reader.where());
    judgements.push_back({.quantity = entry.get<std::string>("quantity"),
                          .value = entry.number("value"),
                          .value_sd = entry.number("value_sd"),
                          .floor = entry.number("floor"),
                          .floor_sd = entry.number("floor_sd"),
                          .ratio = entry.number("ratio"),
                          .bandwidth = entry.optional_number("bandwidth")});
  }
  return judgements;
}

std::optional<CoverageHits> read_coverage(const RecordReader& reader) {
  const Json& json = reader.at("coverage");
  if (json.is_null()) return {};
  const RecordReader entry(json, reader.where());
  const auto hit = [&](const char* key) {
    return entry.at(key).is_null() ? std::nullopt : std::optional(entry.get<bool>(key));
  };
  return CoverageHits{
      .level = entry.number("level"), .observed = hit("observed"), .null_space = hit("null_space")};
}

ComparisonRecord read_record(const RecordReader& reader) {
  return {
      .problem = reader.get<std::string>("problem"),
      .sampler = reader.get<std::string>("sampler"),
      .seed = reader.get<std::uint64_t>("seed"),
      .count = reader.get<std::int64_t>("count"),
      .precision = read_precision(reader),
      .device = reader.get<std::string>("device"),
      .judging = reader.get<std::string>("judging"),
      .plan_hash = reader.get<std::string>("plan_hash"),
      .version = reader.get<std::string>("version"),
      .error = reader.at("error").is_null() ? std::nullopt : std::optional(reader.get<std::string>("error")),
      .diverged = reader.get<bool>("diverged"),
      .judgements = read_judgements(reader),
      .log_evidence_error = reader.optional_number("log_evidence_error"),
      .log_evidence_sd = reader.optional_number("log_evidence_sd"),
      .ess = reader.optional_number("ess"),
      .smallest_ess = reader.optional_number("smallest_ess"),
      .coverage = read_coverage(reader),
      .seconds = reader.number("seconds"),
      .evaluations = reader.number("evaluations"),
      .warnings = reader.get<std::vector<std::string>>("warnings")};
}

ComparisonRecord record_of(const std::string& line, const io::Location& where) {
  const std::size_t end = line.size() > tail_size ? line.size() - tail_size : 0;
  const std::string_view text = std::string_view(line).substr(0, end);
  const std::string tail = concat(checksum_start, checksum_of(text), checksum_end);
  if (line.substr(end) != tail) where.fail("damaged: its text does not have the checksum at its end");
  std::istringstream in(line);
  const Json json = io::parse_ordered_json(in, where);
  return read_record(RecordReader(json, where));
}

}  // namespace

std::string key_of(const ComparisonRecord& record) {
  // The bits of the reference device differ from those of the others, which agree with each other.
  const char* bits = record.device == "reference" ? "reference" : "device";
  return concat(record.plan_hash, ' ', record.seed, ' ', record.version, ' ', record.count, ' ',
                precision_name(record.precision), ' ', bits, ' ', record.judging);
}

std::vector<ComparisonRecord> read_results(const std::filesystem::path& file) {
  const std::vector<std::string> lines = io::read_lines(file, results_line_start);
  std::vector<ComparisonRecord> records;
  std::set<std::string> keys;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    ComparisonRecord record = record_of(lines[i], io::Location(concat(file.string(), ": line ", i + 1)));
    if (keys.insert(key_of(record)).second) records.push_back(std::move(record));
  }
  return records;
}

ResultsFile::ResultsFile(const std::filesystem::path& file)
    : lines_(file, results_line_start), records_(read_results(file)) {}

void ResultsFile::append(const ComparisonRecord& record) const { lines_.append(line_of(record)); }

}  // namespace gmdiff::study
