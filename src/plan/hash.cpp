#include "plan/hash.hpp"

#include <span>
#include <type_traits>

#include "model/expression/tape.hpp"
#include "plan/custom_denoiser.hpp"
#include "plan/tables.hpp"

namespace gmdiff {
namespace {

/// Functions are known by their names alone.
void add_id(Hash& hash, const std::string& id) {
  for (const char letter : id) hash.add_size(letter);
}

void add(Hash& hash, const AffineStep& step) {
  hash.add_size(step.evaluations);
  for (const double value :
       {step.c_x, step.c_n, step.p_x, step.p_1, step.a, step.b_1, step.b_2, step.b_p, step.e})
    hash.add(value);
  hash.add(step.level1);
  hash.add(step.level2);
}

void add(Hash& hash, const MixtureTransition& step) {
  hash.add(step.t);
  hash.add(step.s);
  hash.add(step.alpha_ts);
  hash.add(step.sigma_ts);
}

void add(Hash& hash, const Evaluate& stage) {
  hash.add_size(stage.denoiser);
  hash.add(stage.level);
  hash.add_size(stage.from);
  hash.add_size(stage.to);
  // Plans without derivatives keep the hashes that they had before there were any.
  if (stage.cotangent > 0) hash.add_size(stage.cotangent);
}

void add(Hash& hash, const Combine& stage) {
  hash.add_size(stage.to);
  hash.add_size(stage.terms.size());
  for (const Term& term : stage.terms) {
    hash.add_size(term.vector);
    hash.add(term.factor);
    // Plans of given steps keep the hashes that they had before chains adapted theirs.
    if (term.of_step != StepFactor::none) hash.add_size(term.of_step);
  }
  hash.add(stage.noise);
  if (stage.noise_of_step != StepFactor::none) hash.add_size(stage.noise_of_step);
  hash.add_size(stage.stream);
  // Plans without several draws keep the hashes that they had before there were any.
  if (stage.draws != 1) {
    hash.add_size(stage.draws);
    hash.add_size(stage.draw);
  }
  if (stage.threshold != 0) hash.add_size(stage.threshold);
}

void add(Hash& hash, const Transition& stage) {
  hash.add(stage.t);
  hash.add(stage.s);
  hash.add(stage.alpha_ts);
  hash.add(stage.sigma_ts);
  hash.add_size(stage.from);
  hash.add_size(stage.to);
}

void add(Hash& hash, const Guide& stage) {
  hash.add(stage.level);
  for (const int vector : {stage.from, stage.denoised, stage.to}) hash.add_size(vector);
  hash.add_size(stage.weight);
  hash.add(stage.variance);
  hash.add(stage.epsilon);
  hash.add_size(stage.directions);
  hash.add_size(stage.has_covariance);
  // Plans without products keep the hashes that they had before there were any.
  if (stage.row != 0) hash.add_size(stage.row);
  if (stage.products != 0) hash.add_size(stage.products);
}

void add(Hash& hash, const EvaluateTarget& stage) {
  hash.add_size(stage.from);
  hash.add_size(stage.to);
  hash.add_size(stage.is_proposal);
}

void add(Hash& hash, const Product& stage) {
  // Plans with one matrix keep the hashes that they had before there were several.
  if (stage.matrix != 0) hash.add_size(stage.matrix);
  hash.add_size(stage.from);
  hash.add_size(stage.to);
  hash.add_size(stage.transposed);
}

void add(Hash& hash, const Accept& stage) {
  hash.add_size(stage.ratio);
  for (const int vector :
       {stage.to, stage.proposal, stage.gradient, stage.proposed_gradient, stage.before, stage.after})
    hash.add_size(vector);
  hash.add(stage.factor);
  hash.add_size(stage.moves == Accept::Moves::always);
  hash.add(stage.counted_from);
  // Plans of given steps keep the hashes that they had before chains adapted theirs.
  const bool is_trial = stage.moves == Accept::Moves::never;
  if (stage.of_step || is_trial || stage.adapts) {
    for (const bool flag : {stage.of_step, is_trial, stage.adapts}) hash.add_size(flag);
  }
}

void add(Hash& hash, const Adapt& stage) {
  hash.add_size(stage.rule);
  hash.add(stage.target);
  for (const std::uint64_t number : {stage.first, stage.last}) hash.add(number);
}

void add(Hash& hash, const EvaluateField& stage) {
  for (const int number : {stage.field, stage.times, stage.from, stage.to}) hash.add_size(number);
}

void add(Hash& hash, const Accumulate& stage) {
  for (const std::uint64_t number : {stage.counted_from, stage.batched_from, stage.batch}) hash.add(number);
  hash.add_size(stage.has_covariance);
}

void add(Hash& hash, const Multiply& stage) {
  for (const int vector : {stage.to, stage.a, stage.b}) hash.add_size(vector);
}

void add(Hash& hash, const Proximal& stage) {
  hash.add_size(stage.map);
  hash.add(stage.strength);
  for (const int vector : {stage.from, stage.to}) hash.add_size(vector);
}

/// The operations, which equal texts share, however they are spaced.
void add(Hash& hash, const expressions::Tape& tape) {
  for (const expressions::Operation& operation : tape.operations) {
    hash.add_size(operation.primitive);
    for (const int place : {operation.result, operation.a, operation.b}) hash.add_size(place);
  }
  for (const double constant : tape.constants) hash.add(constant);
  for (const int output : tape.outputs) hash.add_size(output);
}

}  // namespace

void add(Hash& hash, const Program& program) {
  if (program.repeats != 1) hash.add_size(-program.repeats);  // no number of stages
  hash.add_size(program.stages.size());
  for (const Stage& stage : program.stages) {
    hash.add_size(stage.index());
    std::visit([&](const auto& alternative) { add(hash, alternative); }, stage);
  }
}

void add(Hash& hash, const GuidanceTable& table) {
  hash.add(table.A);
  hash.add(table.y);
  hash.add(table.singular_values);
  hash.add(table.noise_variance);
  hash.add(table.unexplained);
  // Linear observations keep the hashes that they had before there were others.
  if (table.map) add(hash, *table.map);
}

void add(Hash& hash, const MapRows& rows) { add(hash, rows.tape()); }

void add(Hash& hash, const Denoiser& denoiser) {
  hash.add_size(denoiser.index());
  add_id(hash, id_of(denoiser));
}

namespace {

void add_numbers(Hash& hash, const SinGaussian& target) {
  for (const double value : {target.amplitude, target.phase, target.frequency}) hash.add(value);
  hash.add_size(target.dim);
}
void add_numbers(Hash& hash, const Banana& target) {
  for (const double value : {target.scale, target.curvature}) hash.add(value);
  hash.add_size(target.dim);
}
void add_numbers(Hash& hash, const Funnel& target) {
  hash.add(target.scale);
  hash.add_size(target.dim);
}
void add_numbers(Hash& hash, const ManyWell& target) {
  hash.add_size(target.wells);
  hash.add(target.delta);
  hash.add_size(target.dim);
}
void add_numbers(Hash& hash, const CustomTarget& target) {
  hash.add_size(target.dim);
  add_id(hash, target.id);
}
void add_numbers(Hash& hash, const Logistic& target) {
  hash.add(target.data);
  hash.add(target.labels);
  hash.add(target.prior_std);
}

/// The plan's mixture table is the prior of an observed mixture.
void add_prior(Hash& /*hash*/, const ObservedMixture& /*target*/) {}
void add_prior(Hash& hash, const Regularised& target) {
  const SparsePrior& prior = target.prior;
  hash.add(prior.weight);
  hash.add_size(prior.analysis);
  for (const int length : prior.shape) hash.add_size(length);
  hash.add(prior.matrix);
  hash.add_size(prior.smoothing);
  if (prior.width) hash.add(*prior.width);
}

/// A target whose observation has a map that is a function, which is known by its id alone.
void add_called(Hash& hash, const auto& target) {
  const NonlinearObservation& observation = target.observation;
  hash.add_size(-observation.dim());  // no operation of a tape
  add_id(hash, observation.custom()->id);
  hash.add(observation.y());
  hash.add(observation.noise_covariance());
  add_prior(hash, target);
}

}  // namespace

void add(Hash& hash, const Target& target) {
  hash.add_size(target.description().index());
  std::visit(
      [&]<class T>(const T& description) {
        if constexpr (std::is_same_v<T, ExpressionTarget> || std::is_same_v<T, StudentTMixture> ||
                      std::is_same_v<T, Seeds> || std::is_same_v<T, Brownian>) {
          // The value and its gradient; the rest of l follows from the numbers of the tape.
          hash.add_size(target.dim());
          add(hash, target.tapes()->value_and_gradient);
        } else if constexpr (std::is_same_v<T, ObservedMixture> || std::is_same_v<T, Regularised>) {
          // The plan's mixture table is the prior of an observed mixture.
          if (target.calls_functions()) {
            add_called(hash, description);
          } else {
            add(hash, target.tapes()->value_and_gradient);
          }
          hash.add(description.observation.log_constant());
        } else {
          add_numbers(hash, description);
        }
      },
      target.description());
}

void add_with_prior(Hash& hash, const Target& target) {
  add(hash, target);
  if (const ObservedMixture* const observed = target.observed())
    add(hash, mixture_tables(std::span(&observed->prior, 1)).front());
}

void add(Hash& hash, const VectorField& field) {
  const CustomField* const function = field.custom();
  if (function == nullptr) return add(hash, field.tape());
  hash.add_size(-function->dim);  // no operation of a tape
  add_id(hash, function->id);
}

void add(Hash& hash, const Step& step) {
  hash.add_size(step.index());
  std::visit([&](const auto& alternative) { add(hash, alternative); }, step);
}

void add(Hash& hash, const MixtureTable& table) {
  hash.add_size(table.structure);
  hash.add(table.log_weights);
  for (const std::uint64_t threshold : table.thresholds) hash.add(threshold);
  hash.add(table.means);
  hash.add(table.eigenvalues);
  hash.add_size(table.bases.size());
  for (const Eigen::MatrixXd& basis : table.bases) hash.add(basis);
  hash.add_size(table.covariances.size());
  for (const Eigen::MatrixXd& covariance : table.covariances) hash.add(covariance);
}

}  // namespace gmdiff
