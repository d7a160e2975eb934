#pragma once

#include <vector>

#include "model/target/density_table.hpp"
#include "model/target/formulas.hpp"

namespace gmdiff::targets {

/// Draws from the density that interpolates a table linearly along each axis (mathematics.md §15.4). The mass
/// of a cell is that of the trapezoid rule, so the law converges as the rule does.
class TableDraws {
 public:
  /// @throws std::invalid_argument if the box has no mass.
  explicit TableDraws(const DensityTable& table);

  /// x <- a draw.
  void draw(DrawStreams& streams, Row x) const;

 private:
  double density(Eigen::Index i, Eigen::Index j) const { return density_(i, j); }
  /// Mass of the cell whose first corner is point (i, j), up to a factor that all cells share.
  double mass_of_cell(Eigen::Index i, Eigen::Index j) const;

  Points density_;  ///< at the points of the table, over its largest value
  Eigen::VectorXd lower_, spacing_;
  std::vector<double> cumulated_;  ///< masses of the cells, summed row by row
  Eigen::Index cells_per_row_;
};

}  // namespace gmdiff::targets
