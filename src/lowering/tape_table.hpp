#pragma once

#include "lowering/table_builder.hpp"
#include "model/expression/tape.hpp"
#include "particle/tape_tables.hpp"

namespace gmdiff::particle {

/// Table of a tape in dimension `dim`, with its arrays in `arena`: slot s is coordinate
/// s mod dim of work vector s / dim.
template <class Real>
TapeTable<Real> tape_table(const expressions::Tape& tape, Index dim, Arena<Real>& arena);

/// Number of numbers in the arrays of the table.
template <class Real>
std::size_t tape_numbers(const expressions::Tape& tape);

}  // namespace gmdiff::particle
