#include <gmdiff/model/target_law.hpp>

#include <utility>

#include <gmdiff/model/quadrature.hpp>

#include "base/check.hpp"
#include "model/target/box.hpp"
#include "model/target/formulas.hpp"
#include "model/target/table_draws.hpp"

namespace gmdiff {

TargetLaw::TargetLaw(Target target) : target_(std::move(target)) {
  const std::optional<CoordinateMoments> moments = target_.moments();
  const std::optional<double> log_normalizer = target_.log_normalizer();
  const bool has_closed_form = moments && log_normalizer;
  // Heavy tails: the law has draws and a normaliser, but no covariance.
  const bool has_no_covariance = !moments && log_normalizer && target_.has_draws();
  require(dim() <= 2 || has_no_covariance || (has_closed_form && target_.has_draws()),
          name_of(target_.description()), ": samples of this target cannot be judged in dimension ", dim(),
          ", because it has no ", target_.has_draws() ? "moments in closed form" : "exact draws",
          "; a table of its density serves dimensions 1 and 2");
  if (has_closed_form) {
    log_normalizer_ = *log_normalizer;
    mean_ = moments->mean;
    covariance_ = targets::covariance(target_.description(), *moments);
  } else if (has_no_covariance) {
    log_normalizer_ = *log_normalizer;
  } else {
    const Quadrature integrals = quadrature(target_);
    log_normalizer_ = integrals.log_normalizer;
    mean_ = integrals.mean;
    covariance_ = integrals.covariance;
  }
  if (target_.has_draws()) return;
  const targets::DensityTable table(target_, targets::find_box(target_), targets::intervals_of(dim()));
  table_ = std::make_shared<targets::TableDraws>(table);
}

Points TargetLaw::draws(std::int64_t count, std::uint64_t seed, std::int64_t first,
                        std::uint32_t replicate) const {
  if (!table_) return target_.draws(count, seed, first, replicate);
  require(count >= 1 && first >= 0, "TargetLaw: draws ", first, " to ", first, " + ", count,
          " are no range of draws");
  Points x(count, dim());
  for (Eigen::Index n = 0; n < count; ++n) {
    targets::DrawStreams streams(seed, static_cast<std::uint64_t>(first + n), replicate);
    table_->draw(streams, x.row(n));
  }
  return x;
}

}  // namespace gmdiff
