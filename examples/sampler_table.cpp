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

struct Column {
  std::string name;
  Mixture law;
  ForwardProcess process;
  TimeGrid grid;
};

/// Prior and exact posterior of a problem.
void add_columns(const std::string& name, const Problem& problem, std::vector<Column>& columns) {
  const ForwardProcess process(problem.process);
  const TimeGrid grid(process, problem.grid);
  columns.push_back({name + ", prior", problem.prior, process, grid});
  columns.push_back(
      {name + ", posterior", posterior(problem.prior, *problem.observation).mixture, process, grid});
}

double mean_distance(const Column& column, int pairs, const auto& draw_points) {
  double sum = 0.0;
  for (int pair = 0; pair < pairs; ++pair) {
    const auto seed = static_cast<std::uint64_t>(pair);
    const Samples exact = draw(column.law, {.count = num_points, .seed = 2 * seed + 1});
    sum += sliced_wasserstein(draw_points(2 * seed), exact, {.seed = seed});
  }
  return sum / pairs;
}

}  // namespace

int main(int argc, char** argv) {
  const int pairs = argc > 1 ? std::atoi(argv[1]) : 250;
  std::vector<Column> columns;
  add_columns("tutorial-1d", tutorial_1d(), columns);
  add_columns("tutorial-2d", tutorial_2d(), columns);

  std::printf("| sampler |");
  for (const Column& column : columns) std::printf(" %s |", column.name.c_str());
  std::printf("\n| --- | --- | --- | --- | --- |\n| two exact draws (the floor) |");
  std::vector<double> floors;
  for (const Column& column : columns) {
    floors.push_back(mean_distance(column, pairs, [&](std::uint64_t seed) {
      return draw(column.law, {.count = num_points, .seed = seed});
    }));
    std::printf(" %.4f |", floors.back());
  }

  for (const char* name :
       {"exact-transition", "ancestral", "ancestral:variance=large", "ddim", "ddim:eta=1", "euler-maruyama",
        "euler", "heun", "heun:variable=n", "dpmpp-2s", "dpmpp-2m", "sde-dpmpp-2m", "dpmpp-3m", "unipc-3",
        "exact-ancestral", "exact-decoupled", "ddim:start=gaussian"}) {
    std::printf("\n| `%s` |", name);
    const auto sampler = std::get<Sampler>(parse_sampler(name));
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const Column& column = columns[i];
      const double value = mean_distance(column, pairs, [&](std::uint64_t seed) {
        return sample(column.law, column.process, column.grid, sampler, {.count = num_points, .seed = seed});
      });
      std::printf(" %.2f |", value / floors[i]);
    }
    std::fflush(stdout);
  }
  std::printf("\n");
}
