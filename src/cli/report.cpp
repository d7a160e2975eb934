#include "cli/report.hpp"

#include "base/check.hpp"
#include "device/chain_remarks.hpp"
#include "io/npy_header.hpp"

namespace gmdiff::cli {
namespace {

/// The spread of log-evidence over the chains, where there are several.
std::string sd_text(const study::SmcRecord& smc) {
  if (smc.chains.log_evidence.size() < 2) return "";
  return concat(", sd over chains ", format_number(log_evidence_sd(smc.chains.log_evidence), 3));
}

/// The description `json` of a grid, process or sampler on one line.
std::string one_line(const Json& json) { return json.is_null() ? "-" : json.dump(-1, ' ', false, Json::error_handler_t::replace); }

double steps_per_second(const study::RunRecord& record) { return record.seconds > 0.0 ? record.particle_steps / record.seconds : 0.0; }

}  // namespace

Json result_json(const study::RunRecord& record, const std::filesystem::path& file) {
  Json json;
  json["file"] = file.string();
  json.update(sidecar_json(record));
  json["particle_steps_per_second"] = json_number(steps_per_second(record));
  return json;
}

std::string result_text(const study::RunRecord& record, const std::filesystem::path& file) {
  Table table;
  table.add({"file", file.string()});
  table.add({"shape", io::shape_text(record.shape) + ", " + (record.precision == "f32" ? "float32" : "float64")});
  table.add({"law", record.law + " of " + record.problem});
  if (!record.sampler.is_null()) table.add({"sampler", one_line(record.sampler)});
  if (!record.process.is_null()) table.add({"process", one_line(record.process)});
  if (!record.grid.is_null()) table.add({"grid", one_line(record.grid)});
  table.add({counted(record), concat(record.first, ":", record.end, ", seed ", record.seed)});
  if (record.smc) {
    table.add({"evidence", concat("log of its mean ", format_number(mean_log_evidence(*record.smc)), sd_text(*record.smc), ", ",
                                  record.smc->particles, " particles a chain")});
  }
  table.add({"plan hash", record.plan_hash});
  table.add({"device", record.device + (record.math == "exact" ? "" : ", " + record.math + " mode")});
  table.add({"time", format_number(record.seconds, 3) + " s, " + format_number(steps_per_second(record), 3) + " particle-steps/s"});
  return table.text();
}

}  // namespace gmdiff::cli
