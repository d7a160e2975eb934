#include <algorithm>

#include <gtest/gtest.h>

#include <gmdiff/metrics/path_weights.hpp>
#include <gmdiff/network/trained_sampler.hpp>

#include "network/paths/path_sweep.hpp"
#include "network/paths/scalar_functions.hpp"
#include "network_support.hpp"

// Trained samplers against automatic differentiation: 1e-10 of the largest entry of each array.

namespace gmdiff::test {

namespace {

using network::block_paths;
using network::PathBatch;
using network::PathBlock;
using network::PathGradient;
using network::PathOrigin;

constexpr double path_tolerance = 1e-10;

Target path_target(const json& of) {
  const auto kind = of["kind"].get<std::string>();
  if (kind == "funnel") return Funnel{.dim = of["d"].get<int>()};
  if (kind == "brownian") return Brownian{};
  if (kind == "logistic") {
    const Eigen::VectorXd sign = vector(of["sign"]);
    return Logistic{.data = matrix(of["X"]),
                    .labels = 0.5 * (sign.array() + 1.0),
                    .prior_std = of["prior_std"].get<double>()};
  }
  EXPECT_EQ(kind, "gmm");
  const Points means = matrix(of["means"]);
  const double std = of["std"].get<double>();
  const auto K = static_cast<std::size_t>(means.rows());
  const Mixture mixture(std::vector<double>(K, 1.0 / static_cast<double>(K)), means,
                        Covariance::spherical(std::vector<double>(K, std * std)));
  using Rows = Eigen::Map<Points>;
  using ConstRows = Eigen::Map<const Points>;
  const Eigen::Index d = means.cols();
  return CustomTarget{.dim = static_cast<int>(d),
                      .evaluate =
                          [=](Eigen::Index n, const double* x, double* l, double* g) {
                            const Points points = ConstRows(x, n, d);
                            Eigen::Map<Eigen::VectorXd>(l, n) = mixture.log_pdf(points);
                            Rows(g, n, d) = mixture.score(points);
                          },
                      .hessian_vp =
                          [=](Eigen::Index n, const double* x, const double* v, double* hv) {
                            Rows(hv, n, d) = mixture.hessian_vp(ConstRows(x, n, d), ConstRows(v, n, d));
                          },
                      .id = "gmm"};
}

PathMethod path_method(const std::string& name) {
  if (name == "DIS") return PathMethod::dis;
  if (name == "ULA") return PathMethod::ula;
  if (name == "MCD") return PathMethod::mcd;
  if (name == "CMCD") return PathMethod::cmcd;
  EXPECT_EQ(name, "DBS");
  return PathMethod::dbs;
}

/// Settings, parameters and target of a case.
struct PathCase {
  explicit PathCase(const json& of) : golden(of), target(path_target(of["target"])) {
    settings.method = path_method(of["method"]);
    settings.components = static_cast<int>(of["mask"].size());
    settings.steps = of["N"].get<int>();
    settings.precision = Precision::f64;
    const json options = of.value("options", json::object());
    if (options.value("drift", "") == "target") settings.drift = PathDrift::target;
    if (options.value("drift", "") == "zero") settings.drift = PathDrift::zero;
    settings.detach_target_score = options.value("detach_target_score", false);
    if (of["name"] == "log-variance") {
      settings.loss = PathLoss::log_variance;
      settings.learn_weights = true;
      settings.learn_step = settings.learn_friction = true;
    }
    const json& given = of["parameters"];
    if (const auto net = network_name(); !net.empty()) {
      const json& arrays = given[net];
      settings.langevin = arrays.contains("G0");
      shape = {.dim = target.dim(),
               .hidden = rows_of(arrays["phase"]).cols(),
               .layers = arrays.contains("V2") ? 2 : 1,
               .langevin = settings.langevin};
      settings.hidden = shape.hidden;
      settings.layers = shape.layers;
    }
    for (Eigen::Index k = 0; k < settings.components; ++k) {
      if (of["mask"][static_cast<std::size_t>(k)] == 1) active.push_back(k);
    }
    read_parameters(given);
  }

