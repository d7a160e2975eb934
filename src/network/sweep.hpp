#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "network/state_block.hpp"
#include "network/time_table.hpp"

namespace gmdiff::network {

/// Many rows through a network, forward and backward, on the threads of a pool. The bits of all results do
/// not depend on the number of threads or on the instruction set.
template <class Real>
class Sweep {
 public:
  using Block = StateBlock<Real>;
  /// Called for the rows [first, first + rows) of one block; several threads call at once.
  using Body = std::function<void(Eigen::Index first, Eigen::Index rows, Block& block)>;

  /// @param frequencies w_j (hidden) of the time encoder.
  Sweep(const Weights<Real>& weights, const Eigen::VectorXd& frequencies, Real bound, ThreadPool& pool,
        cpu::InstructionSet set = cpu::chosen_instruction_set());

  /// Computes the time table T of the current weights. @param phases p_j (hidden) in double.
  void tabulate(const std::vector<double>& times, const Eigen::VectorXd& phases) {
    table_.tabulate(times, phases);
  }

  struct Bodies {
    Body fill;                 ///< writes `input` of the rows
    Body take;                 ///< reads `output`; with a backward pass writes `cotangent`
    Body take_input_gradient;  ///< reads `input_cotangent`; may be empty
    Body take_tangent = {};    ///< reads `output_tangent`, where `take` writes `tangent`; may be empty
  };
  /// @param time for each row its row of the time table.
  /// @param gradient null: no gradient of the parameters; otherwise set to dL/dparameters.
  void run(const std::vector<int>& time, const Bodies& bodies, Eigen::VectorXd* gradient);

 private:
  void take_block(int thread, Eigen::Index block, const std::vector<int>& time, const Bodies& bodies,
                  bool has_gradient);
  void sum_times(const std::vector<int>& time);
  Block& block_of(int thread);

  const Weights<Real>& weights_;
  DenseUnit<Real> unit_;
  Real bound_;
  ThreadPool& pool_;
  TimeTable<Real> table_;
  std::vector<Real> of_T_;                          ///< dL/dT, (times, width)
  std::vector<Real> of_rows_;                       ///< dL/dT of each row, (rows, width)
  std::vector<std::unique_ptr<Block>> of_thread_;   ///< created when a thread first needs it
  std::vector<std::vector<Real>> state_gradients_;  ///< of the blocks
};

}  // namespace gmdiff::network
