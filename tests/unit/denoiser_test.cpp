#include <cmath>
#include <limits>
#include <stdexcept>

#include <gtest/gtest.h>
#include <gmdiff/device/sample.hpp>

#include "support/expect_invalid.hpp"

// Denoisers and scores that a program brings itself: what they are given, and how their errors come out.

namespace gmdiff {
namespace {

const ForwardProcess process = vp(LinearBeta{});
const Ddim ddim{.start = Start::gaussian};

/// The denoiser of N(0, I).
HostDenoiser shrink() {
  return {.id = "shrink", .function = [](const Points& x, Level level, Points& D) {
            D = level.alpha / (level.alpha * level.alpha + level.sigma * level.sigma) * x;
          }};
}

Samples sample_by(const Denoiser& denoiser, const Sampler& sampler = ddim,
                  const Options& options = {.count = 10}) {
  return sample(denoiser, 3, process, TimeGrid::uniform(process, 4), sampler, options);
}

TEST(Denoiser, OfAScoreFollowsTweedie) {
  const HostDenoiser denoiser = denoiser_of(
      {.id = "normal", .function = [](const Points& x, Level /*level*/, Points& score) { score = -x; }});
  Points D(1, 2);
  denoiser.function(Points{{2.0, -4.0}}, {.alpha = 0.5, .sigma = 0.5}, D);
  EXPECT_EQ(denoiser.id, "normal");
  EXPECT_EQ(D, (Points{{3.0, -6.0}}));  // (x - x / 4) / (1 / 2)
}

TEST(Denoiser, GetsAllRowsOfABatchOncePerEvaluation) {
  std::vector<Eigen::Index> rows;
  std::vector<double> alphas;
  HostDenoiser watch = shrink();
  watch.function = [&, function = watch.function](const Points& x, Level level, Points& D) {
    rows.push_back(x.rows());
    alphas.push_back(level.alpha);
    function(x, level, D);
  };
  for (const Device& device : {Device::cpu(1), Device::reference()}) {
    rows.clear();
    alphas.clear();
    sample_by(watch, ddim, {.count = 37, .device = device});
    EXPECT_EQ(rows, std::vector<Eigen::Index>(4, 37)) << device.name();
    EXPECT_TRUE(std::is_sorted(alphas.begin(), alphas.end())) << device.name();
  }
}

TEST(Denoiser, EntersTheHashAndTheNotesByItsName) {
  const auto plan = [](std::string id) {
    HostDenoiser denoiser = shrink();
    denoiser.id = std::move(id);
    return sampling_plan(denoiser, 3, process, TimeGrid::uniform(process, 4), ddim);
  };
  EXPECT_EQ(plan("a").hash(), plan("a").hash());
  EXPECT_NE(plan("a").hash(), plan("b").hash());
  EXPECT_EQ(sample_by(shrink()).provenance().notes.back(),
            "the values are those of the denoiser \"shrink\", which the plan's hash knows by its name alone");
}

TEST(Denoiser, RangesAreTheWholeRun) {
  const Points whole = sample_by(shrink(), Ancestral{.start = Start::gaussian}, {.count = 10}).to_double();
  const Options second{.count = 6, .first = 4};
  EXPECT_EQ(sample_by(shrink(), Ancestral{.start = Start::gaussian}, second).to_double(),
            whole.bottomRows(6));
}

TEST(Denoiser, ErrorsOfItsFunctionPassThrough) {
  struct Own {};
  for (const Device& device : {Device::cpu(2), Device::reference()}) {
    HostDenoiser denoiser{.id = "throws", .function = [](const Points&, Level, Points&) { throw Own(); }};
    EXPECT_THROW(sample_by(denoiser, ddim, {.count = 10, .device = device}), Own);
    denoiser = {.id = "short", .function = [](const Points& x, Level, Points& D) { D = x.topRows(1); }};
    test::expect_invalid([&] { sample_by(denoiser, ddim, {.count = 10, .device = device}); },
                         "denoiser \"short\": the result has shape (1, 3), expected (10, 3)");
    denoiser = {.id = "forgets", .function = [](const Points&, Level, Points&) {}};
    EXPECT_THROW(sample_by(denoiser, ddim, {.count = 10, .device = device}), NonFiniteError);
    const DeviceDenoiser on_gpu{.id = "gpu", .function = [](const DeviceRows&) {}};
    test::expect_invalid([&] { sample_by(on_gpu, ddim, {.count = 10, .device = device}); },
                         "denoiser \"gpu\": works in the memory of a GPU, so the plan needs the device cuda");
  }
}

TEST(Denoiser, BadDescriptionsAreNamed) {
  test::expect_invalid([] { sample_by(HostDenoiser{.id = "", .function = shrink().function}); },
                       "denoiser: the id is empty; it names the denoiser in results");
  test::expect_invalid([] { sample_by(HostDenoiser{.id = "none", .function = nullptr}); },
                       "denoiser \"none\": has no function");
  test::expect_invalid([] { sample_by(denoiser_of({.id = "score", .function = nullptr})); },
                       "denoiser \"score\": has no function");
  test::expect_invalid(
      [] { sample_by(shrink(), Ddim{}); },
      "denoiser \"shrink\": the exact start draws from a mixture; the sampler needs start = gaussian");
  test::expect_invalid([] { sample_by(shrink(), ExactTransition{.start = Start::gaussian}); },
                       "denoiser \"shrink\": the sampler draws from a mixture, and a denoiser has none");
  test::expect_invalid([] { sample_by(shrink(), NaiveBackward{.start = Start::gaussian}); },
                       "denoiser \"shrink\": the sampler evaluates no denoiser");
  test::expect_invalid([] { sampling_plan(shrink(), 0, process, TimeGrid::uniform(process, 4), ddim); },
                       "sampling_plan: dim must be at least 1, got 0");
}

}  // namespace
}  // namespace gmdiff
