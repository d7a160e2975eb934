#pragma once

#include "particle/elementary.hpp"
#include "particle/tape_tables.hpp"

// Evaluates the tape of an expression (mathematics.md §13.1) at one point.

namespace gmdiff::particle {

/// @tparam Work a function from the number of a work vector to the vector
template <class V, class Vector, class Work>
class Tape {
 public:
  using Real = RealOf<V>;

  /// @param time t of the expression, for all lanes
  GMDIFF_PARTICLE Tape(const TapeTable<Real>& table, Vector x, Real time, Work work)
      : table_(table), x_(x), time_(time), work_(work) {}

  /// Runs all operations. Only one worker of a team may do so.
  GMDIFF_PARTICLE void run() const {
    const TapeOperation* operations = records<TapeOperation>(table_.operations);
    for (int n = 0; n < table_.num_operations; ++n) {
      const TapeOperation& operation = operations[n];
      work_(operation.to.vector)[operation.to.coordinate] = result(operation);
    }
  }
  /// Output i of the last run. Of a value and its gradient, 0 is the value and 1 + j the derivative with
  /// respect to coordinate j.
  GMDIFF_PARTICLE V output(Index i) const { return at(records<SlotPlace>(table_.outputs)[i]); }

 private:
  GMDIFF_PARTICLE V at(SlotPlace place) const { return V(work_(place.vector)[place.coordinate]); }
  GMDIFF_PARTICLE static V number(int value) { return V(static_cast<Real>(value)); }

  GMDIFF_PARTICLE V result(const TapeOperation& operation) const {
    const auto a = [&] { return at(operation.a); };
    const auto b = [&] { return at(operation.b); };
    const V zero = number(0), one = number(1);
    switch (operation.primitive) {
      case TapePrimitive::constant:
        return V(table_.constants[operation.index]);
      case TapePrimitive::position:
        return V(x_[operation.index]);
      case TapePrimitive::time:
        return V(time_);
      case TapePrimitive::negate:
        return -a();
      case TapePrimitive::exp:
        return particle::exp(a());
      case TapePrimitive::log:
        return particle::log(a());
      case TapePrimitive::sqrt:
        return sqrt(a());
      case TapePrimitive::sine:
        return sine_cosine(a()).sine;
      case TapePrimitive::cosine:
        return sine_cosine(a()).cosine;
      case TapePrimitive::tanh:
        return particle::tanh(a());
      case TapePrimitive::abs:
        return particle::abs(a());
      case TapePrimitive::sign: {
        const V x = a();
        return select(zero < x, one, select(x < zero, -one, zero));
      }
      case TapePrimitive::sigmoid:
        return sigmoid(a());
      case TapePrimitive::softplus:
        return softplus(a());
      case TapePrimitive::add:
        return a() + b();
      case TapePrimitive::subtract:
        return a() - b();
      case TapePrimitive::multiply:
        return a() * b();
      case TapePrimitive::divide:
        return a() / b();
      case TapePrimitive::minimum:
        return smaller(a(), b());
      case TapePrimitive::maximum:
        return larger(a(), b());
      case TapePrimitive::less:
        return select(a() < b(), one, zero);
      case TapePrimitive::not_less:
        return select(a() < b(), zero, one);
      case TapePrimitive::where:
        return select(a() == zero, zero, b());
    }
    return zero;
  }

  const TapeTable<Real>& table_;
  Vector x_;
  Real time_;
  Work work_;
};

}  // namespace gmdiff::particle
