#include "cli/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include "base/check.hpp"

namespace gmdiff::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t widest_bar = 30;
constexpr std::size_t narrowest_bar = 5;
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

/// Number of characters in a line of the terminal on standard error, without the last column, since some
/// terminals wrap a line that fills it.
std::size_t line_width() {
  constexpr std::size_t usual = 80;
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return (known ? size.ws_col : usual) - 1;
}

/// The first text that is not wider, or none.
std::string first_that_fits(const std::vector<std::string>& texts, std::size_t width) {
  const auto fits = [&](const std::string& text) { return text.size() <= width; };
  const auto found = std::find_if(texts.begin(), texts.end(), fits);
  return found == texts.end() ? std::string() : *found;
}

/// Work, bar, share and time left; on a narrow line the bar is shortened first, then the text.
std::string bar_line(const std::string& work, double share, const std::string& left, std::size_t width) {
  const std::string text = concat(static_cast<int>(100.0 * share), " %  ", left);
  const std::size_t others = concat(work, " [] ", text).size();
  const std::size_t bar = std::min(widest_bar, width - std::min(width, others));
  if (bar < narrowest_bar)
    return first_that_fits({work + "  " + text, text, text.substr(0, text.find("  "))}, width);
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(bar));
  return concat(work, " [", std::string(filled, '#'), std::string(bar - filled, '.'), "] ", text);
}

void write_to_terminal(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

ProgressLine::ProgressLine(std::string work, std::int64_t total, bool quiet)
    : work_(std::move(work)), total_(total), begin_(std::chrono::steady_clock::now()) {
  if (!quiet && isatty(STDERR_FILENO) == 1)
    thread_ = std::jthread([this](std::stop_token stop) { draw(std::move(stop)); });
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
  const std::string passed = format_duration(seconds);
  if (total_ <= 0) return first_that_fits({work_ + "  " + passed, passed}, line_width());
  const double share = std::clamp(static_cast<double>(done_.load()) / static_cast<double>(total_), 0.0, 1.0);
  const std::string left = share > 0.0 ? format_duration(seconds / share - seconds) + " left" : passed;
  return bar_line(work_, share, left, line_width());
}

}  // namespace gmdiff::cli
