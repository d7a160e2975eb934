#include "device/cuda/path_gradients.hpp"

#include <optional>

#include "base/check.hpp"
#include "device/cuda/path_batch.hpp"
#include "device/cuda/path_target.hpp"

namespace gmdiff::cuda {
namespace {

using kernels::AdjointJob;
using kernels::Index;
using kernels::PathJob;

template <class Real>
class GpuPathGradients final : public PathGradients {
 public:
  GpuPathGradients(Gpu& gpu, std::string name, ThreadPool& pool)
      : gpu_(gpu), name_(std::move(name)), pool_(pool) {}

  Eigen::VectorXd forward(const PathTables& tables, const PathStarts& starts, const StepNoise& noise,
                          const PathGradientParts& parts) override {
    tables_.emplace(tables);
    parts_ = parts;
    memory_.assign(gpu_, tables);
    job_ = memory_.job();
    job_.seed = noise.seed;
    job_.replicate = noise.replicate;
    job_.count = starts.x.rows();
    batch_.allocate(gpu_, name_, sizes());
    job_.room = batch_.room.data();
    job_.history = batch_.history();
    begin(starts);
    return run_forward();
  }

  PathGradientSums backward(const std::vector<double>& factor) override {
    if (!factor.empty()) batch_.factor.upload(factor.data());
    AdjointJob<Real> job = adjoint_job();
    if (parts_.has_hessian) find_last_cotangents(job);
    for (Index n = steps(), window = n; n >= 0; n = job.path.last_state - 1) {
      if (parts_.has_hessian) upload_hessian_product(job, n);
      job.record_state = window;
      job.path.first_state = n;
      job.path.last_state = parts_.has_hessian ? n : std::max<Index>(window - batch_.slots() + 1, 0);
      job.cotangents = parts_.has_hessian && n > 0 ? batch_.cotangents.data() : nullptr;
      gpu_.launch(job);
      const Index next = job.path.last_state - 1;
      if (next >= 0 && window - next < batch_.slots()) continue;
      add_networks(window, next + 1);
      window = next;
    }
    return gather();
  }

 private:
  Index steps() const { return tables_->steps; }
  Index dim() const { return tables_->dim; }
  bool needs_target_score() const { return tables_->needs_target_score(); }

  BatchSizes sizes() const {
    const kernels::PathNetwork<Real>& network = job_.forward.exists() ? job_.forward : job_.backward;
    AdjointJob<Real> adjoint{};
    adjoint.path = job_;
    const std::size_t room_bytes = std::max(kernels::geometry(job_, gpu_.limits()).room_bytes,
                                            kernels::geometry(adjoint, gpu_.limits()).room_bytes);
    BatchSizes sizes{.count = job_.count,
                     .dim = dim(),
                     .components = tables_->components,
                     .steps = steps(),
                     .needs_target_score = needs_target_score(),
                     .has_mixture = parts_.has_mixture,
                     .has_beta = parts_.has_beta,
                     .networks = (job_.forward.exists() ? 1 : 0) + (job_.backward.exists() ? 1 : 0),
                     .states = 0,
                     .width = 0,
                     .outputs = 0,
                     .record_rows = 0,
                     .scale_rows = 0,
                     .room_bytes = room_bytes};
    if (sizes.networks == 0) return sizes;
    sizes.states = kernels::state_size(network.table);
    sizes.width = network.table.width;
    sizes.outputs = network.table.output_width;
    sizes.record_rows = 2 * (network.table.layers * network.table.hidden + dim());
    sizes.scale_rows = network.scale == nullptr ? 0 : dim();
    return sizes;
  }

  // --- forward --------------------------------------------------------------------------------------------

  void begin(const PathStarts& starts) {
    upload_points(gpu_, batch_.x.data(), starts.x);
    upload_points(gpu_, batch_.start_noise.data(), starts.noise);
    batch_.component.upload(starts.component.data());
  }

  Eigen::VectorXd run_forward() {
    PathJob<Real> job = job_;
    job.geometry = kernels::geometry(job, gpu_.limits());
    job.x = batch_.x.data();
    job.F = batch_.F.data();
    job.q = batch_.q.data();
    job.log_p0 = batch_.log_p0.data();
    job.log_ratio = batch_.log_ratio.data();
    Eigen::VectorXd log_rho(job.count);
    for (Index n = 0; n <= steps(); n = job.last_state + 1) {
      if (n == steps() || needs_target_score()) {
        const Points x = download_points(gpu_, batch_.x.data(), job.count, dim());
        upload_points(gpu_, batch_.score(n),
                      target_scores(tables_->target, pool_, x, 0, n == steps() ? &log_rho : nullptr));
      }
      job.target_score = batch_.score(n);
      job.first_state = n;
      job.last_state = n == steps() || needs_target_score() ? n : steps() - 1;
      gpu_.launch(job);
    }
    Eigen::VectorXd log_p0(job.count), log_ratio(job.count), log_w(job.count);
    batch_.log_p0.download(log_p0.data());
    batch_.log_ratio.download(log_ratio.data());
    for (Index p = 0; p < log_w.size(); ++p) log_w(p) = log_rho(p) - log_p0(p) + log_ratio(p);
    return log_w;
  }

  // --- backward -------------------------------------------------------------------------------------------

