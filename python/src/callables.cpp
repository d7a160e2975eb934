#include "callables.hpp"

#include <algorithm>
#include <unordered_set>

#include <gmdiff/model/custom_field.hpp>
#include <gmdiff/model/custom_map.hpp>
#include <gmdiff/model/custom_target.hpp>

#include "bindings.hpp"
#include "descriptions.hpp"
#include "device_rows.hpp"
#include "docstrings.hpp"
#include "models.hpp"
#include "numbers.hpp"
#include "released.hpp"
#include "running.hpp"
#include "sampler/catalogue.hpp"
#include "states.hpp"

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

nb::object rows_for_call(const double* values, Eigen::Index rows, Eigen::Index columns) {
  return array(Points(Eigen::Map<const Points>(values, rows, columns)));
}

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

nb::tuple pair_of(nb::handle result, const std::string& place) {
  if (!PyTuple_Check(result.ptr()) || nb::len(result) != 2)
    fail_type(place, "a pair (log-densities, gradients)", result);
  return nb::borrow<nb::tuple>(result);
}

namespace {

/// Writes log-densities and gradients from the pair that a function returns.
void read_pair(nb::handle result, const std::string& place, Eigen::Index n, Eigen::Index d, double* l,
               double* g) {
  const nb::tuple pair = pair_of(result, place);
  read_rows(pair[0], place + ": the log-density", n, 1, l);
  read_rows(pair[1], place + ": the gradient", n, d, g);
}

CustomTarget custom_target(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("CustomTarget", {"function", "dim", "hessian_vp", "id", "device"}, 2, positional,
                        named);
  const Function function(given.need("function"), given.place("function"));
  CustomTarget target;
  target.dim =
      static_cast<int>(integer_of(given.need("dim"), given.place("dim"), 1, catalogue::max_target_dim));
  target.id = id_of(given.find("id"), function.object(), given.place("id"));
  target.concurrent = false;
  const nb::object hessian = given.find("hessian_vp"), device = given.find("device");
  const std::string place = concat("target \"", target.id, "\"");
  if (device.is_valid() && choice_of(device, given.place("device"), {"cpu", "cuda"}) == 1) {
    if (hessian.is_valid())
      fail(given.place("hessian_vp"),
           ": products with the Hessian are used together with values in host memory; expected none with "
           "device=\"cuda\"");
    target.device = DeviceTargetCalls{function, place};
    return target;
  }
  target.evaluate = [function, d = target.dim, place](Eigen::Index n, const double* x, double* l, double* g) {
    std::fill_n(l, n, 0.0);
    std::fill_n(g, n * d, 0.0);
    function.call([&] { return nb::make_tuple(rows_for_call(x, n, d)); },
                  [&](const nb::object& result) { read_pair(result, place, n, d, l, g); });
  };
  if (hessian.is_valid()) {
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

/// Log-densities and gradients of rows of x, or for a function on a GPU what that returns.
nb::object called(const CustomTarget& self, nb::handle x) {
  if (const auto* const calls = self.device.target<DeviceTargetCalls>()) return calls->checked(x);
  const Target target(self);
  const Points points = points_in(x, "CustomTarget: x", self.dim);
  Eigen::VectorXd l;
  Points gradient;
  released([&] {
    target.evaluate(points, l, gradient);
    return 0;
  });
  return nb::make_tuple(array(std::move(l)), array(std::move(gradient)));
}

/// The end of the text of a description.
template <class T>
const char* place_of(const T& /*made*/) {
  return "";
}
template <>
const char* place_of(const CustomTarget& made) {
  return made.device ? " on a GPU" : "";
}

/// Binds a class that is made by a function of its arguments.
template <class T>
nb::class_<T> bind_made(nb::module_& module, const char* name, T (*make)(const nb::args&, const nb::kwargs&),
                        const char* signature, const char* text) {
  nb::class_<T> made(module, name, text);
  def_copies(made);
  refuse_pickles(made, keep(concat(name, ": holds a function, which a pickle cannot keep")));
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
        return concat("<", name, " \"", self.id, "\" in dimension ", self.dim, place_of(self), ">");
      });
  return made;
}

}  // namespace

void bind_callables(nb::module_& module) {
  constexpr const char* of_rows =
      " It may keep or change its rows. A row must have the same result whichever other rows come with it: "
      "only then does a chain or path not depend on the others of its run. An exception ends the run and is "
      "passed on unchanged.\n\n";
  constexpr const char* of_id =
      "id: identifies the function in hashes and provenance; by default its module and name. ";
  nb::module_::import_("atexit").attr("register")(nb::cpp_function(&Function::release_all));
  bind_made<CustomTarget>(
      module, "CustomTarget", custom_target,
      "def __init__(self, function: typing.Callable, dim: int, *, hessian_vp: typing.Callable "
      "| None = None, id: str | None = None, device: str = 'cpu') -> None",
      keep(concat(
          "A log-density and its gradient that a function of Python computes, up to a constant.\n\n"
          "function(x) gets rows x (n, dim), float64, and returns the pair of log-densities (n), which "
          "may be -inf, and gradients (n, dim).",
          of_rows,
          "hessian_vp(x, v): the products (n, dim) of the Hessian at x with rows v (n, dim); the search "
          "for maxima, quadrature and the training of samplers need it. ",
          of_id,
          "device: \"cpu\", or \"cuda\" for a function that works in the memory of the GPU of a run. It "
          "gets x as an object with __dlpack__ in the precision of the run, valid during the call, and "
          "returns contiguous tensors on the same GPU: gradients of the type of x, and log-densities in "
          "float32 or float64. Only Markov chains take such a target, and not to a pilot run: give their "
          "step, or adapt=\"chain\".")))
      .def("__call__", &called, any_arg("x"),
           "Log-densities (n) and gradients (n, d) of rows x (n, d), as a pair of arrays; with "
           "device=\"cuda\" x is a tensor on a GPU, and the pair is what the function returns.");
  bind_made<CustomMap>(
      module, "CustomMap", custom_map,
      "def __init__(self, value: typing.Callable, transposed_product: typing.Callable, dim: int, "
      "outputs: int, *, product: typing.Callable | None = None, hessian: typing.Callable | None = None, "
      "id: str | None = None) -> None",
      keep(concat(
          "The map Phi of a nonlinear observation, and products with its derivatives, as functions of "
          "Python.\n\n"
          "value(x): Phi (n, outputs) of rows x (n, dim). transposed_product(x, w): J^T w (n, dim) for "
          "rows w (n, outputs), with J = dPhi/dx. product(x, v), optional: J v (n, outputs). "
          "hessian(x, w, v), optional: sum_i w_i Hess Phi_i v (n, dim). All arrays are float64.",
          of_rows, of_id)))
      .def_ro("outputs", &CustomMap::outputs, "Number of entries of Phi(x).");
  bind_made<CustomField>(
      module, "CustomField", custom_field,
      "def __init__(self, function: typing.Callable, dim: int, *, id: str | None = None) -> None",
      keep(concat("The drift or the noise of an SDE as a function of Python.\n\n"
                  "function(t, x) gets a time and rows x (n, dim), float64, and returns f (n, dim).",
                  of_rows, of_id)));
}

}  // namespace gmdiff::python
