#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/device/evaluate.hpp>
#include <gmdiff/sampler/problem.hpp>

// Results of the verb eval, and their forms: arrays in a file, JSON, a table.

namespace gmdiff::cli {

/// Quantities at n points. A guided sampler has only a denoiser, a target only log-density and gradient, and
/// dynamics only the generator; the other arrays are empty.
struct EvalResult {
  std::string problem = {};  ///< file as given
  std::string law = {};      ///< "prior", "posterior", "target" or "dynamics"
  std::optional<GuidedSampler> sampler = {};
  std::string function = {};  ///< F of the generator
  Level level = {};
  EvaluateOptions options = {};      ///< device and precision
  Eigen::VectorXd log_density = {};  ///< (n)
  Points responsibilities = {};      ///< (n, K)
  Points score = {};                 ///< (n, d)
  Points denoiser = {};              ///< (n, d)
  Points gradient = {};              ///< (n, d) of the log-density of a target
  Points velocity = {};              ///< (n, d) of the probability flow, if it is requested
  Eigen::VectorXd divergence = {};   ///< (n) of the velocity
  Eigen::VectorXd generator = {};    ///< (n) L F of dynamics
  std::vector<std::string> warnings = {};
};

/// Writes the arrays that are not empty as .npz.
void write_arrays(const EvalResult& result, const std::filesystem::path& file, bool force);

/// The result as JSON or as text; `file` names the file of the arrays and is empty without one.
std::string eval_json(const EvalResult& result, const std::string& file);
std::string eval_text(const EvalResult& result, const std::string& file);

}  // namespace gmdiff::cli
