#pragma once

#include <memory>
#include <variant>

#include <gmdiff/base/precision.hpp>
#include <gmdiff/plan/smc_plan.hpp>

namespace gmdiff::particle {

template <class Real>
class SmcTables;

/// The tables of an SMC plan in the precision of a run; all tasks of the run share them. Null if the device
/// needs none.
using AnySmcTables =
    std::variant<std::shared_ptr<const SmcTables<float>>, std::shared_ptr<const SmcTables<double>>>;

/// Computes the tables of a plan. They refer to the plan, which must live as long.
AnySmcTables smc_tables(const SmcPlan& plan, Precision precision);

}  // namespace gmdiff::particle
