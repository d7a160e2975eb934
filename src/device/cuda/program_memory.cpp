#include <limits>

#include "device/cuda/networks.hpp"
#include "device/cuda/programs.hpp"
#include "device/cuda/room.hpp"
#include "device/moments.hpp"
#include "device/plan_programs.hpp"
#include "lowering/program_builder.hpp"
#include "plan/program.hpp"

namespace gmdiff::cuda {

template <class Real>
ProgramMemory program_memory(const Plan& plan, std::size_t num_kept, const kernels::Limits& limits) {
  const MixtureTable& mixture = plan.problems.front();
  const GuidanceTable* guidance = plan.guidance.empty() ? nullptr : &plan.guidance.front();
  const auto d = static_cast<std::size_t>(mixture.dim());
  ProgramMemory memory{};
  memory.largest_step = PlanPrograms(plan).largest_step_bytes<Real>();
  const particle::Family family = particle::wide_family_of(mixture);
  kernels::ProgramJob<Real> job{};
  job.law.family = family;
  job.law.dim = mixture.dim();
  job.law.num_components = mixture.num_components();
  job.count = std::numeric_limits<std::int64_t>::max() / 2;
  job.num_vectors = num_vectors(plan);
  job.observation.rows = guidance == nullptr ? 0 : guidance->num_rows();
  const std::size_t observation =
      guidance == nullptr ? 0 : static_cast<std::size_t>(guidance->A.size()) * sizeof(Real);
  memory.fixed = particle::LawTables<Real>::bytes(mixture, family) + observation +
                 particle::ProgramBuilder<Real>::shared_bytes(plan) +
                 static_cast<std::size_t>(mixture.num_components()) * sizeof(std::uint64_t) +
                 network_bytes(plan.denoisers, limits) + kernels::geometry(job, limits).room_bytes;
  const std::size_t calls = calls_functions(plan) ? 2 : 0;
  memory.particle =
      d * ((num_kept + static_cast<std::size_t>(job.num_vectors) + calls) * sizeof(Real) + sizeof(double)) +
      (static_cast<std::size_t>(num_moments(plan)) +
       (has_chain_numbers(plan) ? particle::ChainNumbers<double>::size : 0)) *
          sizeof(double);
  return memory;
}

template ProgramMemory program_memory<float>(const Plan&, std::size_t, const kernels::Limits&);
template ProgramMemory program_memory<double>(const Plan&, std::size_t, const kernels::Limits&);

}  // namespace gmdiff::cuda
