// A forward process of one's own: two functions of time. Samplers that step in lambda or n need no derivatives.

#include <gmdiff/gmdiff.hpp>

#include <cmath>
#include <iostream>
#include <numbers>

using namespace gmdiff;

int main() {
  // Data and noise trade places along a quarter of a circle.
  const double quarter = std::numbers::pi / 2;
  const ForwardProcess process(CustomProcess{.alpha = [=](double t) { return std::cos(quarter * t); },
                                             .sigma = [=](double t) { return std::sin(quarter * t); },
                                             .T = 0.99});
  const Mixture prior({0.3, 0.7}, Points{{-2.0}, {1.0}}, Covariance::spherical({0.1, 0.2}));

  std::cout.precision(3);
  for (const int steps : {10, 40, 160}) {
    const TimeGrid grid = TimeGrid::uniform(process, steps);
    const Samples x = sample(prior, process, grid, Ddim{}, {.count = 4000, .seed = 1});
    const Judgement w1 = judge(x, prior, {.seed = 2}).front();
    std::cout << steps << " steps: sliced W1 " << w1.value << ", of exact draws " << w1.floor << '\n';
  }

  try {
    sample(prior, process, TimeGrid::uniform(process, 10), Euler{});
  } catch (const std::invalid_argument& error) {
    std::cout << error.what() << '\n';
  }
}
