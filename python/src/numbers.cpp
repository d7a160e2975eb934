#include "numbers.hpp"

#include <nanobind/ndarray.h>

#include <dlpack/dlpack.h>

#include <algorithm>
#include <cmath>

namespace gmdiff::python {

double number_of(nb::handle value, const std::string& place) {
  const bool is_number =
      PyNumber_Check(value.ptr()) != 0 && !PyBool_Check(value.ptr()) && !PyComplex_Check(value.ptr());
  const double number = is_number ? PyFloat_AsDouble(value.ptr()) : 0.0;
  if (!is_number || PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    fail_type(place, "a number", value);
  }
  return number;
}

namespace {

/// The value as Python's integer; a number with a fraction is none.
nb::object whole_number(nb::handle value, const std::string& place) {
  nb::object index = nb::steal(PyBool_Check(value.ptr()) ? nullptr : PyNumber_Index(value.ptr()));
  if (!index.is_valid()) {
    PyErr_Clear();
    fail_type(place, "an integer", value);
  }
  return index;
}

}  // namespace

std::int64_t integer_of(nb::handle value, const std::string& place, std::int64_t least, std::int64_t most) {
  const nb::object index = whole_number(value, place);
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  if (overflow != 0 || number < least || number > most) {
    const bool has_most = most != std::numeric_limits<std::int64_t>::max();
    fail(place, ": expected an integer ",
         has_most ? concat("from ", least, " to ", most) : concat(">= ", least), ", given ", describe(value));
  }
  return number;
}

std::uint64_t seed_of(nb::handle value, const std::string& place) {
  const nb::object index = whole_number(value, place);
  const unsigned long long seed = PyLong_AsUnsignedLongLong(index.ptr());
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    fail(place, ": expected an integer from 0 to 2^64 - 1, given ", describe(value));
  }
  return seed;
}

bool truth_of(nb::handle value, const std::string& place) {
  if (!PyBool_Check(value.ptr())) fail_type(place, "True or False", value);
  return value.is(Py_True);
}

std::string text_of(nb::handle value, const std::string& place) {
  if (!PyUnicode_Check(value.ptr())) fail_type(place, "a text", value);
  return nb::cast<nb::str>(value).c_str();
}

std::string path_of(nb::handle value, const std::string& place) {
  const nb::object path = nb::steal(PyOS_FSPath(value.ptr()));
  if (!path.is_valid()) {
    PyErr_Clear();
    fail_type(place, "a path", value);
  }
  return text_of(path, place);
}

std::size_t choice_of(nb::handle value, const std::string& place, const std::vector<std::string>& names) {
  const std::string text = text_of(value, place);
  const auto found = std::ranges::find(names, text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "\"" : ", \"") + name + "\"";
  fail(place, ": expected ", names.size() > 1 ? "one of " : "", list, ", given ", describe(value));
}

Eigen::Map<const Points> Numbers::rows() const {
  const std::int64_t first = shape.empty() ? 1 : shape.front();
  const std::int64_t columns = shape.size() < 2 ? 1 : shape[1];
  return {values, first, columns};
}

