#include <limits>

#include <gtest/gtest.h>

#include <gmdiff/base/error.hpp>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/io/denoiser_file.hpp>
#include <gmdiff/metrics/denoiser_error.hpp>
#include <gmdiff/network/training.hpp>
#include <gmdiff/sampler/problem.hpp>

#include "io/npz.hpp"
#include "io_support.hpp"
#include "support/expect_invalid.hpp"
#include "support/expect_memory_error.hpp"
#include "trainings.hpp"

// Errors: those of denoisers against the exact one, and those of trainings and their files.

namespace gmdiff {
namespace {

using test::expect_invalid;
using test::expect_same_bits;
using test::random_training;
using test::small_settings;

TEST(TrainingErrors, RefusesBadSettingsAndData) {
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

TEST(TrainingErrors, SaysWhatMemoryIsFor) {
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

TEST(TrainingErrors, ALossThatDivergesNamesItsIteration) {
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

TEST(TrainingErrors, FilesKeepEveryBitAndNameTheirErrors) {
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
  refused({{"samples", {1}, one}}, "has no array mean, so it is not a training of a denoiser");
  refused({{"mean", {1}, one}, {"version", {1}, two}},
          "has version 2 of the format of trainings; this gmdiff reads version 1");
  refused({{"mean", {1}, one}, {"version", {1}, one}, {"settings", {3}, three}},
          "array settings: expected shape (18,), got (3,)");
  std::vector<double> settings(18);
  settings[2] = 2.5;
  refused({{"mean", {1}, one}, {"version", {1}, one}, {"settings", {18}, settings}},
          "settings: expected a whole number from 0 to 2.14748e+09 for hidden, got 2.5");
  settings[0] = 4.0;
  refused({{"mean", {1}, one}, {"version", {1}, one}, {"settings", {18}, settings}},
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
