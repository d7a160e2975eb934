#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gmdiff/device/smc.hpp>
#include <gmdiff/model/process.hpp>

#include "report/figure.hpp"
#include "report/panel.hpp"
#include "report/view.hpp"

// The pictures of laws and samples. Laws are exact; a picture thins large sets of points and says so.

namespace gmdiff::report {

/// A level of the diffusion and its name in a picture, e.g. "t = 0.5".
struct NamedLevel {
  std::string name;
  Level level;
};

/// The law at several levels: curves in one panel in 1-D, otherwise one panel a level.
Picture density_picture(const ViewedLaw& law, const std::vector<NamedLevel>& levels, double width);

/// Points of a larger set.
struct SampledPoints {
  Points points;           ///< (n, 1 or 2) in the view of the law
  std::int64_t total = 0;  ///< size of the whole set
  std::string name;        ///< e.g. the file
};

/// At most this many points are drawn as dots.
constexpr std::int64_t most_dots = 2000;

/// Points over the density of their law, with histograms of both coordinates beside the marginal densities.
Picture samples_picture(const ViewedLaw& law, const SampledPoints& samples, double width);
Picture samples_picture(const ViewedTarget& target, const SampledPoints& samples, double width);

/// Paths through the kept levels of a run.
struct SampledPaths {
  std::vector<double> times;  ///< (M), finite
  std::vector<Level> levels;  ///< (M)
  std::vector<Points> paths;  ///< each (M, 1 or 2) in the view of the law
  std::int64_t total = 0;     ///< number of paths of the whole run
  std::string name;           ///< e.g. the file
};

/// 1-D: values over time, above the density of the diffused law. 2-D: paths in the plane above the density at
/// the level with the least noise.
Picture paths_picture(const ViewedLaw& law, const SampledPaths& paths, double width);

/// Paths of several runs without a law, as of SDEs at several step sizes, in up to 7 colours: values over time
/// in 1-D, paths in the plane in 2-D. `levels` are not read. @param axes names of the coordinates.
Picture bare_paths_picture(const std::vector<SampledPaths>& runs, const std::vector<std::string>& axes,
                           double width);

/// Traces of one coordinate of Markov chains.
struct ChainTraces {
  std::string name;                         ///< e.g. the file
  std::string axis;                         ///< name of the coordinate
  std::vector<double> times;                ///< (M) of the draws of a chain
  std::vector<std::vector<double>> chains;  ///< each (M): all draws of some chains
  std::vector<double> draws;                ///< some draws of all chains
  std::int64_t num_chains = 0;              ///< of the whole run
  /// The law of the coordinate, if it is known.
  struct Exact {
    std::string name;  ///< e.g. "target of problem.json"
    double mean = 0.0, variance = 0.0;
    std::vector<Place> density = {};  ///< (value, density), ascending
  };
  std::optional<Exact> exact = {};
};

/// A chain over time, the mean and the variance of each chain up to every time, and a histogram of the draws,
/// beside the exact law.
Picture trace_picture(const ChainTraces& traces, double width);

/// The velocity of the probability flow at one level, towards the data, over the density of the diffused law.
/// The law has two axes. @throws std::invalid_argument where the velocity is not finite.
Picture field_picture(const ViewedLaw& law, const ForwardProcess& process, double time, double width);

/// Figures of the chains of an SMC run.
struct ChainFigures {
  std::string name;  ///< the run, e.g. its sampler and file
  std::int64_t particles = 0;
  ChainReport chains;
  std::optional<double> exact_log_evidence = {};
  /// final log-weights (chains, particles), or empty
  std::vector<double> log_weights = {};
  /// weightings of the first chains, or empty
  SmcHistory history = {};
};

/// Effective sample sizes, weights and evidences of chains.
Picture chain_picture(const ChainFigures& figures, double width);

/// Densities on a grid at M times.
struct EvolvedDensity {
  std::string name;             ///< e.g. the file
  std::vector<double> times;    ///< (M) ascending
  std::vector<double> x, y;     ///< centres of the cells on each axis; y is empty in 1-D
  std::vector<Points> density;  ///< (M) of shape (x.size(), y.size()), in 1-D (x.size(), 1)
  std::vector<double> mass;     ///< (M)
  std::vector<double> kl = {};  ///< (M) relative entropy to the stationary law, or empty
  double gap = 0.0;             ///< rate of the decay in the end; 0: not known
  double bound = 0.0;           ///< rate R of a bound KL(0) exp(-R t); 0: none
};

/// The densities, as curves in 1-D or regions in 2-D, and the decay of the relative entropy over time, or of
/// the mass if it leaves the box. At most 7 times are shown.
Picture evolution_picture(const EvolvedDensity& evolution, double width);

/// Curves of a training of a denoiser or a sampler over its iterations.
struct TrainingCurves {
  std::string name;  ///< e.g. the file
  /// (iteration, value) ascending: "loss", and of a sampler "elbo" and "step" of the paths of the training;
  /// "judged elbo", "log z" and "ess" of fresh paths, and "eubo", "log z backward" and "ess backward" of
  /// paths from exact draws. Quantities that a training does not have are absent.
  std::map<std::string, std::vector<Place>> curves;
  std::vector<double> added = {};  ///< iterations at which the start law had more components than before
};

/// One panel for each kind of figure, one colour for each training. Axes leave out the first quarter.
Picture training_picture(const std::vector<TrainingCurves>& trainings, double width);

/// A trained sampler of a target of two coordinates, as it is after some iterations.
struct SamplerState {
  std::string name;          ///< e.g. the file and its iteration
  Points means, deviations;  ///< (active components, 2) of its start law
  Points draws;              ///< (n, 2) ends of its paths
};

/// One panel for each state: the density of the target, the components of the start law as ellipses of one
/// standard deviation, and the draws. @throws std::invalid_argument for a target of another dimension.
Picture sampler_picture(const ViewedTarget& target, const std::vector<SamplerState>& states, double width);

}  // namespace gmdiff::report
