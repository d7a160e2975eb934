#pragma once

// Everything: #include <gmdiff/gmdiff.hpp>.

#include <gmdiff/base/error.hpp>
#include <gmdiff/base/points.hpp>
#include <gmdiff/base/version.hpp>
#include <gmdiff/covariance.hpp>
#include <gmdiff/device.hpp>
#include <gmdiff/distances.hpp>
#include <gmdiff/dlpack.hpp>
#include <gmdiff/evaluate.hpp>
#include <gmdiff/mixture.hpp>
#include <gmdiff/npy.hpp>
#include <gmdiff/observation.hpp>
#include <gmdiff/options.hpp>
#include <gmdiff/plan.hpp>
#include <gmdiff/problem.hpp>
#include <gmdiff/process.hpp>
#include <gmdiff/sample.hpp>
#include <gmdiff/sampler.hpp>
#include <gmdiff/samples.hpp>
#include <gmdiff/smc.hpp>
#include <gmdiff/smc_plan.hpp>
#include <gmdiff/time_grid.hpp>