namespace {

/// The text of an error; that of Python without its frames.
std::string reason_of(const std::exception& error) {
  const auto* const python = dynamic_cast<const nb::python_error*>(&error);
  return python == nullptr ? error.what() : nb::str(python->value()).c_str();
}

/// Whether the values of a tensor are in memory that NumPy cannot read.
bool is_on_gpu(nb::handle tensor) {
  if (!nb::hasattr(tensor, "__dlpack_device__")) return false;
  const int type = nb::cast<int>(nb::int_(nb::object(tensor.attr("__dlpack_device__")())[0]));
  return type == kDLCUDA || type == kDLROCM;
}

/// The array over the values of a tensor. A tensor in other memory is copied to the host by its own library:
/// that is what `dl_device` asks for in the protocol of DLPack.
nb::object array_of_tensor(nb::handle tensor) {
  const nb::module_ numpy = nb::module_::import_("numpy");
  if (!is_on_gpu(tensor)) return numpy.attr("from_dlpack")(tensor);
  const nb::object host = nb::make_tuple(static_cast<int>(kDLCPU), 0);
  const nb::object copied = tensor.attr("__dlpack__")(nb::arg("dl_device") = host);
  return nb::ndarray<nb::numpy, nb::ro>(nb::cast<nb::ndarray<nb::ro, nb::device::cpu>>(copied)).cast();
}

/// The array that NumPy makes of an object. @throws TypeError, ValueError with NumPy's reason.
nb::object numpy_array(nb::handle value, const std::string& place) {
  if (value.is_none()) fail_type(place, "an array of numbers", value);
  const nb::module_ numpy = nb::module_::import_("numpy");
  if (nb::isinstance(value, numpy.attr("ndarray"))) return nb::borrow(value);
  const bool is_tensor = nb::hasattr(value, "__dlpack__");
  try {
    return is_tensor ? array_of_tensor(value) : numpy.attr("asarray")(value);
  } catch (const std::exception& error) {
    if (is_tensor)
      throw nb::type_error(concat(place, ": this tensor cannot be read in host memory; copy it there first (",
                                  reason_of(error), ")")
                               .c_str());
    fail(place, ": expected an array of numbers; ", reason_of(error));
  }
}

std::string shape_text(nb::handle array) {
  const nb::object shape = array.attr("shape");
  return nb::repr(shape).c_str();
}

}  // namespace

Numbers numbers_of(nb::handle value, const std::string& place, const std::string& shape,
                   const std::vector<std::size_t>& ranks) {
  const nb::object given = numpy_array(value, place);
  const nb::object dtype = given.attr("dtype");
  const char kind = nb::cast<nb::str>(dtype.attr("kind")).c_str()[0];
  const auto item_size = nb::cast<std::size_t>(dtype.attr("itemsize"));
  const bool is_float = kind == 'f';
  if (!(is_float && item_size <= sizeof(double)) && kind != 'i' && kind != 'u' && kind != 'b')
    throw nb::type_error(concat(place, ": expected an array of real numbers, at most float64; given dtype ",
                                nb::str(dtype).c_str())
                             .c_str());
  if (std::ranges::find(ranks, nb::cast<std::size_t>(given.attr("ndim"))) == ranks.end())
    fail(place, ": expected an array of shape ", shape, ", given ", shape_text(given));
  const nb::module_ numpy = nb::module_::import_("numpy");
  nb::object doubles = numpy.attr("ascontiguousarray")(given, numpy.attr("float64"));
  const auto view = nb::cast<nb::ndarray<nb::ro, const double, nb::c_contig, nb::device::cpu>>(doubles);
  Numbers numbers{.shape = {},
                  .owner = doubles,
                  .values = view.data(),
                  .relative_precision = is_float && item_size < sizeof(double)
                                            ? double{std::numeric_limits<float>::epsilon()}
                                            : std::numeric_limits<double>::epsilon()};
  for (std::size_t i = 0; i < view.ndim(); ++i)
    numbers.shape.push_back(static_cast<std::int64_t>(view.shape(i)));
  return numbers;
}

Points points_of(nb::handle value, const std::string& place, const std::string& shape) {
  return numbers_of(value, place, shape, {1, 2}).rows();
}

Eigen::VectorXd vector_of(nb::handle value, const std::string& place, const std::string& shape) {
  return numbers_of(value, place, shape, {1}).rows().col(0);
}

std::vector<double> list_of(nb::handle value, const std::string& place, const std::string& shape) {
  const Numbers numbers = numbers_of(value, place, shape, {1});
  return {numbers.values, numbers.values + numbers.shape.front()};
}

