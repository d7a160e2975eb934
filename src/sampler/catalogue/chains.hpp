#pragma once

#include <gmdiff/sampler/mcmc.hpp>

#include "sampler/catalogue/names.hpp"

// Markov chains: parameters.

namespace gmdiff::catalogue {

template <>
inline constexpr std::array<const char*, 3> enum_names<ChainOutput> = {"draw", "trace", "moments"};
template <>
inline constexpr std::array<const char*, 2> enum_names<StepAdaptation> = {"pilot", "chain"};

constexpr int max_chain_steps = 10'000'000;
constexpr int max_first_step = 1'000'000'000;
constexpr int max_leapfrogs = 1000;

/// Visits the parameters that all chains share, after their own.
template <class Visitor>
void visit_run(Visitor& v, ChainRun& run) {
  v.whole("warmup", run.warmup, max_chain_steps, 0);
  v.whole("steps", run.steps, max_chain_steps);
  v.whole("thin", run.thin, max_chain_steps);
  v.optional("output", run.output);
  v.optional("start", run.start);
  v.optional("start_std", run.start_std);
  v.optional("start_mean", run.start_mean);
  v.whole("first_step", run.first_step, max_first_step, 0);
  v.optional("preconditioner", run.preconditioner);
}
template <class Visitor>
void visit_parameters(Visitor& v, Ula& sampler) {
  v.optional("step", sampler.step);
  v.optional("speed", sampler.speed);
  visit_run(v, sampler.run);
}
template <class Visitor>
void visit_parameters(Visitor& v, Mala& sampler) {
  v.optional("step", sampler.step);
  v.optional("speed", sampler.speed);
  v.optional("adapt", sampler.adapt);
  visit_run(v, sampler.run);
}
template <class Visitor>
void visit_parameters(Visitor& v, OrnsteinUhlenbeck& sampler) {
  v.optional("step", sampler.step);
  v.optional("speed", sampler.speed);
  visit_run(v, sampler.run);
}
template <class Visitor>
void visit_parameters(Visitor& v, Hmc& sampler) {
  v.optional("step", sampler.step);
  v.whole("leapfrogs", sampler.leapfrogs, max_leapfrogs);
  v.optional("jitter", sampler.jitter);
  v.optional("adapt", sampler.adapt);
  visit_run(v, sampler.run);
}
template <class Visitor>
void visit_parameters(Visitor& v, Baoab& sampler) {
  v.optional("step", sampler.step);
  v.optional("friction", sampler.friction);
  visit_run(v, sampler.run);
}
template <class Visitor>
void visit_parameters(Visitor& v, Obabo& sampler) {
  v.optional("step", sampler.step);
  v.optional("friction", sampler.friction);
  v.optional("metropolis", sampler.metropolis);
  v.optional("adapt", sampler.adapt);
  visit_run(v, sampler.run);
}

template <class Visitor>
void visit_parameters(Visitor& v, Myula& sampler) {
  v.optional("theta", sampler.theta);
  v.optional("step", sampler.step);
  v.optional("metropolis", sampler.metropolis);
  visit_run(v, sampler.run);
}

}  // namespace gmdiff::catalogue
