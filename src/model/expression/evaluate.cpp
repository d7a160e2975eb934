#include "model/expression/evaluate.hpp"

#include <algorithm>
#include <cmath>

namespace gmdiff::expressions {
namespace {

double sigmoid(double a) {
  const double e = std::exp(-std::abs(a));
  return (a < 0.0 ? e : 1.0) / (1.0 + e);
}

double softplus(double a) { return std::max(a, 0.0) + std::log1p(std::exp(-std::abs(a))); }

/// The result of one operation. `a` and `b` are slots, or an index in a load.
class Step {
 public:
  Step(const Tape& tape, const Inputs& inputs, const std::vector<double>& slots, const Operation& operation)
      : tape_(tape), inputs_(inputs), slots_(slots), operation_(operation) {}

  double result() const {
    switch (operation_.primitive) {
      case Primitive::constant:
        return tape_.constants[index()];
      case Primitive::position:
        return inputs_.x[index()];
      case Primitive::direction:
        return inputs_.v[index()];
      case Primitive::time:
        return inputs_.t;
      case Primitive::negate:
        return -a();
      case Primitive::exp:
        return std::exp(a());
      case Primitive::log:
        return std::log(a());
      case Primitive::sqrt:
        return std::sqrt(a());
      case Primitive::sine:
        return std::sin(a());
      case Primitive::cosine:
        return std::cos(a());
      case Primitive::tanh:
        return std::tanh(a());
      case Primitive::abs:
        return std::abs(a());
      case Primitive::sign:
        return a() > 0.0 ? 1.0 : a() < 0.0 ? -1.0 : 0.0;
      case Primitive::sigmoid:
        return sigmoid(a());
      case Primitive::softplus:
        return softplus(a());
      case Primitive::add:
        return a() + b();
      case Primitive::subtract:
        return a() - b();
      case Primitive::multiply:
        return a() * b();
      case Primitive::divide:
        return a() / b();
      case Primitive::minimum:
        return b() < a() ? b() : a();
      case Primitive::maximum:
        return a() < b() ? b() : a();
      case Primitive::less:
        return a() < b() ? 1.0 : 0.0;
      case Primitive::not_less:
        return a() < b() ? 0.0 : 1.0;
      case Primitive::where:
        return a() != 0.0 ? b() : 0.0;
    }
    return 0.0;
  }

 private:
  std::size_t index() const { return static_cast<std::size_t>(operation_.a); }
  double a() const { return slots_[static_cast<std::size_t>(operation_.a)]; }
  double b() const { return slots_[static_cast<std::size_t>(operation_.b)]; }

  const Tape& tape_;
  const Inputs& inputs_;
  const std::vector<double>& slots_;
  const Operation& operation_;
};

}  // namespace

Evaluator::Evaluator(const Tape& tape) : tape_(tape), slots_(static_cast<std::size_t>(tape.num_slots)) {}

void Evaluator::run(const Inputs& inputs) {
  for (const Operation& operation : tape_.operations) {
    slots_[static_cast<std::size_t>(operation.result)] = Step(tape_, inputs, slots_, operation).result();
  }
}

double Evaluator::output(std::size_t i) const { return slots_[static_cast<std::size_t>(tape_.outputs[i])]; }

Points outputs_at(const Tape& tape, const Points& x, const Points* v, std::size_t first, Eigen::Index count) {
  Evaluator evaluator(tape);
  Points values(x.rows(), count);
  for (Eigen::Index n = 0; n < x.rows(); ++n) {
    evaluator.run({.x = x.row(n).data(), .v = v == nullptr ? nullptr : v->row(n).data()});
    for (Eigen::Index j = 0; j < count; ++j)
      values(n, j) = evaluator.output(first + static_cast<std::size_t>(j));
  }
  return values;
}

}  // namespace gmdiff::expressions
