#include "support/golden_process.hpp"

#include <stdexcept>

namespace gmdiff::test {

namespace {

LinearBeta linear_beta(const json& parameters) {
  return {.min = number(parameters.at("beta_min")), .max = number(parameters.at("beta_max"))};
}

}  // namespace

ForwardProcess process(const json& golden_case) {
  const auto name = golden_case.at("name").get<std::string>();
  if (name.starts_with("rectified_flow")) return ForwardProcess(RectifiedFlow{});
  const json& parameters = golden_case.at("parameters");
  const double T = number(parameters.at("T"));
  if (name.starts_with("vp_linear")) return ForwardProcess(Vp{.beta = linear_beta(parameters), .T = T});
  if (name.starts_with("vp_cosine"))
    return ForwardProcess(Vp{.beta = CosineBeta{.offset = number(parameters.at("s"))}, .T = T});
  if (name.starts_with("sub_vp")) return ForwardProcess(SubVp{.beta = linear_beta(parameters), .T = T});
  if (name.starts_with("ou")) return ForwardProcess(Ou{.stationary_std = 1.0, .T = T});
  if (name.starts_with("ddpm_table"))
    return ForwardProcess(Ddpm{.betas = parameters.at("betas").get<std::vector<double>>()});
  if (name.starts_with("edm")) return ForwardProcess(Edm{.T = T});
  if (name.starts_with("ve_geometric"))
    return ForwardProcess(Ve{.sigma_min = number(parameters.at("sigma_min")),
                             .sigma_max = number(parameters.at("sigma_max")),
                             .T = T});
  throw std::runtime_error("no process for the golden case " + name);
}

}  // namespace gmdiff::test
