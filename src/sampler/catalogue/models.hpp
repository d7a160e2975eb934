#pragma once

#include <gmdiff/model/process.hpp>
#include <gmdiff/model/target.hpp>
#include <gmdiff/model/time_grid.hpp>
#include <gmdiff/sampler/problem.hpp>

#include "sampler/catalogue/names.hpp"

// Processes, time grids, targets and Fokker-Planck equations: names and parameters.

namespace gmdiff::catalogue {

template <>
inline constexpr const char* type_name<CustomProcess> = nullptr;
/// A problem file writes it as a prior and an observation.
template <>
inline constexpr const char* type_name<ObservedMixture> = nullptr;
template <>
inline constexpr const char* type_name<CustomTarget> = nullptr;

template <>
inline constexpr const char* type_name<LinearBeta> = "linear";
template <>
inline constexpr const char* type_name<CosineBeta> = "cosine";
template <>
inline constexpr const char* type_name<Vp> = "vp";
template <>
inline constexpr const char* type_name<SubVp> = "sub-vp";
template <>
inline constexpr const char* type_name<Ou> = "ou";
template <>
inline constexpr const char* type_name<Ddpm> = "ddpm";
template <>
inline constexpr const char* type_name<Ve> = "ve";
template <>
inline constexpr const char* type_name<Edm> = "edm";
template <>
inline constexpr const char* type_name<RectifiedFlow> = "rectified-flow";

template <>
inline constexpr const char* type_name<UniformGrid> = "uniform";
template <>
inline constexpr const char* type_name<KarrasGrid> = "karras";
template <>
inline constexpr const char* type_name<LogSnrGrid> = "log-snr";
template <>
inline constexpr const char* type_name<DdimGrid> = "ddim";
template <>
inline constexpr const char* type_name<McgdiffGrid> = "mcgdiff";
template <>
inline constexpr const char* type_name<ListGrid> = "list";

template <>
inline constexpr std::array<const char*, 2> enum_names<DdimGrid::Spacing> = {"linear", "quadratic"};
template <>
inline constexpr std::array<const char*, 4> enum_names<AnalysisOperator> = {"identity", "gradient",
                                                                            "gradient-2d", "matrix"};
template <>
inline constexpr std::array<const char*, 4> enum_names<Smoothing> = {"none", "pseudo-huber", "huber",
                                                                     "quadratic"};

// ----- processes

template <class Visitor>
void visit_parameters(Visitor& v, LinearBeta& beta) {
  v.required("min", beta.min);
  v.required("max", beta.max);
}
template <class Visitor>
void visit_parameters(Visitor& v, CosineBeta& beta) {
  v.optional("offset", beta.offset);
}
template <class Visitor>
void visit_parameters(Visitor& v, Vp& process) {
  v.required("beta", process.beta);
  v.optional("T", process.T);
}
template <class Visitor>
void visit_parameters(Visitor& v, SubVp& process) {
  v.required("beta", process.beta);
  v.optional("T", process.T);
}
template <class Visitor>
void visit_parameters(Visitor& v, Ou& process) {
  v.optional("stationary_std", process.stationary_std);
  v.optional("T", process.T);
}
template <class Visitor>
void visit_parameters(Visitor& v, Ddpm& process) {
  v.either(
      !process.betas.empty(), [&](auto& visitor) { visitor.required("betas", process.betas); },
      [&](auto& visitor) {
        visitor.required("steps", process.steps);
        visitor.required("first", process.first);
        visitor.required("last", process.last);
      });
}
template <class Visitor>
void visit_parameters(Visitor& v, Ve& process) {
  v.optional("sigma_min", process.sigma_min);
  v.optional("sigma_max", process.sigma_max);
  v.optional("T", process.T);
}
template <class Visitor>
void visit_parameters(Visitor& v, Edm& process) {
  v.optional("T", process.T);
}
template <class Visitor>
void visit_parameters(Visitor&, RectifiedFlow&) {}

// ----- grids

template <class Visitor>
void visit_parameters(Visitor& v, UniformGrid& grid) {
  v.required("steps", grid.steps);
  v.optional("t_start", grid.t_start);
  v.optional("t_end", grid.t_end);
}
template <class Visitor>
void visit_parameters(Visitor& v, KarrasGrid& grid) {
  v.required("steps", grid.steps);
  v.optional("rho", grid.rho);
  v.optional("n_min", grid.n_min);
  v.optional("n_max", grid.n_max);
}
template <class Visitor>
void visit_parameters(Visitor& v, LogSnrGrid& grid) {
  v.required("steps", grid.steps);
  v.optional("t_start", grid.t_start);
  v.required("t_end", grid.t_end);
  v.optional("end_at_data", grid.end_at_data);
}
template <class Visitor>
void visit_parameters(Visitor& v, DdimGrid& grid) {
  v.required("steps", grid.steps);
  v.optional("spacing", grid.spacing);
}
template <class Visitor>
void visit_parameters(Visitor& v, McgdiffGrid& grid) {
  v.required("points", grid.points);
}
template <class Visitor>
void visit_parameters(Visitor& v, ListGrid& grid) {
  v.required("t", grid.t);
}

// ----- targets

constexpr int max_target_dim = 1'000'000;

template <class Visitor>
void visit_parameters(Visitor& v, SinGaussian& target) {
  v.optional("amplitude", target.amplitude);
  v.optional("phase", target.phase);
  v.optional("frequency", target.frequency);
  v.whole("dim", target.dim, max_target_dim);
}
template <class Visitor>
void visit_parameters(Visitor& v, Banana& target) {
  v.optional("scale", target.scale);
  v.optional("curvature", target.curvature);
  v.whole("dim", target.dim, max_target_dim, 2);
}
template <class Visitor>
void visit_parameters(Visitor& v, Funnel& target) {
  v.optional("scale", target.scale);
  v.whole("dim", target.dim, max_target_dim, 2);
}
template <class Visitor>
void visit_parameters(Visitor& v, ManyWell& target) {
  v.whole("wells", target.wells, max_target_dim);
  v.optional("delta", target.delta);
  v.whole("dim", target.dim, max_target_dim);
}
template <class Visitor>
void visit_parameters(Visitor& v, Logistic& target) {
  v.required("data", target.data);
  v.required("labels", target.labels);
  v.optional("prior_std", target.prior_std);
}
template <class Visitor>
void visit_parameters(Visitor& v, StudentTMixture& target) {
  v.whole("components", target.components, max_target_dim);
  v.optional("nu", target.nu);
  v.whole("dim", target.dim, max_target_dim);
  v.optional("locations", target.locations);
}
/// Their data are fixed.
template <class Visitor>
void visit_parameters(Visitor& /*v*/, Seeds& /*target*/) {}
template <class Visitor>
void visit_parameters(Visitor& /*v*/, Brownian& /*target*/) {}
template <class Visitor>
void visit_parameters(Visitor& v, ExpressionTarget& target) {
  v.required("density", target.density);
  v.whole("dim", target.dim, max_target_dim);
  v.optional("parameters", target.parameters);
}

template <class Visitor>
void visit_parameters(Visitor& v, SparsePrior& prior) {
  v.optional("weight", prior.weight);
  v.optional("operator", prior.analysis);
  v.optional("shape", prior.shape);
  v.optional("matrix", prior.matrix);
  v.optional("smoothing", prior.smoothing);
  v.optional("width", prior.width);
}
template <class Visitor>
void visit_parameters(Visitor& v, Regularised& target) {
  v.optional("prior", target.prior);
  v.required("observation", target.observation);
}

// ----- Fokker-Planck equations

template <class Visitor>
void visit_parameters(Visitor& v, DensityDescription& density) {
  v.optional("lower", density.lower);
  v.optional("upper", density.upper);
  v.optional("cells", density.cells);
  v.optional("times", density.times);
}

}  // namespace gmdiff::catalogue
