#pragma once

#include <memory>

#include "model/mixture/mixture_at_level.hpp"

// Evaluation of a mixture on tiles of points. Points are columns: an (n, d) row-major array is a (d, n)
// matrix here.

namespace gmdiff {

using Columns = Eigen::Ref<Eigen::MatrixXd>;
using ConstColumns = Eigen::Ref<const Eigen::MatrixXd>;

/// Largest number of points of a tile.
inline constexpr Eigen::Index largest_tile = 64;

/// Selects a vector of each component at a point: its score s_k (mathematics.md §2.2) or its denoiser m_k
/// (§2.3).
enum class ComponentVector { score, denoiser };

/// All quantities of one tile of points at one level. Buffers are allocated once and reused for all tiles.
/// "Working coordinates" are those of the shared basis, or the points' own where there is no shared basis.
class TileEvaluation {
 public:
  /// Keeps a reference to `level`. Tiles hold at most `num_points` points.
  static std::unique_ptr<TileEvaluation> make(const MixtureAtLevel& level, Eigen::Index num_points);
  virtual ~TileEvaluation() = default;
  TileEvaluation(const TileEvaluation&) = delete;
  TileEvaluation& operator=(const TileEvaluation&) = delete;

  /// Largest number of points of a tile, >= 1.
  Eigen::Index capacity() const { return capacity_; }
  /// Loads the points X (d, b), b <= capacity(), and computes the quantities below.
  void load(const ConstColumns& X);

  Eigen::Index size() const { return size_; }
  /// log P(component k | point j), shape (K, b).
  auto log_responsibilities() const { return log_responsibilities_.leftCols(size_); }
  /// P(component k | point j), shape (K, b).
  auto responsibilities() const { return responsibilities_.leftCols(size_); }
  /// log p_t of the points, shape (b).
  auto log_density() const { return log_density_.head(size_); }

  /// sum_k r_k v_k: the score or the denoiser of the points, shape (d, b), in their own coordinates.
  virtual void mean(ComponentVector which, Columns out) = 0;
  /// Prepares `deviations`.
  virtual void prepare_deviations(ComponentVector which) = 0;
  /// v_k - sum_k r_k v_k of point j, shape (d, K), in working coordinates; 0 where r_k = 0.
  virtual void deviations(Eigen::Index j, Columns out) const = 0;

 protected:
  TileEvaluation(const MixtureAtLevel& level, Eigen::Index capacity);

  /// Computes logits, up to a constant of each point, and reference components of the points X.
  virtual void place(const ConstColumns& X) = 0;
  /// Squared Mahalanobis distance of point j from its reference component.
  virtual double reference_quadratic(Eigen::Index j) const = 0;

  /// Replaces logits of point j that overflowed by finite ones; logits of components of weight 0 stay -inf.
  void bound_logits(Eigen::Index j);
  /// Whether the logits of point j, before they are bounded, cannot be used: one is NaN or inf, or none is
  /// finite.
  bool overflowed(Eigen::Index j) const;
  /// Recomputes the logits of point j, which is x, in extended precision, whose range holds the squares of
  /// all doubles.
  void place_far(Eigen::Index j, const Eigen::Ref<const Eigen::VectorXd>& x);
  /// x - alpha centre in working coordinates.
  void centre(const ConstColumns& X, Columns out);

  const MixtureAtLevel& level_;
  Eigen::MatrixXd logits_;  ///< (K, capacity)
  /// For each point, the component from whose log-density log p is computed.
  Eigen::VectorX<Eigen::Index> reference_;
  Eigen::MatrixXd scratch_;  ///< (d, capacity)

 private:
  void normalise(Eigen::Index j);

  Eigen::Index capacity_;
  Eigen::Index size_ = 0;
  Eigen::MatrixXd log_responsibilities_;
  Eigen::MatrixXd responsibilities_;
  Eigen::VectorXd log_density_;
};

/// The two implementations that `TileEvaluation::make` chooses from.
std::unique_ptr<TileEvaluation> make_equal_covariances_tile(const MixtureAtLevel& level,
                                                            Eigen::Index num_points);
std::unique_ptr<TileEvaluation> make_any_covariances_tile(const MixtureAtLevel& level,
                                                          Eigen::Index num_points);

}  // namespace gmdiff
