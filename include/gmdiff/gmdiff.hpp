#pragma once

// Everything: #include <gmdiff/gmdiff.hpp>.

#include <gmdiff/base/error.hpp>
#include <gmdiff/base/points.hpp>
#include <gmdiff/base/version.hpp>
#include <gmdiff/device/device.hpp>
#include <gmdiff/device/dlpack.hpp>
#include <gmdiff/device/evaluate.hpp>
#include <gmdiff/device/options.hpp>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/device/samples.hpp>
#include <gmdiff/device/session.hpp>
#include <gmdiff/device/smc.hpp>
#include <gmdiff/io/npy.hpp>
#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/metrics/chain_diagnostics.hpp>
#include <gmdiff/metrics/coverage.hpp>
#include <gmdiff/metrics/distances.hpp>
#include <gmdiff/model/covariance.hpp>
#include <gmdiff/model/denoiser.hpp>
#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/observation.hpp>
#include <gmdiff/model/posterior.hpp>
#include <gmdiff/model/process.hpp>
#include <gmdiff/model/time_grid.hpp>
#include <gmdiff/plan/evaluations.hpp>
#include <gmdiff/plan/plan.hpp>
#include <gmdiff/plan/program.hpp>
#include <gmdiff/plan/smc_plan.hpp>
#include <gmdiff/sampler/guided.hpp>
#include <gmdiff/sampler/problem.hpp>
#include <gmdiff/sampler/sampler.hpp>
#include <gmdiff/sampler/smc.hpp>
#include <gmdiff/study/compare.hpp>
#include <gmdiff/study/comparison_record.hpp>
