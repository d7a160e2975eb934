#include <gmdiff/plan/plan.hpp>

#include <iomanip>
#include <ostream>

#include "base/check.hpp"
#include "plan/hash.hpp"
#include "plan/print.hpp"
#include "plan/program.hpp"

namespace gmdiff {

namespace {

const char* to_string(PlanKind kind) {
  switch (kind) {
    case PlanKind::sample:
      return "sample";
    case PlanKind::forward:
      return "forward";
    case PlanKind::draw:
      return "draw";
    case PlanKind::dynamics:
      return "dynamics";
  }
  fail("plan: unknown kind");
}

}  // namespace

std::int64_t Plan::num_steps() const {
  std::int64_t sum = 0;
  for (const Step& step : steps) sum += repeats(step);
  return sum;
}

std::uint64_t Plan::hash() const {
  Hash hash;
  hash.add_size(kind);
  hash.add_size(start.law);
  hash.add(start.level);
  // Plans without these keep the hashes that they had before there were any.
  if (start.mean.size() > 0) hash.add(start.mean);
  if (first_step > 0) hash.add(first_step);
  if (!prologue.stages.empty()) add(hash, prologue);
  if (!search.stages.empty()) add(hash, search);
  for (const int level : kept) hash.add_size(level);
  hash.add_size(steps.size());
  for (const Step& step : steps) add(hash, step);
  for (const double time : times) hash.add(time);
  hash.add_size(problems.size());
  for (const MixtureTable& problem : problems) add(hash, problem);
  for (const GuidanceTable& table : guidance) add(hash, table);
  for (const Eigen::MatrixXd& matrix : matrices) hash.add(matrix);
  if (target) add(hash, *target);
  for (const VectorField& field : fields) add(hash, field);
  for (const std::vector<double>& row : field_times) {
    for (const double time : row) hash.add(time);
  }
  for (const Denoiser& denoiser : denoisers) add(hash, denoiser);
  return hash.value();
}

std::ostream& operator<<(std::ostream& out, const Plan& plan) {
  const MixtureTable& table = plan.problems.front();
  out << "plan " << to_string(plan.kind) << ", hash " << std::hex << std::setw(16) << std::setfill('0')
      << plan.hash() << std::dec << std::setfill(' ') << "\nproblems " << plan.problems.size() << ", K "
      << table.num_components() << ", d " << table.dim() << ", covariance "
      << gmdiff::to_string(table.structure) << "\nstart "
      << (plan.start.law == Start::exact ? "exact" : "gaussian") << " at ";
  print(out, plan.start.level);
  if (plan.start.mean.size() > 0) out << ", mean " << plan.start.mean.transpose();
  if (plan.first_step > 0) out << ", first step " << plan.first_step;
  out << '\n';
  for (const Denoiser& denoiser : plan.denoisers) {
    out << "denoiser " << std::visit([](const auto& alternative) { return alternative.id; }, denoiser)
        << '\n';
  }
  for (std::size_t n = 0; n < plan.fields.size(); ++n) {
    if (const CustomField* function = plan.fields[n].custom())
      out << "field " << n << "  function " << function->id << '\n';
  }
  if (!plan.prologue.stages.empty()) {
    out << "first   ";
    print(out, plan.prologue);
    out << '\n';
  }
  if (!plan.search.stages.empty()) {
    out << "search  " << plan.search.repeats << " times  ";
    print(out, plan.search);
    out << '\n';
  }
  std::int64_t number = 0;
  for (const Step& step : plan.steps) {
    out << "step " << number << "  ";
    if (repeats(step) > 1) out << repeats(step) << " times  ";
    print(out, step);
    out << '\n';
    number += repeats(step);
  }
  return out;
}

}  // namespace gmdiff
