// Denoisers of torch state dictionaries: values of an independent forward pass, files, and bad input.

#include <functional>
#include <limits>
#include <map>

#include <gtest/gtest.h>

#include <gmdiff/io/denoiser_file.hpp>
#include <gmdiff/network/learned_denoiser.hpp>

#include "io/npz.hpp"
#include "io_support.hpp"
#include "support/expect_invalid.hpp"
#include "support/golden.hpp"
#include "trainings.hpp"

namespace gmdiff {
namespace {

using test::expect_invalid;

DenoiserSettings settings_of_file(const test::json& golden) {
  DenoiserSettings settings;
  settings.hidden = golden["hidden"];
  settings.layers = golden["layers"];
  settings.parametrisation = parametrisation_of(golden["parametrisation"]);
  settings.precision = Precision::f64;
  return settings;
}

/// Largest difference of D from its golden values, in units of 1 + |D|.
double largest_error(const DenoiserTraining& training, const test::json& golden) {
  const LearnedDenoiser denoiser(training);
  double largest = 0.0;
  for (const test::json& one : golden["cases"]) {
    const Points x = test::vector(one["x"]).transpose();
    const Eigen::RowVectorXd expected = test::vector(one["D"]).transpose();
    const Points D = denoiser(x, {one["alpha"], one["sigma"]});
    largest = std::max(largest, (D.row(0) - expected).norm() / (1.0 + expected.norm()));
  }
  return largest;
}

struct StoredArray {
  std::vector<std::int64_t> shape;
  std::vector<double> values;
};
using StoredArrays = std::map<std::string, StoredArray>;

/// The arrays of the file, which NumPy wrote in float32.
StoredArrays stored_arrays() {
  io::NpzReader reader(test::data_file("state_dictionary.npz"));
  StoredArrays arrays;
  for (std::size_t i = 0; i < reader.arrays().size(); ++i) {
    const io::NpzEntry& entry = reader.arrays()[i];
    std::vector<float> values(static_cast<std::size_t>(entry.bytes()) / sizeof(float));
    reader.open(i);
    reader.read_bytes({reinterpret_cast<char*>(values.data()), values.size() * sizeof(float)});
    arrays[entry.name] = {entry.shape, {values.begin(), values.end()}};
  }
  return arrays;
}

void write_stored(const std::filesystem::path& file, const StoredArrays& arrays) {
  std::vector<io::NpzArray> list;
  list.reserve(arrays.size());
  for (const auto& [name, array] : arrays) list.push_back({name, array.shape, array.values});
  io::write_npz(file, list, /*overwrite=*/true);
}

TEST(StateDictionary, HasTheValuesOfAnIndependentForwardPass) {
  const test::json& golden = test::load_golden("imported_denoiser");
  DenoiserSettings settings = settings_of_file(golden);
  const auto file = test::data_file("state_dictionary.npz");
  ASSERT_EQ(golden["cases"].size(), 8U);

  EXPECT_LT(largest_error(import_denoiser(file, settings), golden), 1e-10);

  settings.precision = Precision::f32;
  EXPECT_LT(largest_error(import_denoiser(file, settings), golden), 1e-4);
}

TEST(StateDictionary, AMatrixByInputsInsteadOfOutputsIsNoticed) {
  const test::json& golden = test::load_golden("imported_denoiser");
  const test::TemporaryFolder folder;
  StoredArrays arrays = stored_arrays();
  write_stored(folder / "same.npz", arrays);
  EXPECT_LT(largest_error(import_denoiser(folder / "same.npz", settings_of_file(golden)), golden), 1e-10)
      << "float64 arrays";

  Eigen::Map<Points>(arrays["net.2.weight"].values.data(), 5, 5).transposeInPlace();
  write_stored(folder / "turned.npz", arrays);

  EXPECT_GT(largest_error(import_denoiser(folder / "turned.npz", settings_of_file(golden)), golden), 1e-3);
}

TEST(StateDictionary, IsATrainingBeforeItsFirstIteration) {
  const test::TemporaryFolder folder;
  DenoiserTraining training = import_denoiser(test::data_file("state_dictionary.npz"),
                                              settings_of_file(test::load_golden("imported_denoiser")));
  EXPECT_EQ(training.iteration, 0);
  EXPECT_EQ(training.averaged, training.parameters);

  write_denoiser(folder / "model.npz", training);
  test::expect_same_bits(read_denoiser(folder / "model.npz"), training);

  // Data with the mean (0.5, -1) and the scale 1.5 of the file.
  const Points data = (Points(2, 2) << 2.0, -2.5, -1.0, 0.5).finished();
  training.settings.iterations = 2;
  EXPECT_EQ(continue_training(training, data).iteration, 2);
}

TEST(StateDictionary, BadFilesHaveTheirOwnMessages) {
  const test::TemporaryFolder folder;
  const DenoiserSettings settings = settings_of_file(test::load_golden("imported_denoiser"));
  const auto refused = [&](const std::string& message, const std::function<void(StoredArrays&)>& spoil) {
    StoredArrays arrays = stored_arrays();
    spoil(arrays);
    write_stored(folder / "bad.npz", arrays);
    expect_invalid([&] { import_denoiser(folder / "bad.npz", settings); }, message);
  };

  refused("bad.npz: has no array net.4.bias; guide.md lists the names",
          [](StoredArrays& arrays) { arrays.erase("net.4.bias"); });
  refused("bad.npz: has no array mean", [](StoredArrays& arrays) { arrays.erase("mean"); });
  refused("bad.npz: array net.8.weight has no place in the network",
          [](StoredArrays& arrays) { arrays["net.8.weight"] = arrays["net.4.weight"]; });
  refused("array net.0.weight: expected shape (5, 7), got (7, 5)", [](StoredArrays& arrays) {
    arrays["net.0.weight"].shape = {7, 5};
  });
  refused("array mean: expected shape (d,) of the data, got (2, 1)", [](StoredArrays& arrays) {
    arrays["mean"].shape = {2, 1};
  });
  refused("array scale: expected shape (), got (1,)",
          [](StoredArrays& arrays) { arrays["scale"].shape = {1}; });
  refused("bad.npz: training: the scale of the data must be positive and finite, got -1",
          [](StoredArrays& arrays) { arrays["scale"].values = {-1.0}; });
  refused("bad.npz: training: parameters must be finite",
          [](StoredArrays& arrays) { arrays["phase"].values[0] = std::numeric_limits<double>::quiet_NaN(); });
  DenoiserSettings wide = settings;
  wide.hidden = 6;
  expect_invalid([&] { import_denoiser(test::data_file("state_dictionary.npz"), wide); },
                 "array phase: expected shape (6,), got (5,)");
  expect_invalid([&] { import_denoiser(test::data_file("means.npy"), settings); },
                 "means.npy: is not a zip archive that can be read");
}

}  // namespace
}  // namespace gmdiff
