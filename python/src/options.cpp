#include "options.hpp"

#include <algorithm>

#include "callables.hpp"
#include "numbers.hpp"

namespace gmdiff::python {

const char* const options_signature =
    "count: int = 1000, seed: int = 0, device: str = 'best', precision: typing.Any = 'f32', math: str = "
    "'exact', "
    "first: int = 0, start: typing.Any = None, start_velocities: typing.Any = None, velocities: bool = "
    "False, history: int = 0, memory_limit: int = 0, progress: "
    "typing.Callable | "
    "bool | None = None, keep_on_device: bool = False, smc_history: bool = False";

std::vector<std::string> with_options(std::vector<std::string> keys) {
  for (const char* key :
       {"count", "seed", "device", "precision", "math", "first", "start", "start_velocities", "velocities",
        "history", "memory_limit", "progress", "keep_on_device", "smc_history"})
    keys.emplace_back(key);
  return keys;
}

Device device_of(nb::handle value, const std::string& place) {
  const std::string name = text_of(value, place);
  try {
    return Device::parse(name);
  } catch (const std::invalid_argument& error) {
    fail(place, ": ", error.what());
  }
}

Precision precision_of(nb::handle value, const std::string& place) {
  if (PyUnicode_Check(value.ptr())) {
    const std::string name = text_of(value, place);
    if (name == "f32" || name == "float32") return Precision::f32;
    if (name == "f64" || name == "float64") return Precision::f64;
    fail(place, ": expected \"f32\" or \"f64\", given ", describe(value));
  }
  const nb::module_ numpy = nb::module_::import_("numpy");
  try {
    const nb::object dtype = numpy.attr("dtype")(value);
    if (dtype.equal(numpy.attr("dtype")("float32"))) return Precision::f32;
    if (dtype.equal(numpy.attr("dtype")("float64"))) return Precision::f64;
  } catch (const nb::python_error&) {
    // No type of NumPy: the message below says what is expected.
  }
  fail_type(place, "\"f32\", \"f64\", numpy.float32 or numpy.float64", value);
}

std::function<void(const Progress&)> progress_of(nb::handle given, const std::string& place) {
  if (given.is(Py_False)) return {};
  // A bar is a function of (done, total), too.
  const nb::object shown =
      given.is(Py_True) ? nb::module_::import_("gmdiff._progress").attr("Bar")() : nb::borrow(given);
  return [function = Function(shown, place)](const Progress& progress) {
    function.call([&] { return nb::make_tuple(progress.done, progress.total); }, [](const nb::object&) {});
  };
}

namespace {

/// The states of many problems or chains are rows, too.
Points rows_of(const Numbers& states) {
  const std::int64_t d = states.shape.size() == 1 ? 1 : states.shape.back();
  std::int64_t size = 1;
  for (const std::int64_t n : states.shape) size *= n;
  return Eigen::Map<const Points>(states.values, d == 0 ? 0 : size / d, d);
}

}  // namespace

Options options_of(const Arguments& given) {
  Options options;
  const auto with = [&](const char* key, auto read) {
    if (const nb::object value = given.find(key); value.is_valid()) read(value, given.place(key));
  };
  with("count", [&](auto value, auto place) { options.count = integer_of(value, place); });
  with("seed", [&](auto value, auto place) { options.seed = seed_of(value, place); });
  with("device", [&](auto value, auto place) { options.device = device_of(value, place); });
  with("precision", [&](auto value, auto place) { options.precision = precision_of(value, place); });
  with("math", [&](auto value, auto place) {
    options.math = choice_of(value, place, {"exact", "fast"}) == 0 ? MathMode::exact : MathMode::fast;
  });
  with("first", [&](auto value, auto place) { options.first = integer_of(value, place, 0); });
  with("start", [&](auto value, auto place) {
    const Numbers states = numbers_of(value, place, "(n, d), or (n, N, d)", {1, 2, 3});
    options.start = rows_of(states);
    if (!given.find("count").is_valid()) options.count = std::max<std::int64_t>(states.shape.front(), 1);
  });
  with("start_velocities", [&](auto value, auto place) {
    options.start_velocities = rows_of(numbers_of(value, place, "(n, d)", {1, 2, 3}));
  });
  with("velocities", [&](auto value, auto place) { options.velocities = truth_of(value, place); });
  with("history", [&](auto value, auto place) {
    options.history = static_cast<int>(integer_of(value, place, 0, std::numeric_limits<int>::max()));
  });
  with("memory_limit", [&](auto value, auto place) {
    options.memory_limit = static_cast<std::size_t>(integer_of(value, place, 0));
  });
  with("progress", [&](auto value, auto place) { options.progress = progress_of(value, place); });
  with("keep_on_device", [&](auto value, auto place) { options.keep_on_device = truth_of(value, place); });
  with("smc_history", [&](auto value, auto place) { options.smc_history = truth_of(value, place); });
  return options;
}

}  // namespace gmdiff::python