Eigen::MatrixXd matrix_of(nb::handle value, const std::string& place, const std::string& shape,
                          double* relative_precision) {
  const Numbers numbers = numbers_of(value, place, shape, {2});
  if (relative_precision != nullptr) *relative_precision = numbers.relative_precision;
  return numbers.rows();
}

std::vector<Eigen::MatrixXd> matrices_of(nb::handle value, const std::string& place,
                                         double* relative_precision) {
  const Numbers numbers = numbers_of(value, place, "(K, d, d)", {3});
  if (relative_precision != nullptr) *relative_precision = numbers.relative_precision;
  const std::int64_t rows = numbers.shape[1], columns = numbers.shape[2];
  std::vector<Eigen::MatrixXd> matrices;
  matrices.reserve(static_cast<std::size_t>(numbers.shape[0]));
  for (std::int64_t k = 0; k < numbers.shape[0]; ++k)
    matrices.emplace_back(Eigen::Map<const Points>(numbers.values + k * rows * columns, rows, columns));
  return matrices;
}

Level level_of(nb::handle value, const std::string& place) {
  if (nb::isinstance<Level>(value)) return nb::cast<Level>(value);
  const bool is_pair = (PyTuple_Check(value.ptr()) || PyList_Check(value.ptr())) && nb::len(value) == 2;
  if (!is_pair) fail_type(place, "a Level or a pair (alpha, sigma)", value);
  const auto pair = nb::borrow<nb::sequence>(value);
  return {.alpha = number_of(pair[0], place + ": alpha"), .sigma = number_of(pair[1], place + ": sigma")};
}

namespace {

/// An array over the values of a container that moves into it.
template <class T, class Values>
Array array_over(Values values, const std::vector<std::size_t>& shape) {
  auto* kept = new Values(std::move(values));
  const nb::capsule owner(kept, [](void* pointer) noexcept { delete static_cast<Values*>(pointer); });
  return nb::borrow<Array>(nb::ndarray<nb::numpy, T>(kept->data(), shape.size(), shape.data(), owner).cast());
}

std::vector<std::size_t> sizes(std::initializer_list<Eigen::Index> shape) {
  std::vector<std::size_t> result;
  result.reserve(shape.size());
  for (const Eigen::Index size : shape) result.push_back(static_cast<std::size_t>(size));
  return result;
}

}  // namespace

Array array(Points values) {
  const auto shape = sizes({values.rows(), values.cols()});
  return array_over<double>(std::move(values), shape);
}

Array array(Eigen::VectorXd values) {
  const auto shape = sizes({values.size()});
  return array_over<double>(std::move(values), shape);
}

Array array(const Eigen::MatrixXd& values) { return array(Points(values)); }

Array array(const std::vector<Eigen::MatrixXd>& matrices) {
  const Eigen::Index d = matrices.empty() ? 0 : matrices.front().rows();
  std::vector<double> values;
  values.reserve(matrices.size() * static_cast<std::size_t>(d * d));
  for (const Eigen::MatrixXd& matrix : matrices) {
    for (const double value : matrix.transpose().reshaped()) values.push_back(value);
  }
  return array(std::move(values),
               {matrices.size(), static_cast<std::size_t>(d), static_cast<std::size_t>(d)});
}

Array array(std::vector<double> values) {
  const std::vector<std::size_t> shape{values.size()};
  return array_over<double>(std::move(values), shape);
}

template <class T>
Array array(std::vector<T> values, const std::vector<std::size_t>& shape) {
  return array_over<T>(std::move(values), shape);
}
template Array array(std::vector<double>, const std::vector<std::size_t>&);
template Array array(std::vector<std::uint8_t>, const std::vector<std::size_t>&);
template Array array(std::vector<std::uint32_t>, const std::vector<std::size_t>&);
template Array array(std::vector<int>, const std::vector<std::size_t>&);
template Array array(std::vector<std::int64_t>, const std::vector<std::size_t>&);
template Array array(std::vector<std::uint64_t>, const std::vector<std::size_t>&);

}  // namespace gmdiff::python