  AdjointJob<Real> adjoint_job() {
    AdjointJob<Real> job{.path = job_,
                         .through_path = parts_.through_path,
                         .has_mixture = parts_.has_mixture,
                         .has_eta = parts_.has_eta,
                         .has_beta = parts_.has_beta,
                         .factor = batch_.factor.data(),
                         .target_scores = needs_target_score() ? batch_.scores.data() : nullptr,
                         .last_score = batch_.score(steps()),
                         .hessian_product = nullptr,
                         .cotangents = nullptr,
                         .lambda = batch_.lambda.data(),
                         .mixture_sums = batch_.mixture_rows.data(),
                         .beta_terms = batch_.beta_rows.data(),
                         .start_noise = batch_.start_noise.data(),
                         .component = batch_.component.data(),
                         .forward = record(job_.forward, 0),
                         .backward = record(job_.backward, job_.forward.exists() ? 1 : 0),
                         .record_state = 0};
    job.path.geometry = kernels::geometry(job, gpu_.limits());
    return job;
  }
  /// @param number of the network among those that the sampler has
  kernels::NetworkRecord<Real> record(const kernels::PathNetwork<Real>& network, std::size_t number) {
    if (!network.exists()) return {};
    const NetworkBatch<Real>& batch = batch_.networks[number];
    return {.dim = dim(),
            .hidden = network.table.hidden,
            .layers = network.table.layers,
            .count = job_.count,
            .numbers = batch.record.data(),
            .scale_terms = batch.scale_terms.data()};
  }

  void find_last_cotangents(AdjointJob<Real> job) {
    job.path.first_state = steps();
    job.path.last_state = steps() + 1;
    job.cotangents = batch_.cotangents.data();
    gpu_.launch(job);
  }
  /// beta_n H_rho q at state n, for the cotangent q of the drift.
  void upload_hessian_product(AdjointJob<Real>& job, Index n) {
    const double factor = tables_->has_mixture_score ? tables_->beta[static_cast<std::size_t>(n)] : 1.0;
    const double* const x = batch_.x_history.data() + n * dim() * job_.count;
    const Points product =
        hessian_products(tables_->target, pool_, download_points(gpu_, x, job_.count, dim()), factor,
                         download_points(gpu_, batch_.cotangents.data(), job_.count, dim()));
    upload_points(gpu_, batch_.product.data(), product);
    job.hessian_product = batch_.product.data();
  }

  /// The sums of both networks over the states `high` ... `low`, whose records are held.
  void add_networks(Index high, Index low) {
    std::size_t number = 0;
    if (job_.forward.exists()) add_network(job_.forward, number++, high, low, true, job_.mirrored);
    if (job_.backward.exists()) add_network(job_.backward, number, high, low, false, true);
  }
  void add_network(const kernels::PathNetwork<Real>& network, std::size_t number, Index high, Index low,
                   bool at_start, bool at_end) {
    const NetworkBatch<Real>& batch = batch_.networks[number];
    kernels::NetworkSumsJob<Real> job{.network = network.table,
                                      .record = record(network, number),
                                      .steps = steps(),
                                      .first_state = high,
                                      .last_state = low,
                                      .at_start = at_start,
                                      .at_end = at_end,
                                      .states = batch.states.data(),
                                      .table = batch.table.data(),
                                      .scale = batch.scale.data(),
                                      .geometry = {}};
    job.geometry = kernels::geometry(job, gpu_.limits());
    gpu_.launch(job);
  }

  // --- the sums of all paths ------------------------------------------------------------------------------

  /// Adds up the blocks of sums, and before that the rows of each block unless there are none.
  template <class T>
  std::vector<T> added(const Buffer<T>& sums, const T* rows) {
    if (sums.size() == 0) return {};
    const std::int64_t blocks = kernels::blocks_of_sums(job_.count);
    kernels::TreeJob<T> job{.rows = rows,
                            .count = job_.count,
                            .sums = sums.data(),
                            .size = static_cast<Index>(sums.size()) / blocks,
                            .blocks = blocks,
                            .geometry = {}};
    job.geometry = kernels::geometry(job, gpu_.limits());
    gpu_.launch(job);
    std::vector<T> result(static_cast<std::size_t>(job.size));
    gpu_.download(result.data(), sums.data(), result.size() * sizeof(T));
    return result;
  }

  PathGradientSums gather() {
    PathGradientSums result;
    result.mixture = added<double>(batch_.mixture_sums, batch_.mixture_rows.data());
    if (parts_.has_eta) result.eta = added<double>(batch_.eta_sums, batch_.F_history.data());
    result.beta = added<double>(batch_.beta_sums, batch_.beta_rows.data());
    std::vector<NetworkGradientSums<Real>> networks;
    networks.reserve(batch_.networks.size());
    for (const NetworkBatch<Real>& of : batch_.networks)
      networks.push_back({.states = added<Real>(of.states, nullptr),
                          .table = added<Real>(of.table, nullptr),
                          .scale = added<Real>(of.scale, nullptr)});
    result.networks = std::move(networks);
    return result;
  }

  Gpu& gpu_;
  std::string name_;
  ThreadPool& pool_;
  std::optional<PathTables> tables_;
  PathGradientParts parts_{};
  PathMemory<Real> memory_;
  PathBatchMemory<Real> batch_;
  PathJob<Real> job_{};
};

}  // namespace

std::unique_ptr<PathGradients> path_gradients_on(Gpu& gpu, const std::string& name, ThreadPool& pool,
                                                 Precision precision) {
  switch (precision) {
    case Precision::f32:
      return std::make_unique<GpuPathGradients<float>>(gpu, name, pool);
    case Precision::f64:
      return std::make_unique<GpuPathGradients<double>>(gpu, name, pool);
  }
  fail("paths: unknown precision");
}

}  // namespace gmdiff::cuda
