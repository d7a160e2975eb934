#include "study/diagnosis.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>
#include <utility>

#include <gmdiff/metrics/distances.hpp>
#include <gmdiff/model/expression.hpp>

#include "base/check.hpp"

namespace gmdiff::study {
namespace {

std::vector<DiagnosedQuantity> coordinates_of(const ChainDraws& chains) {
  std::vector<DiagnosedQuantity> quantities;
  quantities.reserve(static_cast<std::size_t>(chains.dim()));
  for (Eigen::Index j = 0; j < chains.dim(); ++j)
    quantities.push_back({std::to_string(j), chain_diagnostics(chains.columns(chains.all().col(j)))});
  return quantities;
}

/// Values of an observable at all draws.
Eigen::VectorXd values_of(const std::string& text, const ChainDraws& chains, const DiagnosisNames& names) {
  const Expression observable(text, {.dim = static_cast<int>(chains.dim())});
  Eigen::VectorXd values = observable.value(chains.all());
  for (Eigen::Index i = 0; i < values.size(); ++i) {
    require(std::isfinite(values(i)), names.estimate, " ", text, ": it is ", values(i), " at draw ",
            i % chains.draws(), " of chain ", i / chains.draws(), ", expected a finite number");
  }
  return values;
}

void add_doubts(std::vector<std::string>& warnings, const std::string& kind,
                const std::vector<DiagnosedQuantity>& quantities) {
  for (const DiagnosedQuantity& quantity : quantities) {
    const double rhat = quantity.diagnostics.rhat;
    const double ess = std::min(quantity.diagnostics.ess_bulk, quantity.diagnostics.ess_tail);
    if (!(rhat <= largest_rhat))
      warnings.push_back(concat(kind, " ", quantity.name, ": R-hat is ", four_digits(rhat), ", above ",
                                largest_rhat, ", so the chains have not mixed"));
    if (!(ess >= least_ess))
      warnings.push_back(concat(kind, " ", quantity.name, ": effective sample size ", four_digits(ess),
                                ", below ", least_ess, ", so the figures themselves are uncertain"));
  }
}

}  // namespace

std::string four_digits(double value) {
  std::ostringstream out;
  out << std::setprecision(4) << value;
  return out.str();
}

ChainDraws::ChainDraws(Points all, std::int64_t chains)
    : all_(std::move(all)), chains_(chains), draws_(all_.rows() / chains) {}

Points ChainDraws::last() const {
  Points points(chains_, dim());
  for (std::int64_t c = 0; c < chains_; ++c) points.row(c) = all_.row((c + 1) * draws_ - 1);
  return points;
}

Eigen::MatrixXd ChainDraws::columns(const Eigen::VectorXd& values) const {
  return Eigen::Map<const Eigen::MatrixXd>(values.data(), draws_, chains_);
}

Diagnosis diagnose(const ChainDraws& chains, const std::vector<std::string>& estimates, const Mixture* law,
                   const DiagnosisNames& names) {
  Diagnosis found{.coordinates = coordinates_of(chains), .estimates = {}, .modes = {}, .warnings = {}};
  found.estimates.reserve(estimates.size());
  for (const std::string& text : estimates)
    found.estimates.push_back({text, chain_diagnostics(chains.columns(values_of(text, chains, names)))});
  if (law != nullptr) {
    require(law->dim() == chains.dim(), names.draws, ": its draws have dimension ", chains.dim(),
            ", those of the law ", law->dim());
    found.modes = ModeShares{.draws = mode_frequencies(chains.all(), *law).frequencies,
                             .chains = mode_frequencies(chains.last(), *law).frequencies};
  }
  add_doubts(found.warnings, "coordinate", found.coordinates);
  add_doubts(found.warnings, "estimate", found.estimates);
  return found;
}

}  // namespace gmdiff::study
