#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "device/reference/resampling.hpp"
#include "particle/resampling.hpp"
#include "support/golden.hpp"

// golden/resampling.json in real numbers and golden/integer_resampling.json in integers (mathematics.md §6,
// numerics.md §6).

namespace gmdiff {
namespace {

using test::json;

constexpr Resampling schemes[] = {Resampling::multinomial, Resampling::stratified, Resampling::systematic,
                                  Resampling::residual};
const char* name_of(Resampling scheme) {
  switch (scheme) {
    case Resampling::multinomial:
      return "multinomial";
    case Resampling::stratified:
      return "stratified";
    case Resampling::systematic:
      return "systematic";
    case Resampling::residual:
      break;
  }
  return "residual";
}

std::vector<double> doubles(const json& values) {
  std::vector<double> list;
  for (const json& value : values) list.push_back(test::number(value));
  return list;
}
std::vector<std::uint64_t> words(const json& values) {
  std::vector<std::uint64_t> list;
  for (const json& value : values) list.push_back(std::stoull(value.get<std::string>()));
  return list;
}
std::vector<std::uint32_t> indices(const json& values) { return values.get<std::vector<std::uint32_t>>(); }

/// A chain's weights as devices compute them, for given e = exp(lw - max).
template <class Real>
struct IntegerWeights {
  int scale;
  std::vector<std::uint64_t> weights, sums;
  particle::WeightSums total{};

  explicit IntegerWeights(const std::vector<double>& e) {
    const std::uint64_t N = e.size();
    std::uint64_t first_sum = 0;
    for (const double value : e)
      first_sum += particle::integer_weight(static_cast<Real>(value), particle::first_scale(N));
    scale = particle::final_scale(first_sum, N);
    for (const double value : e) {
      weights.push_back(particle::integer_weight(static_cast<Real>(value), scale));
      particle::add_weight(total, weights.back(), scale);
      sums.push_back(total.sum);
    }
  }

  /// @param t a point in [0, S) for each particle
  std::vector<std::uint32_t> ancestors(Resampling scheme, const std::vector<std::uint64_t>& t) const {
    const auto N = std::ssize(sums);
    if (scheme == Resampling::residual) return residual(t);
    const particle::SpacedPoints spaced(total.sum, static_cast<std::uint64_t>(N));
    std::vector<std::uint32_t> list;
    for (std::size_t n = 0; n < sums.size(); ++n) {
      std::uint64_t point = t[scheme == Resampling::systematic ? 0 : n];
      if (scheme != Resampling::multinomial) point = spaced(n, point);
      list.push_back(static_cast<std::uint32_t>(particle::ancestor_of(sums.data(), N, point)));
    }
    return list;
  }
  std::vector<std::uint64_t> copies() const {
    std::vector<std::uint64_t> list;
    for (const std::uint64_t w : weights)
      list.push_back(particle::residual_share(w, total.sum, weights.size()).copies);
    return list;
  }

