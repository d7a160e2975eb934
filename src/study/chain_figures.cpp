#include "study/chain_figures.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.hpp"
#include "study/diagnosis.hpp"

namespace gmdiff::study {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t least_draws = 4;

std::string coordinate_name(Eigen::Index j, Eigen::Index dim) { return dim == 1 ? "x" : concat("x", j + 1); }

Json vector_of(const std::vector<DiagnosedQuantity>& coordinates, double ChainDiagnostics::*figure) {
  Json values = Json::array();
  for (const DiagnosedQuantity& coordinate : coordinates)
    values.push_back(io::json_number(coordinate.diagnostics.*figure));
  return values;
}

Json estimate_json(const std::string& name, double mean, double mcse) {
  return {{"estimate", name}, {"mean", io::json_number(mean)}, {"mcse", io::json_number(mcse)}};
}

Json estimate_json(const std::string& name, const ChainDiagnostics& d) {
  Json row = estimate_json(name, d.mean, d.mcse);
  row["rhat"] = io::json_number(d.rhat);
  row["ess_bulk"] = io::json_number(d.ess_bulk);
  row["ess_tail"] = io::json_number(d.ess_tail);
  return row;
}

/// The row of an observable that is not finite somewhere.
Json estimate_without_value(const std::string& name) {
  Json row = estimate_json(name, nan, nan);
  row["finite"] = false;
  return row;
}

}  // namespace

ChainFigures::ChainFigures(const RunRecord& record, const std::vector<std::string>& estimates)
    : output_(record.sampler.value("output", "draw")),
      dim_(record.shape.back()),
      levels_(record.shape.size() == 3 ? record.shape[1] : 1),
      is_long_(static_cast<double>(record.shape.front()) * static_cast<double>(levels_ * dim_) >
               static_cast<double>(most_values)) {
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(2 * dim_));
  observables_.reserve(static_cast<std::size_t>(2 * dim_));
  for (Eigen::Index j = 0; j < dim_; ++j) {
    const std::string x = coordinate_name(j, dim_);
    names.push_back(x);
    observables_.push_back({.name = x, .text = {}, .coordinate = j, .is_square = false});
    names.push_back(x + "^2");
    observables_.push_back({.name = x + "^2", .text = {}, .coordinate = j, .is_square = true});
  }
  // The parts of a merged run name them.
  if (!estimates.empty() && estimates != names) {
    observables_.clear();
    observables_.reserve(estimates.size());
    for (const std::string& text : estimates)
      observables_.push_back({.name = text, .text = Expression(text, {.dim = static_cast<int>(dim_)})});
  }
  mean_ = spread_ = Eigen::VectorXd::Zero(std::ssize(observables_));
}

Eigen::VectorXd ChainFigures::values_of(const Observable& observable, const Points& states) const {
  if (observable.text) return observable.text->value(states);
  const auto x = states.col(observable.coordinate);
  return observable.is_square ? Eigen::VectorXd(x.cwiseAbs2()) : Eigen::VectorXd(x);
}

bool ChainFigures::needs_states() const {
  return output_ == "draw" || (output_ == "trace" && !is_long_ && levels_ >= least_draws);
}

void ChainFigures::add(const Points& states) {
  if (output_ == "trace") {
    trace_.insert(trace_.end(), states.data(), states.data() + states.size());
    return;
  }
  const Eigen::Index count = states.rows() / levels_;
  Points last(count, dim_);
  for (Eigen::Index n = 0; n < count; ++n) last.row(n) = states.row((n + 1) * levels_ - 1);
  for (Eigen::Index o = 0; o < mean_.size(); ++o) {
    const Eigen::VectorXd values = values_of(observables_[static_cast<std::size_t>(o)], last);
    double n = chains_;
    for (const double value : values) {
      n += 1.0;
      const double before = value - mean_(o);
      mean_(o) += before / n;
      spread_(o) += before * (value - mean_(o));
    }
  }
  chains_ += static_cast<double>(count);
}

void ChainFigures::write_to(RunRecord& record, const PooledMoments* moments) const {
  if (moments != nullptr) {
    record.figures = moment_figures(*moments);
  } else if (output_ == "draw") {
    record.figures = draw_figures();
  } else if (levels_ < least_draws) {
    add_missing(record.notes, {concat("a trace of fewer than ", least_draws,
                                      " draws of each chain has no R-hat and no effective sample size")});
  } else if (is_long_) {
    add_missing(record.notes, {concat("the trace has more than ", most_values,
                                      " numbers, so its convergence is left to gmdiff diagnose")});
  } else {
    record.figures = trace_figures();
  }
}

Json ChainFigures::trace_figures() const {
  const std::int64_t chains = std::ssize(trace_) / (levels_ * dim_);
  const Eigen::Map<const Points> all(trace_.data(), chains * levels_, dim_);
  const ChainDraws draws(all, chains);
  const std::vector<DiagnosedQuantity> coordinates = diagnose(draws, {}, nullptr, {}).coordinates;
  Json estimates = Json::array();
  for (const Observable& observable : observables_) {
    if (!observable.text && !observable.is_square) {
      const auto& found = coordinates[static_cast<std::size_t>(observable.coordinate)];
      estimates.push_back(estimate_json(observable.name, found.diagnostics));
      continue;
    }
    const Eigen::VectorXd values = values_of(observable, draws.all());
    estimates.push_back(values.allFinite()
                            ? estimate_json(observable.name, chain_diagnostics(draws.columns(values)))
                            : estimate_without_value(observable.name));
  }
  return {{"rhat", vector_of(coordinates, &ChainDiagnostics::rhat)},
          {"ess_bulk", vector_of(coordinates, &ChainDiagnostics::ess_bulk)},
          {"ess_tail", vector_of(coordinates, &ChainDiagnostics::ess_tail)},
          {"mcse", vector_of(coordinates, &ChainDiagnostics::mcse)},
          {"estimates", std::move(estimates)}};
}

