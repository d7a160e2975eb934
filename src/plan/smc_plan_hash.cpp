#include <cmath>
#include <iomanip>
#include <ostream>
#include <span>

#include <gmdiff/plan/smc_plan.hpp>

#include "plan/custom_denoiser.hpp"
#include "plan/hash.hpp"
#include "plan/print.hpp"
#include "plan/program.hpp"

// Hash and printed form of a plan of SMC.

namespace gmdiff {

std::vector<int> SmcPlan::weightings() const {
  std::vector<int> numbers;
  const bool after = weighting == SmcWeighting::after_moving;
  for (std::size_t s = 0; s < steps.size(); ++s) {
    if (after || steps[s].is_weighted) numbers.push_back(static_cast<int>(s));
  }
  return numbers;
}

namespace {

void add(Hash& hash, const Potential& g) {
  hash.add(g.centre);
  hash.add(g.variance);
}

void print(std::ostream& out, const char* name, const Potential& g) {
  out << "  " << name;
  for (Eigen::Index i = 0; i < g.centre.size(); ++i) {
    if (!std::isinf(g.variance(i))) out << ' ' << i << ":(" << g.centre(i) << ", " << g.variance(i) << ')';
  }
}

}  // namespace

std::uint64_t SmcPlan::hash() const {
  Hash hash;
  add(hash, mixture);
  hash.add_size(weighting);
  hash.add(start.mean);
  hash.add(start.variance);
  if (start.mixture) add(hash, *start.mixture);
  add(hash, at_start);
  for (const SmcStep& step : steps) {
    add(hash, as_step(step.move));
    hash.add_size(step.is_weighted);
    add(hash, step.at_s);
    add(hash, step.divided);
  }
  // Plans without a map keep the hashes that they had before there was one.
  if (map) {
    add(hash, map->rows);
    hash.add(MapPotentials::widening);
    for (const Level& level : map->levels) hash.add(level);
    for (const double variance : map->variances) hash.add(variance);
  }
  // As above, for plans without a denoiser.
  if (denoiser) add(hash, *denoiser);
  for (const double time : times) hash.add(time);
  hash.add_size(particles);
  hash.add_size(resampling);
  hash.add(ess_threshold);
  hash.add_size(output);
  hash.add(V);
  hash.add(log_constant);
  return hash.value();
}

std::uint64_t hash(std::span<const SmcPlan> plans) {
  if (plans.size() == 1) return plans.front().hash();
  Hash hash;
  for (const SmcPlan& plan : plans) hash.add(plan.hash());
  return hash.value();
}

std::ostream& operator<<(std::ostream& out, const SmcPlan& plan) {
  out << "smc plan, hash " << std::hex << std::setw(16) << std::setfill('0') << plan.hash() << std::dec
      << std::setfill(' ') << "\nK " << plan.mixture.num_components() << ", d " << plan.dim()
      << ", covariance " << to_string(plan.mixture.structure) << ", observed "
      << (plan.map ? name_of(plan.map->rows.observation.map()) : std::to_string(plan.num_observed()))
      << ", particles " << plan.particles << ", weighted "
      << (plan.weighting == SmcWeighting::before_moving ? "before" : "after") << " moving\nstart "
      << (plan.start.mixture ? "mixture" : "gaussian") << '\n';
  if (plan.denoiser) out << "denoiser " << id_of(*plan.denoiser) << '\n';
  for (std::size_t s = 0; s < plan.steps.size(); ++s) {
    out << "step " << s << "  ";
    print(out, as_step(plan.steps[s].move));
    print(out, "g_s", plan.steps[s].at_s);
    print(out, "g_t", plan.steps[s].divided);
    out << (plan.steps[s].is_weighted ? "\n" : "  not weighted\n");
  }
  return out << "log constant " << plan.log_constant << '\n';
}

}  // namespace gmdiff
