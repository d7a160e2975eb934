#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "base/machine.hpp"
#include "network/paths/check_sampler.hpp"
#include "network/paths/path_model.hpp"
#include "network/paths/refinement.hpp"

namespace gmdiff {

namespace network {

namespace {

constexpr int most_chains = 1 << 20, most_moves = 1 << 20;

bool has_refinement_settings(const SamplerSettings& settings) {
  const SamplerSettings none;
  return settings.refine_score != none.refine_score || settings.chains != none.chains ||
         settings.first_moves != none.first_moves || settings.moves != none.moves ||
         settings.support_std != none.support_std;
}

/// Refuses settings that a refinement cannot be combined with.
void check_combination(const SamplerSettings& settings) {
  require(settings.prior == PathPrior::gmp, "trained sampler: refine_every needs the prior gmp, got ",
          to_string(settings.prior));
  require(!settings.learn_weights,
          "trained sampler: refine_every needs equal weights, so it does not go with learn_weights");
  require(settings.means_std == 0.0,
          "trained sampler: refine_every places the means itself; expected means_std 0, got ",
          settings.means_std);
  const std::int64_t last = static_cast<std::int64_t>(settings.components - 1) * settings.refine_every;
  require(last < settings.iterations, "trained sampler: with refine_every ", settings.refine_every,
          " component ", settings.components, " begins after iteration ", last,
          ", so more iterations are needed; got ", settings.iterations);
}

}  // namespace

void check_refinement(const SamplerSettings& settings, Eigen::Index dim) {
  require(settings.refine_every >= 0 && settings.refine_every < 1 << 24,
          "trained sampler: refine_every must be in 0 ... ", (1 << 24) - 1, ", got ", settings.refine_every);
  require(is_refined(settings) || !has_refinement_settings(settings),
          "trained sampler: refine_score, chains, first_moves, moves and support_std belong to a refinement; "
          "give refine_every");
  if (!is_refined(settings)) return;
  check_combination(settings);
  require(settings.chains >= 1 && settings.chains <= most_chains, "trained sampler: chains must be in 1 ... ",
          most_chains, ", got ", settings.chains);
  require(settings.first_moves >= 0 && settings.first_moves <= most_moves,
          "trained sampler: first_moves must be in 0 ... ", most_moves, ", got ", settings.first_moves);
  require(settings.moves >= 0 && settings.moves <= most_moves, "trained sampler: moves must be in 0 ... ",
          most_moves, ", got ", settings.moves);
  require(settings.support_std >= 0.0 && std::isfinite(settings.support_std),
          "trained sampler: support_std must be finite and not negative, got ", settings.support_std);
  const std::int64_t moves =
      settings.first_moves + static_cast<std::int64_t>(settings.components - 1) * settings.moves;
  require(moves + 1 <= (std::int64_t{1} << 33) / dim, "trained sampler: ", moves,
          " moves of chains in dimension ", dim, " need more than the 2^33 random numbers of a chain");
}

void check_refined(const SamplerTraining& training) {
  const SamplerSettings& settings = training.settings;
  const std::int64_t K = path_components(settings);
  std::int64_t least = K, most = K;
  if (is_refined(settings)) {
    // A component that begins after this iteration may have begun.
    least = std::min(K, 1 + std::max<std::int64_t>(training.iteration - 1, 0) / settings.refine_every);
    most = std::min(K, 1 + training.iteration / settings.refine_every);
  }
  require(training.active >= least && training.active <= most,
          "trained sampler: the active components must be ", least, " to ", most, " at iteration ",
          training.iteration, ", got ", training.active);
  const Eigen::Index chains = is_refined(settings) ? settings.chains : 0;
  const Eigen::Index columns = is_refined(settings) ? training.dim : 0;
  require(training.chains.rows() == chains && training.chains.cols() == columns,
          "trained sampler: the chains must have shape (", chains, ", ", columns, "), got (",
          training.chains.rows(), ", ", training.chains.cols(), ")");
  require(training.chains.allFinite(), "trained sampler: the chains must be finite");
  require(!is_refined(settings) || (training.chain_step > 0.0 && std::isfinite(training.chain_step)),
          "trained sampler: the step of the chains must be positive and finite, got ", training.chain_step);
}

std::uint64_t refinement_bytes(const SamplerSettings& settings, Eigen::Index dim) {
  if (!is_refined(settings)) return 0;
  // states and gradients, and their copies in the training; log w of the paths that judge, and other numbers
  const auto numbers = static_cast<std::uint64_t>(4 * dim + candidate_repeats + 8);
  return saturating_product(static_cast<std::uint64_t>(settings.chains), numbers * sizeof(double));
}

}  // namespace network
}  // namespace gmdiff
