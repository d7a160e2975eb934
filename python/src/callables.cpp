#include "callables.hpp"

#include <algorithm>
#include <unordered_set>

#include <gmdiff/model/custom_field.hpp>
#include <gmdiff/model/custom_map.hpp>
#include <gmdiff/model/custom_target.hpp>
#include <gmdiff/network/learned_denoiser.hpp>

#include "bindings.hpp"
#include "docstrings.hpp"
#include "numbers.hpp"
#include "running.hpp"
#include "sampler/catalogue.hpp"

namespace gmdiff::python {

Function::Function(nb::handle function, const std::string& place) {
  if (PyCallable_Check(function.ptr()) == 0) fail_type(place, "a function", function);
  held_ = std::make_shared<Held>(function);
}

namespace {

/// All functions that are held, under the interpreter's lock.
std::unordered_set<nb::object*>& all_held() {
  static auto* const the_set = new std::unordered_set<nb::object*>;
  return *the_set;
}

}  // namespace

Function::Held::Held(nb::handle given) : function(nb::borrow(given)) { all_held().insert(&function); }

Function::Held::~Held() {
  if (Py_IsInitialized() == 0) {
    function.release();
    return;
  }
  const nb::gil_scoped_acquire lock;
  all_held().erase(&function);
  function.reset();
}

void Function::release_all() {
  // The release of one may end the life of others.
  std::vector<nb::object> functions;
  functions.reserve(all_held().size());
  for (nb::object* held : all_held()) functions.push_back(std::move(*held));
  functions.clear();
}

bool Function::is_interrupt(nb::python_error& error) {
  return error.matches(PyExc_KeyboardInterrupt) && Interrupts::hand_over(error);
}

std::string id_of(const nb::object& id, nb::handle function, const std::string& place) {
  if (id.is_valid()) {
    const std::string text = text_of(id, place);
    require(!text.empty(), place, ": expected a text that is not empty");
    return text;
  }
  const nb::handle named = nb::hasattr(function, "__qualname__") ? function : nb::handle(function.type());
  // Built-in methods, and functions of `exec`, have no module.
  const nb::object module = nb::getattr(named, "__module__", nb::none());
  const std::string name = text_of(nb::object(named.attr("__qualname__")), place);
  return PyUnicode_Check(module.ptr()) ? concat(text_of(module, place), ".", name) : name;
}

namespace {

/// Rows as an array of their own, which the function may keep or change.
nb::object rows_for_call(const double* values, Eigen::Index rows, Eigen::Index columns) {
  return array(Points(Eigen::Map<const Points>(values, rows, columns)));
}

/// Reads the result of a function. @throws ValueError for another shape.
void read_rows(nb::handle result, const std::string& place, Eigen::Index rows, Eigen::Index columns,
               double* values) {
  const bool is_list = columns == 1;
  const Numbers given = numbers_of(result, place, concat("(", rows, ", ", columns, ")"),
                                   is_list ? std::vector<std::size_t>{1, 2} : std::vector<std::size_t>{2});
  const auto view = given.rows();
  require(view.rows() == rows && view.cols() == columns, place, " has shape (", view.rows(), ", ",
          view.cols(), "), expected (", rows, ", ", columns, ")");
  std::copy_n(given.values, rows * columns, values);
}

/// Calls f with each piece of at most `batch` rows: f(first row, number of rows).
template <class F>
void for_each_piece(Eigen::Index rows, Eigen::Index batch, F f) {
  const Eigen::Index most = batch > 0 ? batch : std::max<Eigen::Index>(rows, 1);
  for (Eigen::Index first = 0; first < rows; first += most) f(first, std::min(most, rows - first));
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

/// D from the noise: D = (x - sigma eps) / alpha (mathematics.md §2.3).
HostDenoiser denoiser_of_noise(const std::string& id, const Calls& noise) {
  return {.id = id, .function = [noise, id](const Points& x, Level level, Points& denoised) {
            require(
                level.alpha > 0.0, "denoiser \"", id,
                "\": has no value at alpha = 0, where the noise says nothing about the data; start the grid "
                "below that time, or give kind=\"denoiser\"");
            noise(x, level, denoised);
            denoised = (x - level.sigma * denoised) / level.alpha;
          }};
}

void make_denoiser(PythonDenoiser* self, const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("Denoiser", {"function", "kind", "id", "vjp", "batch"}, 2, positional, named);
  const Function function(given.need("function"), given.place("function"));
  const nb::object kind = given.find("kind"), batch = given.find("batch"), vjp = given.find("vjp");
  const std::vector<std::string> kinds{"denoiser", "score", "eps"};
  const std::size_t choice = kind.is_valid() ? choice_of(kind, given.place("kind"), kinds) : 0;
  const std::string id = id_of(given.find("id"), function.object(), given.place("id"));
  const Eigen::Index rows = batch.is_valid() ? integer_of(batch, given.place("batch")) : 0;
  const Calls calls{function, concat("denoiser \"", id, "\": the result"), rows};
  HostDenoiser denoiser = choice == 0   ? HostDenoiser{.id = id, .function = calls}
                          : choice == 1 ? gmdiff::denoiser_of(HostScore{.id = id, .function = calls})
                                        : denoiser_of_noise(id, calls);
  std::vector<Function> functions{function};
  if (vjp.is_valid()) {
    functions.emplace_back(vjp, given.place("vjp"));
    denoiser.transposed_jvp = [function = functions.back(),
                               place = concat("denoiser \"", id, "\": the product J^T v")](
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
  new (self) PythonDenoiser{std::move(denoiser), kinds[choice], std::move(functions)};
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

void bind_denoiser(nb::module_& module) {
  static PyType_Slot slots[] = {{Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                                {Py_tp_clear, reinterpret_cast<void*>(clear)},
                                {0, nullptr}};
  nb::class_<PythonDenoiser>(
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
      "batch: the most rows of a call.")
      .def("__init__", &make_counted_denoiser,
           nb::sig("def __init__(self, function: typing.Callable, kind: str = 'denoiser', *, id: str | None "
                   "= None, "
                   "vjp: typing.Callable | None = None, batch: int | None = None) -> None"))
      .def_prop_ro(
          "id", [](const PythonDenoiser& self) { return self.denoiser.id; },
          "The text that identifies the function in hashes and provenance.")
      .def_prop_ro(
          "kind", [](const PythonDenoiser& self) { return self.kind; },
          "What the function computes: \"denoiser\", \"score\" or \"eps\".")
      .def(
          "__call__",
          [](const PythonDenoiser& self, nb::handle x, nb::handle level) {
            const Points points = points_of(x, "Denoiser: x");
            const Level at = level_of(level, "Denoiser: level");
            Points denoised(points.rows(), points.cols());
            {
              const nb::gil_scoped_release release;
              self.denoiser.function(points, at, denoised);
            }
            return array(std::move(denoised));
          },
          nb::arg("x"), nb::arg("level"), "D of each row of x (n, d).")
      .def("__repr__", [](const PythonDenoiser& self) {
        return concat("<Denoiser of the ", self.kind, " \"", self.denoiser.id, "\">");
      });
}

/// Writes log-densities and gradients from the pair that a function returns.
void read_pair(nb::handle result, const std::string& place, Eigen::Index n, Eigen::Index d, double* l,
               double* g) {
  if (!PyTuple_Check(result.ptr()) || nb::len(result) != 2)
    fail_type(place, "a pair (log-densities, gradients)", result);
  const auto pair = nb::borrow<nb::tuple>(result);
  read_rows(pair[0], place + ": the log-density", n, 1, l);
  read_rows(pair[1], place + ": the gradient", n, d, g);
}

CustomTarget custom_target(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("CustomTarget", {"function", "dim", "hessian_vp", "id"}, 2, positional, named);
  const Function function(given.need("function"), given.place("function"));
  CustomTarget target;
  target.dim =
      static_cast<int>(integer_of(given.need("dim"), given.place("dim"), 1, catalogue::max_target_dim));
  target.id = id_of(given.find("id"), function.object(), given.place("id"));
  target.concurrent = false;
  target.evaluate = [function, d = target.dim, place = concat("target \"", target.id, "\"")](
                        Eigen::Index n, const double* x, double* l, double* g) {
    std::fill_n(l, n, 0.0);
    std::fill_n(g, n * d, 0.0);
    function.call([&] { return nb::make_tuple(rows_for_call(x, n, d)); },
                  [&](const nb::object& result) { read_pair(result, place, n, d, l, g); });
  };
  if (const nb::object hessian = given.find("hessian_vp"); hessian.is_valid()) {
    target.hessian_vp = [function = Function(hessian, given.place("hessian_vp")), d = target.dim,
                         place = concat("target \"", target.id, "\": H v")](Eigen::Index n, const double* x,
                                                                            const double* v, double* hv) {
      std::fill_n(hv, n * d, 0.0);
      function.call([&] { return nb::make_tuple(rows_for_call(x, n, d), rows_for_call(v, n, d)); },
                    [&](const nb::object& result) { read_rows(result, place, n, d, hv); });
    };
  }
  return target;
}

CustomMap custom_map(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("CustomMap",
                        {"value", "transposed_product", "dim", "outputs", "product", "hessian", "id"}, 4,
                        positional, named);
  const Function value(given.need("value"), given.place("value"));
  const Function product(given.need("transposed_product"), given.place("transposed_product"));
  CustomMap map;
  map.dim = static_cast<int>(integer_of(given.need("dim"), given.place("dim"), 1, catalogue::max_target_dim));
  map.outputs = static_cast<int>(
      integer_of(given.need("outputs"), given.place("outputs"), 1, catalogue::max_target_dim));
  map.id = id_of(given.find("id"), value.object(), given.place("id"));
  map.concurrent = false;
  const std::string place = concat("map \"", map.id, "\": ");
  map.value = [value, d = map.dim, m = map.outputs, at = place + "the value"](Eigen::Index n, const double* x,
                                                                              double* phi) {
    std::fill_n(phi, n * m, 0.0);
    value.call([&] { return nb::make_tuple(rows_for_call(x, n, d)); },
               [&](const nb::object& result) { read_rows(result, at, n, m, phi); });
  };
  map.transposed_product = [product, d = map.dim, m = map.outputs, at = place + "the product J^T w"](
                               Eigen::Index n, const double* x, const double* w, double* out) {
    std::fill_n(out, n * d, 0.0);
    product.call([&] { return nb::make_tuple(rows_for_call(x, n, d), rows_for_call(w, n, m)); },
                 [&](const nb::object& result) { read_rows(result, at, n, d, out); });
  };
  if (const nb::object along = given.find("product"); along.is_valid()) {
    map.product = [function = Function(along, given.place("product")), d = map.dim, m = map.outputs,
                   at = place + "the product J v"](Eigen::Index n, const double* x, const double* v,
                                                   double* out) {
      std::fill_n(out, n * m, 0.0);
      function.call([&] { return nb::make_tuple(rows_for_call(x, n, d), rows_for_call(v, n, d)); },
                    [&](const nb::object& result) { read_rows(result, at, n, m, out); });
    };
  }
  if (const nb::object hessian = given.find("hessian"); hessian.is_valid()) {
    map.hessian = [function = Function(hessian, given.place("hessian")), d = map.dim, m = map.outputs,
                   at = place + "the Hessian's product"](Eigen::Index n, const double* x, const double* w,
                                                         const double* v, double* out) {
      std::fill_n(out, n * d, 0.0);
      function.call(
          [&] {
            return nb::make_tuple(rows_for_call(x, n, d), rows_for_call(w, n, m), rows_for_call(v, n, d));
          },
          [&](const nb::object& result) { read_rows(result, at, n, d, out); });
    };
  }
  return map;
}

CustomField custom_field(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("CustomField", {"function", "dim", "id"}, 2, positional, named);
  const Function function(given.need("function"), given.place("function"));
  CustomField field;
  field.dim =
      static_cast<int>(integer_of(given.need("dim"), given.place("dim"), 1, catalogue::max_target_dim));
  field.id = id_of(given.find("id"), function.object(), given.place("id"));
  field.concurrent = false;
  field.evaluate = [function, d = field.dim, place = concat("field \"", field.id, "\": the result")](
                       double t, Eigen::Index n, const double* x, double* f) {
    std::fill_n(f, n * d, 0.0);
    function.call([&] { return nb::make_tuple(t, rows_for_call(x, n, d)); },
                  [&](const nb::object& result) { read_rows(result, place, n, d, f); });
  };
  return field;
}

/// Binds a class that is made by a function of its arguments.
template <class T>
nb::class_<T> bind_made(nb::module_& module, const char* name, T (*make)(const nb::args&, const nb::kwargs&),
                        const char* signature) {
  nb::class_<T> made(module, name, docs(name));
  made.def(
          "__init__",
          [make](T* self, const nb::args& positional, const nb::kwargs& named) {
            new (self) T(make(positional, named));
          },
          nb::sig(signature))
      .def_ro("dim", &T::dim, "Dimension d.")
      .def_prop_ro(
          "id", [](const T& self) { return self.id; },
          "The text that identifies the function in hashes and provenance.")
      .def("__repr__", [name](const T& self) {
        return concat("<", name, " \"", self.id, "\" in dimension ", self.dim, ">");
      });
  return made;
}

}  // namespace

std::optional<HostDenoiser> denoiser_of(nb::handle object) {
  if (nb::isinstance<PythonDenoiser>(object)) return nb::cast<const PythonDenoiser&>(object).denoiser;
  if (nb::isinstance<LearnedDenoiser>(object)) return nb::cast<const LearnedDenoiser&>(object).denoiser();
  return {};
}

void bind_callables(nb::module_& module) {
  nb::module_::import_("atexit").attr("register")(nb::cpp_function(&Function::release_all));
  bind_denoiser(module);
  bind_made<CustomTarget>(
      module, "CustomTarget", custom_target,
      "def __init__(self, function: typing.Callable, dim: int, *, hessian_vp: typing.Callable "
      "| None = None, id: str | None = None) -> None");
  bind_made<CustomMap>(
      module, "CustomMap", custom_map,
      "def __init__(self, value: typing.Callable, transposed_product: typing.Callable, dim: int, "
      "outputs: int, *, product: typing.Callable | None = None, hessian: typing.Callable | None = None, "
      "id: str | None = None) -> None")
      .def_ro("outputs", &CustomMap::outputs, "Number of entries of Phi(x).");
  bind_made<CustomField>(
      module, "CustomField", custom_field,
      "def __init__(self, function: typing.Callable, dim: int, *, id: str | None = None) -> None");
}

}  // namespace gmdiff::python
