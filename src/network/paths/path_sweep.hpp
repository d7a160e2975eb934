#pragma once

#include <functional>
#include <memory>

#include "device/path_gradients.hpp"
#include "network/paths/path_block.hpp"

namespace gmdiff::network {

struct PathStreams;

/// How the states of paths come about.
enum class PathOrigin {
  forward,   ///< from the start law and noises
  placed,    ///< from given x_0 and noises
  backward,  ///< from x_N and noises
  given,     ///< all states are inputs
};

/// Paths of one run of a sweep, in blocks.
template <class Real>
struct PathBatch {
  Eigen::Index paths;
  PathOrigin origin = PathOrigin::forward;
  /// Writes the inputs of a block's paths first ... first + paths - 1; several threads call at once.
  std::function<void(Eigen::Index first, Eigen::Index paths, PathBlock<Real>& block)> fill;
  /// Reads a block that has run; may be empty.
  std::function<void(Eigen::Index first, Eigen::Index paths, PathBlock<Real>& block)> take = {};
};

struct PathGradient {
  Eigen::VectorXd parameters;  ///< in the order of `sampler_tensors`
  Eigen::VectorXd networks;
};

/// Many paths of a trained sampler on the threads of a pool, with gradients of its loss. The bits of all
/// results do not depend on the number of threads or on the instruction set.
template <class Real>
class PathSweep {
 public:
  /// @param target and settings must outlive the object.
  /// @param active components that take part; empty: all.
  /// @param most_kept bytes for each network and thread (path_network.hpp); the results do not depend on it.
  PathSweep(const SamplerSettings& settings, const Target& target, ThreadPool& pool,
            std::vector<Eigen::Index> active = {}, cpu::InstructionSet set = cpu::chosen_instruction_set(),
            std::uint64_t most_kept = most_kept_bytes);

  /// Other components take part from the next `assign` on.
  void activate(std::vector<Eigen::Index> active);
  void assign(const Eigen::VectorXd& parameters, const Eigen::VectorXd& networks);
  const PathModel& model() const { return *model_; }
  const PathUnit& unit() const { return unit_; }

  /// log w of each path.
  Eigen::VectorXd log_weights(const PathBatch<Real>& batch);
  /// The loss of the settings; log_w of the paths and the gradient are set.
  double loss(const PathBatch<Real>& batch, Eigen::VectorXd& log_w, PathGradient& gradient);
  /// Computes `loss` for the paths 0, 1, ... of `streams` on a device, with the same bits.
  double loss_on(PathGradients& device, const PathStreams& streams, Eigen::Index paths,
                 Eigen::VectorXd& log_w, PathGradient& gradient);

 private:
  PathBlock<Real>& block_of(int thread);
  void run_block(const PathBatch<Real>& batch, Eigen::Index number, PathBlock<Real>& block, double* log_w);
  void start_gradient(Eigen::Index blocks);
  void gather(const PathSwitches& learned, Eigen::Index paths, PathGradient& gradient);
  double elbo_loss(const PathBatch<Real>& batch, Eigen::VectorXd& log_w);
  double fixed_loss(const PathBatch<Real>& batch, Eigen::VectorXd& log_w);
  double centre_of(const Eigen::VectorXd& log_w) const;
  double value_of(const Eigen::VectorXd& log_w);
  void take_sums(const PathGradientSums& sums);

  const SamplerSettings& settings_;
  const Target& target_;
  ThreadPool& pool_;
  std::vector<Eigen::Index> active_;
  std::uint64_t most_kept_;
  PathUnit unit_;
  std::unique_ptr<PathModel> model_;
  std::unique_ptr<PathNetwork<Real>> forward_net_, backward_net_;
  std::vector<std::unique_ptr<PathBlock<Real>>> of_thread_;  ///< created when a thread first needs it
  std::vector<std::vector<double>> sums_;                    ///< of the blocks
  double of_log_z_ = 0.0;                                    ///< gradient with respect to z
};

}  // namespace gmdiff::network
