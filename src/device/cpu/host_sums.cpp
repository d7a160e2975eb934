#include "device/cpu/pairwise.hpp"
#include "device/cpu/slices.hpp"
#include "device/distance_sums.hpp"
#include "device/executor.hpp"

namespace gmdiff {
namespace {

double distances(const PairTerm& /*term*/, const Eigen::Ref<const Eigen::ArrayXd>& squares) { return squares.sqrt().sum(); }
double kernels(const PairTerm& term, const Eigen::Ref<const Eigen::ArrayXd>& squares) { return (term.rate * squares).exp().sum(); }

class HostSums final : public DistanceSums {
 public:
  explicit HostSums(int threads) : threads_(threads) {}

  Eigen::VectorXd slices(const Points& x, const Points& y, const Points& directions, int p) const override {
    return host_slices(x, y, directions, p, threads_);
  }

  long double sum_cross(const Points& x, const Points& y, const PairTerm& term) const override {
    const auto sum = term.is_kernel ? kernels : distances;
    return PairTiles(y, threads_).sum_cross(x, [&](const auto& squares) { return sum(term, squares); });
  }

  long double sum_pairs(const Points& x, const PairTerm& term) const override {
    const auto sum = term.is_kernel ? kernels : distances;
    return PairTiles(x, threads_).sum_pairs(x, [&](const auto& squares) { return sum(term, squares); });
  }

 private:
  int threads_;
};

}  // namespace

std::unique_ptr<DistanceSums> make_distance_sums(const Device& device) {
  check_number(device);
  if (device.kind() == Device::Kind::cuda) return make_cuda_distance_sums(device);
  const bool is_told = device.kind() == Device::Kind::cpu && device.number() > 0;
  return std::make_unique<HostSums>(is_told ? device.number() : all_threads());
}

}  // namespace gmdiff