Json ChainFigures::draw_figures() const {
  Json estimates = Json::array();
  for (Eigen::Index o = 0; o < mean_.size(); ++o) {
    const std::string& name = observables_[static_cast<std::size_t>(o)].name;
    const double error = std::sqrt(spread_(o) / ((chains_ - 1.0) * chains_));
    estimates.push_back(
        std::isfinite(mean_(o))
            ? estimate_json(name, mean_(o), chains_ >= MomentPool::enough_chains ? error : nan)
            : estimate_without_value(name));
  }
  return {{"estimates", std::move(estimates)}};
}

Json ChainFigures::moment_figures(const PooledMoments& moments) const {
  Json estimates = Json::array();
  for (const Observable& observable : observables_) {
    const Eigen::Index j = observable.coordinate;
    estimates.push_back(observable.is_square
                            ? estimate_json(observable.name, moments.square(j), moments.square_error(j))
                            : estimate_json(observable.name, moments.mean(j), moments.standard_error(j)));
  }
  return {{"estimates", std::move(estimates)}};
}

std::optional<ChainFigures> chain_figures(const RunRecord& record,
                                          const std::vector<std::string>& estimates) {
  if (record.verb != "sample" || !is_of_markov_chains(record)) return {};
  return ChainFigures(record, estimates);
}

std::vector<std::string> estimates_of(const RunRecord& record) {
  std::vector<std::string> names;
  if (!record.figures.contains("estimates")) return names;
  const Json& rows = record.figures["estimates"];
  names.reserve(rows.size());
  for (const Json& row : rows) names.push_back(row.at("estimate").get<std::string>());
  return names;
}

namespace {

/// A figure of every quantity: coordinates first, then the observables that are no coordinates.
struct Figures {
  std::vector<std::string> names;
  std::vector<double> values;

  void add(std::string name, const Json& value) {
    names.push_back(std::move(name));
    values.push_back(value.is_number() ? value.get<double>() : nan);
  }
};

Figures figures_of(const RunRecord& record, const char* key) {
  Figures found;
  const auto dim = static_cast<Eigen::Index>(record.shape.back());
  if (record.figures.contains(key)) {
    Eigen::Index j = 0;
    for (const Json& value : record.figures[key]) found.add(coordinate_name(j++, dim), value);
  }
  if (!record.figures.contains("estimates")) return found;
  for (const Json& row : record.figures["estimates"]) {
    const auto name = row.at("estimate").get<std::string>();
    if (row.contains(key) && std::ranges::find(found.names, name) == found.names.end())
      found.add(name, row[key]);
  }
  return found;
}

std::string count_text(std::size_t count, std::size_t of) {
  return of == 1 ? "" : concat(" (", count, " of ", of, " quantities)");
}

void add_rhat_warning(std::vector<std::string>& warnings, const Figures& rhat) {
  // NaN, of chains that do not move, is the worst.
  const auto badness = [](double value) { return std::isnan(value) ? HUGE_VAL : value; };
  const auto is_bad = [](double value) { return !(value <= largest_rhat); };
  const auto count = static_cast<std::size_t>(std::ranges::count_if(rhat.values, is_bad));
  if (count == 0) return;
  const auto worst = std::ranges::max_element(rhat.values, {}, badness);
  const auto& name = rhat.names[static_cast<std::size_t>(worst - rhat.values.begin())];
  warnings.push_back(concat("R-hat of ", name, " is ", four_digits(*worst), ", above ", largest_rhat,
                            count_text(count, rhat.values.size()), ", so the chains have not mixed"));
}

void add_ess_warning(std::vector<std::string>& warnings, const char* what, const Figures& ess) {
  const auto is_bad = [](double value) { return !(value >= least_ess); };
  const auto count = static_cast<std::size_t>(std::ranges::count_if(ess.values, is_bad));
  if (count == 0) return;
  const auto badness = [](double value) { return std::isnan(value) ? -HUGE_VAL : value; };
  const auto worst = std::ranges::min_element(ess.values, {}, badness);
  const auto& name = ess.names[static_cast<std::size_t>(worst - ess.values.begin())];
  warnings.push_back(concat(what, " of ", name, " is ", four_digits(*worst), ", below ", least_ess,
                            count_text(count, ess.values.size()),
                            ", so the figures themselves are uncertain"));
}

}  // namespace

std::vector<std::string> convergence_warnings(const RunRecord& record) {
  std::vector<std::string> warnings;
  Figures rhat = figures_of(record, "rhat");
  if (record.moments.is_object() && record.moments.contains("rhat_split")) {
    Eigen::Index j = 0;
    for (const Json& value : record.moments["rhat_split"])
      rhat.add(coordinate_name(j++, record.shape.back()), value);
  }
  add_rhat_warning(warnings, rhat);
  add_ess_warning(warnings, "bulk effective sample size", figures_of(record, "ess_bulk"));
  add_ess_warning(warnings, "tail effective sample size", figures_of(record, "ess_tail"));
  if (!record.figures.contains("estimates")) return warnings;
  for (const Json& row : record.figures["estimates"]) {
    if (row.contains("finite"))
      warnings.push_back(concat("the estimate ", row.at("estimate").get<std::string>(),
                                " has no value: it is not finite at a state"));
  }
  return warnings;
}

}  // namespace gmdiff::study
