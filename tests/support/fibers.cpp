#include "support/fibers.hpp"

#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#define GMDIFF_FIBERS_UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GMDIFF_FIBERS_UNDER_ASAN 1
#endif
#endif

#ifdef GMDIFF_FIBERS_UNDER_ASAN
#include <dlfcn.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#ifdef __GLIBC__
// _longjmp without its fortified version, which treats a jump to another stack as an error.
extern "C" void gmdiff_plain_longjmp(jmp_buf target, int value) __asm__("_longjmp");
#else
#define gmdiff_plain_longjmp _longjmp
#endif

namespace gmdiff::test {

namespace {

// AddressSanitizer must be told which stack is in use.
#ifdef GMDIFF_FIBERS_UNDER_ASAN
constexpr bool under_asan = true;
// Large, because kernels are not optimised under sanitizers.
constexpr std::size_t stack_bytes = 16 * 1024 * 1024;
void start_switch(void** fake_stack, const void* bottom, std::size_t size) {
  __sanitizer_start_switch_fiber(fake_stack, bottom, size);
}
void finish_switch(void* fake_stack, const void** bottom, std::size_t* size) {
  __sanitizer_finish_switch_fiber(fake_stack, bottom, size);
}
void unpoison(void* begin, std::size_t size) { __asan_unpoison_memory_region(begin, size); }

/// _longjmp of the C library. The sanitizer's version is ten times slower and stops watching arrays on the
/// stack that a jump leaves, but fibers return to that stack.
auto find_longjmp() {
  auto* result = &gmdiff_plain_longjmp;
  void* const library = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  void* const found = library == nullptr ? nullptr : dlsym(library, "_longjmp");
  if (found != nullptr) result = reinterpret_cast<decltype(result)>(found);
  return result;
}

void jump_to(jmp_buf& target) {
  static const auto longjmp_of_library = find_longjmp();
  longjmp_of_library(target, 1);
}
#else
constexpr bool under_asan = false;
constexpr std::size_t stack_bytes = 128 * 1024;
void start_switch(void** /*fake_stack*/, const void* /*bottom*/, std::size_t /*size*/) {}
void finish_switch(void* /*fake_stack*/, const void** /*bottom*/, std::size_t* /*size*/) {}
void unpoison(void* /*begin*/, std::size_t /*size*/) {}
void jump_to(jmp_buf& target) { gmdiff_plain_longjmp(target, 1); }
#endif

thread_local Fibers* entering = nullptr;  // a context takes no pointers

}  // namespace

/// Stacks, each above a protected page, so that a stack overflow is a fault and does not reach the
/// neighbouring stack.
class FiberStacks {
 public:
  explicit FiberStacks(int count) : count_(count), guard_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    void* memory = mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      throw std::system_error(errno, std::generic_category(), "stacks of the host block");
    begin_ = static_cast<std::byte*>(memory);
    for (int i = 0; i < count; ++i) mprotect((*this)[i] - guard_, guard_, PROT_NONE);
  }
  ~FiberStacks() { munmap(begin_, bytes()); }
  FiberStacks(const FiberStacks&) = delete;
  FiberStacks& operator=(const FiberStacks&) = delete;

  int count() const { return count_; }
  std::byte* operator[](int i) const {
    return begin_ + static_cast<std::size_t>(i) * (guard_ + stack_bytes) + guard_;
  }

 private:
  std::size_t bytes() const { return static_cast<std::size_t>(count_) * (guard_ + stack_bytes); }

  int count_;
  std::size_t guard_;
  std::byte* begin_ = nullptr;
};

/// A fiber is entered once by its context and later by jumps, which are cheaper because they do not change
/// the signal mask.
struct Fiber {
  std::byte* stack = nullptr;
  bool is_entered = false;
  bool is_at_end = false;  ///< of its body
  ucontext_t context{};
  jmp_buf jump{};
  void* fake_stack = nullptr;
};

namespace {

// Stacks of the last run are kept, because new ones cost more than a small run.
thread_local std::unique_ptr<FiberStacks> kept_stacks;

std::unique_ptr<FiberStacks> take_stacks(int count) {
  std::unique_ptr<FiberStacks> stacks = std::move(kept_stacks);
  if (stacks == nullptr || stacks->count() < count) stacks = std::make_unique<FiberStacks>(count);
  return stacks;
}

}  // namespace

Fibers::Fibers(int count, std::function<void(int)> body)
    : body_(std::move(body)), stacks_(take_stacks(count)), fibers_(static_cast<std::size_t>(count)) {
  for (int i = 0; i < count; ++i) fibers_[static_cast<std::size_t>(i)].stack = (*stacks_)[i];
}

Fibers::~Fibers() {
  // AddressSanitizer frees its data of a fiber when the fiber ends. It keeps the data of abandoned fibers.
  closes_ = true;
  for (int i = 0; under_asan && i < static_cast<int>(fibers_.size()); ++i) {
    if (fibers_[static_cast<std::size_t>(i)].is_at_end) resume(i);
  }
  for (
      const Fiber& fiber :
      fibers_) {  // marks of the frames that are never left: all of an abandoned fiber, or those below a body
    const std::size_t bytes = fiber.is_at_end ? 4096 : stack_bytes;
    unpoison(fiber.stack + stack_bytes - bytes, bytes);
  }
  kept_stacks = std::move(stacks_);
}

bool Fibers::resume(int i) {
  Fiber& fiber = fibers_[static_cast<std::size_t>(i)];
  running_ = i;
  start_switch(&fake_stack_, fiber.stack, stack_bytes);
  if (_setjmp(jump_) == 0) {
    if (fiber.is_entered) jump_to(fiber.jump);
    fiber.is_entered = true;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack;
    fiber.context.uc_stack.ss_size = stack_bytes;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, &Fibers::enter, 0);
    entering = this;
    setcontext(&fiber.context);
  }
  finish_switch(fake_stack_, nullptr, nullptr);
  return fibers_[static_cast<std::size_t>(running_)].is_at_end;
}

void Fibers::suspend() { leave(/*for_good=*/false); }

void Fibers::leave(bool for_good) {
  Fiber& fiber = fibers_[static_cast<std::size_t>(running_)];
  start_switch(for_good ? nullptr : &fiber.fake_stack, stack_bottom_, stack_size_);
  if (_setjmp(fiber.jump) == 0) jump_to(jump_);
  finish_switch(fiber.fake_stack, nullptr, nullptr);
}

void Fibers::enter() {
  Fibers& fibers = *entering;
  finish_switch(nullptr, &fibers.stack_bottom_, &fibers.stack_size_);
  fibers.live();
}

/// The main function of a fiber. It never returns, because its stack has no caller.
void Fibers::live() {
  const int i = running_;
  Fiber& fiber = fibers_[static_cast<std::size_t>(i)];
  while (!closes_) {
    fiber.is_at_end = false;
    body_(i);
    fiber.is_at_end = true;
    leave(/*for_good=*/false);
  }
  leave(/*for_good=*/true);
  std::abort();
}

}  // namespace gmdiff::test
