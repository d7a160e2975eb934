#include <gmdiff/device/sample.hpp>

#include "device/cases.hpp"
#include "device/devices_under_test.hpp"

// The bits of a run do not depend on its partition into ranges of particles, tiles and batches of problems.

namespace gmdiff {
namespace {

using test::bytes;
using test::every_sampler;

class Ranges : public test::EveryDevice {
 protected:
  Options options(Precision precision, int history = 0) const {
    return {.count = 1100,
            .seed = 5,
            .device = GetParam(),
            .precision = precision,
            .first = 3,
            .history = history};
  }
};

const Points means{{0.0, 0.0}, {2.0, -1.0}, {-3.0, 1.5}};
const Eigen::MatrixXd rotation{{0.6, -0.8}, {0.8, 0.6}};

Mixture full_mixture(double shift = 0.0) {
  const auto covariance = [](double a, double b, double c) { return Eigen::MatrixXd{{a, b}, {b, c}}; };
  return {
      {0.3, 0.7, 0.0},
      (means.array() + shift).matrix(),
      Covariance::full({covariance(0.5, 0.1, 0.5), covariance(0.7, -0.1, 0.7), covariance(0.3, 0.0, 1.0)})};
}

std::vector<Mixture> mixture_of_every_structure() {
  const std::vector<double> weights{0.3, 0.6, 0.1};
  const Points variances{{0.5, 1.0}, {2.0, 0.25}, {1.0, 0.0}};
  return {{weights, means, Covariance::spherical({0.5, 1.0, 0.25})},
          {weights, means, Covariance::diag(variances)},
          {weights, means, Covariance::tied_eigen(rotation, Eigen::VectorXd{{0.5, 2.0}})},
          {weights, means, Covariance::common_basis(rotation, variances)},
          full_mixture()};
}

Plan plan_of(const Sampler& sampler, std::vector<Mixture> mixtures) {
  const ForwardProcess process = vp(LinearBeta{});
  return sampling_plan(mixtures, process, TimeGrid::uniform(process, 6), sampler);
}

/// Cuts at and next to the ends of tiles.
const std::vector<std::int64_t> cuts{0, 1, 500, 1023, 1025, 1100};

/// The same particles, run in pieces and put together.
std::vector<char> in_pieces(const Plan& plan, const Options& whole) {
  std::vector<char> joined;
  for (std::size_t piece = 0; piece + 1 < cuts.size(); ++piece) {
    Options part = whole;
    part.first = whole.first + cuts[piece];
    part.count = cuts[piece + 1] - cuts[piece];
    if (whole.start) part.start = whole.start->middleRows(cuts[piece], part.count);
    const std::vector<char> rows = bytes(run(plan, part));
    joined.insert(joined.end(), rows.begin(), rows.end());
  }
  return joined;
}

TEST_P(Ranges, PiecesOfEverySamplerMakeTheWhole) {
  for (const Sampler& sampler : every_sampler()) {
    const Plan plan = plan_of(sampler, {full_mixture()});
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      for (const int history : {0, 4}) {
        const Options whole = options(precision, history);
        EXPECT_TRUE(in_pieces(plan, whole) == bytes(run(plan, whole)))
            << "sampler " << sampler.index() << " history " << history;
      }
    }
  }
}

TEST_P(Ranges, PiecesOfEveryStructureMakeTheWhole) {
  for (const Mixture& mixture : mixture_of_every_structure()) {
    for (const Sampler& sampler : {Sampler(ExactTransition{}), Sampler(Ddim{.eta = 1.0})}) {
      const Plan plan = plan_of(sampler, {mixture});
      const Options whole = options(Precision::f32);
      EXPECT_TRUE(in_pieces(plan, whole) == bytes(run(plan, whole))) << to_string(mixture.covariance_type());
    }
  }
}

TEST_P(Ranges, PiecesOfGivenStartsMakeTheWhole) {
  const Plan plan = plan_of(EulerMaruyama{}, {full_mixture()});
  Options whole = options(Precision::f32, 3);
  whole.start = draw(full_mixture(), {.count = 1100, .seed = 17}).to_double();

  EXPECT_TRUE(in_pieces(plan, whole) == bytes(run(plan, whole)));
}

TEST_P(Ranges, PiecesOfForwardPathsAndDrawsMakeTheWhole) {
  const Mixture mixture = full_mixture();
  const ForwardProcess process = vp(LinearBeta{});
  const Plan forward = forward_plan(std::span(&mixture, 1), process, TimeGrid::uniform(process, 6));
  const Plan draws = draw_plan(std::span(&mixture, 1), {.alpha = 0.5, .sigma = 0.5});
  for (const Precision precision : {Precision::f32, Precision::f64}) {
    for (const int history : {0, 3}) {
      const Options whole = options(precision, history);
      EXPECT_TRUE(in_pieces(forward, whole) == bytes(run(forward, whole)));
    }
    EXPECT_TRUE(in_pieces(draws, options(precision)) == bytes(run(draws, options(precision))));
  }
}

TEST_P(Ranges, ParticlesFarIntoARunAreThoseRunAlone) {
  for (const std::int64_t first :
       {std::int64_t{1'000'000'000'000}, std::numeric_limits<std::int64_t>::max() - 4}) {
    for (const Sampler& sampler : every_sampler()) {
      const Plan plan = plan_of(sampler, {full_mixture()});
      Options together = options(Precision::f32);
      together.first = first;
      together.count = 5;
      const Samples samples = run(plan, together);
      for (Eigen::Index n = 0; n < 5; ++n) {
        Options alone = together;
        alone.first = first + n;
        alone.count = 1;
        EXPECT_TRUE(bytes(run(plan, alone)) == bytes(samples, n, 1))
            << "sampler " << sampler.index() << " particle " << first + n;
      }
    }
  }
}

TEST_P(Ranges, EachProblemOfABatchIsItsSingleRun) {
  const std::vector<Mixture> mixtures{full_mixture(), full_mixture(0.5), full_mixture(-2.0)};
  for (const Sampler& sampler : every_sampler()) {
    Options batch = options(Precision::f32, 2);
    batch.count = 40;
    const Samples together = run(plan_of(sampler, mixtures), batch);
    for (std::size_t p = 0; p < mixtures.size(); ++p) {
      Options single = batch;
      single.seed = together.provenance().problem_seeds[p];
      const Samples alone = run(plan_of(sampler, {mixtures[p]}), single);
      EXPECT_TRUE(bytes(together, static_cast<Eigen::Index>(p) * alone.rows(), alone.rows()) == bytes(alone))
          << "sampler " << sampler.index() << " problem " << p;
    }
  }
}

TEST_P(Ranges, StartsOfABatchBelongToTheirProblems) {
  const std::vector<Mixture> mixtures{full_mixture(), full_mixture(0.5)};
  Options batch = options(Precision::f64);
  batch.count = 30;
  batch.start = draw(full_mixture(), {.count = 60, .seed = 17}).to_double();
  const Samples together = run(plan_of(Ddim{.eta = 1.0}, mixtures), batch);
  for (std::size_t p = 0; p < 2; ++p) {
    Options single = batch;
    single.seed = together.provenance().problem_seeds[p];
    single.start = batch.start->middleRows(static_cast<Eigen::Index>(p) * 30, 30);

    EXPECT_TRUE(bytes(run(plan_of(Ddim{.eta = 1.0}, {mixtures[p]}), single)) ==
                bytes(together, static_cast<Eigen::Index>(p) * 30, 30));
  }
}

TEST_P(Ranges, TheMemoryLimitChangesBlocksButNoBits) {
  for (const Mixture& mixture : mixture_of_every_structure()) {
    const Plan plan = plan_of(Dpmpp2m{}, {mixture});
    const Samples unlimited = run(plan, options(Precision::f32, 3));
    std::int64_t calls = 0;
    Options limited = options(Precision::f32, 3);
    limited.memory_limit = 4000;
    if (limited.device == Device::cpu())
      limited.device = Device::cpu(2);  // every thread has memory of its own
    limited.progress = [&](const Progress&) { ++calls; };

    const Samples samples = run(plan, limited);

    EXPECT_TRUE(bytes(samples) == bytes(unlimited)) << to_string(mixture.covariance_type());
    EXPECT_GT(calls, 5) << to_string(mixture.covariance_type());
  }
}

/// Whether the law at the end is the mixture.
bool ends_with_the_mixture(const Sampler& sampler) {
  if (const auto* annealed = std::get_if<Annealed>(&sampler)) return annealed->denoise;
  return !std::holds_alternative<NaiveBackward>(sampler);
}

TEST_P(Ranges, OneParticleOneStepOneComponentOneDimension) {
  const Mixture point({1.0}, Points{{2.0}}, Covariance::spherical({0.0}));
  const ForwardProcess process = vp(LinearBeta{});
  for (const Sampler& sampler : every_sampler()) {
    if (!ends_with_the_mixture(sampler)) continue;
    const Samples samples =
        sample(point, process, TimeGrid::uniform(process, 1), sampler, {.count = 1, .device = GetParam()});

    EXPECT_EQ(samples.shape(), (std::vector<std::int64_t>{1, 1}));
    EXPECT_NEAR(samples.to_double()(0, 0), 2.0, 1e-6) << "sampler " << sampler.index();
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, Ranges, testing::ValuesIn(test::devices_under_test()), test::device_name);

}  // namespace
}  // namespace gmdiff
