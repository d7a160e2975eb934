#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <gmdiff/base/error.hpp>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/io/denoiser_file.hpp>
#include <gmdiff/metrics/denoiser_error.hpp>
#include <gmdiff/metrics/distances.hpp>
#include <gmdiff/network/learned_denoiser.hpp>
#include <gmdiff/sampler/problem.hpp>

#include "base/random.hpp"
#include "io/npz.hpp"
#include "io_support.hpp"
#include "network/denoiser_loss.hpp"
#include "network/noise_levels.hpp"
#include "network/training_data.hpp"
#include "support/expect_invalid.hpp"
#include "support/expect_memory_error.hpp"

// Learned denoisers: the same bits for any number of threads and in parts, limits of D, data, files, messages,
// and what a short training reaches.

namespace gmdiff {
namespace {

using test::expect_invalid;

DenoiserSettings small_settings() {
  DenoiserSettings settings;
  settings.hidden = 20;
  settings.batch = 200;  // four blocks of rows, the last not full
  settings.iterations = 50;
  settings.seed = 11;
  return settings;
}

/// Without training, and with parameters that are not 0 anywhere.
DenoiserTraining random_training(Parametrisation parametrisation) {
  DenoiserSettings settings = small_settings();
  settings.parametrisation = parametrisation;
  settings.precision = Precision::f64;
  DenoiserTraining training = start_training(bench_2d().prior, settings);
  for (Eigen::Index i = 0; i < training.averaged.size(); ++i)
    training.averaged(i) += 0.1 * std::sin(static_cast<double>(i));
  return training;
}

void expect_same_bits(const DenoiserTraining& a, const DenoiserTraining& b) {
  EXPECT_EQ(a.parameters, b.parameters);
  EXPECT_EQ(a.averaged, b.averaged);
  EXPECT_EQ(a.adam.m, b.adam.m);
  EXPECT_EQ(a.adam.v, b.adam.v);
  EXPECT_EQ(a.adam.updates, b.adam.updates);
  EXPECT_EQ(a.iteration, b.iteration);
  EXPECT_EQ(a.mean, b.mean);
  EXPECT_EQ(a.scale, b.scale);
}

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
    // Each mean of products is normal with its own standard error; 5 of them are passed with probability 6e-7.
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

TEST(LearnedDenoiser, RefusesBadSettingsAndData) {
  const Mixture prior = bench_2d().prior;
  const auto refused = [&](auto change, const std::string& text) {
    DenoiserSettings settings = small_settings();
    change(settings);
    expect_invalid([&] { start_training(prior, settings); }, text);
  };
  refused([](auto& s) { s.hidden = 1; }, "hidden must be in 2 ... 16384, got 1");
  refused([](auto& s) { s.layers = 0; }, "layers must be in 1 ... 100, got 0");
  refused([](auto& s) { s.ladder.count = 0; }, "ladder.count must be in 1 ... 1000000, got 0");
  refused([](auto& s) { s.ladder.n_min = 0.0; }, "ladder.n_min must be positive and finite, got 0");
  refused([](auto& s) { s.ladder.n_max = 0.001; },
          "ladder.n_max must be finite and above n_min = 0.002, got 0.001");
  refused([](auto& s) { s.law.mean = std::nan(""); }, "law.mean must be finite, got nan");
  refused([](auto& s) { s.law.deviation = 0.0; }, "law.deviation must be positive and finite, got 0");
  refused([](auto& s) { s.batch = 0; }, "batch must be in 1 ... 16777216, got 0");
  refused([](auto& s) { s.iterations = 0; }, "iterations must be in 1 ... 16777215, got 0");
  refused([](auto& s) { s.rate = 0.0; }, "rate must be positive and finite, got 0");
  refused([](auto& s) { s.decay = 1.5; }, "decay must be in [0, 1], got 1.5");
  refused([](auto& s) { s.ema = 1.0; }, "ema must be in [0, 1), got 1");

  const DenoiserSettings settings = small_settings();
  expect_invalid([&] { start_training(Points(0, 2), settings); },
                 "the data must have rows and columns, got shape (0, 2)");
  expect_invalid(
      [&] {
        start_training(Points{{1.0, 2.0}, {3.0, std::nan("")}}, settings);
      },
      "the data must be finite, got nan in row 1, column 1");
  expect_invalid(
      [&] {
        start_training(Points{{1.0}, {1.0}}, settings);
      },
      "the data must have a finite variance above 0, got 0");
  const DenoiserTraining training = start_training(prior, settings);
  expect_invalid(
      [&] {
        continue_training(training, Points{{1.0}, {2.0}});
      },
      "the data have dimension 1, but the training began with dimension 2");
  expect_invalid(
      [&] {
        continue_training(training, Points{{1.0, 0.0}, {2.0, 0.5}});
      },
      "the data are not those that the training began with");
  expect_invalid([&] { continue_training(training, prior, {.threads = -2}); },
                 "threads must be in 0 ... 1024, got -2");
  expect_invalid([&] { continue_training(training, prior, {.checkpoint_every = -1}); },
                 "checkpoint_every must not be negative, got -1");
}

TEST(LearnedDenoiser, SaysWhatMemoryIsFor) {
  DenoiserSettings settings = small_settings();
  settings.hidden = 1 << 14;
  settings.layers = 100;  // 0.8 terabytes
  test::expect_memory_error([&] { start_training(bench_2d().prior, settings); },
                            "wanted for the state of a training");
  settings = small_settings();
  settings.hidden = 512;
  settings.batch = 1 << 24;  // 1 terabyte
  test::expect_memory_error([&] { train_denoiser(bench_2d().prior, settings); },
                            "wanted for the gradients of a batch of 16777216 rows");
}

TEST(LearnedDenoiser, ALossThatDivergesNamesItsIteration) {
  DenoiserSettings settings = small_settings();
  settings.rate = 1e30;  // the parameters leave the range of float32 in their first products
  std::int64_t kept = 0;
  try {
    train_denoiser(bench_2d().prior, settings,
                   {.checkpoint_every = 1, .checkpoint = [&](const auto& t) { kept = t.iteration; }});
    ADD_FAILURE() << "the loss stayed finite";
  } catch (const NonFiniteError& error) {
    EXPECT_NE(std::string(error.what()).find("in iteration 2; a lower rate may help (1e+30 was used)"),
              std::string::npos)
        << error.what();
  }
  EXPECT_EQ(kept, 1);
}

TEST(LearnedDenoiser, FilesKeepEveryBitAndNameTheirErrors) {
  const test::TemporaryFolder folder;
  DenoiserTraining training = random_training(Parametrisation::v);
  training.settings.seed = 0xfedcba9876543210;
  training.settings.weight = Parametrisation::eps;
  training.iteration = training.adam.updates = 3;
  write_denoiser(folder / "a.npz", training);
  const DenoiserTraining read = read_denoiser(folder / "a.npz");
  expect_same_bits(read, training);
  EXPECT_EQ(read.settings.seed, training.settings.seed);
  EXPECT_EQ(read.settings.weight, Parametrisation::eps);
  EXPECT_EQ(read.settings.precision, Precision::f64);
  write_denoiser(folder / "b.npz", read);
  EXPECT_EQ(test::read_file(folder / "a.npz"), test::read_file(folder / "b.npz"));
  expect_invalid([&] { write_denoiser(folder / "a.npz", training); }, "a.npz");
  write_denoiser(folder / "a.npz", training, true);

  const auto refused = [&](const std::vector<io::NpzArray>& arrays, const std::string& text) {
    io::write_npz(folder / "bad.npz", arrays, true);
    expect_invalid([&] { read_denoiser(folder / "bad.npz"); }, "bad.npz: " + text);
  };
  const std::vector<double> one{1.0}, two{2.0}, three(3);
  refused({{"samples", {1}, one}}, "has no array version, so it is not a training of a denoiser");
  refused({{"version", {1}, two}}, "has version 2 of the format of trainings; this gmdiff reads version 1");
  refused({{"version", {1}, one}, {"settings", {3}, three}},
          "array settings: expected shape (18,), got (3,)");
  std::vector<double> settings(18);
  settings[2] = 2.5;
  refused({{"version", {1}, one}, {"settings", {18}, settings}},
          "settings: expected a whole number from 0 to 2.14748e+09 for hidden, got 2.5");
  settings[0] = 4.0;
  refused({{"version", {1}, one}, {"settings", {18}, settings}},
          "settings: expected a whole number from 0 to 3 for parametrisation, got 4");
  training.averaged(5) = std::numeric_limits<double>::infinity();
  write_denoiser(folder / "bad.npz", training, true);
  expect_invalid([&] { read_denoiser(folder / "bad.npz"); }, "bad.npz: training: averaged must be finite");
}

/// D* of a mixture as a denoiser of the calling program.
HostDenoiser exact_denoiser(const Mixture& law) {
  return {.id = "exact",
          .function = [law](const Points& x, Level level, Points& D) { D = law.denoiser(x, level); }};
}

TEST(DenoiserErrors, SplitTheLossIntoFloorAndExcess) {
  const Mixture law = bench_2d().prior;
  HostDenoiser biased = exact_denoiser(law);
  biased.function = [law](const Points& x, Level level, Points& D) {
    D = law.denoiser(x, level).array() + 0.25;
  };
  const std::vector<double> levels{0.1, 1.0, 10.0};
  const DenoiserErrorOptions options{.count = 2000, .seed = 2};
  const auto of_exact = denoiser_errors(exact_denoiser(law), law, levels, options);
  const auto of_biased = denoiser_errors(biased, law, levels, options);
  for (std::size_t l = 0; l < levels.size(); ++l) {
    EXPECT_EQ(of_exact[l].excess, 0.0);
    EXPECT_NEAR(of_biased[l].excess, 2 * 0.25 * 0.25, 1e-12);
    EXPECT_EQ(of_biased[l].floor, of_exact[l].floor);
    // The paired difference is normal; 4 standard errors are passed with probability 6e-5.
    EXPECT_LE(std::abs(of_exact[l].unresolved), 4.0 * of_exact[l].unresolved_error);
    EXPECT_LE(std::abs(of_biased[l].unresolved), 4.0 * of_biased[l].unresolved_error);
  }
  // At n = 10 little is known of x_0: the floor is nearly the variance, and below it.
  EXPECT_LT(of_exact[2].floor, law.covariance().trace());
  EXPECT_GT(of_exact[2].floor, 0.9 * law.covariance().trace());
}

TEST(DenoiserErrors, SeeADenoiserThatKnowsTheData) {
  const Mixture law = bench_2d().prior;
  const DenoiserErrorOptions options{.count = 1000, .seed = 2};
  const Points x_0 = draw(law, {.count = 1000, .seed = 2, .precision = Precision::f64}).to_double();
  const HostDenoiser cheat{.id = "cheat", .function = [&](const Points&, Level, Points& D) { D = x_0; }};
  const DenoiserError error = denoiser_errors(cheat, law, {2.0}, options).front();
  EXPECT_LE(error.loss, 1e-20);
  EXPECT_GT(std::abs(error.unresolved), 10.0 * error.unresolved_error);
}

TEST(DenoiserErrors, RefuseBadArguments) {
  const Mixture law = bench_2d().prior;
  const HostDenoiser exact = exact_denoiser(law);
  expect_invalid([&] { denoiser_errors(exact, law, {0.0}); }, "levels must be positive and finite, got 0");
  expect_invalid([&] { denoiser_errors(exact, law, {1.0}, {.count = 1}); },
                 "count must be at least 2, got 1");
  const HostDenoiser narrow{.id = "narrow",
                            .function = [](const Points& x, Level, Points& D) { D = x.leftCols(1); }};
  expect_invalid([&] { denoiser_errors(narrow, law, {1.0}, {.count = 5}); },
                 "denoiser narrow: expected a result of shape (5, 2), got (5, 1)");
}

}  // namespace
}  // namespace gmdiff
