#pragma once

#include <gmdiff/sampler/sampler.hpp>

#include "sampler/catalogue/names.hpp"

// Reverse-time samplers: parameters, and which of them evaluate a denoiser.

namespace gmdiff::catalogue {

template <class T>
consteval bool missing_evaluates_denoiser() {
  static_assert(is_listed<T>, "this sampler needs an evaluates_denoiser in the catalogue");
  return false;
}

/// Whether a reverse-time sampler evaluates a denoiser. The others draw from the mixture or need neither, and
/// guided samplers cannot use them as their integrator.
template <class T>
inline constexpr bool evaluates_denoiser = missing_evaluates_denoiser<T>();
template <>
inline constexpr bool evaluates_denoiser<ExactTransition> = false;
template <>
inline constexpr bool evaluates_denoiser<Ancestral> = true;
template <>
inline constexpr bool evaluates_denoiser<Ddim> = true;
template <>
inline constexpr bool evaluates_denoiser<EulerMaruyama> = true;
template <>
inline constexpr bool evaluates_denoiser<Euler> = true;
template <>
inline constexpr bool evaluates_denoiser<Heun> = true;
template <>
inline constexpr bool evaluates_denoiser<Dpmpp2s> = true;
template <>
inline constexpr bool evaluates_denoiser<Dpmpp2m> = true;
template <>
inline constexpr bool evaluates_denoiser<SdeDpmpp2m> = true;
template <>
inline constexpr bool evaluates_denoiser<Dpmpp3m> = true;
template <>
inline constexpr bool evaluates_denoiser<Unipc3> = true;
template <>
inline constexpr bool evaluates_denoiser<ExactAncestral> = false;
template <>
inline constexpr bool evaluates_denoiser<ExactDecoupled> = false;
template <>
inline constexpr bool evaluates_denoiser<NaiveBackward> = false;
template <>
inline constexpr bool evaluates_denoiser<Annealed> = true;

template <>
inline constexpr std::array<const char*, 2> enum_names<Start> = {"exact", "gaussian"};
template <>
inline constexpr std::array<const char*, 2> enum_names<Finish> = {"denoise", "step"};
template <>
inline constexpr std::array<const char*, 2> enum_names<Ancestral::Variance> = {"small", "large"};
template <>
inline constexpr std::array<const char*, 2> enum_names<Heun::Variable> = {"t", "n"};

/// Visits the churn parameters of single-step samplers.
template <class Visitor, class SingleStep>
void visit_churn(Visitor& v, SingleStep& sampler) {
  v.optional("churn", sampler.churn);
  v.optional("churn_min", sampler.churn_min);
  v.unbounded("churn_max", sampler.churn_max);
  v.optional("churn_noise", sampler.churn_noise);
}
template <class Visitor>
void visit_parameters(Visitor& v, ExactTransition& sampler) {
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, Ancestral& sampler) {
  v.optional("variance", sampler.variance);
  visit_churn(v, sampler);
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, Ddim& sampler) {
  v.optional("eta", sampler.eta);
  visit_churn(v, sampler);
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, EulerMaruyama& sampler) {
  v.optional("zeta", sampler.zeta);
  visit_churn(v, sampler);
  v.optional("start", sampler.start);
  v.optional("finish", sampler.finish);
}
template <class Visitor>
void visit_parameters(Visitor& v, Euler& sampler) {
  visit_churn(v, sampler);
  v.optional("start", sampler.start);
  v.optional("finish", sampler.finish);
}
template <class Visitor>
void visit_parameters(Visitor& v, Heun& sampler) {
  v.optional("variable", sampler.variable);
  visit_churn(v, sampler);
  v.optional("start", sampler.start);
  v.optional("finish", sampler.finish);
}
template <class Visitor>
void visit_parameters(Visitor& v, Dpmpp2s& sampler) {
  v.optional("r", sampler.r);
  visit_churn(v, sampler);
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, Dpmpp2m& sampler) {
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, SdeDpmpp2m& sampler) {
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, Dpmpp3m& sampler) {
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, Unipc3& sampler) {
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, ExactAncestral& sampler) {
  v.optional("eta", sampler.eta);
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, ExactDecoupled& sampler) {
  v.optional("start", sampler.start);
}
template <class Visitor>
void visit_parameters(Visitor& v, NaiveBackward& sampler) {
  v.optional("start", sampler.start);
}

constexpr int max_annealed_steps = 1'000'000;

template <class Visitor>
void visit_parameters(Visitor& v, Annealed& sampler) {
  v.optional("relative_step", sampler.relative_step);
  v.whole("inner", sampler.inner, max_annealed_steps);
  v.optional("denoise", sampler.denoise);
  v.optional("start", sampler.start);
}

}  // namespace gmdiff::catalogue
