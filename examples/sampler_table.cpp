// The table of samplers in docs/guide.md: mean sliced W1 to the law over the mean noise floor, on the tutorial's problems.
//   example_sampler_table [PAIRS]     seed pairs of each mean (default 250)

#include <gmdiff/gmdiff.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using namespace gmdiff;

namespace {

constexpr std::int64_t num_points = 250;

struct Target {
  std::string name;
  Mixture law;
  ForwardProcess process;
  TimeGrid grid;
};

/// Prior and exact posterior of a problem.
void add_targets(const std::string& name, const Problem& problem, std::vector<Target>& targets) {
  const ForwardProcess process(problem.process);
  const TimeGrid grid(process, problem.grid);
  targets.push_back({name + ", prior", problem.prior, process, grid});
  targets.push_back(
      {name + ", posterior", posterior(problem.prior, *problem.observation).mixture, process, grid});
}

double mean_distance(const Target& target, int pairs, const auto& draw_points) {
  double sum = 0.0;
  for (int pair = 0; pair < pairs; ++pair) {
    const auto seed = static_cast<std::uint64_t>(pair);
    const Samples exact = draw(target.law, {.count = num_points, .seed = 2 * seed + 1});
    sum += sliced_wasserstein(draw_points(2 * seed), exact, {.seed = seed});
  }
  return sum / pairs;
}

}  // namespace

int main(int argc, char** argv) {
  const int pairs = argc > 1 ? std::atoi(argv[1]) : 250;
  std::vector<Target> targets;
  add_targets("tutorial-1d", tutorial_1d(), targets);
  add_targets("tutorial-2d", tutorial_2d(), targets);

  std::printf("| sampler |");
  for (const Target& target : targets) std::printf(" %s |", target.name.c_str());
  std::printf("\n| --- | --- | --- | --- | --- |\n| two exact draws (the floor) |");
  std::vector<double> floors;
  for (const Target& target : targets) {
    floors.push_back(mean_distance(target, pairs, [&](std::uint64_t seed) {
      return draw(target.law, {.count = num_points, .seed = seed});
    }));
    std::printf(" %.4f |", floors.back());
  }

  for (const char* name :
       {"exact-transition", "ancestral", "ancestral:variance=large", "ddim", "ddim:eta=1", "euler-maruyama",
        "euler", "heun", "heun:variable=n", "dpmpp-2s", "dpmpp-2m", "sde-dpmpp-2m", "dpmpp-3m", "unipc-3",
        "exact-ancestral", "exact-decoupled", "ddim:start=gaussian"}) {
    std::printf("\n| `%s` |", name);
    const auto sampler = std::get<Sampler>(parse_sampler(name));
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const Target& target = targets[i];
      const double value = mean_distance(target, pairs, [&](std::uint64_t seed) {
        return sample(target.law, target.process, target.grid, sampler, {.count = num_points, .seed = seed});
      });
      std::printf(" %.2f |", value / floors[i]);
    }
    std::fflush(stdout);
  }
  std::printf("\n");
}
