#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <gmdiff/base/error.hpp>
#include <gmdiff/io/sampler_file.hpp>
#include <gmdiff/network/trained_sampler.hpp>

#include "base/random.hpp"
#include "io_support.hpp"
#include "network/paths/refinement.hpp"
#include "support/expect_invalid.hpp"
#include "support/trained_samplers.hpp"

// Components that begin during a training: chains, the start law, Adam, the same bits in parts and for any
// number of threads, messages.

namespace gmdiff {
namespace {

using network::CandidateChains;
using test::expect_invalid;
using test::scaled_gaussian;
using test::small_sampler;

/// Components begin after 2 and 4 iterations; two blocks of chains, the last not full.
SamplerSettings refined_sampler() {
  SamplerSettings settings = small_sampler(PathMethod::dis);
  settings.means_std = 0.0;
  settings.refine_every = 2;
  settings.chains = 70;
  settings.first_moves = 5;
  settings.moves = 3;
  settings.support_std = 2.0;
  return settings;
}

/// The training when so many iterations are done.
SamplerTraining stopped_after(const SamplerTraining& training, const Target& target, std::int64_t iteration) {
  std::stop_source stop;
  SamplerTrainingOptions options{.threads = 2, .checkpoint_every = 1, .stop = stop.get_token()};
  options.checkpoint = [&](const SamplerTraining& now) {
    if (now.iteration == iteration) stop.request_stop();
  };
  return continue_sampler(training, target, options);
}

void expect_same_state(const SamplerTraining& a, const SamplerTraining& b) {
  EXPECT_EQ(a.parameters, b.parameters);
  EXPECT_EQ(a.networks, b.networks);
  EXPECT_EQ(a.adam.m, b.adam.m);
  EXPECT_EQ(a.adam.v, b.adam.v);
  EXPECT_EQ(a.network_adam.v, b.network_adam.v);
  EXPECT_EQ(a.active, b.active);
  EXPECT_EQ(a.chains, b.chains);
  EXPECT_EQ(a.chain_step, b.chain_step);
}

TEST(Refinement, ThreadsAndPartsDoNotChangeABit) {
  const test::TemporaryFolder folder;
  const Target target = Funnel{.dim = 3};
  for (const RefinementScore score :
       {RefinementScore::elbo, RefinementScore::ratio, RefinementScore::residual}) {
    SCOPED_TRACE(to_string(score));
    SamplerSettings settings = refined_sampler();
    settings.refine_score = score;
    settings.precision = Precision::f32;
    const SamplerTraining start = start_sampler(target, settings);
    EXPECT_EQ(start.active, 1);
    const SamplerTraining whole = continue_sampler(start, target, {.threads = 1});
    EXPECT_EQ(whole.active, 3);
    for (const int threads : {2, 7})
      expect_same_state(continue_sampler(start, target, {.threads = threads}), whole);
    // 3: one component has begun; 4: the last one begins before the next iteration
    for (const int iteration : {3, 4}) {
      const SamplerTraining part = stopped_after(start, target, iteration);
      EXPECT_EQ(part.active, 2);
      EXPECT_NE(part.chains, whole.chains);
      write_sampler(folder / "part.npz", part, true);
      const SamplerTraining read = read_sampler(folder / "part.npz");
      expect_same_state(read, part);
      expect_same_state(continue_sampler(read, target), whole);
    }
  }
}

TEST(Refinement, ComponentsThatHaveNotBegunTakePartInNothing) {
  const Target target = Funnel{.dim = 3};
  const SamplerSettings padded = refined_sampler();
  SamplerSettings settings = padded;
  settings.components = 2;
  const SamplerTraining two = stopped_after(start_sampler(target, settings), target, 4);
  const SamplerTraining three = stopped_after(start_sampler(target, padded), target, 4);
  EXPECT_EQ(three.networks, two.networks);
  EXPECT_EQ(three.parameters.head(6), two.parameters.head(6));              // mu
  EXPECT_EQ(three.parameters.segment(9, 6), two.parameters.segment(6, 6));  // s
  EXPECT_EQ(three.parameters.tail(4), two.parameters.tail(4));              // dt, fr
  EXPECT_EQ(three.parameters.segment(6, 3), Eigen::Vector3d::Zero());
  EXPECT_EQ(three.adam.v.segment(6, 3), Eigen::Vector3d::Zero());
  const WeightedDraws draws = TrainedSampler(three, target).draws(100, 5);
  EXPECT_EQ(draws.x, TrainedSampler(two, target).draws(100, 5).x);
  EXPECT_EQ(draws.log_weights, TrainedSampler(two, target).draws(100, 5).log_weights);
}

TEST(Refinement, ANewComponentIsTheBestCandidateAndKeepsTheOthers) {
  const Target target = Funnel{.dim = 3};
  SamplerSettings settings = refined_sampler();
  settings.refine_score = RefinementScore::ratio;
  const SamplerTraining before = stopped_after(start_sampler(target, settings), target, 4);
  ThreadPool pool(2);
  network::PathSweep<double> sweep(settings, target, pool, network::active_components(before));
  sweep.assign(before.parameters, before.networks);
  SamplerTraining after = before;
  network::add_component(after, target, pool, sweep);
  ASSERT_EQ(after.active, 3);
  // The chains go on after 5 moves for the first component and 3 for the second.
  CandidateChains chains(settings, target, pool, before.chains, before.chain_step);
  chains.move(8, 3);
  EXPECT_EQ(after.chains, chains.states());
  EXPECT_EQ(after.chain_step, chains.step());

  const network::PathModel old(settings, 3, before.parameters, {0, 1}),
      now(settings, 3, after.parameters, {0, 1, 2}), alone(settings, 3, after.parameters, {2});
  const Points& x = after.chains;
  const Eigen::ArrayXd old_p = network::log_prior(old, sweep.unit(), x),
                       now_p = network::log_prior(now, sweep.unit(), x),
                       alone_p = network::log_prior(alone, sweep.unit(), x);
  // p0' = (2 p0 + N(mu, init_std^2 I)) / 3
  EXPECT_LE((now_p - ((2.0 * old_p.exp() + alone_p.exp()) / 3.0).log()).abs().maxCoeff(), 1e-12);
  EXPECT_NEAR(alone.deviation(0)[1], settings.init_std, 1e-15);
  Eigen::Index best = 0;
  (target.log_density(x).array() - old_p).maxCoeff(&best);
  EXPECT_EQ(after.parameters.segment(6, 3), x.row(best).transpose());
  after.parameters.segment(6, 3) = before.parameters.segment(6, 3);
  EXPECT_EQ(after.parameters, before.parameters);
}

TEST(Refinement, PathsThatJudgeCandidatesHaveStreamsOfTheirOwn) {
  // The start law is nearly the target, so the noise of the paths decides between candidates.
  const Target target = scaled_gaussian(Eigen::Vector3d::Zero(), Eigen::Vector3d::Ones(), 1.0);
  SamplerSettings settings = refined_sampler();
  settings.step = 0.5;
  const SamplerTraining before = stopped_after(start_sampler(target, settings), target, 4);
  ThreadPool pool(2);
  network::PathSweep<double> sweep(settings, target, pool, network::active_components(before));
  sweep.assign(before.parameters, before.networks);
  SamplerTraining after = before;
  network::add_component(after, target, pool, sweep);
  // Four paths from each candidate before iteration 5, with log w from the sampler as it was.
  sweep.activate({0, 1});
  sweep.assign(before.parameters, before.networks);
  const auto fill = [](Eigen::Index first, network::PathBlock<double>& block) {
    for (Eigen::Index p = 0; p < network::block_paths; ++p) {
      NormalStream normals({.seed = 11,
                            .index = (std::uint64_t{1} << 40) + static_cast<std::uint64_t>(first + p),
                            .purpose = Purpose::step_noise,
                            .replicate = 5},
                           Precision::f64);
      for (Eigen::Index m = 0; m < 18; ++m)
        block.noise(0)[m * network::block_paths + p] = normals(static_cast<std::uint64_t>(m));
    }
  };
  const Eigen::VectorXd log_w = sweep.log_weights(network::candidate_paths<double>(after.chains, 4, fill));
  ASSERT_EQ(log_w.size(), 280);
  Eigen::Index best = 0;
  log_w.reshaped<Eigen::ColMajor>(4, 70).colwise().mean().maxCoeff(&best);
  EXPECT_EQ(after.parameters.segment(6, 3), after.chains.row(best).transpose());
}

TEST(Refinement, TheFirstComponentIsTheMostProbableCandidate) {
  const Target target = Funnel{.dim = 3};
  const SamplerTraining training = start_sampler(target, refined_sampler());
  Eigen::Index best = 0;
  target.log_density(training.chains).maxCoeff(&best);
  EXPECT_EQ(training.parameters.head(3), training.chains.row(best).transpose());
}

TEST(Refinement, AdamCountsTheUpdatesOfAComponentFromItsBeginning) {
  const Target target = Funnel{.dim = 3};
  const SamplerSettings settings = refined_sampler();
  const SamplerTraining start = start_sampler(target, settings);
  const SamplerTraining begun = stopped_after(start, target, 3);
  // The first update of Adam is the rate up to 1e-8 / |gradient|, whatever the gradient is.
  Eigen::Index candidate = 0;
  const Eigen::RowVector3d mean = begun.parameters.segment(3, 3).transpose();
  (begun.chains.rowwise() - mean).rowwise().squaredNorm().minCoeff(&candidate);
  const Eigen::RowVector3d change = mean - begun.chains.row(candidate);
  for (Eigen::Index j = 0; j < 3; ++j) {
    EXPECT_NEAR(std::abs(change(j)), settings.rate, 1e-3 * settings.rate) << j;
    // v is the first square, not a mean over iterations without the component.
    EXPECT_NEAR(begun.adam.v(3 + j), 1e-3 * std::pow(begun.adam.m(3 + j) / 0.1, 2),
                1e-9 * begun.adam.v(3 + j));
  }
}

TEST(Refinement, AdamRefusesPartsThatDoNotFit) {
  AdamState state = AdamState::start(3);
  Eigen::VectorXd theta = Eigen::VectorXd::Zero(3);
  const Eigen::VectorXd gradient = Eigen::VectorXd::Ones(3);
  expect_invalid(
      [&] {
        adam_update(state, gradient, 0.1, theta, {{2, 0}, {1, 0}});
      },
      "a part ends at entry 1, expected from 2 to 3");
  expect_invalid(
      [&] {
        adam_update(state, gradient, 0.1, theta, {{2, 0}});
      },
      "the parts end at entry 2, but there are 3");
}

/// Chains from the formulas of mathematics.md §12.1 and §12.2, one number after the other.
struct PlainChains {
  explicit PlainChains(const SamplerSettings& of, const Target& to)
      : settings(of), target(to), x(of.chains, to.dim()), h(of.init_std * of.init_std / std::cbrt(3.0)) {
    for (Eigen::Index c = 0; c < x.rows(); ++c)
      for (Eigen::Index j = 0; j < x.cols(); ++j) x(c, j) = of.support_std * normal(c, j);
  }
  double normal(Eigen::Index chain, Eigen::Index m) const {
    NormalStream normals(
        {.seed = settings.seed, .index = static_cast<std::uint64_t>(chain), .purpose = Purpose::candidate},
        Precision::f64);
    return normals(static_cast<std::uint64_t>(m));
  }
  void move(Eigen::Index j) {
    double acceptance = 0.0;
    const Points g = target.gradient(x);
    Points z(x.rows(), x.cols());
    for (Eigen::Index c = 0; c < x.rows(); ++c)
      for (Eigen::Index i = 0; i < x.cols(); ++i) z(c, i) = normal(c, (j + 1) * x.cols() + i);
    const Points to = x + 0.5 * h * g + std::sqrt(h) * z;
    const Points q = 0.5 * std::sqrt(h) * (g + target.gradient(to));
    const Eigen::VectorXd before = target.log_density(x), after = target.log_density(to);
    for (Eigen::Index c = 0; c < x.rows(); ++c) {
      const double ratio = after(c) - before(c) - q.row(c).dot(z.row(c)) - 0.5 * q.row(c).squaredNorm();
      acceptance += std::min(1.0, std::exp(ratio)) / static_cast<double>(x.rows());
      const std::uint64_t U = uniform_u64(
          {.seed = settings.seed, .index = static_cast<std::uint64_t>(c), .purpose = Purpose::accept},
          static_cast<std::uint64_t>(j));
      if (std::log(open_uniform(U)) >= ratio) continue;
      x.row(c) = to.row(c);
      ++accepted;
    }
    h *= std::exp(0.1 * (acceptance - 0.574));
  }

