#pragma once

#include <csetjmp>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace gmdiff::test {

class FiberStacks;
struct Fiber;

/// Fibers: each has a stack of its own, and one runs at a time. AddressSanitizer is informed of them.
class Fibers {
 public:
  /// @param body is called for fiber i, any number of times, and must not throw
  Fibers(int count, std::function<void(int)> body);
  /// Abandons fibers in the middle of their bodies: objects on their stacks are not destroyed.
  ~Fibers();
  Fibers(const Fibers&) = delete;
  Fibers& operator=(const Fibers&) = delete;

  /// Runs fiber i from where it was suspended, or from the beginning of its body, until it suspends itself
  /// (false) or the body ends (true).
  bool resume(int i);
  /// The running fiber calls this to return to resume().
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
