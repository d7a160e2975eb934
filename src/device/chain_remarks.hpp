#pragma once

#include <span>
#include <string>
#include <vector>

#include <gmdiff/device/smc.hpp>
#include <gmdiff/sampler/smc.hpp>

// Diagnostics of the chains of one problem (mathematics.md §7.7).

namespace gmdiff {

/// Standard deviation of the chains' log-evidences, with n - 1 in the denominator; NaN for a single chain.
double log_evidence_sd(std::span<const double> log_evidence);

/// Warns if the weights of most chains collapse, and if the chains' evidences disagree so much that their
/// mean is meaningless.
/// @param particles number of particles of a chain
std::vector<std::string> chain_warnings(const ChainReport& chains, std::int64_t particles);

/// The reports of chains [first, first + count).
ChainReport part_of(const ChainReport& chains, std::size_t first, std::size_t count);
/// Appends the reports of `more`.
void append(ChainReport& chains, const ChainReport& more);

}  // namespace gmdiff