  const SamplerSettings& settings;
  const Target& target;
  Points x;
  double h;
  int accepted = 0;
};

TEST(Refinement, ChainsAreThoseOfTheFormulas) {
  const Target target = Funnel{.dim = 3};
  const SamplerSettings settings = refined_sampler();
  ThreadPool pool(2);
  CandidateChains chains(settings, target, pool);
  PlainChains plain(settings, target);
  EXPECT_LE((chains.states() - plain.x).cwiseAbs().maxCoeff(), 1e-13);
  chains.move(0, 8);
  for (int j = 0; j < 8; ++j) plain.move(j);
  EXPECT_LE((chains.states() - plain.x).cwiseAbs().maxCoeff(), 1e-9);
  EXPECT_NEAR(chains.step(), plain.h, 1e-10);
  EXPECT_GT(plain.accepted, 70);
  EXPECT_LT(plain.accepted, 7 * 70);  // some are rejected
  CandidateChains first(settings, target, pool);
  first.move(0, 5);
  CandidateChains second(settings, target, pool, first.states(), first.step());
  second.move(5, 3);
  EXPECT_EQ(second.states(), chains.states());
  EXPECT_EQ(second.step(), chains.step());
  EXPECT_EQ(second.log_density(), target.log_density(second.states()));
}

// Chains outside the support move until they enter it; they must not shrink the step of all.
TEST(Refinement, ChainsOutsideTheSupportDoNotChangeTheStep) {
  CustomTarget box = scaled_gaussian(Eigen::Vector2d(0.0, 0.0), Eigen::Vector2d(1.0, 1.0), 1.0);
  const auto density = box.evaluate;
  box.evaluate = [=](Eigen::Index n, const double* x, double* l, double* g) {
    density(n, x, l, g);
    for (Eigen::Index i = 0; i < n; ++i) {
      if (std::max(std::abs(x[2 * i]), std::abs(x[2 * i + 1])) > 1.0)
        l[i] = -std::numeric_limits<double>::infinity();
    }
  };
  const Target target = box;
  SamplerSettings settings = refined_sampler();
  settings.chains = 200;
  settings.support_std = 4.0;
  ThreadPool pool(1);
  CandidateChains chains(settings, target, pool);
  const auto inside = [&] {
    return (chains.states().cwiseAbs().rowwise().maxCoeff().array() <= 1.0).count();
  };
  const Eigen::Index at_first = inside();
  EXPECT_LT(at_first, 40);
  chains.move(0, 400);
  EXPECT_GT(chains.step(), 0.1);
  EXPECT_GT(inside(), at_first);
}

TEST(Refinement, NeedsCandidatesWithAFiniteScore) {
  CustomTarget target = scaled_gaussian(Eigen::Vector2d(0.0, 0.0), Eigen::Vector2d(1.0, 1.0), 1.0);
  const auto density = target.evaluate;
  auto is_finite = std::make_shared<bool>(false);
  target.evaluate = [=](Eigen::Index n, const double* x, double* l, double* g) {
    density(n, x, l, g);
    if (!*is_finite) std::fill_n(l, n, std::nan(""));
  };
  const auto expect_non_finite = [](auto run, const std::string& text) {
    try {
      run();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const NonFiniteError& error) {
      EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
    }
  };
  expect_non_finite([&] { start_sampler(target, refined_sampler()); },
                    "none of the 70 candidates for the mean of component 0 has a finite score before "
                    "iteration 1; another support_std or init_std may help");
  *is_finite = true;
  const SamplerTraining start = start_sampler(target, refined_sampler());
  SamplerTraining last;
  SamplerTrainingOptions options{.threads = 1, .checkpoint_every = 1};
  options.checkpoint = [&](const SamplerTraining& now) {
    last = now;
    *is_finite = now.iteration != 2;
  };
  expect_non_finite([&] { continue_sampler(start, target, options); },
                    "for the mean of component 1 has a finite score before iteration 3");
  // What was kept continues where it failed.
  EXPECT_EQ(last.iteration, 2);
  EXPECT_EQ(last.active, 1);
  *is_finite = true;
  expect_same_state(continue_sampler(last, target), continue_sampler(start, target));
}

TEST(Refinement, RefusesSettingsOutOfRange) {
  const Target target = Funnel{.dim = 3};
  const auto expect = [&](auto change, const std::string& text) {
    SamplerSettings settings = refined_sampler();
    change(settings);
    expect_invalid([&] { start_sampler(target, settings); }, text);
  };
  expect([](SamplerSettings& s) { s.refine_every = -1; }, "refine_every must be in 0 ... 16777215, got -1");
  expect(
      [](SamplerSettings& s) { s.refine_every = 0; },
      "refine_score, chains, first_moves, moves and support_std belong to a refinement; give refine_every");
  expect([](SamplerSettings& s) { s.prior = PathPrior::gp; }, "refine_every needs the prior gmp, got gp");
  expect(
      [](SamplerSettings& s) {
        s.loss = PathLoss::log_variance;
        s.learn_weights = true;
      },
      "refine_every needs equal weights, so it does not go with learn_weights");
  expect([](SamplerSettings& s) { s.means_std = 1.0; }, "expected means_std 0, got 1");
  expect([](SamplerSettings& s) { s.refine_every = 3; },
         "with refine_every 3 component 3 begins after iteration 6, so more iterations are needed; got 6");
  expect([](SamplerSettings& s) { s.chains = 0; }, "chains must be in 1 ... 1048576, got 0");
  expect([](SamplerSettings& s) { s.first_moves = -1; }, "first_moves must be in 0 ... 1048576, got -1");
  expect([](SamplerSettings& s) { s.moves = -1; }, "moves must be in 0 ... 1048576, got -1");
  expect([](SamplerSettings& s) { s.support_std = -1.0; },
         "support_std must be finite and not negative, got -1");
  SamplerSettings many = refined_sampler();
  many.components = 4096;
  many.refine_every = 1;
  many.iterations = 5000;
  many.moves = 1 << 20;
  expect_invalid(
      [&] { start_sampler(target, many); },
      "4293918725 moves of chains in dimension 3 need more than the 2^33 random numbers of a chain");
}

TEST(Refinement, RefusesStatesThatATrainingCannotHave) {
  const Target target = Funnel{.dim = 3};
  const SamplerTraining training = stopped_after(start_sampler(target, refined_sampler()), target, 2);
  const auto expect = [&](auto change, const std::string& text) {
    SamplerTraining broken = training;
    change(broken);
    expect_invalid([&] { continue_sampler(broken, target); }, text);
  };
  expect([](SamplerTraining& t) { t.active = 3; },
         "the active components must be 1 to 2 at iteration 2, got 3");
  expect([](SamplerTraining& t) { t.active = 0; },
         "the active components must be 1 to 2 at iteration 2, got 0");
  expect([](SamplerTraining& t) { t.chains.conservativeResize(3, 3); },
         "the chains must have shape (70, 3), got (3, 3)");
  expect([](SamplerTraining& t) { t.chains(1, 1) = std::nan(""); }, "the chains must be finite");
  expect([](SamplerTraining& t) { t.chain_step = 0.0; },
         "the step of the chains must be positive and finite, got 0");
  const test::TemporaryFolder folder;
  SamplerTraining broken = training;
  broken.active = 3;
  write_sampler(folder / "bad.npz", broken);
  expect_invalid([&] { read_sampler(folder / "bad.npz"); },
                 "bad.npz: trained sampler: the active components must be 1 to 2 at iteration 2, got 3");
  broken = start_sampler(target, small_sampler(PathMethod::dis));
  broken.active = 2;
  expect_invalid([&] { TrainedSampler of(broken, target); },
                 "the active components must be 3 to 3 at iteration 0, got 2");
}

}  // namespace
}  // namespace gmdiff
