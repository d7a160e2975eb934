#pragma once

#include <span>
#include <string>
#include <vector>

#include <gmdiff/device/smc.hpp>
#include <gmdiff/sampler/smc.hpp>

// What the chains of one problem say of themselves (mathematics.md §7.7).

namespace gmdiff {

/// Standard deviation of the chains' log-evidences, n - 1 in the denominator; NaN of a single chain.
double log_evidence_sd(std::span<const double> log_evidence);

/// Warnings where the weights of most chains collapse, and where the chains' evidences disagree so much that their mean tells nothing.
/// @param particles of a chain
std::vector<std::string> chain_warnings(const ChainReport& chains, std::int64_t particles);

/// Chains [first, first + count).
ChainReport part_of(const ChainReport& chains, std::size_t first, std::size_t count);
/// Appends the chains of `more`.
void append(ChainReport& chains, const ChainReport& more);

}  // namespace gmdiff
