#include "command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace gmdiff::test {

namespace fs = std::filesystem;

const char* const small_prior =
    R"({"weights": [0.6, 0.4], "means": [[0, 0], [2, 2]],
        "covariance": {"type": "full", "values": [[[0.5, 0], [0, 0.5]], [[0.8, 0.1], [0.1, 0.8]]]}})";

namespace {

/// A file without a name.
int anonymous_file(const std::string& content = {}) {
  std::FILE* file = std::tmpfile();
  if (file == nullptr) throw std::runtime_error("no temporary file");
  const int descriptor = fcntl(fileno(file), F_DUPFD_CLOEXEC, 0);
  std::fclose(file);
  if (write(descriptor, content.data(), content.size()) != std::ssize(content))
    throw std::runtime_error("temporary file not written");
  lseek(descriptor, 0, SEEK_SET);
  return descriptor;
}

std::string content(int descriptor) {
  std::string text(static_cast<std::size_t>(lseek(descriptor, 0, SEEK_END)), '\0');
  lseek(descriptor, 0, SEEK_SET);
  if (read(descriptor, text.data(), text.size()) != std::ssize(text))
    throw std::runtime_error("temporary file not read");
  return text;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

RunningCommand::RunningCommand(const fs::path& folder, const Arguments& arguments,
                               const Surroundings& surroundings) {
  const int in = anonymous_file(surroundings.input);
  out_ = anonymous_file();
  int child_err = err_ = anonymous_file();
  const winsize size{.ws_row = 24, .ws_col = surroundings.columns, .ws_xpixel = 0, .ws_ypixel = 0};
  if (surroundings.terminal && openpty(&terminal_, &child_err, nullptr, nullptr, &size) != 0)
    throw std::runtime_error("no terminal");
  std::vector<std::string> words{GMDIFF_COMMAND};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  environment.insert(environment.begin(), surroundings.environment.begin(), surroundings.environment.end());
  const std::vector<char*> argv = pointers(words);
  const std::vector<char*> envp = pointers(environment);
  pid_ = fork();
  if (pid_ == 0) {
    for (const int number : {SIGINT, SIGTERM, SIGHUP})
      ::signal(number, SIG_DFL);  // also when the test itself runs in the background
    if (chdir(folder.c_str()) != 0) _exit(126);
    dup2(in, STDIN_FILENO);
    dup2(out_, STDOUT_FILENO);
    dup2(child_err, STDERR_FILENO);
    if (surroundings.prepare) surroundings.prepare();
    execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  close(in);
  if (child_err != err_) close(child_err);
}

RunningCommand::~RunningCommand() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  for (const int descriptor : {out_, err_, terminal_}) {
    if (descriptor >= 0) close(descriptor);
  }
}

void RunningCommand::signal(int number) const { kill(pid_, number); }

void RunningCommand::read_terminal(int timeout_ms) {
  pollfd waiting{terminal_, POLLIN, 0};
  char buffer[1024];
  if (poll(&waiting, 1, timeout_ms) <= 0) return;
  const auto bytes = ::read(terminal_, buffer, sizeof buffer);
  if (bytes > 0) seen_.append(buffer, static_cast<std::size_t>(bytes));
}

bool RunningCommand::see(const std::string& text, double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (seen_.find(text) == std::string::npos) {
    if (std::chrono::steady_clock::now() > end) return false;
    read_terminal(100);
  }
  return true;
}

CommandResult RunningCommand::wait() {
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  if (terminal_ >= 0) {
    for (std::size_t before = 1; before != seen_.size();) {
      before = seen_.size();
      read_terminal(100);
    }
  }
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return {code, content(out_), terminal_ >= 0 ? seen_ : content(err_)};
}

CommandTest::CommandTest() {
  std::string name = (fs::temp_directory_path() / "gmdiff-cli-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = name;
  const std::string rest = R"(, "grid": {"type": "uniform", "steps": 10})";
  write("prior.json", "{\"prior\": " + std::string(small_prior) + rest + "}");
  write("problem.json", "{\"prior\": " + std::string(small_prior) + rest +
                            R"(, "observation": {"A": [[1, 0]], "y": [1.5], "noise_std": 0.1}})");
}

CommandTest::~CommandTest() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

CommandResult CommandTest::run(const Arguments& arguments, const Surroundings& surroundings) const {
  return RunningCommand(folder_, arguments, surroundings).wait();
}

std::string CommandTest::output(const Arguments& arguments, const Surroundings& surroundings) const {
  const CommandResult result = run(arguments, surroundings);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return result.out;
}

Json CommandTest::json(Arguments arguments, const Surroundings& surroundings) const {
  arguments.emplace_back("--json");
  const std::string text = output(arguments, surroundings);
  Json parsed = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  EXPECT_TRUE(parsed.is_object()) << text;
  return parsed;
}

void CommandTest::write(const std::string& name, const std::string& text) const {
  std::ofstream(folder_ / name, std::ios::binary) << text;
}

std::string CommandTest::read(const std::string& name) const {
  std::ifstream in(folder_ / name, std::ios::binary);
  EXPECT_TRUE(in.is_open()) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> CommandTest::files() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> keys(const Json& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items()) names.push_back(name);
  return names;
}

}  // namespace gmdiff::test
