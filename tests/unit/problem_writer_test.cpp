#include <gmdiff/io/problem_file.hpp>

#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/io_support.hpp"

namespace gmdiff {
namespace {

using test::error_of;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double third = 1.0 / 3.0;

/// Weights that are sums of powers of two do not change when they are normalised again.
Problem problem_with(Covariance covariance, Points means = Points{{0.1, -third}, {1e-300, 1e300}}) {
  return {.prior = Mixture({0.75, 0.25}, std::move(means), std::move(covariance))};
}

void expect_same_prior(const Mixture& given, const Mixture& read) {
  EXPECT_EQ(read.weights(), given.weights());
  EXPECT_EQ(read.means(), given.means());
  ASSERT_EQ(read.num_components(), given.num_components());
  for (Eigen::Index k = 0; k < given.num_components(); ++k)
    EXPECT_EQ(read.component_covariance(k), given.component_covariance(k)) << k;
}

TEST(ProblemWriter, WritesEveryCovarianceTypeExactly) {
  const Eigen::MatrixXd S{{1.0, third}, {third, 2.0}};
  for (const auto& covariance :
       {Covariance::spherical({third, 0.0}), Covariance::diag(Points{{third, 0.0}, {1e-30, 7.0}}),
        Covariance::tied(S), Covariance::full({S, 3.0 * S})}) {
    const Problem problem = problem_with(covariance);

    const Problem read = parse_problem(to_json(problem));

    EXPECT_EQ(read.prior.covariance_type(), problem.prior.covariance_type());
    expect_same_prior(problem.prior, read.prior);
  }
}

TEST(ProblemWriter, WritesEigenvaluesAndFactorsAsDenseMatrices) {
  const Eigen::MatrixXd U{{0.6, -0.8}, {0.8, 0.6}};
  const Eigen::MatrixXd L{{1.0, 0.0}, {0.5, 2.0}};
  const Points l{{1.0, 2.0}, {3.0, 4.0}};
  for (const auto& covariance : {Covariance::tied_eigen(U, Eigen::VectorXd{{1.0, 2.0}}),
                                 Covariance::full_eigen({U, U}, l), Covariance::common_basis(U, l),
                                 Covariance::tied_cholesky(L), Covariance::full_cholesky({L, 2.0 * L})}) {
    const Problem problem = problem_with(covariance);

    const Problem read = parse_problem(to_json(problem));

    const bool one_matrix = problem.prior.covariance_type() == CovarianceType::tied;
    EXPECT_EQ(read.prior.covariance_type(), one_matrix ? CovarianceType::tied : CovarianceType::full);
    expect_same_prior(problem.prior, read.prior);
  }
}

TEST(ProblemWriter, WritesEigenvaluesThatADenseMatrixWouldLose) {
  const Eigen::MatrixXd U{{0.6, -0.8}, {0.8, 0.6}};
  const Points l{{1e-18, 2.0}, {3.0, 4.0}};
  for (const auto& covariance :
       {Covariance::tied_eigen(U, l.row(0)), Covariance::full_eigen({U, U.transpose()}, l),
        Covariance::common_basis(U, l)}) {
    const Problem problem = problem_with(covariance);

    const Mixture read = parse_problem(to_json(problem)).prior;

    EXPECT_EQ(read.eigenvalues(), problem.prior.eigenvalues());
    EXPECT_EQ(read.bases().back(), problem.prior.bases().back());
    EXPECT_STREQ(to_string(read.covariance_type()), to_string(problem.prior.covariance_type()));
  }
}

TEST(ProblemWriter, WritesEveryProcess) {
  const Problem base = problem_with(Covariance::spherical({1.0, 1.0}));
  for (const ProcessDescription& process : std::vector<ProcessDescription>{
           Vp{.beta = LinearBeta{.min = third, .max = 3.0}, .T = 2.0}, Vp{.beta = CosineBeta{.offset = 0.01}},
           SubVp{.beta = {.min = 0.1, .max = 20.0}, .T = 3.0}, Ou{.stationary_std = third, .T = 4.0},
           Ddpm{.betas = {0.1, third, 0.5}}, Ddpm{.steps = 10, .first = 0.02, .last = 1e-4},
           Ve{.sigma_min = 0.02, .sigma_max = 60.0, .T = 2.0}, Edm{.T = 79.0}, RectifiedFlow{}}) {
    Problem problem = base;
    problem.process = process;

    const Problem read = parse_problem(to_json(problem));

    EXPECT_EQ(read.process.index(), process.index());
    EXPECT_EQ(to_json(read.process), to_json(process));
  }
}

TEST(ProblemWriter, WritesAllParametersOfAProcess) {
  EXPECT_EQ(to_json(ProcessDescription(Vp{})),
            R"({"type":"vp","beta":{"type":"linear","min":0.02,"max":7.0},"T":1.0})");
  EXPECT_EQ(to_json(ProcessDescription(SubVp{})),
            R"({"type":"sub-vp","beta":{"type":"linear","min":0.02,"max":7.0},"T":1.0})");
  EXPECT_EQ(to_json(ProcessDescription(Ddpm{.betas = {0.5}})), R"({"type":"ddpm","betas":[0.5]})");
  EXPECT_EQ(to_json(ProcessDescription(Ddpm{.steps = 9, .first = 0.1, .last = 0.2})),
            R"({"type":"ddpm","steps":9,"first":0.1,"last":0.2})");
  EXPECT_EQ(to_json(ProcessDescription(RectifiedFlow{})), R"({"type":"rectified-flow"})");
}

TEST(ProblemWriter, RefusesAProcessGivenByFunctions) {
  const ProcessDescription custom =
      CustomProcess{.alpha = [](double) { return 1.0; }, .sigma = [](double t) { return t; }};

  EXPECT_EQ(error_of([&] { to_json(custom); }),
            "to_json: a process given by functions (CustomProcess) has no JSON form");
}

TEST(ProblemWriter, WritesEveryGrid) {
  const Problem base = problem_with(Covariance::spherical({1.0, 1.0}));
  const Ddpm table{.steps = 99, .first = 0.02, .last = 1e-4};
  for (const GridDescription& grid : std::vector<GridDescription>{
           UniformGrid{.steps = 7, .t_start = 60.0, .t_end = third}, UniformGrid{.steps = 8},
           KarrasGrid{.steps = 9, .rho = 5.0, .n_min = 0.01, .n_max = 70.0},
           LogSnrGrid{.steps = 6, .t_end = third, .end_at_data = false},
           LogSnrGrid{.steps = 6, .t_start = 70.0, .t_end = third}, ListGrid{.t = {80.0, third, 0.0}},
           DdimGrid{.steps = 5}, DdimGrid{.steps = 5, .spacing = DdimGrid::Spacing::quadratic},
           McgdiffGrid{.points = 11}}) {
    Problem problem = base;
    problem.grid = grid;
    problem.observation = LinearObservation(Eigen::MatrixXd{{1.0, 0.0}}, Eigen::VectorXd{{1.0}}, 0.5);
    const bool needs_table =
        std::holds_alternative<DdimGrid>(grid) || std::holds_alternative<McgdiffGrid>(grid);
    problem.process = needs_table ? ProcessDescription(table) : ProcessDescription(Edm{});

    const Problem read = parse_problem(to_json(problem));

    EXPECT_EQ(read.grid.index(), grid.index());
    EXPECT_EQ(to_json(read.grid), to_json(grid));
  }
}

TEST(ProblemWriter, LeavesOutAStartThatIsTheProcessesEnd) {
  EXPECT_EQ(to_json(GridDescription(UniformGrid{})), R"({"type":"uniform","steps":100,"t_end":0.0})");
  EXPECT_EQ(to_json(GridDescription(UniformGrid{.t_start = 0.5})),
            R"({"type":"uniform","steps":100,"t_start":0.5,"t_end":0.0})");
}

TEST(ProblemWriter, WritesEverySampler) {
  const Problem base = problem_with(Covariance::spherical({1.0, 1.0}));
  for (const Sampler& sampler : std::vector<Sampler>{
           Ddim{.eta = third,
 .churn = 1.0,
 .churn_min = 0.1,
 .churn_max = 5.0,
 .churn_noise = 1.01,
 .start = Start::gaussian},
           ExactTransition{.start = Start::gaussian}, Ancestral{.variance = Ancestral::Variance::large},
           EulerMaruyama{.zeta = 0.5, .finish = Finish::step}, Euler{.finish = Finish::step},
           Heun{.variable = Heun::Variable::n}, Dpmpp2s{.r = third}, Dpmpp2m{},
           SdeDpmpp2m{.start = Start::gaussian}, Dpmpp3m{}, Unipc3{.start = Start::gaussian},
           ExactAncestral{.eta = third}, ExactDecoupled{}, NaiveBackward{.start = Start::gaussian},
           Annealed{.relative_step = third, .inner = 7, .denoise = false, .start = Start::exact}}) {
    Problem problem = base;
    problem.sampler = sampler;

    const Problem read = parse_problem(to_json(problem));

    EXPECT_EQ(std::get<Sampler>(read.sampler).index(), sampler.index());
    EXPECT_EQ(to_json(read.sampler), to_json(sampler));
  }
}

TEST(ProblemWriter, WritesSmcSamplers) {
  EXPECT_EQ(
      to_json(Mcgdiff{}),
      R"({"type":"mcgdiff","particles":256,"variant":"C","kappa":0.0001,"kernel":"ddim","eta":1.0,"start":"exact",)"
      R"("resampling":"systematic","ess_threshold":1.0,"output":"draw"})");
  EXPECT_EQ(
      to_json(Bootstrap{.particles = 8, .resampling = Resampling::residual}),
      R"({"type":"bootstrap","particles":8,"kernel":"ddim","eta":1.0,"start":"exact","resampling":"residual","ess_threshold":1.0,)"
      R"("output":"draw"})");
  Problem problem = problem_with(Covariance::spherical({1.0, 1.0}));
  problem.observation = LinearObservation(Eigen::MatrixXd{{1.0, 0.0}}, Eigen::VectorXd{{1.0}}, 0.5);
  problem.sampler =
      Mcgdiff{.particles = 7, .variant = Mcgdiff::Variant::A, .kappa = third, .output = SmcOutput::particles};

  const Problem read = parse_problem(to_json(problem));

  EXPECT_TRUE(std::holds_alternative<SmcSampler>(read.sampler));
  EXPECT_EQ(to_json(read.sampler), to_json(problem.sampler));
}

TEST(ProblemWriter, WritesGuidedSamplers) {
  EXPECT_EQ(to_json(GuidedSampler(Tmp{.integrator = Dpmpp2m{.start = Start::exact}})),
            R"({"type":"tmp","scale":"moments","integrator":"dpmpp-2m","start":"gaussian"})");
  EXPECT_EQ(
      to_json(GuidedSampler(DpsGsg{.integrator = Dpmpp2s{}})),
      R"({"type":"dps-gsg","zeta":0.01,"directions":64,"epsilon":0.001,"pullback":"jacobian","integrator":"dpmpp-2s","r":0.5,)"
      R"("churn":0.0,"churn_min":0.0,"churn_max":"inf","churn_noise":1.0,"start":"gaussian"})");
  Problem problem = problem_with(Covariance::spherical({1.0, 1.0}));
  problem.observation = LinearObservation(Eigen::MatrixXd{{1.0, 0.0}}, Eigen::VectorXd{{1.0}}, 0.5);
  problem.sampler = GuidedSampler(Dps{.zeta = third, .integrator = EulerMaruyama{.zeta = 2.0 * third}});

  const Problem read = parse_problem(to_json(problem));

  EXPECT_TRUE(std::holds_alternative<GuidedSampler>(read.sampler));
  EXPECT_EQ(to_json(read.sampler), to_json(problem.sampler));
}

TEST(ProblemWriter, WritesNonFiniteParametersAsStrings) {
  EXPECT_EQ(
      to_json(Sampler(Ddim{})),
      R"({"type":"ddim","eta":0.0,"churn":0.0,"churn_min":0.0,"churn_max":"inf","churn_noise":1.0,"start":"exact"})");
  EXPECT_EQ(
      to_json(Sampler(Dpmpp2s{.r = std::nan(""), .churn = -infinity})),
      R"({"type":"dpmpp-2s","r":"nan","churn":"-inf","churn_min":0.0,"churn_max":"inf","churn_noise":1.0,"start":"exact"})");
}

TEST(ProblemWriter, WritesObservations) {
  Problem problem = problem_with(Covariance::spherical({1.0, 1.0}));
  problem.observation =
      LinearObservation(Eigen::MatrixXd{{1.0, third}, {0.0, 2.0}}, Eigen::VectorXd{{third, -0.0}},
                        Eigen::MatrixXd{{1.0, third}, {third, 1.0}});
  const LinearObservation read = *parse_problem(to_json(problem)).observation;

  EXPECT_EQ(read.A(), problem.observation->A());
  EXPECT_EQ(read.y(), problem.observation->y());
  EXPECT_FALSE(read.has_noise_std());
  EXPECT_EQ(read.noise_covariance(), problem.observation->noise_covariance());

  problem.observation = LinearObservation(Eigen::MatrixXd{{1.0, 0.0}}, Eigen::VectorXd{{1.0}}, 0.0);
  EXPECT_EQ(parse_problem(to_json(problem)).observation->noise_std(), 0.0);
}

TEST(ProblemWriter, WritesTextForPeople) {
  EXPECT_EQ(to_json(Problem{.prior = Mixture({0.75, 0.25}, Points{{0.0}, {std::numbers::pi}},
                                             Covariance::spherical({1.0, 2.0}))}),
            R"({
  "prior": {
    "weights": [0.75,0.25],
    "means": [[0.0],[3.141592653589793]],
    "covariance": {
      "type": "spherical",
      "values": [1.0,2.0]
    }
  },
  "process": {
    "type": "vp",
    "beta": {
      "type": "linear",
      "min": 0.02,
      "max": 7.0
    },
    "T": 1.0
  },
  "grid": {
    "type": "uniform",
    "steps": 100,
    "t_end": 0.0
  },
  "sampler": {
    "type": "ddim",
    "eta": 0.0,
    "churn": 0.0,
    "churn_min": 0.0,
    "churn_max": "inf",
    "churn_noise": 1.0,
    "start": "exact"
  }
}
)");
}

TEST(ProblemWriter, BreaksLongArraysIntoRows) {
  const Points means = Points::Constant(3, 30, third);
  const Problem problem{.prior = Mixture({1.0, 1.0, 2.0}, means, Covariance::spherical({1.0, 1.0, 1.0}))};

  const std::string text = to_json(problem);

  EXPECT_EQ(parse_problem(text).prior.means(), means);
  EXPECT_NE(text.find("\"means\": [\n      [\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace gmdiff
