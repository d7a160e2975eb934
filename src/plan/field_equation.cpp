#include "plan/equation.hpp"

namespace gmdiff::schemes {
namespace {

class FieldEquation final : public Equation {
 public:
  FieldEquation(Stages& stages, const DynamicsFields& fields)
      : fields_(fields), mu_(stages.add_field(fields.drift)) {
    if (fields.field() != nullptr) S_ = stages.add_field(*fields.field());
  }

  bool repeats() const override { return true; }
  ExtendedTerms drift(Stages& stages, long double offset, int from, int to) override {
    stages.evaluate(mu_, offset, from, to);
    return {{to, 1.0L}};
  }
  std::optional<long double> amplitude(const Stages& /*stages*/, long double /*offset*/) const override {
    if (const double* sigma = fields_.number()) return static_cast<long double>(*sigma);
    return {};
  }
  const VectorField* multiplicative_noise() const override {
    return fields_.is_additive() ? nullptr : fields_.field();
  }
  void prepare_noise(Stages& stages, long double offset, int room) override {
    stages.evaluate(S_, offset, state, room);
  }
  void multiply_by_noise(Stages& stages, int room, int v, int to) override { stages.multiply(to, room, v); }
  void draw_mean_noise(Stages& stages, long double h) override {
    const auto half = static_cast<double>(0.5L * h);
    const int square_root = stages.add_field(elementwise("sqrt", fields_.drift.dim()));
    prepare_noise(stages, 0.0L, PathVector::amplitude);
    prepare_noise(stages, 1.0L, later_amplitude);
    stages.multiply(PathVector::amplitude, PathVector::amplitude, PathVector::amplitude);
    stages.multiply(later_amplitude, later_amplitude, later_amplitude);
    stages.combine(PathVector::amplitude, {{PathVector::amplitude, half}, {later_amplitude, half}});
    stages.evaluate(square_root, 0.0L, PathVector::amplitude, PathVector::amplitude);
    stages.draw(normal);
    stages.multiply(normal, PathVector::amplitude, normal);
  }

 private:
  const DynamicsFields& fields_;
  int mu_, S_ = -1;
};

}  // namespace

std::unique_ptr<Equation> field_equation(Stages& stages, const DynamicsFields& fields) {
  return std::make_unique<FieldEquation>(stages, fields);
}

}  // namespace gmdiff::schemes
