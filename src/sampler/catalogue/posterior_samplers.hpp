#pragma once

#include <gmdiff/sampler/guided.hpp>
#include <gmdiff/sampler/smc.hpp>

#include "sampler/catalogue/samplers.hpp"
#include "sampler/key_collector.hpp"

// Samplers of posteriors: sequential Monte Carlo and guidance.

namespace gmdiff::catalogue {

template <>
inline constexpr std::array<const char*, 2> enum_names<Mcgdiff::Variant> = {"C", "A"};
template <>
inline constexpr std::array<const char*, 2> enum_names<SmcKernel> = {"ddim", "exact"};
template <>
inline constexpr std::array<const char*, 4> enum_names<Resampling> = {"systematic", "stratified",
                                                                      "multinomial", "residual"};
template <>
inline constexpr std::array<const char*, 2> enum_names<SmcOutput> = {"draw", "particles"};
template <>
inline constexpr std::array<const char*, 3> enum_names<Tmp::Scale> = {"moments", "diffuse", "row-sum"};
template <>
inline constexpr std::array<const char*, 2> enum_names<DpsGsg::Pullback> = {"jacobian", "alpha"};

// ----- samplers of sequential Monte Carlo

constexpr int max_smc_particles = 1 << 30;

/// Visits the parameters that all SMC samplers share, after their own.
template <class Visitor, class Smc>
void visit_smc(Visitor& v, Smc& sampler) {
  v.optional("kernel", sampler.kernel);
  v.optional("eta", sampler.eta);
  v.optional("start", sampler.start);
  v.optional("resampling", sampler.resampling);
  v.optional("ess_threshold", sampler.ess_threshold);
  v.optional("output", sampler.output);
}
template <class Visitor>
void visit_parameters(Visitor& v, Mcgdiff& sampler) {
  v.whole("particles", sampler.particles, max_smc_particles);
  v.optional("variant", sampler.variant);
  v.optional("kappa", sampler.kappa);
  visit_smc(v, sampler);
}
template <class Visitor>
void visit_parameters(Visitor& v, Bootstrap& sampler) {
  v.whole("particles", sampler.particles, max_smc_particles);
  visit_smc(v, sampler);
}

// ----- guided samplers

constexpr int max_gsg_directions = 65'536;

/// Visits the parameters of a guided sampler: its own by `own(visitor)`, then those that all share. The
/// parameters of the integrator are given beside them (key_collector.hpp).
template <class Visitor, class Guided, class Own>
void visit_guided(Visitor& v, Guided& sampler, Own own) {
  own(v);
  v.name_of("integrator", sampler.integrator);
  KeyCollector taken;
  own(taken);
  IntegratorVisitor beside(v, std::move(taken.keys));
  std::visit([&](auto& integrator) { visit_parameters(beside, integrator); }, sampler.integrator);
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, Tmp& sampler) {
  visit_guided(v, sampler, [&](auto& own) { own.optional("scale", sampler.scale); });
}
template <class Visitor>
void visit_parameters(Visitor& v, Pigdm& sampler) {
  visit_guided(v, sampler, [&](auto& own) { own.optional("tau2", sampler.tau2); });
}
template <class Visitor>
void visit_parameters(Visitor& v, PigdmAlgorithm1& sampler) {
  visit_guided(v, sampler, [&](auto& own) { own.optional("tau2", sampler.tau2); });
}
template <class Visitor>
void visit_parameters(Visitor& v, Dps& sampler) {
  visit_guided(v, sampler, [&](auto& own) {
    own.optional("zeta", sampler.zeta);
    own.optional("epsilon", sampler.epsilon);
  });
}
template <class Visitor>
void visit_parameters(Visitor& v, DpsLikelihood& sampler) {
  visit_guided(v, sampler, [](auto& /*own*/) {});
}
template <class Visitor>
void visit_parameters(Visitor& v, DpsGsg& sampler) {
  visit_guided(v, sampler, [&](auto& own) {
    own.optional("zeta", sampler.zeta);
    own.whole("directions", sampler.directions, max_gsg_directions);
    own.optional("epsilon", sampler.epsilon);
    own.optional("pullback", sampler.pullback);
  });
}
template <class Visitor>
void visit_parameters(Visitor& v, ExactGuidance& sampler) {
  visit_guided(v, sampler, [](auto& /*own*/) {});
}

}  // namespace gmdiff::catalogue