 private:
  /// Here t are fractions of 2^64, because the points are below the sum of the rests.
  std::vector<std::uint32_t> residual(const std::vector<std::uint64_t>& random) const {
    std::vector<std::uint32_t> list;
    std::vector<std::uint64_t> rests;
    std::uint64_t all = 0;
    for (std::size_t j = 0; j < weights.size(); ++j) {
      const particle::ResidualShare share = particle::residual_share(weights[j], total.sum, weights.size());
      list.insert(list.end(), share.copies, static_cast<std::uint32_t>(j));
      rests.push_back(all += share.rest);
    }
    for (std::size_t i = 0; list.size() < weights.size(); ++i) {
      const std::uint64_t point = particle::point_below(all, random[i]);
      list.push_back(
          static_cast<std::uint32_t>(particle::ancestor_of(rests.data(), std::ssize(rests), point)));
    }
    return list;
  }
};

TEST(GoldenIntegerResampling, WeightsSumsAncestorsAndEss) {
  for (const json& one : test::load_golden("integer_resampling")["cases"]) {
    SCOPED_TRACE(one["name"].get<std::string>());
    const IntegerWeights<float> chain(doubles(one["e"]));
    EXPECT_EQ(particle::first_scale(one["N"].get<std::uint64_t>()), one["b0"].get<int>());
    EXPECT_EQ(chain.scale, one["b"].get<int>());
    EXPECT_EQ(chain.weights, words(one["weights"]));
    EXPECT_EQ(chain.total.sum, std::stoull(one["sum"].get<std::string>()));
    const std::vector<std::uint64_t> random = words(one["random_u64"]);
    std::vector<std::uint64_t> t;
    for (const std::uint64_t U : random) t.push_back(particle::point_below(chain.total.sum, U));
    EXPECT_EQ(t, words(one["t"]));
    for (const Resampling scheme : schemes) {
      EXPECT_EQ(chain.ancestors(scheme, scheme == Resampling::residual ? random : t),
                indices(one[name_of(scheme)]))
          << name_of(scheme);
    }
    EXPECT_EQ(chain.copies(), one["residual_copies"].get<std::vector<std::uint64_t>>());
    const double ess = test::number(one["ess"]);
    EXPECT_NEAR(particle::effective_sample_size(chain.total, chain.scale), ess, 1e-14 * ess);
    EXPECT_NEAR(particle::log_sum(chain.total.sum, chain.scale), test::number(one["log_sum"]), 1e-13);
  }
}

TEST(GoldenIntegerResampling, HasTheAncestorsOfRealUniforms) {
  for (const json& one : test::load_golden("resampling")["cases"]) {
    if (one["name"] != "resampling") continue;
    const std::vector<double> lw = doubles(one["log_weights"]);
    const double largest = *std::max_element(lw.begin(), lw.end());
    std::vector<double> e;
    for (const double value : lw) e.push_back(std::exp(value - largest));
    const IntegerWeights<double> chain(e);
    const auto point = [&](double u) {
      return static_cast<std::uint64_t>(static_cast<long double>(u) *
                                        static_cast<long double>(chain.total.sum));
    };
    std::vector<std::uint64_t> t, random;
    for (const double u : doubles(one["u"])) {
      t.push_back(point(u));
      random.push_back(static_cast<std::uint64_t>(std::ldexp(static_cast<long double>(u), 64)));
    }
    for (const Resampling scheme : {Resampling::multinomial, Resampling::stratified}) {
      EXPECT_EQ(chain.ancestors(scheme, t), indices(one[name_of(scheme)])) << name_of(scheme);
    }
    EXPECT_EQ(chain.ancestors(Resampling::residual, random), indices(one["residual"]));
    EXPECT_EQ(chain.ancestors(Resampling::systematic, {point(test::number(one["u0"]))}),
              indices(one["systematic"]));
    EXPECT_EQ(chain.copies(), one["residual_deterministic_copies"].get<std::vector<std::uint64_t>>());
    EXPECT_NEAR(particle::effective_sample_size(chain.total, chain.scale), test::number(one["ess"]),
                1e-8 * test::number(one["ess"]));
  }
}

TEST(GoldenResampling, InRealNumbers) {
  for (const json& one : test::load_golden("resampling")["cases"]) {
    if (one["name"] != "resampling") continue;
    const std::vector<double> u = doubles(one["u"]);
    const reference::NormalisedWeights weights = reference::normalised(doubles(one["log_weights"]));
    const std::vector<double> expected = doubles(one["normalised_weights"]);
    for (std::size_t j = 0; j < expected.size(); ++j) EXPECT_NEAR(weights.W[j], expected[j], 1e-12);
    EXPECT_NEAR(reference::effective_sample_size(weights.W), test::number(one["ess"]),
                1e-12 * test::number(one["ess"]));
    for (const Resampling scheme : schemes) {
      const auto own = [&](std::int64_t i) {
        return static_cast<long double>(u[static_cast<std::size_t>(i)]);
      };
      EXPECT_EQ(reference::ancestors(scheme, weights.W, test::number(one["u0"]), own),
                indices(one[name_of(scheme)]))
          << name_of(scheme);
    }
  }
}

TEST(GoldenResampling, ExtremeAndZeroWeightsAndTheirMean) {
  for (const json& one : test::load_golden("resampling")["cases"]) {
    if (!one.contains("log_mean_weight")) continue;
    SCOPED_TRACE(one["name"].get<std::string>());
    const std::vector<double> lw = doubles(one["log_weights"]);
    const double N = static_cast<double>(lw.size());
    const double expected = test::number(one["log_mean_weight"]);
    const reference::NormalisedWeights weights = reference::normalised(lw);
    EXPECT_NEAR(weights.log_sum - std::log(N), expected, 1e-12 * std::max(1.0, std::abs(expected)));
    EXPECT_NEAR(reference::effective_sample_size(weights.W), test::number(one["ess"]), 1e-12);
    const double largest = *std::max_element(lw.begin(), lw.end());
    std::vector<double> e;
    for (const double value : lw) e.push_back(std::exp(value - largest));
    const IntegerWeights<double> chain(e);
    EXPECT_NEAR(largest + particle::log_sum(chain.total.sum, chain.scale) - std::log(N), expected,
                1e-12 * std::max(1.0, std::abs(expected)));
    EXPECT_NEAR(particle::effective_sample_size(chain.total, chain.scale), test::number(one["ess"]), 1e-8);
  }
}

TEST(GoldenResampling, EvidenceWithoutResampling) {
  for (const json& one : test::load_golden("resampling")["cases"]) {
    if (!one.contains("increments")) continue;
    std::vector<double> lw = doubles(one["log_weights0"]);
    const std::vector<double> ess = doubles(one["ess"]);
    EXPECT_NEAR(reference::effective_sample_size(reference::normalised(lw).W), ess[0], 1e-12 * ess[0]);
    std::size_t s = 1;
    for (const json& increments : one["increments"]) {
      for (std::size_t n = 0; n < lw.size(); ++n) lw[n] += test::number(increments[n]);
      EXPECT_NEAR(reference::effective_sample_size(reference::normalised(lw).W), ess[s], 1e-12 * ess[s]);
      ++s;
    }
    EXPECT_NEAR(reference::normalised(lw).log_sum - std::log(static_cast<double>(lw.size())),
                test::number(one["log_Z"]), 1e-12);
  }
}

}  // namespace
}  // namespace gmdiff
