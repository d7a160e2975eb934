#include "callables.hpp"

#include <gmdiff/network/learned_denoiser.hpp>

#include "bindings.hpp"
#include "device_rows.hpp"
#include "numbers.hpp"
#include "released.hpp"
#include "states.hpp"

// Denoisers, scores and noise estimates of Python.

namespace gmdiff::python {
namespace {

/// A denoiser of Python: `Denoiser(f)`.
struct PythonDenoiser {
  Denoiser denoiser;
  std::string kind;
  std::vector<Function> functions;  ///< that `denoiser` calls
  /// Copies of each function that belong to this object. While there are others, a run or a problem uses the
  /// function, and the collector of cycles must not look through it.
  std::vector<long> own_copies = {};

  bool is_on_gpu() const { return std::holds_alternative<DeviceDenoiser>(denoiser); }
  const std::string& id() const {
    return std::visit([](const auto& given) -> const std::string& { return given.id; }, denoiser);
  }
};

const std::vector<std::string>& kinds() {
  static const std::vector<std::string> names{"denoiser", "score", "eps"};
  return names;
}

/// The function of a denoiser: `result` turns a row of what the function returns into a row of D.
struct Calls {
  Function function;
  std::string place;
  Eigen::Index batch;

  void operator()(const Points& x, Level level, Points& out) const {
    out.setZero(x.rows(), x.cols());
    for_each_piece(x.rows(), batch, [&](Eigen::Index first, Eigen::Index count) {
      const Eigen::Index d = x.cols();
      function.call(
          [&] { return nb::make_tuple(rows_for_call(x.row(first).data(), count, d), nb::cast(level)); },
          [&](const nb::object& result) { read_rows(result, place, count, d, out.row(first).data()); });
    });
  }
};

void check_alpha(const std::string& id, Level level) {
  require(level.alpha > 0.0, "denoiser \"", id,
          "\": has no value at alpha = 0, where the noise says nothing about the data; start the grid below "
          "that time, or give kind=\"denoiser\"");
}

/// D from the noise: D = (x - sigma eps) / alpha (mathematics.md §2.3).
HostDenoiser denoiser_of_noise(const std::string& id, const Calls& noise) {
  return {.id = id, .function = [noise, id](const Points& x, Level level, Points& denoised) {
            check_alpha(id, level);
            noise(x, level, denoised);
            denoised = (x - level.sigma * denoised) / level.alpha;
          }};
}

/// Denoiser of host memory. @param kind position in `kinds`
HostDenoiser host_denoiser(const Function& function, const std::string& id, std::size_t kind,
                           Eigen::Index batch) {
  const Calls calls{function, concat("denoiser \"", id, "\": the result"), batch};
  if (kind == 0) return {.id = id, .function = calls};
  if (kind == 1) return gmdiff::denoiser_of(HostScore{.id = id, .function = calls});
  return denoiser_of_noise(id, calls);
}

/// The product J^T v of a denoiser.
auto transposed_product(const Function& function, const std::string& id) {
  return [function, place = concat("denoiser \"", id, "\": the product J^T v")](
             const Points& x, const Points& v, Level level, Points& out) {
    out.setZero(x.rows(), x.cols());
    function.call(
        [&] {
          return nb::make_tuple(rows_for_call(x.data(), x.rows(), x.cols()),
                                rows_for_call(v.data(), v.rows(), v.cols()), nb::cast(level));
        },
        [&](const nb::object& result) { read_rows(result, place, x.rows(), x.cols(), out.data()); });
  };
}

/// Predictions in the order of `kinds`.
constexpr Prediction predictions[] = {Prediction::denoiser, Prediction::score, Prediction::noise};

/// A function on a GPU has no product with its derivative.
void check_on_gpu(const Arguments& given) {
  if (given.find("vjp").is_valid())
    fail(given.place("vjp"),
         ": guided samplers take denoisers in host memory; expected none with device=\"cuda\"");
}

void make_denoiser(PythonDenoiser* self, const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("Denoiser", {"function", "kind", "id", "vjp", "batch", "device"}, 2, positional,
                        named);
  const Function function(given.need("function"), given.place("function"));
  const nb::object kind = given.find("kind"), batch = given.find("batch"), vjp = given.find("vjp"),
                   device = given.find("device");
  const std::size_t choice = kind.is_valid() ? choice_of(kind, given.place("kind"), kinds()) : 0;
  const std::string id = id_of(given.find("id"), function.object(), given.place("id"));
  const Eigen::Index rows = batch.is_valid() ? integer_of(batch, given.place("batch")) : 0;
  const bool is_on_gpu = device.is_valid() && choice_of(device, given.place("device"), {"cpu", "cuda"}) == 1;
  std::vector<Function> functions{function};
  if (is_on_gpu) {
    check_on_gpu(given);
    new (self) PythonDenoiser{device_denoiser(function, id, predictions[choice], rows), kinds()[choice],
                              std::move(functions)};
    return;
  }
  HostDenoiser denoiser = host_denoiser(function, id, choice, rows);
  if (vjp.is_valid()) {
    functions.emplace_back(vjp, given.place("vjp"));
    denoiser.transposed_jvp = transposed_product(functions.back(), id);
  }
  new (self) PythonDenoiser{std::move(denoiser), kinds()[choice], std::move(functions)};
}

/// Makes a denoiser and counts its own copies of the functions, when no others are left.
void make_counted_denoiser(PythonDenoiser* self, const nb::args& positional, const nb::kwargs& named) {
  make_denoiser(self, positional, named);
  for (const Function& function : self->functions) self->own_copies.push_back(function.num_copies());
}

/// Calls f with each function of a denoiser that nobody else uses.
template <class F>
void for_each_own(PyObject* self, F f) {
  if (!nb::inst_ready(self)) return;
  auto* denoiser = nb::inst_ptr<PythonDenoiser>(self);
  for (std::size_t i = 0; i < denoiser->own_copies.size(); ++i) {
    if (denoiser->functions[i].num_copies() == denoiser->own_copies[i]) f(denoiser->functions[i]);
  }
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  int stopped = 0;
  for_each_own(self, [&](const Function& function) {
    if (stopped == 0 && function.object().is_valid()) stopped = visit(function.object().ptr(), arg);
  });
  return stopped;
}

int clear(PyObject* self) {
  for_each_own(self, [](Function& function) { function.clear(); });
  return 0;
}

/// D from a tensor x and the prediction of a function on a GPU, by the operators of their library
/// (mathematics.md §2.3).
nb::object denoiser_of(const nb::object& x, const nb::object& prediction, Level at,
                       const PythonDenoiser& self) {
  const auto number = [](double value) { return nb::float_(value); };
  switch (std::get<DeviceDenoiser>(self.denoiser).prediction) {
    case Prediction::denoiser:
      return prediction;
    case Prediction::score:
      check_alpha(self.id(), at);
      return (x + prediction * number(at.sigma * at.sigma)) / number(at.alpha);
    case Prediction::noise:
      check_alpha(self.id(), at);
      return (x - prediction * number(at.sigma)) / number(at.alpha);
  }
  return {};
}

/// D of rows of x: an array of NumPy, or a tensor for a function on a GPU.
nb::object denoised_rows(const PythonDenoiser& self, nb::handle x, nb::handle level) {
  const Level at = level_of(level, "Denoiser: level");
  if (self.is_on_gpu()) {
    nb::object prediction = self.functions.front().object()(x, at);
    check_device_result(prediction, x, self.id());
    return denoiser_of(nb::borrow(x), prediction, at, self);
  }
  const Points points = points_of(x, "Denoiser: x");
  Points denoised(points.rows(), points.cols());
  released([&] {
    std::get<HostDenoiser>(self.denoiser).function(points, at, denoised);
    return 0;
  });
  return array(std::move(denoised));
}

}  // namespace

std::optional<Denoiser> denoiser_of(nb::handle object) {
  if (nb::isinstance<PythonDenoiser>(object)) return nb::cast<const PythonDenoiser&>(object).denoiser;
  if (nb::isinstance<LearnedDenoiser>(object)) return nb::cast<const LearnedDenoiser&>(object).denoiser();
  return {};
}

HostDenoiser host_denoiser_of(nb::handle object, const std::string& place) {
  auto denoiser = denoiser_of(object);
  if (!denoiser) fail_type(place, "a Denoiser or a LearnedDenoiser", object);
  auto* const host = std::get_if<HostDenoiser>(&*denoiser);
  if (host == nullptr) fail(place, ": expected a denoiser in host memory, given one with device=\"cuda\"");
  return std::move(*host);
}

void bind_denoisers(nb::module_& module) {
  static PyType_Slot slots[] = {{Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                                {Py_tp_clear, reinterpret_cast<void*>(clear)},
                                {0, nullptr}};
  nb::class_<PythonDenoiser> made(
      module, "Denoiser", nb::type_slots(slots),
      "A denoiser, score or noise estimate that a function of Python computes.\n\n"
      "function(x, level) gets rows x (n, d), float64, which it may keep or change, and a Level with alpha "
      "and "
      "sigma. It returns an array (n, d) of NumPy, or a tensor in host memory with __dlpack__. A row must "
      "have "
      "the same result whichever other rows come with it.\n\n"
      "kind: \"denoiser\" D = E[x_0 | x_t = x], \"score\" grad log p_t(x), or \"eps\" the noise. "
      "id: identifies the function in hashes and provenance; by default its module and name. "
      "vjp(x, v, level): J^T v with J = dD/dx, which guided samplers need. "
      "batch: the most rows of a call. "
      "device: \"cpu\", or \"cuda\" for a function that works in the memory of the GPU of a run. It gets x "
      "as "
      "an object with __dlpack__ in the precision of the run, valid during the call, and returns a "
      "contiguous "
      "tensor of the same type on the same GPU; from a score or eps the run computes D in its precision.");
  def_copies(made);
  refuse_pickles(made, "Denoiser: holds a function, which a pickle cannot keep");
  made.def("__init__", &make_counted_denoiser,
           nb::sig(
               "def __init__(self, function: typing.Callable, kind: str = 'denoiser', *, id: str | None "
               "= None, "
               "vjp: typing.Callable | None = None, batch: int | None = None, device: str = 'cpu') -> None"))
      .def_prop_ro(
          "id", [](const PythonDenoiser& self) { return self.id(); },
          "The text that identifies the function in hashes and provenance.")
      .def_prop_ro(
          "kind", [](const PythonDenoiser& self) { return self.kind; },
          "What the function computes: \"denoiser\", \"score\" or \"eps\".")
      .def("__call__", &denoised_rows, any_arg("x"), any_arg("level"), "D of each row of x (n, d).")
      .def("__repr__", [](const PythonDenoiser& self) {
        const std::string kind = self.kind == kinds().front() ? "" : "of the " + self.kind + " ";
        return concat("<Denoiser ", kind, "\"", self.id(), self.is_on_gpu() ? "\" on a GPU>" : "\">");
      });
}

}  // namespace gmdiff::python
