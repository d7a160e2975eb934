#include <gmdiff/device/session.hpp>

#include <unistd.h>

#include <mutex>
#include <vector>

#include "device/distance_sums.hpp"
#include "device/executor.hpp"

namespace gmdiff {

class Session::Resources {
 public:
  explicit Resources(const Device& device) : device_(device), executor_(make_executor(device)) {}

  const Device& device() const { return device_; }
  const Executor& executor() const { return *executor_; }
  const DistanceSums& sums() const {
    std::call_once(has_sums_, [this] { sums_ = executor_->sums(); });
    return *sums_;
  }

  /// In a child process after `fork` the threads do not exist, so waiting for their end would never return.
  /// The child leaves such resources as they are and keeps their addresses, so that leak checkers see that
  /// this is intended.
  struct End {
    pid_t process = getpid();
    void operator()(const Resources* resources) const {
      if (getpid() == process) {
        delete resources;
      } else {
        static auto* const left = new std::vector<const Resources*>;
        left->push_back(resources);
      }
    }
  };

 private:
  Device device_;
  std::unique_ptr<Executor> executor_;
  mutable std::once_flag has_sums_;
  mutable std::unique_ptr<DistanceSums> sums_;
};

Session::Session(const Device& device) : resources_(new Resources(device), Resources::End{}) {}

const Device& Session::device() const { return resources_->device(); }
const Executor& Session::executor() const { return resources_->executor(); }
const DistanceSums& Session::sums() const { return resources_->sums(); }

Samples Session::run(const Plan& plan, const Options& options) const {
  return gmdiff::run(plan, options, 0, executor());
}

SmcSamples Session::run(std::span<const SmcPlan> plans, const Options& options) const {
  return gmdiff::run(plans, options, executor());
}

SmcSamples Session::run(const SmcPlan& plan, const Options& options) const {
  return run(std::span(&plan, 1), options);
}

PathSamples Session::run(const PathPlan& plan, const Options& options) const {
  return gmdiff::run(plan, options, executor());
}

Evaluation Session::evaluate(const Mixture& mixture, const Points& x, Level level,
                             const EvaluateOptions& options) const {
  return gmdiff::evaluate(mixture, x, level, options, executor());
}

}  // namespace gmdiff
