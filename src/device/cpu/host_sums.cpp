#include "device/cpu/host_sums.hpp"

#include <utility>

#include "device/cpu/law_slices.hpp"
#include "device/cpu/pairwise.hpp"
#include "device/cpu/slices.hpp"

namespace gmdiff {
namespace {

double distances(const PairTerm& /*term*/, const Eigen::Ref<const Eigen::ArrayXd>& squares) {
  return squares.sqrt().sum();
}
double kernels(const PairTerm& term, const Eigen::Ref<const Eigen::ArrayXd>& squares) {
  return (term.rate * squares).exp().sum();
}

class HostSums final : public DistanceSums {
 public:
  explicit HostSums(std::shared_ptr<ThreadPool> pool) : pool_(std::move(pool)) {}

  Eigen::VectorXd slices(const Points& x, const Points& y, const Points& directions, int p) const override {
    return host_slices(x, y, directions, p, *pool_);
  }

  Eigen::VectorXd law_slices(const Points& x, const Eigen::VectorXd& weights, const LineLaws& laws,
                             const Points& directions, int p) const override {
    return host_law_slices(x, weights, laws, directions, p, *pool_);
  }

  long double sum_cross(const Points& x, const Points& y, const PairTerm& term) const override {
    const auto sum = term.is_kernel ? kernels : distances;
    return PairTiles(y, *pool_).sum_cross(x, [&](const auto& squares) { return sum(term, squares); });
  }

  long double sum_pairs(const Points& x, const PairTerm& term) const override {
    const auto sum = term.is_kernel ? kernels : distances;
    return PairTiles(x, *pool_).sum_pairs(x, [&](const auto& squares) { return sum(term, squares); });
  }

 private:
  std::shared_ptr<ThreadPool> pool_;
};

}  // namespace

std::unique_ptr<DistanceSums> make_host_sums(std::shared_ptr<ThreadPool> pool) {
  return std::make_unique<HostSums>(std::move(pool));
}

}  // namespace gmdiff
