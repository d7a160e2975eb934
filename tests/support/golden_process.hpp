#pragma once

#include <gmdiff/model/process.hpp>

#include "support/golden.hpp"

namespace gmdiff::test {

/// The process of a golden case, from its fields `name` (vp_linear, vp_cosine, sub_vp, ou, ddpm_table,
/// ve_geometric, edm, rectified_flow, or a longer name that begins with one of these) and `parameters`.
ForwardProcess process(const json& golden_case);

}  // namespace gmdiff::test
