#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include <gmdiff/io/denoiser_file.hpp>
#include <gmdiff/network/learned_denoiser.hpp>
#include <gmdiff/sampler/problem.hpp>

#include "base/random.hpp"
#include "io_support.hpp"
#include "network/denoiser_loss.hpp"
#include "network/noise_levels.hpp"
#include "network/training_data.hpp"
#include "support/expect_invalid.hpp"
#include "trainings.hpp"

// Learned denoisers: the same bits for any number of threads and in parts, streams, sums, limits of D,
// levels, data.

namespace gmdiff {
namespace {

using test::expect_invalid;
using test::expect_same_bits;
using test::random_training;
using test::small_settings;

TEST(LearnedDenoiser, ThreadsAndPartsDoNotChangeABit) {
  const Mixture prior = bench_2d().prior;
  const DenoiserTraining whole = train_denoiser(prior, small_settings(), {.threads = 1});
  EXPECT_EQ(whole.iteration, 50);
  EXPECT_NE(whole.parameters, start_training(prior, small_settings()).parameters);
  for (const int threads : {2, 7}) {
    SCOPED_TRACE(threads);
    expect_same_bits(train_denoiser(prior, small_settings(), {.threads = threads}), whole);
  }

  const test::TemporaryFolder folder;
  const auto file = folder / "part.npz";
  std::stop_source stop;
  TrainingOptions options{.threads = 2, .checkpoint_every = 20, .stop = stop.get_token()};
  options.checkpoint = [&](const DenoiserTraining& training) {
    write_denoiser(file, training);
    stop.request_stop();
  };
  const DenoiserTraining part = train_denoiser(prior, small_settings(), options);
  EXPECT_EQ(part.iteration, 20);
  expect_same_bits(read_denoiser(file), part);
  expect_same_bits(continue_training(read_denoiser(file), prior), whole);
}

/// The batch of an iteration, straight from the streams of numerics.md §5.
network::LossBatch batch_of(const network::DataSource& source, const DenoiserSettings& settings,
                            std::uint32_t iteration) {
  const network::NoiseLevels levels(settings.ladder, settings.law);
  const std::uint64_t U = uniform_u64(
      {.seed = settings.seed, .index = 0, .purpose = Purpose::noise_level, .replicate = iteration}, 0);
  network::LossBatch batch;
  batch.level_of_row = levels.of_batch(settings.batch, static_cast<double>(U >> 11) * 0x1p-53);
  for (int l = 0; l < settings.ladder.count; ++l) batch.levels.push_back(levels.n(l));
  batch.draw = [&source, &settings, iteration](Eigen::Index row, double* x_0, double* eps) {
    const auto index = static_cast<std::uint64_t>(row);
    source.draw(index, iteration, x_0);
    NormalStream normals(
        {.seed = settings.seed, .index = index, .purpose = Purpose::forward_noise, .replicate = iteration},
        Precision::f64);
    eps[0] = normals(0);
    eps[1] = normals(1);
  };
  return batch;
}

TEST(LearnedDenoiser, EveryIterationHasStreamsOfItsOwn) {
  const Mixture prior = bench_2d().prior;
  DenoiserSettings settings = small_settings();
  settings.precision = Precision::f64;
  settings.iterations = 3;
  const DenoiserTraining state = start_training(prior, settings);
  std::vector<Eigen::VectorXd> parameters{state.parameters};
  std::vector<double> losses;
  TrainingOptions options{.threads = 1, .checkpoint_every = 1};
  options.progress = [&](const TrainingReport& report) { losses.push_back(report.loss); };
  options.checkpoint = [&](const DenoiserTraining& now) { parameters.push_back(now.parameters); };
  continue_training(state, prior, options);
  ASSERT_EQ(losses.size(), 3U);

  const auto source = network::data_source(prior, settings.seed);
  ThreadPool pool(1);
  network::DenoiserLoss<double> loss(state, pool);
  Eigen::VectorXd gradient;
  for (std::uint32_t it = 1; it <= 3; ++it) {
    // Levels without rows change the blocks of the time table and so the last bits of gradients only.
    EXPECT_EQ(loss(batch_of(*source, settings, it), parameters[it - 1], gradient), losses[it - 1]) << it;
  }
}

TEST(LearnedDenoiser, TheRateFallsToZeroOverTheLastPart) {
  EXPECT_EQ(learning_rate(0.1, 0.25, 76, 100), 0.1);
  EXPECT_NEAR(learning_rate(0.1, 0.25, 77, 100), 0.05 * (1.0 + std::cos(3.14159265358979 / 25.0)), 1e-12);
  EXPECT_NEAR(learning_rate(0.1, 0.5, 76, 100), 0.05, 1e-12);  // the middle of the half cosine
  EXPECT_NEAR(learning_rate(0.1, 0.5, 100, 100), 0.05 * (1.0 + std::cos(3.14159265358979 * 0.98)), 1e-12);
  EXPECT_EQ(learning_rate(0.1, 0.0, 100, 100), 0.1);
  expect_invalid([] { learning_rate(0.1, 0.5, 0, 100); }, "iteration 0 is outside 1 ... 100");
  expect_invalid([] { learning_rate(0.1, 2.0, 1, 100); }, "decay must be in [0, 1], got 2");
  AdamState state = AdamState::start(2);
  Eigen::VectorXd parameters(3);
  expect_invalid([&] { adam_update(state, Eigen::VectorXd(3), 0.1, parameters); },
                 "parameters, gradient, m and v have sizes 3, 3, 2 and 2; they must be equal");
}

TEST(LearnedDenoiser, AveragesItsParameters) {
  DenoiserSettings settings = small_settings();
  settings.ema = 0.6;  // reached in iteration 13
  settings.iterations = 20;
  Eigen::VectorXd averaged = start_training(bench_2d().prior, settings).parameters;
  TrainingOptions options{.threads = 1, .checkpoint_every = 1};
  options.checkpoint = [&](const DenoiserTraining& now) {
    const double it = static_cast<double>(now.iteration);
    const double mu = std::min(0.6, (1.0 + it) / (10.0 + it));
    averaged = mu * averaged + (1.0 - mu) * now.parameters;
    EXPECT_LE((now.averaged - averaged).cwiseAbs().maxCoeff(), 1e-15) << it;
  };
  train_denoiser(bench_2d().prior, settings, options);
}

TEST(LearnedDenoiser, BlocksAddUpToTheGradientOfTheBatch) {
  const DenoiserTraining training = random_training(Parametrisation::edm);
  const auto source = network::data_source(bench_2d().prior, 1);
  ThreadPool pool(2);
  network::DenoiserLoss<double> loss(training, pool);
  const network::LossBatch whole = batch_of(*source, training.settings, 1);
  Eigen::VectorXd of_whole, of_row, sum;
  const double value = loss(whole, training.averaged, of_whole);
  double mean = 0.0;
  sum.setZero(of_whole.size());
  for (std::size_t row = 0; row < whole.level_of_row.size(); ++row) {
    const network::LossBatch one{.levels = {whole.levels[static_cast<std::size_t>(whole.level_of_row[row])]},
                                 .level_of_row = {0},
                                 .draw = [&, row](Eigen::Index, double* x_0, double* eps) {
                                   whole.draw(static_cast<Eigen::Index>(row), x_0, eps);
                                 }};
    mean += loss(one, training.averaged, of_row) / 200.0;
    sum += of_row / 200.0;
  }
  EXPECT_NEAR(value, mean, 1e-12 * value);
  EXPECT_LE((of_whole - sum).cwiseAbs().maxCoeff(), 1e-12 * sum.cwiseAbs().maxCoeff());
}

TEST(LearnedDenoiser, EvaluationDoesNotDependOnThreadsOrOtherRows) {
  const DenoiserTraining training = random_training(Parametrisation::edm);
  const Points x = Points::NullaryExpr(
      150, 2, [](Eigen::Index i, Eigen::Index j) { return std::cos(static_cast<double>(3 * i + j)); });
  const Level level{.alpha = 0.6, .sigma = 0.8};
  const Points all = LearnedDenoiser(training, 1)(x, level);
  EXPECT_EQ(LearnedDenoiser(training, 3)(x, level), all);
  EXPECT_EQ(LearnedDenoiser(training, 1)(x.bottomRows(7), level), all.bottomRows(7));
  EXPECT_EQ(LearnedDenoiser(training)(Points(0, 2), level).rows(), 0);
}

TEST(LearnedDenoiser, ReturnsTheDataWithoutNoise) {
  const Points x{{1.5, -0.25}, {-3.0, 2.0}};
  for (const Parametrisation kind : {Parametrisation::eps, Parametrisation::v, Parametrisation::edm}) {
    const Points D = LearnedDenoiser(random_training(kind))(x, {.alpha = 0.5, .sigma = 0.0});
    EXPECT_LE((D - 2.0 * x).cwiseAbs().maxCoeff(), 1e-14) << to_string(kind);
  }
}

TEST(LearnedDenoiser, IsContinuousAtPureNoise) {
  const Points x{{1.5, -0.25}};
  for (const Parametrisation kind : {Parametrisation::x0, Parametrisation::v, Parametrisation::edm}) {
    const LearnedDenoiser denoiser(random_training(kind));
    const Points limit = denoiser(x, {.alpha = 0.0, .sigma = 1.0});
    const Points near = denoiser(x, {.alpha = 1e-9, .sigma = 1.0});
    EXPECT_LE((limit - near).cwiseAbs().maxCoeff(), 1e-7) << to_string(kind);
  }
  expect_invalid(
      [&] {
        LearnedDenoiser(random_training(Parametrisation::eps))(x, {0.0, 1.0});
      },
      "with the parametrisation eps D has no value at alpha = 0");
}

/// J v is the derivative of D along v, and <w, J v> = <J^T w, v>.
TEST(LearnedDenoiser, HasTheProductsWithItsDerivative) {
  const auto wave = [](double frequency) {
    return Points(Points::NullaryExpr(70, 2, [=](Eigen::Index i, Eigen::Index j) {
      return std::sin(frequency * static_cast<double>(2 * i + j + 1));
    }));
  };
  const Points x = 2.0 * wave(0.7), v = wave(1.3), w = wave(2.1);
  for (const Parametrisation kind :
       {Parametrisation::x0, Parametrisation::eps, Parametrisation::v, Parametrisation::edm}) {
    const LearnedDenoiser denoiser(random_training(kind));
    for (const Level level : {Level{.alpha = 0.6, .sigma = 0.8}, Level{.alpha = 1.0, .sigma = 3.0}}) {
      const Points J_v = denoiser.jvp(x, v, level), adjoint = denoiser.transposed_jvp(x, w, level);
      const Points forward = w.cwiseProduct(J_v), backward = v.cwiseProduct(adjoint);
      const double scale = forward.cwiseAbs().maxCoeff();
      EXPECT_LE((forward.rowwise().sum() - backward.rowwise().sum()).cwiseAbs().maxCoeff(), 1e-12 * scale)
          << to_string(kind);
      // The error of the central difference is of order h^2, and its rounding of order 1e-16 / h.
      const double h = 1e-5;
      const Points difference = (denoiser(x + h * v, level) - denoiser(x - h * v, level)) / (2.0 * h);
      EXPECT_LE((J_v - difference).cwiseAbs().maxCoeff(), 1e-8 * J_v.cwiseAbs().maxCoeff())
          << to_string(kind);
      EXPECT_GT((adjoint - denoiser.jvp(x, w, level)).cwiseAbs().maxCoeff(), 1e-4 * scale)
          << "the derivative of a network is not symmetric";
    }
  }
  EXPECT_EQ(
      LearnedDenoiser(random_training(Parametrisation::edm), 3).jvp(x, v, {.alpha = 0.6, .sigma = 0.8}),
      LearnedDenoiser(random_training(Parametrisation::edm), 1).jvp(x, v, {.alpha = 0.6, .sigma = 0.8}));
}

TEST(LearnedDenoiser, NamesItselfByItsParameters) {
  DenoiserTraining training = random_training(Parametrisation::edm);
  const std::string id = LearnedDenoiser(training).denoiser().id;
  EXPECT_EQ(LearnedDenoiser(training, 2).denoiser().id, id);
  training.averaged(7) = std::nextafter(training.averaged(7), 1.0);
  EXPECT_NE(LearnedDenoiser(training).denoiser().id, id);
}

TEST(LearnedDenoiser, RefusesWrongShapes) {
  DenoiserTraining training = random_training(Parametrisation::edm);
  const LearnedDenoiser denoiser(training);
  expect_invalid([&] { denoiser(Points::Zero(4, 3), {1.0, 1.0}); }, "x must have 2 columns, got 3");
  expect_invalid(
      [&] {
        denoiser.transposed_jvp(Points::Zero(4, 2), Points::Zero(3, 2), {1.0, 1.0});
      },
      "v must have the shape of x, (4, 2), got (3, 2)");
  expect_invalid(
      [&] {
        denoiser.jvp(Points::Zero(4, 2), Points::Zero(4, 1), {1.0, 1.0});
      },
      "v must have the shape of x, (4, 2), got (4, 1)");
  training.averaged.conservativeResize(9);
  expect_invalid([&] { LearnedDenoiser of(training); }, "averaged must have ");
  expect_invalid([&] { LearnedDenoiser of(random_training(Parametrisation::edm), -1); },
                 "threads must be in 0 ... 1024, got -1");
}

TEST(LearnedDenoiser, LevelsFollowTheirLaw) {
  const NoiseLadder ladder{.count = 100, .n_min = 0.01, .n_max = 100.0};
  const network::NoiseLevels uniform(ladder, {.uniform = true});
  EXPECT_NEAR(uniform.n(0), 0.01 * std::pow(1e4, 0.005), 1e-14);
  EXPECT_NEAR(uniform.n(99), 0.01 * std::pow(1e4, 0.995), 1e-10);
  const std::vector<int> each = uniform.of_batch(200, 0.5);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(each[static_cast<std::size_t>(i)], i / 2);

  // ln n ~ N(0, 2^2) and ln 10 is 1.151 deviations: the quantiles of a batch are at most 1 / batch off.
  const network::NoiseLevels normal(ladder, {.mean = 0.0, .deviation = 2.0});
  const std::vector<int> levels = normal.of_batch(10000, 0.25);
  const auto below = [&](int level) {
    return static_cast<double>(std::lower_bound(levels.begin(), levels.end(), level) - levels.begin()) / 1e4;
  };
  const auto Phi = [](double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); };
  EXPECT_NEAR(below(50), 0.5, 1.01e-4);
  EXPECT_NEAR(below(75), Phi(std::log(10.0) / 2.0), 1.01e-4);
  EXPECT_NEAR(below(1), Phi((std::log(0.01) + 0.01 * std::log(1e4)) / 2.0), 1.01e-4);
  EXPECT_EQ(levels.back(), 99);
}

TEST(LearnedDenoiser, DataHaveTheLawOfTheMixture) {
  const Points means{{1.0, -2.0}, {-1.5, 0.5}};
  const Eigen::MatrixXd full{{1.5, 0.6}, {0.6, 0.4}};
  const std::vector<double> weights{0.25, 0.75};
  const Mixture laws[] = {
      {weights, means, Covariance::spherical({0.25, 4.0})},
      {weights, means, Covariance::diag(Points{{0.25, 4.0}, {1.0, 9.0}})},
      {weights, means, Covariance::tied(full)},
      {weights, means, Covariance::full({full, Eigen::MatrixXd{{2.0, -1.0}, {-1.0, 3.0}}})},
  };
  constexpr Eigen::Index count = 4000;
  for (const Mixture& law : laws) {
    SCOPED_TRACE(to_string(law.covariance_type()));
    const auto source = network::data_source(law, 3);
    Points x(count, 2);
    for (Eigen::Index i = 0; i < count; ++i) source->draw(static_cast<std::uint64_t>(i), 1, x.row(i).data());
    // Each mean of products is normal with its own standard error; 5 of them are passed with probability
    // 6e-7.
    const Eigen::MatrixXd second = law.covariance() + law.mean() * law.mean().transpose();
    const auto expect_mean = [&](const Eigen::ArrayXd& values, double expected) {
      const double deviation = std::sqrt((values - values.mean()).square().mean() / count);
      EXPECT_LE(std::abs(values.mean() - expected), 5.0 * deviation);
    };
    for (Eigen::Index i = 0; i < 2; ++i) {
      expect_mean(x.col(i), law.mean()(i));
      for (Eigen::Index j = 0; j <= i; ++j) expect_mean(x.col(i).array() * x.col(j).array(), second(i, j));
    }
    Eigen::RowVectorXd again(2), other(2);
    source->draw(5, 1, again.data());
    source->draw(5, 2, other.data());
    EXPECT_EQ(again, x.row(5));
    EXPECT_NE(other, x.row(5));
  }
}

TEST(LearnedDenoiser, RowsOfDataAreDrawnAlike) {
  const Points rows{{0.0}, {1.0}, {5.0}};
  const network::DataMoments moments = network::data_moments(rows);
  EXPECT_DOUBLE_EQ(moments.mean(0), 2.0);
  EXPECT_DOUBLE_EQ(moments.scale, std::sqrt(14.0 / 3.0));
  const auto source = network::data_source(rows, 8);
  std::map<double, int> times;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    double x = 0.0;
    source->draw(i, 4, &x);
    ++times[x];
  }
  // Each count is binomial with mean 1000 and deviation 26.
  for (const double x : {0.0, 1.0, 5.0}) EXPECT_NEAR(times[x], 1000, 5 * 26) << x;
}

}  // namespace
}  // namespace gmdiff
