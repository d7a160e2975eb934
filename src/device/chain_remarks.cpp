#include "device/chain_remarks.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <limits>
#include <map>
#include <sstream>

#include <gmdiff/device/smc.hpp>

#include "base/check.hpp"

namespace gmdiff {
namespace {

constexpr double collapsed_ess = 2.0;
// with fewer particles the effective sample size is always near one
constexpr std::int64_t fewest_particles = 4;
constexpr double largest_sd = 1.5;
constexpr double largest_share = 0.5;
constexpr std::size_t fewest_chains = 10;  // among fewer chains one may have half of the sum by chance

std::string three_digits(double value) {
  std::ostringstream out;
  out << std::setprecision(3) << value;
  return out.str();
}

/// Whether at some step nearly all of the chain's weight was on one particle.
bool collapses(const ChainReport& chains, std::size_t c) { return chains.smallest_ess[c] < collapsed_ess; }

/// The step at which most of the collapsed chains have their smallest effective sample size, from 1.
int usual_step(const ChainReport& chains) {
  std::map<int, std::size_t> counts;
  for (std::size_t c = 0; c < chains.smallest_ess.size(); ++c) {
    if (collapses(chains, c)) ++counts[chains.smallest_ess_step[c]];
  }
  const auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
  return std::max_element(counts.begin(), counts.end(), less)->first + 1;
}

/// Share of the largest evidence in the sum over all chains.
double share_of_largest(std::span<const double> log_evidence) {
  const double largest = *std::max_element(log_evidence.begin(), log_evidence.end());
  double sum = 0.0;
  for (const double value : log_evidence) sum += std::exp(value - largest);
  return 1.0 / sum;
}

}  // namespace

double log_evidence_sd(std::span<const double> log_evidence) {
  if (log_evidence.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  const auto n = static_cast<long double>(log_evidence.size());
  long double mean = 0.0L, squares = 0.0L;
  for (const double value : log_evidence) mean += value / n;
  for (const double value : log_evidence) squares += (value - mean) * (value - mean);
  return static_cast<double>(std::sqrt(squares / (n - 1.0L)));
}

std::vector<std::string> chain_warnings(const ChainReport& chains, std::int64_t particles) {
  std::vector<std::string> warnings;
  const std::size_t count = chains.log_evidence.size();
  std::size_t collapsed = 0;
  for (std::size_t c = 0; c < count; ++c) collapsed += collapses(chains, c) ? 1 : 0;
  if (particles >= fewest_particles && 2 * collapsed > count) {
    warnings.push_back(concat("the weights collapse: in ", collapsed, " of ", count,
                              " chains the effective sample size falls below ", collapsed_ess, " of ",
                              particles, " particles, most often at step ", usual_step(chains),
                              "; more particles, a finer grid there or kernel=exact help"));
  }
  const double sd = log_evidence_sd(chains.log_evidence);
  const double share = count < fewest_chains ? 0.0 : share_of_largest(chains.log_evidence);
  if (sd > largest_sd || share > largest_share) {
    const std::string of_largest =
        share > largest_share ? concat(" and one chain has ", three_digits(100.0 * share), " % of the sum")
                              : "";
    warnings.push_back(concat(
        "the chains disagree on the evidence: the standard deviation of log_evidence is ", three_digits(sd),
        of_largest,
        ", so that its mean depends on chains that are too rare to occur here and is probably too low; more "
        "particles or a grid "
        "finer where weights collapse help"));
  }
  return warnings;
}

ChainReport part_of(const ChainReport& chains, std::size_t first, std::size_t count) {
  const auto cut = [&](const auto& values) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(first);
    return std::vector(begin, begin + static_cast<std::ptrdiff_t>(count));
  };
  return {cut(chains.log_evidence), cut(chains.smallest_ess), cut(chains.smallest_ess_step)};
}

void append(ChainReport& chains, const ChainReport& more) {
  const auto add = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  add(chains.log_evidence, more.log_evidence);
  add(chains.smallest_ess, more.smallest_ess);
  add(chains.smallest_ess_step, more.smallest_ess_step);
}

}  // namespace gmdiff
