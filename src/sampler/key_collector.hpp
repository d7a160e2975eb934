#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gmdiff/sampler/sampler.hpp>

// Visitors of the catalogue that handle keys.

namespace gmdiff::catalogue {

/// Collects the keys of a description.
struct KeyCollector {
  std::vector<std::string> keys = {};

  template <class T>
  void required(const char* key, T& /*parameter*/) {
    keys.emplace_back(key);
  }
  template <class T>
  void optional(const char* key, T& /*parameter*/) {
    keys.emplace_back(key);
  }
  void unbounded(const char* key, double& /*parameter*/) { keys.emplace_back(key); }
  void whole(const char* key, int& /*parameter*/, int /*most*/, int /*least*/ = 1) { keys.emplace_back(key); }
  template <class Variant>
  void name_of(const char* key, Variant& /*description*/) {
    keys.emplace_back(key);
  }
  template <class First, class Second>
  void either(bool /*first_holds*/, First first, Second second) {
    first(*this);
    second(*this);
  }
};

/// Forwards the parameters of an integrator, which are given beside those of a guided sampler. A key that the
/// guided sampler also has gets the prefix `integrator_`. The integrator's law of the start has no effect and
/// is left out.
template <class Visitor>
class IntegratorVisitor {
 public:
  IntegratorVisitor(Visitor& visitor, std::vector<std::string> taken)
      : visitor_(visitor), taken_(std::move(taken)) {}

  void optional(const char* /*key*/, Start& /*start*/) {}
  template <class T>
  void optional(const char* key, T& parameter) {
    visitor_.optional(free_key(key).c_str(), parameter);
  }
  void unbounded(const char* key, double& parameter) { visitor_.unbounded(free_key(key).c_str(), parameter); }
  void whole(const char* key, int& parameter, int most, int least = 1) {
    visitor_.whole(free_key(key).c_str(), parameter, most, least);
  }

 private:
  std::string free_key(const char* key) const {
    return std::ranges::find(taken_, key) == taken_.end() ? key : "integrator_" + std::string(key);
  }

  Visitor& visitor_;
  std::vector<std::string> taken_;
};

}  // namespace gmdiff::catalogue
