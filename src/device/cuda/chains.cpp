#include "device/cuda/chains.hpp"

namespace gmdiff::cuda {

ChainFailure run_chains(Gpu& /*gpu*/, const SmcTask& /*task*/) { throw DeviceError("cuda: SMC runs on cpu and reference"); }

std::int64_t chains_at_once(const Gpu& /*gpu*/, const std::string& /*name*/, const SmcPlan& /*plan*/, Precision /*precision*/,
                            std::size_t /*memory_limit*/) {
  return 1;
}

}  // namespace gmdiff::cuda
