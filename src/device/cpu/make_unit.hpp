#pragma once

#include <cstdlib>

#include "device/cpu/points.hpp"
#include "device/cpu/program.hpp"
#include "device/cpu/smc.hpp"
#include "device/cpu/tile.hpp"

// The unit of an arithmetic type; it selects the code that runs for a law.

namespace gmdiff::cpu::GMDIFF_CPU_UNIT {

/// Calls body.operator()<Law>() for the law of SMC, which is never in a common basis.
template <class V, class Body>
auto with_chain_law(const LawTable<RealOf<V>>& law, Body body) {
  switch (law.family) {
    case Family::spherical:
      return body.template operator()<WideLaw<V, Family::spherical>>();
    case Family::diag:
      return body.template operator()<WideLaw<V, Family::diag>>();
    case Family::full:
      return body.template operator()<FullLaw<V>>();
    case Family::tied:
    case Family::small_diag:
    case Family::small_full:
      break;
  }
  // the inline functions of an exception would be compiled for this unit's instructions and linked everywhere
  std::abort();
}

/// Calls body.operator()<Law>() for a wide law's kind.
template <class V, class Body>
auto with_wide_law(const LawTable<RealOf<V>>& law, Body body) {
  switch (law.family) {
    case Family::spherical:
      return body.template operator()<WideLaw<V, Family::spherical>>();
    case Family::tied:
      return body.template operator()<WideLaw<V, Family::tied>>();
    case Family::diag:
      return body.template operator()<WideLaw<V, Family::diag>>();
    case Family::full:
      return body.template operator()<FullLaw<V>>();
    case Family::small_diag:
    case Family::small_full:
      break;
  }
  std::abort();  // as above
}

template <class V, bool full, class Body>
auto with_small_steps(const LawTable<RealOf<V>>& law, Body body) {
  switch (law.dim) {
    case 1:
      return body.template operator()<SmallSteps<V, 1, full>>();
    case 2:
      return body.template operator()<SmallSteps<V, 2, full>>();
    case 3:
      return body.template operator()<SmallSteps<V, 3, full>>();
    default:
      return body.template operator()<SmallSteps<V, 4, full>>();
  }
}

/// Calls body.operator()<Steps>() for the law's kind.
template <class V, class Body>
auto with_steps(const LawTable<RealOf<V>>& law, Body body) {
  if (law.family == Family::small_diag) return with_small_steps<V, false>(law, body);
  if (law.family == Family::small_full) return with_small_steps<V, true>(law, body);
  return with_wide_law<V>(law, [&]<class Law>() { return body.template operator()<WideSteps<V, Law>>(); });
}

template <class V>
Unit<RealOf<V>> make_unit() {
  using Real = RealOf<V>;
  return {.lanes = Types<V>::lanes,
          .scratch_bytes =
              [](const LawTable<Real>& law) {
                return with_steps<V>(law, [&]<class Steps>() { return Steps::scratch_bytes(law); });
              },
          .start =
              [](const Job<Real>& job, std::int64_t tile, void* scratch) {
                return with_steps<V>(
                    *job.law, [&]<class Steps>() { return StepTile<V, Steps>(job, tile, scratch).start(); });
              },
          .advance =
              [](const Job<Real>& job, std::int64_t tile, void* scratch) {
                return with_steps<V>(*job.law, [&]<class Steps>() {
                  return StepTile<V, Steps>(job, tile, scratch).advance();
                });
              },
          .program_scratch_bytes =
              [](const LawTable<Real>& law, Index observed) {
                return with_wide_law<V>(
                    law, [&]<class Law>() { return ProgramTile<V, Law>::scratch_bytes(law, observed); });
              },
          .run_program =
              [](const ProgramJob<Real>& job, std::int64_t tile, void* scratch) {
                return with_wide_law<V>(*job.ends.law, [&]<class Law>() {
                  return ProgramTile<V, Law>(job, tile, scratch).run();
                });
              },
          .chain_scratch_bytes =
              [](const LawTable<Real>& law, const particle::MapPotentialTable<Real>* map) {
                return ChainTile<V>::scratch_bytes(law) + map_scratch_bytes<V>(law.dim, map);
              },
          .chain_start =
              [](const ChainJob<Real>& job, std::int64_t tile, void* scratch) {
                // Without a mixture any law will do.
                const LawTable<Real>& law =
                    job.tables.start.mean != nullptr ? job.tables.law : job.tables.start.law;
                with_chain_law<V>(law, [&]<class Law>() { SmcStart<V, Law>(job, tile, scratch).run(); });
                if (job.denoised != nullptr || (!job.tables.weighs_before && job.map == nullptr)) return;
                with_chain_law<V>(job.tables.law, [&]<class Law>() {
                  SmcTile<V, Law> weights(job, 0, tile, scratch);
                  job.map == nullptr ? weights.weigh() : weights.weigh_states();
                });
              },
          .chain_weigh =
              [](const ChainJob<Real>& job, int step, std::int64_t tile, void* scratch) {
                with_chain_law<V>(job.tables.law, [&]<class Law>() {
                  SmcTile<V, Law> weights(job, step, tile, scratch);
                  job.map == nullptr ? weights.weigh() : weights.weigh_states();
                });
              },
          .chain_move =
              [](const ChainJob<Real>& job, int step, const std::uint32_t* ancestors, std::int64_t tile,
                 void* scratch) {
                with_chain_law<V>(job.tables.law, [&]<class Law>() {
                  SmcTile<V, Law>(job, step, tile, scratch).move(ancestors);
                });
              },
          .exponentials = exponentials<V>,
          .evaluate =
              [](const PointJob<Real>& job, std::int64_t tile, void* scratch) {
                with_wide_law<V>(*job.law,
                                 [&]<class Law>() { PointTile<V, Law>(job, tile, scratch).evaluate(); });
              }};
}

}  // namespace gmdiff::cpu::GMDIFF_CPU_UNIT
