#include "network/training_data.hpp"

#include <cmath>

#include "base/check.hpp"
#include "base/random.hpp"

namespace gmdiff::network {

namespace {

void check_rows(const Points& rows) {
  require(rows.rows() >= 1 && rows.cols() >= 1, "training: the data must have rows and columns, got shape (",
          rows.rows(), ", ", rows.cols(), ")");
  for (Eigen::Index i = 0; i < rows.rows(); ++i) {
    for (Eigen::Index j = 0; j < rows.cols(); ++j)
      require(std::isfinite(rows(i, j)), "training: the data must be finite, got ", rows(i, j), " in row ", i,
              ", column ", j);
  }
}

/// Rows drawn with equal probability: number floor(U rows / 2^64) for a uniform 64-bit U.
class DrawnRows final : public DataSource {
 public:
  DrawnRows(Points rows, std::uint64_t seed) : rows_(std::move(rows)), seed_(seed) { check_rows(rows_); }

  void draw(std::uint64_t row, std::uint32_t iteration, double* x) const override {
    const std::uint64_t U =
        uniform_u64({.seed = seed_, .index = row, .purpose = Purpose::data_index, .replicate = iteration}, 0);
    __extension__ using Wide = unsigned __int128;
    const auto number = static_cast<Eigen::Index>((Wide{U} * static_cast<std::uint64_t>(rows_.rows())) >> 64);
    Eigen::Map<Eigen::RowVectorXd>(x, rows_.cols()) = rows_.row(number);
  }

 private:
  Points rows_;
  std::uint64_t seed_;
};

/// Exact draws mu_k + U_k diag(sqrt l_k) z.
class MixtureDraws final : public DataSource {
 public:
  MixtureDraws(Mixture mixture, std::uint64_t seed) : mixture_(std::move(mixture)), seed_(seed) {
    double sum = 0.0;
    for (const double weight : mixture_.weights()) cumulative_.push_back(sum += weight);
  }

  void draw(std::uint64_t row, std::uint32_t iteration, double* x) const override {
    StreamKey key{.seed = seed_, .index = row, .purpose = Purpose::data_index, .replicate = iteration};
    const Eigen::Index k = component(categorical_uniform(uniform_u64(key, 0), Precision::f64));
    key.purpose = Purpose::data_noise;
    NormalStream normals(key, Precision::f64);
    const Points& l = mixture_.eigenvalues();
    Eigen::VectorXd z(mixture_.dim());
    for (Eigen::Index i = 0; i < z.size(); ++i) {
      const double variance = l(l.rows() == 1 ? 0 : k, l.cols() == 1 ? 0 : i);
      z(i) = std::sqrt(variance) * normals(static_cast<std::uint64_t>(i));
    }
    const auto& bases = mixture_.bases();
    const double* mean = mixture_.means().row(k).data();
    for (Eigen::Index i = 0; i < z.size(); ++i) {
      double sum = bases.empty() ? z(i) : 0.0;
      if (!bases.empty()) {
        const Eigen::MatrixXd& U = bases[bases.size() == 1 ? 0 : static_cast<std::size_t>(k)];
        for (Eigen::Index j = 0; j < z.size(); ++j) sum += U(i, j) * z(j);
      }
      x[i] = mean[i] + sum;
    }
  }

 private:
  /// The first component whose cumulative weight exceeds u; the last of positive weight where rounding left
  /// their sum below u.
  Eigen::Index component(double u) const {
    Eigen::Index last = 0;
    for (Eigen::Index k = 0; k < mixture_.num_components(); ++k) {
      if (mixture_.weights()(k) > 0.0) last = k;
      if (u < cumulative_[static_cast<std::size_t>(k)]) return k;
    }
    return last;
  }

  Mixture mixture_;
  std::uint64_t seed_;
  std::vector<double> cumulative_;
};

}  // namespace

std::unique_ptr<DataSource> data_source(const TrainingData& data, std::uint64_t seed) {
  if (const auto* mixture = std::get_if<Mixture>(&data))
    return std::make_unique<MixtureDraws>(*mixture, seed);
  return std::make_unique<DrawnRows>(std::get<Points>(data), seed);
}

DataMoments data_moments(const TrainingData& data) {
  DataMoments of;
  double variance = 0.0;
  if (const auto* mixture = std::get_if<Mixture>(&data)) {
    of.mean = mixture->mean();
    variance = mixture->covariance().trace();
  } else {
    const Points& rows = std::get<Points>(data);
    check_rows(rows);
    const double count = static_cast<double>(rows.rows());
    of.mean = Eigen::VectorXd::Zero(rows.cols());
    for (Eigen::Index i = 0; i < rows.rows(); ++i) of.mean += rows.row(i).transpose();
    of.mean /= count;
    for (Eigen::Index i = 0; i < rows.rows(); ++i) {
      for (Eigen::Index j = 0; j < rows.cols(); ++j) {
        const double off = rows(i, j) - of.mean(j);
        variance += off * off / count;
      }
    }
  }
  of.scale = std::sqrt(variance / static_cast<double>(of.mean.size()));
  require(of.scale > 0.0 && std::isfinite(of.scale),
          "training: the data must have a finite variance above 0, got ", of.scale * of.scale);
  return of;
}

}  // namespace gmdiff::network
