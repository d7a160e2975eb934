#include "device/cpu/chain_weights.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/infinity.hpp"
#include "base/random.hpp"

namespace gmdiff::cpu {
namespace {

/// Smallest and largest number of a range; both are NaN if one number is. Four comparisons run at a time,
/// because each waits for the one before it.
struct Extremes {
  double smallest, largest;
};
Extremes extremes(const double* values, std::int64_t count) {
  std::array<double, 4> smallest, largest;
  smallest.fill(infinity);
  largest.fill(-infinity);
  bool is_number = true;
  const auto look = [&](std::size_t place, double value) {
    smallest[place] = value < smallest[place] ? value : smallest[place];
    largest[place] = value > largest[place] ? value : largest[place];
    is_number &= value == value;
  };
  std::int64_t n = 0;
  for (; n + 4 <= count; n += 4) {
    for (std::size_t place = 0; place < 4; ++place) look(place, values[n + static_cast<std::int64_t>(place)]);
  }
  for (; n < count; ++n) look(0, values[n]);
  if (!is_number) return {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()};
  return {*std::min_element(smallest.begin(), smallest.end()),
          *std::max_element(largest.begin(), largest.end())};
}

}  // namespace

template <class Real>
ChainWeights<Real>::ChainWeights(const SmcPlan& plan, std::uint64_t seed, const Unit<Real>& unit,
                                 const ChainPieces& pieces)
    : pieces_(pieces),
      unit_(unit),
      scheme_(plan.resampling),
      seed_(seed),
      log_weights_(static_cast<std::size_t>(pieces.padded())),
      e_(log_weights_.size()),
      sums_(static_cast<std::size_t>(pieces.particles())),
      rests_(scheme_ == Resampling::residual ? sums_.size() : 0),
      ancestors_(log_weights_.size()),
      of_pieces_(static_cast<std::size_t>(pieces.count())) {}

template <class Real>
std::size_t ChainWeights<Real>::bytes(const SmcPlan& plan, std::size_t padded) {
  const std::size_t sums = plan.resampling == Resampling::residual ? 2 : 1;
  return padded * (sizeof(double) + sizeof(Real) + sums * sizeof(std::uint64_t) + sizeof(std::uint32_t));
}

template <class Real>
std::uint64_t ChainWeights<Real>::uniform(std::int64_t index, Purpose purpose, int number) const {
  return uniform_u64({.seed = seed_, .index = static_cast<std::uint64_t>(index), .purpose = purpose},
                     static_cast<std::uint64_t>(number));
}

template <class Real>
bool ChainWeights<Real>::find_extremes() {
  pieces_.for_each([&](int, std::int64_t piece, std::int64_t begin, std::int64_t end) {
    const Extremes of_piece = extremes(log_weights_.data() + begin, end - begin);
    of_pieces_[static_cast<std::size_t>(piece)].largest = of_piece.largest;
    of_pieces_[static_cast<std::size_t>(piece)].smallest = of_piece.smallest;
  });
  largest_ = of_pieces_.front().largest;
  smallest_ = of_pieces_.front().smallest;
  for (const Piece& piece : of_pieces_) {
    if (!(piece.largest <= largest_)) largest_ = piece.largest;  // also true for NaN
    if (!(piece.smallest >= smallest_)) smallest_ = piece.smallest;
    if (std::isnan(largest_)) break;
  }
  return std::isfinite(largest_);
}

template <class Real>
void ChainWeights<Real>::sum() {
  const auto N = static_cast<std::uint64_t>(pieces_.particles());
  const double first_power = std::ldexp(1.0, particle::first_scale(N));
  pieces_.for_each([&](int, std::int64_t piece, std::int64_t begin, std::int64_t end) {
    const std::int64_t padded = (end - begin + unit_.lanes - 1) / unit_.lanes * unit_.lanes;
    unit_.exponentials(log_weights_.data() + begin, largest_, e_.data() + begin, padded);
    std::uint64_t sum = 0;
    for (std::int64_t n = begin; n < end; ++n)
      sum += particle::converted_weight(e_[static_cast<std::size_t>(n)], first_power);
    of_pieces_[static_cast<std::size_t>(piece)].first_sum = sum;
  });
  std::uint64_t first_sum = 0;
  for (const Piece& piece : of_pieces_) first_sum += piece.first_sum;
  scale_ = particle::final_scale(first_sum, N);
  const double power = std::ldexp(1.0, scale_);
  pieces_.for_each([&](int, std::int64_t piece, std::int64_t begin, std::int64_t end) {
    particle::WeightSums sums{};
    for (std::int64_t n = begin; n < end; ++n) {
      const auto place = static_cast<std::size_t>(n);
      particle::add_weight(sums, particle::converted_weight(e_[place], power), scale_);
      sums_[place] = sums.sum;
    }
    of_pieces_[static_cast<std::size_t>(piece)].sums = sums;
  });
  total_ = {};
  for (Piece& piece : of_pieces_) {
    piece.before = total_.sum;
    total_.sum += piece.sums.sum;
    total_.squares_high += piece.sums.squares_high;
    total_.squares_low += piece.sums.squares_low;
  }
  if (of_pieces_.size() == 1) return;
  pieces_.for_each([&](int, std::int64_t piece, std::int64_t begin, std::int64_t end) {
    const std::uint64_t before = of_pieces_[static_cast<std::size_t>(piece)].before;
    for (std::int64_t n = begin; n < end; ++n) sums_[static_cast<std::size_t>(n)] += before;
  });
}

template <class Real>
double ChainWeights<Real>::effective_sample_size() const {
  return particle::effective_sample_size(total_, scale_);
}

template <class Real>
double ChainWeights<Real>::log_mean(double log_particles) const {
  return all_equal() ? largest_ : largest_ + (particle::log_sum(total_.sum, scale_) - log_particles);
}

template <class Real>
void ChainWeights<Real>::write_normalised(double log_particles, double* to) const {
  const double log_sum = all_equal() ? log_particles : particle::log_sum(total_.sum, scale_);
  for (std::int64_t n = 0; n < pieces_.particles(); ++n)
    to[n] = (log_weights_[static_cast<std::size_t>(n)] - largest_) - log_sum;
}

template <class Real>
void ChainWeights<Real>::resample(std::int64_t index, int step) {
  scheme_ == Resampling::residual ? find_residual_ancestors(index, step) : find_ancestors(index, step);
  std::fill(log_weights_.begin(), log_weights_.end(), 0.0);
}

template <class Real>
void ChainWeights<Real>::find_ancestors(std::int64_t index, int step) {
  const std::uint64_t S = total_.sum;
  const std::int64_t N = pieces_.particles();
  const auto of_slot = [&](std::int64_t n) {
    return particle::point_below(S, uniform(index * N + n, Purpose::resampling, step));
  };
  // point(n) is called with ascending n.
  const auto find = [&](std::int64_t begin, std::int64_t end, auto point) {
    std::int64_t j = -1;
    for (std::int64_t n = begin; n < end; ++n) {
      const std::uint64_t p = point(n);
      if (scheme_ == Resampling::multinomial || j < 0) {
        j = particle::ancestor_of(sums_.data(), N, p);
      } else {
        while (sums_[static_cast<std::size_t>(j)] <= p) ++j;  // the points ascend
      }
      ancestors_[static_cast<std::size_t>(n)] = static_cast<std::uint32_t>(j);
    }
  };
  const std::uint64_t common = scheme_ == Resampling::systematic
                                   ? particle::point_below(S, uniform(index, Purpose::resampling, step))
                                   : 0;
  const particle::SpacedPoints spaced(S, static_cast<std::uint64_t>(N));
  pieces_.for_each([&](int, std::int64_t, std::int64_t begin, std::int64_t end) {
    if (scheme_ == Resampling::systematic) {
      particle::AscendingPoints points(S, static_cast<std::uint64_t>(N), static_cast<std::uint64_t>(begin),
                                       common);
      return find(begin, end, [&](std::int64_t) { return points.next(); });
    }
    find(begin, end, [&](std::int64_t n) {
      const std::uint64_t t = of_slot(n);
      return scheme_ == Resampling::multinomial ? t : spaced(static_cast<std::uint64_t>(n), t);
    });
  });
}

/// Copies in the order of the particles, then multinomial draws by the remainders.
template <class Real>
void ChainWeights<Real>::find_residual_ancestors(std::int64_t index, int step) {
  const std::uint64_t S = total_.sum;
  const std::int64_t N = pieces_.particles();
  // The sums of the copies replace the sums of the weights.
  std::uint64_t all_copies = 0, all_rests = 0;
  std::uint64_t before = 0;
  for (std::size_t n = 0; n < sums_.size(); ++n) {
    const std::uint64_t weight = sums_[n] - before;
    before = sums_[n];
    const particle::ResidualShare share = particle::residual_share(weight, S, static_cast<std::uint64_t>(N));
    all_copies += share.copies;
    all_rests += share.rest;
    sums_[n] = all_copies;
    rests_[n] = all_rests;
  }
  pieces_.for_each([&](int, std::int64_t, std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const bool is_copy = static_cast<std::uint64_t>(n) < all_copies;
      const std::int64_t drawn = n - static_cast<std::int64_t>(all_copies);
      const std::uint64_t point =
          is_copy ? static_cast<std::uint64_t>(n)
                  : particle::point_below(all_rests, uniform(index * N + drawn, Purpose::resampling, step));
      ancestors_[static_cast<std::size_t>(n)] =
          static_cast<std::uint32_t>(particle::ancestor_of(is_copy ? sums_.data() : rests_.data(), N, point));
    }
  });
}

template <class Real>
std::int64_t ChainWeights<Real>::draw(std::int64_t index) const {
  const std::uint64_t point = particle::point_below(total_.sum, uniform(index, Purpose::final_choice, 0));
  return particle::ancestor_of(sums_.data(), pieces_.particles(), point);
}

template class ChainWeights<float>;
template class ChainWeights<double>;

}  // namespace gmdiff::cpu