  std::string network_name() const {
    for (const char* name : {"u", "v"})
      if (golden["parameters"].contains(name)) return name;
    return "";
  }

  void read_parameters(const json& given) {
    for (const NetworkTensor& tensor : sampler_tensors(settings, target.dim())) {
      Eigen::VectorXd array = Eigen::VectorXd::Zero(tensor.size());
      if (tensor.name == "log_z") {
        array(0) = golden["trajectory_balance"]["log_z"].get<double>();
      } else if (tensor.name == "dt") {
        array(0) = given["dt"].get<double>();
      } else {
        array = rows_of(given[tensor.name]).reshaped<Eigen::RowMajor>();
      }
      EXPECT_EQ(array.size(), tensor.size()) << tensor.name;
      parameters.conservativeResize(tensor.offset + tensor.size());
      parameters.tail(tensor.size()) = array;
    }
    networks.resize(0);
    for (const char* name : {"u", "v"}) {
      if (!given.contains(name)) continue;
      const Eigen::VectorXd net = flat_parameters(shape, given[name]);
      networks.conservativeResize(networks.size() + net.size());
      networks.tail(net.size()) = net;
    }
  }

  const json& golden;
  Target target;
  SamplerSettings settings;
  NetworkShape shape;
  std::vector<Eigen::Index> active;
  Eigen::VectorXd parameters, networks;
};

/// Copies rows (paths) of nested lists to the layout of blocks and back.
void write_points(const json& of_path, Eigen::Index p, double* to) {
  for (std::size_t j = 0; j < of_path.size(); ++j)
    to[static_cast<Eigen::Index>(j) * block_paths + p] = of_path[j].get<double>();
}

template <class Real>
PathBatch<Real> golden_batch(const json& of, PathOrigin origin, std::vector<Points>* states,
                             Points* ratios = nullptr) {
  const auto paths = static_cast<Eigen::Index>(of["log_w"].size());
  PathBatch<Real> batch{.paths = paths, .origin = origin, .fill = {}};
  batch.fill = [&of, origin](Eigen::Index, Eigen::Index count, PathBlock<Real>& block) {
    for (Eigen::Index p = 0; p < count; ++p) {
      const auto path = static_cast<std::size_t>(p);
      if (origin == PathOrigin::given) {
        for (Eigen::Index n = 0; n < std::ssize(of["states"][path]); ++n)
          write_points(of["states"][path][static_cast<std::size_t>(n)], p, block.state(n));
        continue;
      }
      for (Eigen::Index n = 0; n < block.setting().model.steps(); ++n)
        write_points(of["step_noise"][path][static_cast<std::size_t>(n)], p, block.noise(n));
      if (origin == PathOrigin::backward) {
        write_points(of["x_N"][path], p, block.state(block.setting().model.steps()));
      } else {
        block.component()[p] = of["component"][path].get<Eigen::Index>();
        write_points(of["start_noise"][path], p, block.start_noise());
      }
    }
  };
  batch.take = [=](Eigen::Index, Eigen::Index count, PathBlock<Real>& block) {
    const Eigen::Index N = block.setting().model.steps(), d = block.setting().model.dim();
    states->assign(static_cast<std::size_t>(count), Points(N + 1, d));
    if (ratios != nullptr) ratios->resize(count, N);
    for (Eigen::Index p = 0; p < count; ++p) {
      for (Eigen::Index n = 0; n <= N; ++n) {
        if (ratios != nullptr && n < N) (*ratios)(p, n) = block.step_log_ratio(n)[p];
        for (Eigen::Index j = 0; j < d; ++j)
          (*states)[static_cast<std::size_t>(p)](n, j) = block.state(n)[j * block_paths + p];
      }
    }
  };
  return batch;
}

void expect_path_gradient(const PathCase& of, const PathGradient& gradient) {
  const json& expected = of.golden["gradient"];
  for (const NetworkTensor& tensor : sampler_tensors(of.settings, of.target.dim())) {
    if (tensor.name == "log_z") continue;
    const Points actual = gradient.parameters.segment(tensor.offset, tensor.size())
                              .reshaped<Eigen::RowMajor>(tensor.rows, tensor.cols);
    const Points array = tensor.name == "dt" ? Points::Constant(1, 1, expected["dt"].get<double>())
                                             : rows_of(expected[tensor.name]);
    expect_near_array(actual, array, path_tolerance, "gradient of " + tensor.name);
  }
  Eigen::Index first = 0;
  for (const char* name : {"u", "v"}) {
    if (!expected.contains(name)) continue;
    const Eigen::Index size = network_size(of.shape);
    SCOPED_TRACE(name);
    expect_near_parameters(of.shape, gradient.networks.segment(first, size), expected[name], path_tolerance);
    first += size;
  }
  EXPECT_EQ(first, gradient.networks.size());
}

template <class Body>
void each_sampler_case(const std::string& name, Body body) {
  int count = 0;
  for (const json& golden_case : load_golden("trained_samplers")["cases"]) {
    if (golden_case["name"] != name) continue;
    SCOPED_TRACE(name + " " + std::to_string(count) + " " + golden_case.value("method", ""));
    body(golden_case);
    ++count;
  }
  EXPECT_GT(count, 0) << name;
}

}  // namespace

TEST(GoldenTrainedSampler, StepSizesAndAnnealing) {
  each_sampler_case("schedule", [](const json& golden_case) {
    SamplerSettings settings{.method = PathMethod::ula, .prior = PathPrior::gp};
    settings.steps = golden_case["N"].get<int>();
    const Eigen::VectorXd b = vector(golden_case["b"]);
    Eigen::VectorXd parameters = Eigen::VectorXd::Zero(4 + b.size());  // mu, s, dt, fr, b in 1-D
    parameters.tail(b.size()) = b;
    const network::PathModel model(settings, 1, parameters);
    const Eigen::VectorXd c = vector(golden_case["c"]), beta = vector(golden_case["beta"]);
    const auto stride = golden_case["c_stride"].get<std::size_t>();
    for (std::size_t i = 0; i < static_cast<std::size_t>(c.size()); ++i)
      EXPECT_NEAR(model.relative_steps()[i * stride], c(static_cast<Eigen::Index>(i)), path_tolerance);
    for (Eigen::Index n = 0; n < beta.size(); ++n) EXPECT_NEAR(model.beta(n), beta(n), path_tolerance) << n;

    const network::PathSumsLayout of(1, 1, settings.steps);
    Eigen::VectorXd sums = Eigen::VectorXd::Zero(of.size);
    sums.segment(of.beta, beta.size()) = vector(golden_case["cotangent"]);
    const Eigen::VectorXd gradient = model.raw_gradient(sums.data(), network::path_switches(settings));
    expect_near_array(gradient.tail(b.size()).transpose(), rows_of(golden_case["b_gradient"]), path_tolerance,
                      "b");
  });
}

TEST(GoldenTrainedSampler, MixtureOfTheStart) {
  each_sampler_case("mixture", [](const json& golden_case) {
    const Points means = matrix(golden_case["means"]), deviations = matrix(golden_case["stds"]);
    const bool has_logits = !golden_case["logits"].is_null();
    const Eigen::Index K = means.rows(), d = means.cols();
    SamplerSettings settings;
    settings.components = static_cast<int>(K);
    settings.steps = 1;
    settings.loss = PathLoss::log_variance;
    settings.learn_weights = has_logits;
    Eigen::VectorXd parameters = Eigen::VectorXd::Zero(2 * K * d + 1 + d + (has_logits ? K : 0));
    parameters.head(K * d) = means.reshaped<Eigen::RowMajor>();
    for (Eigen::Index i = 0; i < K * d; ++i)
      parameters(K * d + i) = network::inverse_softplus(deviations(i / d, i % d));
    if (has_logits) parameters.tail(K) = vector(golden_case["logits"]);
    std::vector<Eigen::Index> active;
    for (Eigen::Index k = 0; k < K; ++k)
      if (golden_case["mask"][static_cast<std::size_t>(k)] == 1) active.push_back(k);
    const network::PathModel model(settings, d, parameters, active);

    const Points x = matrix(golden_case["x"]), v = matrix(golden_case["v"]);
    const auto lanes = [](const Points& rows) {
      std::vector<double> points(static_cast<std::size_t>(rows.cols() * block_paths), 0.0);
      for (Eigen::Index i = 0; i < rows.rows(); ++i)
        for (Eigen::Index j = 0; j < rows.cols(); ++j)
          points[static_cast<std::size_t>(j * block_paths + i)] = rows(i, j);
      return points;
    };
    const auto rows = [&](const std::vector<double>& points) {
      return Points(Points::NullaryExpr(x.rows(), std::ssize(points) / block_paths,
                                        [&](Eigen::Index i, Eigen::Index j) {
                                          return points[static_cast<std::size_t>(j * block_paths + i)];
                                        }));
    };
    // The sum over the points, in the place of each component; masked components stay 0.
    const auto sum = [&](const std::vector<double>& of_lanes, Eigen::Index cols) {
      Points sums = Points::Zero(K, cols);
      const Points terms = rows(of_lanes);
      for (std::size_t place = 0; place < active.size(); ++place)
        for (Eigen::Index j = 0; j < cols; ++j)
          sums(active[place], j) = terms.col(static_cast<Eigen::Index>(place) * cols + j).sum();
      return sums;
    };
    for (const cpu::InstructionSet set : instruction_sets_here()) {
      SCOPED_TRACE(cpu::to_string(set));
      const network::PathUnit unit = network::path_unit(set);
      const auto size = static_cast<std::size_t>(block_paths * d);
      std::vector<double> work(2 * active.size() * block_paths), log_p(block_paths), score(size),
          product(size);
      unit.mixture_score(model.mixture(), lanes(x).data(), work.data(), log_p.data(), score.data());
      expect_near_array(rows(log_p), vector(golden_case["logp"]), path_tolerance, "log p");
      expect_near_array(rows(score), matrix(golden_case["score"]), path_tolerance, "score");

      const auto expect_sums = [&](const auto& add, const json& expected) {
        std::vector<double> of_mean(active.size() * size), of_deviation = of_mean,
                                                           of_logit(active.size() * block_paths);
        add(network::MixtureSums{of_mean.data(), of_deviation.data(), of_logit.data()});
        expect_near_array(sum(of_mean, d), matrix(expected["means"]), path_tolerance, "means");
        expect_near_array(sum(of_deviation, d), matrix(expected["stds"]), path_tolerance, "stds");
        if (has_logits)
          expect_near_array(sum(of_logit, 1), vector(expected["logits"]), path_tolerance, "logits");
      };
      expect_sums(
          [&](const network::MixtureSums& sums) {
            unit.mixture_products(model.mixture(), lanes(x).data(), lanes(v).data(), work.data(),
                                  product.data(), &sums);
          },
          golden_case["score_gradient"]);
      expect_near_array(rows(product), matrix(golden_case["hvp"]), path_tolerance, "H v");
      expect_sums(
          [&](const network::MixtureSums& sums) {
            const Points w = vector(golden_case["w"]);
            unit.mixture_gradient(model.mixture(), lanes(x).data(), lanes(w).data(), work.data(), sums);
          },
          golden_case["logp_gradient"]);
    }
  });
}

TEST(GoldenTrainedSampler, PathsAndEveryGradientOfTheElbo) {
  each_sampler_case("trajectory", [](const json& golden_case) {
    const PathCase of(golden_case);
    ThreadPool pool(1);
    network::PathSweep<double> sweep(of.settings, of.target, pool, of.active);
    sweep.assign(of.parameters, of.networks);
    std::vector<Points> states;
    Points ratios;
    Eigen::VectorXd log_w;
    PathGradient gradient;
    const double loss =
        sweep.loss(golden_batch<double>(golden_case, PathOrigin::forward, &states, &ratios), log_w, gradient);
    for (std::size_t path = 0; path < states.size(); ++path)
      expect_near_array(states[path], matrix(golden_case["states"][path]), path_tolerance, "states");
    expect_near_array(ratios, matrix(golden_case["step_log_ratio"]), path_tolerance, "step_log_ratio");
    expect_near_array(log_w, vector(golden_case["log_w"]), path_tolerance, "log_w");
    const double expected = golden_case["loss"].get<double>();
    EXPECT_NEAR(loss, expected, path_tolerance * log_w.cwiseAbs().maxCoeff());
    expect_path_gradient(of, gradient);
  });
}

TEST(GoldenTrainedSampler, LossesWithStatesHeldFixed) {
  each_sampler_case("log-variance", [](const json& golden_case) {
    PathCase of(golden_case);
    ThreadPool pool(1);
    std::vector<Points> states;
    Eigen::VectorXd log_w;
    PathGradient gradient;
    network::PathSweep<double> sweep(of.settings, of.target, pool, of.active);
    sweep.assign(of.parameters, of.networks);
    const auto batch = golden_batch<double>(golden_case, PathOrigin::given, &states);
    const double loss = sweep.loss(batch, log_w, gradient);
    expect_near_array(log_w, vector(golden_case["log_w"]), path_tolerance, "log_w");
    EXPECT_NEAR(loss, golden_case["loss"].get<double>(), path_tolerance * loss);
    expect_path_gradient(of, gradient);

    of.settings.loss = PathLoss::trajectory_balance;
    of.parameters.conservativeResize(0);
    of.read_parameters(golden_case["parameters"]);
    const json& balance = golden_case["trajectory_balance"];
    network::PathSweep<double> balanced(of.settings, of.target, pool, of.active);
    balanced.assign(of.parameters, of.networks);
    const double of_balance = balanced.loss(batch, log_w, gradient);
    EXPECT_NEAR(of_balance, balance["loss"].get<double>(), path_tolerance * of_balance);
    EXPECT_NEAR(gradient.parameters.tail(1)(0), balance["log_z_gradient"].get<double>(), path_tolerance);
  });
}

TEST(GoldenTrainedSampler, BackwardPaths) {
  each_sampler_case("backward", [](const json& golden_case) {
    const PathCase of(golden_case);
    ThreadPool pool(1);
    network::PathSweep<double> sweep(of.settings, of.target, pool, of.active);
    sweep.assign(of.parameters, of.networks);
    std::vector<Points> states;
    const Eigen::VectorXd log_w =
        sweep.log_weights(golden_batch<double>(golden_case, PathOrigin::backward, &states));
    for (std::size_t path = 0; path < states.size(); ++path)
      expect_near_array(states[path], matrix(golden_case["states"][path]), path_tolerance, "states");
    expect_near_array(log_w, vector(golden_case["log_w"]), path_tolerance, "log_w");
  });
}

TEST(GoldenTrainedSampler, NumbersAboutWeights) {
  each_sampler_case("metrics", [](const json& golden_case) {
    const PathSummary forward = forward_summary(vector(golden_case["log_w_forward"]));
    EXPECT_NEAR(forward.bound, golden_case["elbo"].get<double>(), path_tolerance);
    EXPECT_NEAR(forward.log_z, golden_case["log_z_reverse"].get<double>(), path_tolerance);
    EXPECT_NEAR(forward.ess, golden_case["ess_reverse"].get<double>(), path_tolerance);
    const PathSummary backward = backward_summary(vector(golden_case["log_w_backward"]));
    EXPECT_NEAR(backward.bound, golden_case["eubo"].get<double>(), path_tolerance);
    EXPECT_NEAR(backward.log_z, golden_case["log_z_forward"].get<double>(), path_tolerance);
    EXPECT_NEAR(backward.ess, golden_case["ess_forward"].get<double>(), path_tolerance);
  });
}

}  // namespace gmdiff::test
