#include "lowering/tape_table.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/check.hpp"

namespace gmdiff::particle {
namespace {

using expressions::Operation;
using expressions::Primitive;

TapePrimitive lowered(Primitive primitive) {
  switch (primitive) {
    case Primitive::constant:
      return TapePrimitive::constant;
    case Primitive::position:
      return TapePrimitive::position;
    case Primitive::negate:
      return TapePrimitive::negate;
    case Primitive::exp:
      return TapePrimitive::exp;
    case Primitive::log:
      return TapePrimitive::log;
    case Primitive::sqrt:
      return TapePrimitive::sqrt;
    case Primitive::sine:
      return TapePrimitive::sine;
    case Primitive::cosine:
      return TapePrimitive::cosine;
    case Primitive::tanh:
      return TapePrimitive::tanh;
    case Primitive::abs:
      return TapePrimitive::abs;
    case Primitive::sign:
      return TapePrimitive::sign;
    case Primitive::sigmoid:
      return TapePrimitive::sigmoid;
    case Primitive::softplus:
      return TapePrimitive::softplus;
    case Primitive::add:
      return TapePrimitive::add;
    case Primitive::subtract:
      return TapePrimitive::subtract;
    case Primitive::multiply:
      return TapePrimitive::multiply;
    case Primitive::divide:
      return TapePrimitive::divide;
    case Primitive::minimum:
      return TapePrimitive::minimum;
    case Primitive::maximum:
      return TapePrimitive::maximum;
    case Primitive::less:
      return TapePrimitive::less;
    case Primitive::not_less:
      return TapePrimitive::not_less;
    case Primitive::where:
      return TapePrimitive::where;
    case Primitive::time:
      return TapePrimitive::time;
    case Primitive::direction:
      break;
  }
  fail("lowering: the tapes of devices read no direction");
}

/// Numbers that hold n records of type T.
template <class Real, class T>
std::size_t numbers_for(std::size_t n) {
  return (n * sizeof(T) + sizeof(Real) - 1) / sizeof(Real);
}

template <class Real, class T>
const Real* stored(const std::vector<T>& records, Arena<Real>& arena) {
  Real* numbers = arena.allocate(numbers_for<Real, T>(records.size()));
  std::memcpy(numbers, records.data(), records.size() * sizeof(T));
  return numbers;
}

}  // namespace

template <class Real>
TapeTable<Real> tape_table(const expressions::Tape& tape, Index dim, Arena<Real>& arena) {
  const auto place = [d = static_cast<int>(dim)](int slot) { return SlotPlace{slot / d, slot % d}; };
  std::vector<TapeOperation> operations;
  for (const Operation& operation : tape.operations) {
    const int operands = arity(operation.primitive);
    operations.push_back({.primitive = lowered(operation.primitive),
                          .index = operands == 0 ? operation.a : 0,
                          .to = place(operation.result),
                          .a = place(operands > 0 ? operation.a : 0),
                          .b = place(operands > 1 ? operation.b : 0)});
  }
  std::vector<SlotPlace> outputs;
  for (const int slot : tape.outputs) outputs.push_back(place(slot));
  Real* constants = arena.allocate(tape.constants.size());
  std::transform(tape.constants.begin(), tape.constants.end(), constants,
                 [](double value) { return static_cast<Real>(value); });
  return {.num_operations = static_cast<int>(operations.size()),
          .operations = stored(operations, arena),
          .constants = constants,
          .outputs = stored(outputs, arena)};
}

template <class Real>
std::size_t tape_numbers(const expressions::Tape& tape) {
  return numbers_for<Real, TapeOperation>(tape.operations.size()) + tape.constants.size() +
         numbers_for<Real, SlotPlace>(tape.outputs.size());
}

template TapeTable<float> tape_table(const expressions::Tape&, Index, Arena<float>&);
template TapeTable<double> tape_table(const expressions::Tape&, Index, Arena<double>&);
template std::size_t tape_numbers<float>(const expressions::Tape&);
template std::size_t tape_numbers<double>(const expressions::Tape&);

}  // namespace gmdiff::particle
