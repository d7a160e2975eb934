// Bad input: each has its own message, exit code 2, nothing on standard output and no file left.

#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include <gmdiff/io/npy.hpp>

#include "command.hpp"

namespace gmdiff::test {
namespace {

struct BadInput {
  const char* name;
  Arguments arguments;
  const char* message;
  int exit_code = 2;
};

void PrintTo(const BadInput& bad, std::ostream* out) { *out << bad.name; }

const std::string huge(400, '9');

const BadInput bad_inputs[] = {
    // The command line.
    {"UnknownVerb", {"smaple"}, "unknown verb \"smaple\"; did you mean \"sample\"?"},
    {"UnknownFlagOfTheCommand", {"--verson"}, "unknown flag \"--verson\"; did you mean \"--version\"?"},
    {"UnknownFlagOfAVerb",
     {"sample", "problem.json", "--out", "o.npy", "--cuont", "5"},
     "sample: unknown flag \"--cuont\"; did you mean \"--count\"?"},
    {"UnknownFlagWithAValue",
     {"draw", "problem.json", "--out", "o.npy", "--sed=5"},
     "draw: unknown flag \"--sed\"; did you mean \"--seed\"?"},
    {"TypoOfARequiredFlag",
     {"sample", "problem.json", "--ot", "o.npy"},
     "sample: unknown flag \"--ot\"; did you mean \"--out\"?"},
    {"MissingOut", {"sample", "problem.json"}, "sample: --out is required"},
    {"MissingProblem", {"sample", "--out", "o.npy"}, "sample: PROBLEM is required"},
    {"MissingValue", {"sample", "problem.json", "--out"}, "sample: --out: 1 required FILE missing"},
    {"TooManyArguments",
     {"posterior", "problem.json", "prior.json"},
     "posterior: unexpected argument prior.json"},
    {"RepeatedFlag",
     {"draw", "problem.json", "--out", "o.npy", "--seed", "1", "--seed", "2"},
     "draw: --seed"},
    {"SamplerIsNoFlagOfDraw",
     {"draw", "problem.json", "--out", "o.npy", "--sampler", "ddim"},
     "draw: unknown flag \"--sampler\""},
    // Numbers.
    {"CountZero",
     {"draw", "prior.json", "--out", "o.npy", "--count", "0"},
     "--count: expected a whole number from 1 to 9223372036854775807, got 0"},
    {"CountNegative",
     {"draw", "prior.json", "--out", "o.npy", "--count", "-3"},
     "--count: expected a whole number from 1 to 9223372036854775807, got -3"},
    {"CountNoNumber",
     {"draw", "prior.json", "--out", "o.npy", "--count", "many"},
     "--count: expected a whole number from 1 to 9223372036854775807, got many"},
    {"CountFraction",
     {"draw", "prior.json", "--out", "o.npy", "--count", "1.5"},
     "--count: expected a whole number from 1 to 9223372036854775807, got 1.5"},
    {"CountTooLarge",
     {"draw", "prior.json", "--out", "o.npy", "--count", "9223372036854775808"},
     "--count: expected a whole number"},
    {"CountWhoseBytesOverflow",
     {"draw", "prior.json", "--out", "o.npy", "--count", "9223372036854775807"},
     "an output of shape (9223372036854775807, 2) has more than 2^63 bytes"},
    {"CountThatFillsTheDisk",
     {"draw", "prior.json", "--out", "o.npy", "--count", "100000000000000000"},
     "o.npy would have 800000000000004096 bytes, but its file system has ",
     1},
    {"CountAndRange",
     {"draw", "prior.json", "--out", "o.npy", "--count", "5", "--range", "0:5"},
     "--count and --range exclude each other"},
    {"RangeWithoutColon",
     {"draw", "prior.json", "--out", "o.npy", "--range", "5"},
     "--range: expected A:B, the particles A to B - 1, got 5"},
    {"RangeEmpty",
     {"draw", "prior.json", "--out", "o.npy", "--range", "5:5"},
     "--range: A:B is half-open and needs A < B, got 5:5"},
    {"RangeReversed",
     {"draw", "prior.json", "--out", "o.npy", "--range", "9:5"},
     "--range: A:B is half-open and needs A < B, got 9:5"},
    {"RangeNegative",
     {"draw", "prior.json", "--out", "o.npy", "--range", "-1:5"},
     "--range: expected A:B with whole numbers from 0 to 2^63 = 9223372036854775808, got -1:5"},
    {"RangeNoNumbers",
     {"draw", "prior.json", "--out", "o.npy", "--range", "a:b"},
     "--range: expected A:B with whole numbers from 0 to 2^63 = 9223372036854775808, got a:b"},
    {"RangeOpen",
     {"draw", "prior.json", "--out", "o.npy", "--range", "5:"},
     "--range: expected A:B with whole numbers from 0 to 2^63 = 9223372036854775808, got 5:"},
    {"RangeBeyondTheLastIndex",
     {"draw", "prior.json", "--out", "o.npy", "--range", "0:9223372036854775809"},
     "--range: expected A:B with whole numbers from 0 to 2^63"},
    {"RangeOfEverything",
     {"draw", "prior.json", "--out", "o.npy", "--range", "0:9223372036854775808"},
     "--range: at most 2^63 - 1 particles in one run"},
    {"SeedTooLarge",
     {"draw", "prior.json", "--out", "o.npy", "--seed", "18446744073709551616"},
     "--seed: expected a whole number from 0 to 18446744073709551615, got 18446744073709551616"},
    {"SeedNegative",
     {"draw", "prior.json", "--out", "o.npy", "--seed", "-1"},
     "--seed: expected a whole number from 0 to 18446744073709551615, got -1"},
    {"SeedHexadecimal",
     {"draw", "prior.json", "--out", "o.npy", "--seed", "0x10"},
     "--seed: expected a whole number from 0 to 18446744073709551615, got 0x10"},
    {"StepsZero",
     {"sample", "prior.json", "--out", "o.npy", "--steps", "0"},
     "--steps: expected a whole number from 1 to 1000000, got 0"},
    {"StepsTooMany",
     {"sample", "prior.json", "--out", "o.npy", "--steps", "1000001"},
     "--steps: expected a whole number from 1 to 1000000, got 1000001"},
    {"StepsOfAList",
     {"sample", "list.json", "--out", "o.npy", "--steps", "5"},
     "--steps: the problem's grid is an explicit list of times"},
    {"HistoryOne",
     {"sample", "prior.json", "--out", "o.npy", "--history", "1"},
     "--history: expected a whole number from 2 to 11, got 1"},
    {"HistoryTooMany",
     {"sample", "prior.json", "--out", "o.npy", "--history", "12"},
     "--history: expected a whole number from 2 to 11, got 12"},
    {"HistoryOfForwardTooMany",
     {"forward", "prior.json", "--out", "o.npy", "--history", "12"},
     "--history: expected a whole number from 2 to 11, got 12"},
    // Names.
    {"Precision",
     {"draw", "prior.json", "--out", "o.npy", "--precision", "f16"},
     "--precision: expected f32 or f64, got f16"},
    {"Math",
     {"draw", "prior.json", "--out", "o.npy", "--math", "quick"},
     "--math: expected exact or fast, got quick"},
    {"UnknownDevice",
     {"draw", "prior.json", "--out", "o.npy", "--device", "gpu"},
     "Device: expected best, reference, cpu"},
    {"DeviceThreads", {"draw", "prior.json", "--out", "o.npy", "--device", "cpu:x"}, "\"cpu:x\""},
    {"DeviceThatIsNotThere",
     {"draw", "prior.json", "--out", "o.npy", "--device", "cuda:99"},
     "device cuda:99"},
    {"UnknownSampler",
     {"sample", "prior.json", "--out", "o.npy", "--sampler", "dimm"},
     "did you mean \"ddim\"?"},
    {"UnknownSamplerKey",
     {"sample", "prior.json", "--out", "o.npy", "--sampler", "ddim:etta=1"},
     "did you mean \"eta\"?"},
    {"SamplerValue",
     {"sample", "prior.json", "--out", "o.npy", "--sampler", "ddim:eta=much"},
     "sampler \"ddim:eta=much\": eta: "},
    {"SamplerRange", {"sample", "prior.json", "--out", "o.npy", "--sampler", "ddim:eta=2"}, "eta"},
    {"UnknownMetric",
     {"distance", "x.npy", "prior.json", "--metric", "emd"},
     "--metric: unknown metric \"emd\"; did you mean \"mmd\"?"},
    {"UnknownProblem",
     {"problem", "tutorial-3d"},
     "unknown problem \"tutorial-3d\"; did you mean \"tutorial-1d\"?"},
    // Problem files.
    {"MissingFile", {"sample", "none.json", "--out", "o.npy"}, "none.json: no such file"},
    {"FolderAsFile", {"sample", ".", "--out", "o.npy"}, ".: is a folder"},
    {"BrokenJson", {"sample", "broken.json", "--out", "o.npy"}, "broken.json: not valid JSON"},
    {"UnknownKey",
     {"sample", "key.json", "--out", "o.npy"},
     "unknown key \"prioor\"; did you mean \"prior\"?"},
    {"BadModel", {"sample", "weights.json", "--out", "o.npy"}, "weights.json: prior: "},
    {"EmptyStandardInput", {"sample", "-", "--out", "o.npy"}, "standard input: not valid JSON"},
    {"PosteriorWithoutObservation",
     {"posterior", "prior.json"},
     "prior.json has no observation: there is no posterior"},
    {"ArrayAsProblem", {"sample", "x.npy", "--out", "o.npy"}, "x.npy: not valid JSON"},
    // Outputs.
    {"ExistingOutput", {"draw", "prior.json", "--out", "x.npy"}, "x.npy exists; --force overwrites it"},
    {"ExistingSidecar", {"draw", "prior.json", "--out", "y.npy"}, "y.npy.json exists; --force overwrites it"},
    {"ExistingProblem",
     {"problem", "bench-2d", "--out", "prior.json"},
     "prior.json exists; --force overwrites it"},
    {"ExistingPosterior",
     {"posterior", "problem.json", "--out", "prior.json"},
     "prior.json exists; --force overwrites it"},
    {"ExistingArchive",
     {"eval", "prior.json", "--points", "x.npy", "--out", "x.npy"},
     "x.npy exists; --force overwrites it"},
    {"MissingFolder",
     {"draw", "prior.json", "--out", "none/o.npy"},
     "cannot write none/o.npy: the folder none does not exist"},
    {"FileAsFolder",
     {"draw", "prior.json", "--out", "x.npy/o.npy"},
     "cannot write x.npy/o.npy: x.npy is not a folder"},
    {"FolderAsOutput", {"draw", "prior.json", "--out", "folder"}, "cannot write folder: it is a folder"},
    {"UnwritableFolder",
     {"draw", "prior.json", "--out", "/proc/o.npy"},
     "cannot write /proc/o.npy: no file can be made there"},
    {"DeviceFileAsOutput",
     {"draw", "prior.json", "--out", "/dev/null", "--force"},
     "cannot write /dev/null: it is not a regular file"},
    {"StandardOutputAsOutput",
     {"draw", "prior.json", "--out", "-"},
     "--out: results go to a file, not to standard output"},
    {"EmptyOutputName", {"draw", "prior.json", "--out", ""}, "--out"},
    {"TooLongOutputName", {"draw", "prior.json", "--out", huge}, "cannot write "},
    // Arrays.
    {"StartOfOtherDimension",
     {"sample", "prior.json", "--out", "o.npy", "--start", "wide.npy"},
     "--start wide.npy: expected shape (n, 2), got (2, 3)"},
    {"StartOfThreeDimensions",
     {"sample", "prior.json", "--out", "o.npy", "--start", "cube.npy"},
     "--start cube.npy: expected shape (n, 2), got (2, 2, 2)"},
    {"StartWithoutRows",
     {"sample", "prior.json", "--out", "o.npy", "--start", "empty.npy"},
     "--start empty.npy: it holds no state"},
    {"StartThatIsNotFinite",
     {"sample", "prior.json", "--out", "o.npy", "--start", "nan.npy"},
     "start state 1 has entry nan"},
    {"StartThatIsNoArray",
     {"sample", "prior.json", "--out", "o.npy", "--start", "prior.json"},
     "prior.json: "},
    {"StartThatIsMissing",
     {"sample", "prior.json", "--out", "o.npy", "--start", "none.npy"},
     "none.npy: no such file"},
    {"StartOfAnotherLengthThanTheRange",
     {"sample", "prior.json", "--out", "o.npy", "--start", "x.npy", "--range", "0:3"},
     "--range holds 3 particles, but --start x.npy has 2 states"},
    {"PointsOfOtherDimension",
     {"eval", "prior.json", "--points", "wide.npy"},
     "--points wide.npy: its points have dimension 3, those of the prior 2"},
    {"PointsOfThreeDimensions",
     {"eval", "prior.json", "--points", "cube.npy"},
     "cube.npy: expected points of shape (n, d), got (2, 2, 2)"},
    {"NoPoints", {"eval", "prior.json", "--points", "empty.npy"}, "empty.npy: it holds no point"},
    {"PointsThatAreNotFinite", {"eval", "prior.json", "--points", "nan.npy"}, "nan"},
    {"EvalPrecision",
     {"eval", "prior.json", "--points", "x.npy", "--precision", "f16"},
     "--precision: expected f32 or f64, got f16"},
    {"EvalDevice",
     {"eval", "prior.json", "--points", "x.npy", "--device", "gpu"},
     "Device: expected best, reference, cpu"},
    {"EvalDeviceThatIsNotThere",
     {"eval", "prior.json", "--points", "x.npy", "--device", "cuda:99"},
     "device cuda:99"},
    {"MissingPoints", {"eval", "prior.json"}, "eval: --points is required"},
    // Levels.
    {"TimeAndLevel",
     {"eval", "prior.json", "--points", "x.npy", "--t", "0.5", "--alpha", "1", "--sigma", "1"},
     "--t and --alpha/--sigma exclude each other"},
    {"AlphaWithoutSigma",
     {"eval", "prior.json", "--points", "x.npy", "--alpha", "1"},
     "--alpha and --sigma belong together, --sigma is missing"},
    {"SigmaWithoutAlpha",
     {"eval", "prior.json", "--points", "x.npy", "--sigma", "1"},
     "--alpha and --sigma belong together, --alpha is missing"},
    {"TimeNoNumber",
     {"eval", "prior.json", "--points", "x.npy", "--t", "late"},
     "--t: expected a finite number, got late"},
    {"TimeNotFinite",
     {"eval", "prior.json", "--points", "x.npy", "--t", "nan"},
     "--t: expected a finite number, got nan"},
    {"TimeOutside", {"eval", "prior.json", "--points", "x.npy", "--t", "1.5"}, "1.5"},
    {"NegativeAlpha", {"eval", "prior.json", "--points", "x.npy", "--alpha", "-1", "--sigma", "1"}, "alpha"},
    {"AlphaAndSigmaZero",
     {"eval", "prior.json", "--points", "x.npy", "--alpha", "0", "--sigma", "0"},
     "alpha"},
    // Distances.
    {"OrderThree",
     {"distance", "x.npy", "prior.json", "--p", "3"},
     "--p: expected a whole number from 1 to 2, got 3"},
    {"NoSlices",
     {"distance", "x.npy", "prior.json", "--slices", "0"},
     "--slices: expected a whole number from 1 to 1000000, got 0"},
    {"OneRepeat",
     {"distance", "x.npy", "prior.json", "--repeats", "1"},
     "--repeats: expected a whole number from 2 to 2147483647, got 1"},
    {"OrderOfEnergy",
     {"distance", "x.npy", "prior.json", "--metric", "energy", "--p", "2"},
     "--p and --slices belong to the metrics sw and max-sw, not to energy"},
    {"BandwidthOfEnergy",
     {"distance", "x.npy", "prior.json", "--metric", "energy", "--bandwidth", "2"},
     "--bandwidth belongs to the metric mmd, not to energy"},
    {"BandwidthZero",
     {"distance", "x.npy", "prior.json", "--metric", "mmd", "--bandwidth", "0"},
     "--bandwidth must be in [1e-100, 1e+100], given 0"},
    {"CountBesideSamples",
     {"distance", "x.npy", "prior.json", "--count", "5"},
     "--count is for two problem files: exact draws are as many as the points of x.npy"},
    {"RepeatsOfTwoFiles",
     {"distance", "x.npy", "x.npy", "--repeats", "5"},
     "--repeats: between two .npy files there is no law"},
    {"MomentsOfTwoFiles",
     {"distance", "x.npy", "x.npy", "--metric", "moments"},
     "--metric moments compares with a law: one side must be a problem file"},
    {"SamplesOfOtherDimension",
     {"distance", "x.npy", "wide.npy"},
     "x.npy has points of dimension 2, wide.npy of dimension 3"},
    {"LawOfOtherDimension",
     {"distance", "wide.npy", "prior.json"},
     "wide.npy has dimension 3, prior.json has dimension 2"},
    {"TwoStandardInputs", {"distance", "-", "-"}, "only one side can be standard input"},
    {"ThreeDimensionsForADistance",
     {"distance", "cube.npy", "prior.json"},
     "cube.npy: expected points of shape (n, d), got (2, 2, 2)"},
    {"AMissingFileForADistance", {"distance", "none.npy", "prior.json"}, "none.npy: no such file"},
    {"AnUnknownDeviceForADistance",
     {"distance", "x.npy", "prior.json", "--device", "gpu"},
     "Device: expected best, reference, cpu"},
    {"ADeviceThatIsNotThereForADistance",
     {"distance", "x.npy", "prior.json", "--device", "cuda:99"},
     "device cuda:99: "},
    {"MomentsOnADeviceThatIsNotThere",
     {"distance", "x.npy", "prior.json", "--metric", "moments", "--device", "cuda:99"},
     "device cuda:99: "},
    {"ADeviceThatIsNotThereForFiles",
     {"distance", "x.npy", "x.npy", "--metric", "energy", "--device", "cuda:99"},
     "device cuda:99: "},
    {"OneSideForADistance", {"distance", "x.npy"}, "distance: B is required"},
    // Benchmark problems.
    {"OddDimension", {"problem", "mcgdiff", "--dx", "3"}, "dx must be even"},
    {"DimensionZero",
     {"problem", "mcgdiff", "--dx", "0"},
     "--dx: expected a whole number from 1 to 2147483647, got 0"},
    {"ObservedMoreThanThereIs",
     {"problem", "mcgdiff", "--dx", "4", "--dy", "5"},
     "dy must be from 1 to dx = 4, given 5"},
    {"SeedOfFixedNumbers", {"problem", "bench-2d", "--seed", "5"}, "bench-2d has fixed numbers"},
    // Sequential Monte Carlo.
    {"SmcWithoutObservation",
     {"sample", "prior.json", "--out", "o.npy", "--sampler", "mcgdiff"},
     "mcgdiff samples the posterior of an observation, and prior.json has none"},
    {"SmcOfThePrior",
     {"sample", "problem.json", "--prior", "--out", "o.npy", "--sampler", "bootstrap"},
     "--prior: bootstrap samples the posterior; give another --sampler for the prior"},
    {"SmcInAFileWithoutObservation",
     {"draw", "smc.json", "--out", "o.npy"},
     "smc.json: sampler: mcgdiff samples the posterior of an observation, and the problem has none"},
    {"SmcWithStartOfParticles",
     {"sample", "problem.json", "--out", "o.npy", "--sampler", "mcgdiff:particles=2", "--start", "x.npy"},
     "--start x.npy: expected shape (n, 2, 2), got (2, 2)"},
    {"SmcWithStartOfAnotherRange",
     {"sample", "problem.json", "--out", "o.npy", "--sampler", "mcgdiff:particles=2", "--start", "cube.npy",
      "--range", "0:3"},
     "--range holds 3 chains, but --start cube.npy has 2 chains of states"},
    {"SmcWithHistoryOfDraws",
     {"sample", "problem.json", "--out", "o.npy", "--sampler", "mcgdiff", "--history", "2"},
     "--history: mcgdiff keeps the states of all particles; give the sampler output=particles"},
    {"SmcWithOneLevel",
     {"sample", "problem.json", "--out", "o.npz", "--sampler", "mcgdiff:output=particles", "--history", "1"},
     "--history: expected a whole number from 2 to "},
    {"ParticlesInAnArray",
     {"sample", "problem.json", "--out", "o.npy", "--sampler", "mcgdiff:output=particles"},
     "--out o.npy: output=particles writes samples, log_weights and log_evidence into an archive"},
    {"DrawsInAnArchive",
     {"sample", "problem.json", "--out", "o.npz", "--sampler", "mcgdiff"},
     "--out o.npz: one draw a chain is an array, not an archive"},
    {"SmcEta",
     {"sample", "problem.json", "--out", "o.npy", "--sampler", "mcgdiff:eta=0"},
     "mcgdiff: eta must be in (0, 1] (without noise particles cannot be tilted), got 0"},
    {"SmcThreshold",
     {"sample", "problem.json", "--out", "o.npy", "--sampler", "bootstrap:ess_threshold=2"},
     "bootstrap: ess_threshold must be in [0, 1], got 2"},
    {"SmcParticles",
     {"sample", "problem.json", "--out", "o.npy", "--sampler", "mcgdiff:particles=0"},
     "particles: expected an integer from 1 to 1073741824, given 0"},
    {"SmcKappa",
     {"sample", "problem.json", "--out", "o.npy", "--sampler", "mcgdiff:kappa=-1"},
     "mcgdiff: kappa must be finite and >= 0"},
    {"SmcKey",
     {"sample", "problem.json", "--out", "o.npy", "--sampler", "mcgdiff:partciles=5"},
     "did you mean \"particles\"?"},
    {"SmcName",
     {"sample", "problem.json", "--out", "o.npy", "--sampler", "mcgdif"},
     "did you mean \"mcgdiff\"?"},
    {"SmcBeyondTheLastParticle",
     {"sample", "problem.json", "--out", "o.npy", "--sampler", "mcgdiff", "--range",
      "9223372036854775806:9223372036854775807"},
     "run: chain 9223372036854775806 of 256 particles reaches beyond particle 2^62"},
    {"BootstrapWithoutNoise",
     {"sample", "noiseless.json", "--out", "o.npy", "--sampler", "bootstrap"},
     "bootstrap: needs noise"},
    // Comparing.
    {"CompareNothing",
     {"compare"},
     "compare: expected problem files, or --seeds A:B for problems of the MCGdiff benchmark"},
    {"CompareFilesAndSeeds",
     {"compare", "problem.json", "--seeds", "0:2"},
     "compare takes problem files or --seeds, not both"},
    {"CompareDimensionOfAFile",
     {"compare", "problem.json", "--dx", "4"},
     "--dx and --dy belong to the problems of --seeds"},
    {"CompareTwoStandardInputs", {"compare", "-", "-"}, "only one problem can be standard input"},
    {"CompareMissingFile", {"compare", "problem.json", "none.json"}, "none.json: no such file"},
    {"CompareSeedsWithoutColon",
     {"compare", "--seeds", "5"},
     "--seeds: expected A:B, the problems of seeds A to B - 1, got 5"},
    {"CompareSeedsReversed",
     {"compare", "--seeds", "5:5"},
     "--seeds: A:B is half-open and needs A < B and at most 100000 seeds, got 5:5"},
    {"CompareSeedsNoNumbers",
     {"compare", "--seeds", "a:b"},
     "--seeds: expected a whole number from 0 to 9223372036854775807, got a"},
    {"CompareOddDimension", {"compare", "--seeds", "0:1", "--dx", "3"}, "dx must be even"},
    {"CompareStepsOfAList",
     {"compare", "list.json", "--steps", "5"},
     "--steps: the problem's grid is an explicit list of times"},
    {"CompareUnknownSampler",
     {"compare", "problem.json", "--samplers", "ddim,mcgdif"},
     "did you mean \"mcgdiff\"?"},
    {"CompareEmptySampler",
     {"compare", "problem.json", "--samplers", "ddim,"},
     "--samplers: expected names separated by commas, got an empty one"},
    {"CompareParticles",
     {"compare", "problem.json", "--samplers", "mcgdiff:output=particles"},
     "--samplers: mcgdiff:output=particles: particles of one chain are not independent, so one draw a chain "
     "is compared"},
    {"CompareSamplerRange",
     {"compare", "problem.json", "--samplers", "draw,ddim:eta=2"},
     "problem.json, sampler ddim:eta=2: "},
    {"CompareWithoutObservation",
     {"compare", "prior.json"},
     "prior.json, sampler mcgdiff: mcgdiff samples the posterior of an observation, and prior.json has none"},
    {"CompareBootstrapWithoutNoise",
     {"compare", "noiseless.json", "--samplers", "bootstrap"},
     "noiseless.json, sampler bootstrap: bootstrap: needs noise"},
    {"CompareOneRepeat",
     {"compare", "problem.json", "--repeats", "1"},
     "--repeats: expected a whole number from 2 to 2147483647, got 1"},
    {"CompareNoSlices",
     {"compare", "problem.json", "--slices", "0"},
     "--slices: expected a whole number from 1 to 1000000, got 0"},
    {"CompareCountZero",
     {"compare", "problem.json", "--count", "0"},
     "--count: expected a whole number from 1 to 2147483647, got 0"},
    {"ComparePrecision",
     {"compare", "problem.json", "--precision", "f16"},
     "--precision: expected f32 or f64, got f16"},
    {"CompareDevice",
     {"compare", "problem.json", "--device", "gpu"},
     "Device: expected best, reference, cpu"},
    {"CompareUnknownFlag",
     {"compare", "problem.json", "--sampler", "ddim"},
     "unknown flag \"--sampler\"; did you mean \"--samplers\"?"},
    // Merging.
    {"MergeWithoutSidecars", {"merge", "x.npy", "x.npy", "--out", "o.npy"}, "x.npy.json is missing"},
    {"MergeOfMissingFiles", {"merge", "none.npy", "x.npy", "--out", "o.npy"}, "none.npy: no such file"},
    {"MergeOntoAnExistingFile",
     {"merge", "x.npy", "x.npy", "--out", "x.npy"},
     "x.npy exists; --force overwrites it"}};

class BadInputTest : public CommandTest, public ::testing::WithParamInterface<BadInput> {
 protected:
  BadInputTest() {
    write("list.json",
          std::string("{\"prior\": ") + small_prior + R"(, "grid": {"type": "list", "t": [1, 0.5, 0]}})");
    write("broken.json", "{\"prior\": ");
    write("key.json", std::string("{\"prioor\": ") + small_prior + "}");
    write(
        "weights.json",
        R"({"prior": {"weights": [-1], "means": [[0]], "covariance": {"type": "spherical", "values": [1]}}})");
    write("smc.json", std::string("{\"prior\": ") + small_prior + R"(, "sampler": {"type": "mcgdiff"}})");
    write("noiseless.json", std::string("{\"prior\": ") + small_prior +
                                R"(, "observation": {"A": [[1, 0]], "y": [1.5], "noise_std": 0}})");
    write("y.npy.json", "mine");
    std::filesystem::create_directory(folder() / "folder");
    write_points(folder() / "x.npy", Points::Zero(2, 2));
    write_points(folder() / "wide.npy", Points::Zero(2, 3));
    write_points(folder() / "empty.npy", Points::Zero(0, 2));
    write_points(folder() / "nan.npy", Points{{0.0, 0.0}, {std::numeric_limits<double>::quiet_NaN(), 0.0}});
    NpyWriter cube(folder() / "cube.npy", {2, 2, 2}, Precision::f64, false);
    cube.append(std::span<const double>(std::vector<double>(8, 0.0)));
    cube.commit();
  }
};

TEST_P(BadInputTest, HasItsMessageAndLeavesNoFile) {
  const std::vector<std::string> before = files();

  const CommandResult result = run(GetParam().arguments);

  EXPECT_EQ(result.exit_code, GetParam().exit_code);
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(result.err.starts_with("gmdiff: ")) << result.err;
  EXPECT_NE(result.err.find(GetParam().message), std::string::npos) << result.err;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  EXPECT_EQ(files(), before);
}

INSTANTIATE_TEST_SUITE_P(Each, BadInputTest, ::testing::ValuesIn(bad_inputs),
                         [](const auto& info) { return info.param.name; });

using FailureTest = CommandTest;

TEST_F(FailureTest, ARunThatIsNotFiniteFailsWithoutAFile) {
  write_points(folder() / "far.npy", Points::Constant(1, 2, 1e300));

  const CommandResult result = run({"sample", "prior.json", "--start", "far.npy", "--out", "x.npy"});

  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_NE(result.err.find("1 of 1 particles are not finite"), std::string::npos) << result.err;
  EXPECT_FALSE(exists("x.npy"));
}

TEST_F(FailureTest, AResultThatCannotBePrintedFails) {
  const std::string shell =
      std::string(GMDIFF_COMMAND) + " problem bench-2d > /dev/full 2> " + (folder() / "err").string();

  const int status = std::system(shell.c_str());

  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_EQ(read("err"), "gmdiff: writing to standard output failed (No space left on device)\n");
}

}  // namespace
}  // namespace gmdiff::test
