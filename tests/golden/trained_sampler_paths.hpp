#pragma once

#include <string>
#include <vector>

#include <gmdiff/network/trained_sampler.hpp>

#include "network/paths/path_sweep.hpp"
#include "trained_sampler_cases.hpp"

// Settings, parameters and paths of the cases of golden/trained_samplers.json.

namespace gmdiff::test {

using network::block_paths;
using network::PathBatch;
using network::PathBlock;
using network::PathGradient;
using network::PathOrigin;

inline Target path_target(const json& of) {
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

inline PathMethod path_method(const std::string& name) {
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
inline void write_points(const json& of_path, Eigen::Index p, double* to) {
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

inline void expect_path_gradient(const PathCase& of, const PathGradient& gradient) {
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

}  // namespace gmdiff::test
