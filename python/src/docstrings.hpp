#pragma once

#include <nanobind/nanobind.h>

#include <string>

namespace gmdiff::python {

/// The comment of a class, a member ("Mixture::log_pdf") or a function of the public headers.
/// @throws std::logic_error for a name without a comment, so that the package cannot be imported then.
const char* docs(const std::string& name);
/// The comment that `docs` gives, or an empty text for a name without a comment.
const char* optional_docs(const std::string& name);
/// Gives every attribute without a text that of its member in the public headers.
void document_attributes(const nanobind::module_& module);

}  // namespace gmdiff::python
