#include "cli/chain_flags.hpp"

#include <filesystem>

#include <gmdiff/model/expression.hpp>

#include "base/check.hpp"
#include "plan/program.hpp"
#include "study/array_reader.hpp"
#include "study/law.hpp"

namespace gmdiff::cli {

void add_chain_flags(CLI::App& verb, RunFlags& flags) {
  verb.add_option(
          "--estimate", flags.estimates,
          "of Markov chains with output=trace or output=draw: a function of x1, x2, ... (x if d is 1), "
          "such as \"x1*x2\", whose mean and its error are recorded; may be repeated (x_j and x_j^2)")
      ->type_name("TEXT")
      ->take_all();
  verb.add_option("--first-step", flags.first_step,
                  "number of the first step of Markov chains that --start continues: the steps of the run "
                  "whose last states it holds, with baoab and obabo an archive of --velocities")
      ->type_name("N");
  verb.add_flag(
      "--velocities", flags.velocities,
      "with baoab and obabo: writes a .npz file with the last velocities (n, d) beside the samples, "
      "from which --start and --first-step continue the chains");
  verb.add_flag(
      "--log-density", flags.log_density,
      "with output=trace: writes a .npz file with the log-density of the target, in float64, at the "
      "states of the trace: (n, kept)");
}

namespace {

const ChainRun& run_of(const McmcSampler& chains) {
  return std::visit([](const auto& method) -> const ChainRun& { return method.run; }, chains);
}

void check_velocities(const RunFlags& flags, const McmcSampler& chains) {
  const char* const name = study::name_of(AnySampler(chains));
  const bool is_kinetic = std::holds_alternative<Baoab>(chains) || std::holds_alternative<Obabo>(chains);
  require(!flags.velocities || is_kinetic, "--velocities: only chains of baoab and obabo have any, and ",
          name, " is given");
  const bool goes_on = is_kinetic && run_of(chains).first_step > 0 && flags.start;
  if (!goes_on || !std::filesystem::exists(*flags.start)) return;
  require(study::has_array(*flags.start, "velocities"), "--start ", *flags.start, ": chains of ", name,
          " go on from their velocities as well; give the .npz file of a run with --velocities");
}

void check_estimates(const RunFlags& flags, ChainOutput output, Eigen::Index dim) {
  if (flags.estimates.empty()) return;
  require(output != ChainOutput::moments,
          "--estimate: output=moments keeps no states to take it at; give the sampler output=trace or "
          "output=draw");
  for (const std::string& text : flags.estimates) {
    try {
      const Expression checked(text, {.dim = static_cast<int>(dim)});
    } catch (const std::invalid_argument& error) {
      fail("--estimate: ", error.what());
    }
  }
}

}  // namespace

void check_chain_flags(const RunFlags& flags, const AnySampler& sampler, Eigen::Index dim) {
  const auto* chains = std::get_if<McmcSampler>(&sampler);
  const auto needs_chains = [&](bool is_given, const char* flag) {
    require(!is_given || chains != nullptr, flag, " belongs to Markov chains, and ", study::name_of(sampler),
            " is none");
  };
  needs_chains(!flags.estimates.empty(), "--estimate");
  needs_chains(flags.log_density, "--log-density");
  needs_chains(flags.velocities, "--velocities");
  if (chains == nullptr) return;
  const ChainOutput output = run_of(*chains).output;
  check_velocities(flags, *chains);
  require(!flags.log_density || output == ChainOutput::trace,
          "--log-density: the log-density is written beside a trace; give the sampler output=trace");
  check_estimates(flags, output, dim);
}

void check_chain_output(const RunFlags& flags, const Plan& plan) {
  const std::string& out = flags.out;
  const bool is_npz = out.ends_with(".npz"), has_moments = accumulate_stage(plan) != nullptr;
  const bool has_more = flags.log_density || flags.velocities;
  require(is_npz || !has_moments, "--out ", out,
          ": output=moments writes the moments of each chain into an archive; give a name that ends in .npz");
  require(is_npz || !has_more, "--out ", out, flags.velocities ? ": --velocities" : ": --log-density",
          " writes an array beside the samples into an archive; give a name that ends in .npz");
  require(
      !is_npz || has_moments || has_more, "--out ", out,
      ": the states of chains are an array, not an archive; give a name that ends in .npy, or the sampler "
      "output=moments");
}

}  // namespace gmdiff::cli
