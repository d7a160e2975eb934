#pragma once

#include <csetjmp>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace gmdiff::test {

class FiberStacks;
struct Fiber;

/// Fibers: each has a stack of its own, and one runs at a time. AddressSanitizer knows of them.
class Fibers {
 public:
  /// @param body what fiber i does, any number of times; throws nothing
  Fibers(int count, std::function<void(int)> body);
  /// A fiber in the middle of its body is abandoned: nothing on its stack is destroyed.
  ~Fibers();
  Fibers(const Fibers&) = delete;
  Fibers& operator=(const Fibers&) = delete;

  /// Runs fiber i from where it was suspended, or from the beginning of its body, until it suspends itself (false) or the body ends (true).
  bool resume(int i);
  /// Called by the fiber that runs: back to resume().
  void suspend();

 private:
  [[noreturn]] static void enter();
  [[noreturn]] void live();
  void leave(bool for_good);

  std::function<void(int)> body_;
  std::unique_ptr<FiberStacks> stacks_;
  std::vector<Fiber> fibers_;
  int running_ = 0;
  bool closes_ = false;  // fibers end instead of waiting to be run again

  std::jmp_buf jump_{};
  void* fake_stack_ = nullptr;
  const void* stack_bottom_ = nullptr;
  std::size_t stack_size_ = 0;
};

}  // namespace gmdiff::test
