#include "cli/progress.hpp"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "base/check.hpp"

namespace gmdiff::cli {
namespace {

using namespace std::chrono_literals;

constexpr int bar_width = 30;
constexpr auto silence = 1s;
constexpr auto redraw = 200ms;

/// A duration as 42 s, 3:05 or 2:00:00.
std::string format_duration(double seconds) {
  const auto total = static_cast<long long>(seconds);
  char text[48];
  if (total < 60) {
    std::snprintf(text, sizeof text, "%lld s", total);
  } else if (total < 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld", total / 60, total % 60);
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", total / 3600, total / 60 % 60, total % 60);
  }
  return text;
}

void write_to_terminal(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

ProgressLine::ProgressLine(std::string work, std::int64_t total, bool quiet)
    : work_(std::move(work)), total_(total), begin_(std::chrono::steady_clock::now()) {
  if (!quiet && isatty(STDERR_FILENO) == 1) thread_ = std::jthread([this](std::stop_token stop) { draw(std::move(stop)); });
}

ProgressLine::~ProgressLine() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void ProgressLine::draw(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  std::chrono::milliseconds pause = silence;
  bool drawn = false;
  while (!wake_.wait_for(lock, stop, pause, [&] { return stop.stop_requested(); })) {
    write_to_terminal("\r\033[K" + line());
    drawn = true;
    pause = redraw;
  }
  if (drawn) write_to_terminal("\r\033[K");
}

std::string ProgressLine::line() const {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  if (total_ <= 0) return work_ + "  " + format_duration(seconds);
  const double share = static_cast<double>(done_.load()) / static_cast<double>(total_);
  const int filled = static_cast<int>(share * bar_width);
  const std::string left = share > 0.0 ? format_duration(seconds / share - seconds) + " left" : format_duration(seconds);
  return concat(work_, " [", std::string(static_cast<std::size_t>(filled), '#'),
                std::string(static_cast<std::size_t>(bar_width - filled), '.'), "] ", static_cast<int>(100.0 * share), " %  ", left);
}

}  // namespace gmdiff::cli
