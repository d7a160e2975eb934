#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gmdiff/base/points.hpp>

#include "arguments.hpp"

// Numbers and arrays of Python, in and out. Every function takes the place that messages begin with.

namespace gmdiff::python {

/// A real number. @throws TypeError for another type.
double number_of(nb::handle value, const std::string& place);
/// @throws TypeError for another type, ValueError outside the range.
std::int64_t integer_of(nb::handle value, const std::string& place, std::int64_t least = 1,
                        std::int64_t most = std::numeric_limits<std::int64_t>::max());
/// An integer from 0 to 2^64 - 1.
std::uint64_t seed_of(nb::handle value, const std::string& place);
bool truth_of(nb::handle value, const std::string& place);
std::string text_of(nb::handle value, const std::string& place);
/// A path: a text or an object of pathlib.
std::string path_of(nb::handle value, const std::string& place);
/// Position of a text among the names. @throws TypeError, or ValueError that lists them.
std::size_t choice_of(nb::handle value, const std::string& place, const std::vector<std::string>& names);

/// An array of numbers in row-major order.
struct Numbers {
  std::vector<std::int64_t> shape;
  nb::object owner;  ///< keeps the values alive
  const double* values;
  /// eps of the numbers' own type: that of float for float16 and float32, otherwise that of double
  double relative_precision;

  Eigen::Map<const Points> rows() const;
};
/// Whatever NumPy makes an array of, or an object with `__dlpack__`. float64 in C order in host memory is
/// read in place; other real numbers are converted by one copy, and a tensor in the memory of a GPU is copied
/// to the host by its own library.
/// @param shape in messages, such as "(n, d)" @param ranks number of axes that are allowed
/// @throws TypeError for complex numbers, objects, text and extended precision, and for tensors whose library
///   does not copy them to the host; ValueError for another number of axes.
Numbers numbers_of(nb::handle value, const std::string& place, const std::string& shape,
                   const std::vector<std::size_t>& ranks);

/// Points (n, d); (n) counts as (n, 1).
Points points_of(nb::handle value, const std::string& place, const std::string& shape = "(n, d)");
Eigen::VectorXd vector_of(nb::handle value, const std::string& place, const std::string& shape = "(n)");
std::vector<double> list_of(nb::handle value, const std::string& place, const std::string& shape = "(n)");
Eigen::MatrixXd matrix_of(nb::handle value, const std::string& place, const std::string& shape = "(m, n)",
                          double* relative_precision = nullptr);
/// K matrices (d, d) as one array (K, d, d).
std::vector<Eigen::MatrixXd> matrices_of(nb::handle value, const std::string& place,
                                         double* relative_precision = nullptr);
/// A pair (alpha, sigma) or a Level.
Level level_of(nb::handle value, const std::string& place);

/// An array of NumPy, which the stubs name as such.
class Array : public nb::object {
  NB_OBJECT(Array, nb::object, "numpy.ndarray", PyObject_CheckBuffer)
};

/// NumPy arrays that own their values; points and vectors are moved, not copied.
Array array(Points values);
Array array(Eigen::VectorXd values);
Array array(const Eigen::MatrixXd& values);
Array array(const std::vector<Eigen::MatrixXd>& matrices);
Array array(std::vector<double> values);
/// The values of a vector as an array of another shape.
template <class T>
Array array(std::vector<T> values, const std::vector<std::size_t>& shape);

}  // namespace gmdiff::python
