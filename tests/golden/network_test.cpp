#include <limits>

#include <gtest/gtest.h>

#include <gmdiff/network/adam.hpp>
#include <gmdiff/network/learned_denoiser.hpp>

#include "base/random.hpp"
#include "network/denoiser_loss.hpp"
#include "network_support.hpp"

// Networks, their optimiser and learned denoisers against automatic differentiation: 1e-10 of the largest
// entry of each array in double, 1e-4 in float, for every instruction set.

namespace gmdiff::test {

namespace {

using network::Sweep;
using network::Weights;

template <class Real>
constexpr double network_tolerance = sizeof(Real) == sizeof(double) ? 1e-10 : 1e-4;

struct NetworkResult {
  std::vector<Points> output;  // of the steps
  Points x_gradient;
  Eigen::VectorXd gradient;
};

template <class Real>
NetworkResult run_network(const json& golden_case, const NetworkShape& shape, cpu::InstructionSet set,
                          Real bound = Real(1e4)) {
  const Eigen::VectorXd parameters = flat_parameters(shape, golden_case["parameters"]);
  const Points x = matrix(golden_case["x"]), cotangent = matrix(golden_case["cotangent"]);
  const auto steps = golden_case["steps"].get<std::vector<double>>();
  Weights<Real> weights(shape);
  weights.assign(parameters);
  ThreadPool pool(1);
  const Eigen::VectorXd w = Eigen::VectorXd::LinSpaced(shape.hidden, 0.1, 100.0);
  Sweep<Real> sweep(weights, w, bound, pool, set);
  sweep.tabulate(steps, parameters.head(shape.hidden));

  NetworkResult result{.output = std::vector<Points>(steps.size(), Points(x.rows(), x.cols())),
                       .x_gradient = Points::Zero(x.rows(), x.cols()),
                       .gradient = {}};
  std::vector<int> time;
  for (int step = 0; step < static_cast<int>(steps.size()); ++step)
    for (Eigen::Index i = 0; i < x.rows(); ++i) time.push_back(step);
  using Block = network::StateBlock<Real>;
  const auto each = [&](Eigen::Index first, Eigen::Index rows, auto body) {
    for (Eigen::Index r = 0; r < rows; ++r)
      for (Eigen::Index j = 0; j < x.cols(); ++j)
        body(r, static_cast<std::size_t>((first + r) / x.rows()), (first + r) % x.rows(), j);
  };
  const auto fill = [&](Eigen::Index first, Eigen::Index rows, Block& block) {
    each(first, rows, [&](Eigen::Index r, std::size_t, Eigen::Index i, Eigen::Index j) {
      block.input(r)[j] = static_cast<Real>(x(i, j));
    });
  };
  const auto take = [&](Eigen::Index first, Eigen::Index rows, Block& block) {
    each(first, rows, [&](Eigen::Index r, std::size_t step, Eigen::Index i, Eigen::Index j) {
      result.output[step](i, j) = static_cast<double>(block.output(r)[j]);
      block.cotangent(r)[j] = static_cast<Real>(cotangent(i, j));
    });
  };
  const auto take_input_gradient = [&](Eigen::Index first, Eigen::Index rows, Block& block) {
    each(first, rows, [&](Eigen::Index r, std::size_t, Eigen::Index i, Eigen::Index j) {
      result.x_gradient(i, j) += static_cast<double>(block.input_cotangent(r)[j]);
    });
  };
  sweep.run(time, {.fill = fill, .take = take, .take_input_gradient = take_input_gradient}, &result.gradient);
  return result;
}

NetworkShape shape_of(const json& golden_case) {
  return {.dim = golden_case["d"].get<Eigen::Index>(),
          .hidden = golden_case["H"].get<Eigen::Index>(),
          .layers = golden_case["layers"].get<int>()};
}

template <class Real>
void expect_network(const json& golden_case) {
  const NetworkShape shape = shape_of(golden_case);
  for (const cpu::InstructionSet set : instruction_sets_here()) {
    SCOPED_TRACE(cpu::to_string(set));
    const NetworkResult result = run_network<Real>(golden_case, shape, set);
    for (std::size_t step = 0; step < result.output.size(); ++step)
      expect_near_array(result.output[step], matrix(golden_case["output"][step]), network_tolerance<Real>,
                        "output");
    expect_near_array(result.x_gradient, matrix(golden_case["x_gradient"]), network_tolerance<Real>,
                      "x_gradient");
    expect_near_parameters(shape, result.gradient, golden_case["parameter_gradient"],
                           network_tolerance<Real>);
  }
}

template <class Body>
void each_network_case(const std::string& name, Body body) {
  int count = 0;
  for (const json& golden_case : load_golden("network")["cases"]) {
    if (golden_case["name"] != name) continue;
    body(golden_case);
    ++count;
  }
  EXPECT_GT(count, 0) << name;
}

template <class Real>
void expect_denoiser_loss(const json& golden_case, DenoiserTraining training,
                          const Eigen::VectorXd& parameters) {
  training.settings.precision = sizeof(Real) == sizeof(double) ? Precision::f64 : Precision::f32;
  const Points x_0 = matrix(golden_case["x0"]), noise = matrix(golden_case["noise"]);
  const network::LossBatch batch{.levels = golden_case["levels"].get<std::vector<double>>(),
                                 .level_of_row = golden_case["level_index"].get<std::vector<int>>(),
                                 .draw = [&](Eigen::Index row, double* x, double* eps) {
                                   for (Eigen::Index j = 0; j < x_0.cols(); ++j) {
                                     x[j] = x_0(row, j);
                                     eps[j] = noise(row, j);
                                   }
                                 }};
  ThreadPool pool(1);
  network::DenoiserLoss<Real> loss(training, pool);
  Eigen::VectorXd gradient;
  Points denoised;
  const double value = loss(batch, parameters, gradient, &denoised);
  const double expected = golden_case["loss"].get<double>();
  EXPECT_NEAR(value, expected, network_tolerance<Real> * expected);
  expect_near_array(denoised, matrix(golden_case["denoised"]), network_tolerance<Real>, "denoised");
  expect_near_parameters(training.shape(), gradient, golden_case["gradient"], network_tolerance<Real>);
}

void expect_transposed_product(const json& golden_case, const DenoiserTraining& training) {
  const LearnedDenoiser denoiser(training);
  const auto levels = golden_case["levels"].get<std::vector<double>>();
  const auto level_of_row = golden_case["level_index"].get<std::vector<std::size_t>>();
  const Points x_0 = matrix(golden_case["x0"]), noise = matrix(golden_case["noise"]),
               cotangent = matrix(golden_case["cotangent"]);
  Points product(x_0.rows(), x_0.cols()), denoised = product;
  for (Eigen::Index i = 0; i < x_0.rows(); ++i) {
    const double n = levels[level_of_row[static_cast<std::size_t>(i)]];
    // The same D at another alpha: x_t = alpha y, so J^T in x is J^T in y over alpha.
    const Level level{.alpha = 0.5, .sigma = 0.5 * n};
    const Points x = 0.5 * (x_0.row(i) + n * noise.row(i));
    denoised.row(i) = denoiser(x, level);
    product.row(i) = 0.5 * denoiser.transposed_jvp(x, cotangent.row(i), level);
  }
  expect_near_array(denoised, matrix(golden_case["denoised"]), 1e-10, "denoised");
  expect_near_array(product, matrix(golden_case["y_vjp"]), 1e-10, "y_vjp");
}

}  // namespace

TEST(GoldenNetwork, OutputAndEveryGradient) {
  each_network_case("network", [](const json& golden_case) {
    expect_network<double>(golden_case);
    expect_network<float>(golden_case);
  });
}

TEST(GoldenNetwork, NothingPassesWhereTheOutputIsClipped) {
  const json& golden_case = load_golden("network")["cases"][1];
  const NetworkShape shape = shape_of(golden_case);
  const Points expected = matrix(golden_case["output"][0]);
  const double bound = expected.cwiseAbs().maxCoeff() * 0.5;
  const NetworkResult all = run_network<double>(golden_case, shape, cpu::chosen_instruction_set(), 1e4);
  const NetworkResult clipped = run_network<double>(golden_case, shape, cpu::chosen_instruction_set(), bound);
  // cU has the gradient of the entries that pass.
  const Points cotangent = matrix(golden_case["cotangent"]);
  Eigen::VectorXd passing = Eigen::VectorXd::Zero(shape.dim);
  int stopped = 0;
  for (std::size_t step = 0; step < all.output.size(); ++step) {
    for (Eigen::Index i = 0; i < cotangent.rows(); ++i) {
      for (Eigen::Index j = 0; j < shape.dim; ++j) {
        const double out = all.output[step](i, j);
        EXPECT_EQ(clipped.output[step](i, j), std::clamp(out, -bound, bound));
        if (std::abs(out) <= bound) passing(j) += cotangent(i, j);
        if (std::abs(out) > bound) ++stopped;
      }
    }
  }
  EXPECT_GT(stopped, 0);
  EXPECT_LE((clipped.gradient.tail(shape.dim) - passing).cwiseAbs().maxCoeff(), 1e-14);
}

TEST(GoldenNetwork, EveryInstructionSetGivesTheSameBits) {
  each_network_case("network", [](const json& golden_case) {
    const NetworkShape shape = shape_of(golden_case);
    const NetworkResult first = run_network<float>(golden_case, shape, cpu::InstructionSet::scalar);
    for (const cpu::InstructionSet set : instruction_sets_here()) {
      const NetworkResult other = run_network<float>(golden_case, shape, set);
      EXPECT_EQ(other.gradient, first.gradient) << cpu::to_string(set);
      EXPECT_EQ(other.x_gradient, first.x_gradient) << cpu::to_string(set);
    }
  });
}

TEST(GoldenNetwork, ParametersBeforeTraining) {
  each_network_case("parameter-init", [](const json& golden_case) {
    const std::uint64_t seed = std::stoull(golden_case["seed"].get<std::string>());
    const NetworkShape shape{.dim = 4, .hidden = 6, .layers = 3};
    const std::vector<NetworkTensor> tensors = network_tensors(shape);
    const Eigen::VectorXd start = network_start(shape, seed);
    ASSERT_EQ(golden_case["index"], json({0, 1, 5}));
    EXPECT_EQ(start.head(6), Eigen::VectorXd::Zero(6));  // the phases, whatever their stream
    const std::array inputs{0.0, 12.0, 4.0 + 6.0};       // of K1 and of (Kx, Kt)
    for (const std::size_t number : {std::size_t{1}, std::size_t{2}}) {
      const NetworkTensor& tensor = tensors[golden_case["index"][number].get<std::size_t>()];
      EXPECT_EQ(tensor.name, number == 1 ? "K1" : "Kx");
      const Eigen::VectorXd expected =
          vector(golden_case["first_normals"][number]) / std::sqrt(inputs[number]);
      const Eigen::VectorXd first = start.segment(tensor.offset, expected.size());
      EXPECT_LE((first - expected).cwiseAbs().maxCoeff(), 1e-14);
    }
    EXPECT_EQ(tensors[tensors.size() - 2].name, "U");
    EXPECT_EQ(start(tensors[tensors.size() - 2].offset + 23), 1e-8);
    EXPECT_EQ(start.tail(4), Eigen::VectorXd::Zero(4));
  });
}

TEST(GoldenNetwork, Adam) {
  each_network_case("adam", [](const json& golden_case) {
    Eigen::VectorXd parameters = vector(golden_case["start"]);
    AdamState state = AdamState::start(parameters.size());
    std::int64_t lost = 0;
    for (std::size_t t = 0; t < golden_case["gradients"].size(); ++t) {
      lost += adam_update(state, vector(golden_case["gradients"][t]),
                          golden_case["learning_rate"].get<double>(), parameters);
      EXPECT_LE((parameters - vector(golden_case["parameters"][t])).cwiseAbs().maxCoeff(), 1e-10) << t;
    }
    EXPECT_EQ(lost, 1);
    EXPECT_EQ(state.updates, 4);
  });
}

TEST(GoldenNetwork, AdamAddsItsConstantOutsideTheRoot) {
  Eigen::VectorXd parameters = Eigen::VectorXd::Zero(1);
  AdamState state = AdamState::start(1);
  adam_update(state, Eigen::VectorXd::Constant(1, 1e-8), 1.0, parameters);
  EXPECT_NEAR(parameters(0), -0.5, 1e-12);  // 1e-8 / (1e-8 + 1e-8)
}

TEST(GoldenNetwork, DenoiserLossGradientAndTransposedProduct) {
  each_network_case("denoiser", [](const json& golden_case) {
    SCOPED_TRACE(golden_case["kind"].get<std::string>());
    DenoiserTraining training;
    training.settings.parametrisation = parametrisation_of(golden_case["kind"]);
    training.settings.weight = parametrisation_of(golden_case["weight"]);
    training.settings.hidden = rows_of(golden_case["parameters"]["phase"]).cols();
    training.settings.precision = Precision::f64;
    training.mean = Eigen::VectorXd::Zero(2);
    training.scale = golden_case["sigma_data"].get<double>();
    const Eigen::VectorXd parameters = flat_parameters(training.shape(), golden_case["parameters"]);
    training.parameters = training.averaged = parameters;
    training.adam = AdamState::start(parameters.size());
    expect_denoiser_loss<double>(golden_case, training, parameters);
    expect_denoiser_loss<float>(golden_case, training, parameters);
    expect_transposed_product(golden_case, training);
  });
}

}  // namespace gmdiff::test
