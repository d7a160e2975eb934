#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gmdiff/model/fokker_planck.hpp>
#include <gmdiff/sampler/problem.hpp>

// The law of a Langevin diffusion at chosen times, by a Fokker-Planck equation on a grid (mathematics.md §14).

namespace gmdiff::study {

/// The stationary law of the diffusion.
using StationaryLaw = std::variant<Mixture, Target>;

struct DensityOptions {
  double speed = 1.0;  ///< c of dX = (c/2) grad l dt + sqrt(c) dW
  Boundary boundary = Boundary::reflecting;
};

/// The law at one time.
struct DensityRow {
  double time;
  Eigen::VectorXd P;    ///< (cells) masses
  GridMoments moments;  ///< mass, mean, covariance
  double entropy;
  double edge_mass;                        ///< mass in the cells at the walls
  std::optional<double> relative_entropy;  ///< KL to the stationary law; missing with absorbing walls
  std::optional<double> fisher;            ///< Fisher information relative to it; missing likewise
};

struct DensityEvolution {
  CellGrid grid;
  std::vector<DensityRow> rows;
  /// Smallest decay rate of the equation: KL falls like exp(-2 gap t) in the end. With absorbing walls the
  /// rate at which mass leaves the box.
  /// Missing, with a warning, if it could not be computed.
  std::optional<double> gap;
  std::vector<std::string> warnings;
};

/// The grid that `description` gives. Without a box it reaches 8 standard deviations from the means of start
/// and law; without numbers of cells it has 400 in 1-D and 150 x 150 in 2-D.
/// @throws std::invalid_argument for a box of another dimension, and without a box for a target whose moments
///   have no closed form.
CellGrid grid_of(const DensityDescription& description, const StationaryLaw& law, const Mixture& start);

/// Runs the equation from the start's masses to the times: those of the description, or 0, 0.5, 1, 2, 5, 10.
/// @throws std::invalid_argument for times that do not ascend from 0 or later, and as `FokkerPlanck`.
DensityEvolution evolve(const DensityDescription& description, const StationaryLaw& law, const Mixture& start,
                        const DensityOptions& options);

}  // namespace gmdiff::study
