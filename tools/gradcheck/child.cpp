#include "tools/gradcheck/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <exception>
#include <system_error>

#include "tools/gradcheck/files.hpp"

namespace wengert::tool {
namespace {

// A message is its kind, the length of its text, the text.
enum Kind : char { text = 'm', thrown = 't', finished = 'f' };

void send(int pipe, Kind kind, const std::string& message) {
  const std::uint64_t length = message.size();
  std::string bytes(1, kind);
  bytes.append(reinterpret_cast<const char*>(&length), sizeof(length));
  write_all(pipe, bytes + message, "pipe");
}

int pipe_of_child = -1;

/// What is being thrown, to the parent; and the end.
[[noreturn]] void report_exception() {
  std::string what = "something that is no std::exception";
  try {
    if (std::exception_ptr e = std::current_exception()) std::rethrow_exception(e);
    what = "nothing, but called std::terminate";
  } catch (const std::exception& e) { what = e.what(); } catch (...) {
  }
  send(pipe_of_child, thrown, what);
  _exit(1);
}

[[noreturn]] void run_child(const std::function<void(const Send&)>& f, int pipe) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // not to outlive gradcheck
  setpgid(0, 0);
  dup2(STDERR_FILENO, STDOUT_FILENO);
  pipe_of_child = pipe;
  std::set_terminate(report_exception);  // a static constructor that throws gets here
  try {
    f([pipe](const std::string& message) { send(pipe, text, message); });
    send(pipe, finished, "");
  } catch (...) { report_exception(); }
  _exit(0);
}

/// The messages as they come in.
class Receiver {
 public:
  explicit Receiver(ChildResult& result) : result_(result) {}

  bool finished() const { return finished_; }
  void add(const char* bytes, std::size_t n) {
    buffer_.append(bytes, n);
    std::uint64_t length;
    constexpr std::size_t head = 1 + sizeof(length);
    while (buffer_.size() >= head) {
      std::memcpy(&length, buffer_.data() + 1, sizeof(length));
      if (buffer_.size() - head < length) return;
      const std::string message = buffer_.substr(head, length);
      switch (buffer_[0]) {
        case Kind::text: result_.messages.push_back(message); break;
        case Kind::thrown: result_.failure = "it threw: " + message; break;
        default: finished_ = true;
      }
      buffer_.erase(0, head + length);
    }
  }

 private:
  ChildResult& result_;
  std::string buffer_;
  bool finished_ = false;
};

}  // namespace

ChildResult run_in_child(const std::function<void(const Send&)>& f, int limit) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    run_child(f, ends[1]);
  }
  close(ends[1]);
  const Descriptor from(ends[0]);
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");

  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::seconds(limit);
  ChildResult result;
  Receiver receiver(result);
  bool late = false;
  char bytes[65536];
  while (!receiver.finished()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd waiting{from.number, POLLIN, 0};
    if (left <= 0 || poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left, 1 << 30))) == 0) {
      late = left <= 0;
      if (late) break;
      continue;
    }
    const ssize_t n = read(from.number, bytes, sizeof(bytes));
    if (n == 0) break;
    if (n > 0) receiver.add(bytes, static_cast<std::size_t>(n));
  }
  kill(-child, SIGKILL);  // threads and children of its own, too
  kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (receiver.finished() || !result.failure.empty()) return result;
  if (late)
    result.failure = "it took longer than " + std::to_string(limit) + " s";
  else if (WIFSIGNALED(status))
    result.failure = std::string("it crashed (") + strsignal(WTERMSIG(status)) + ")";
  else
    result.failure = "it ended the process, with status " + std::to_string(WEXITSTATUS(status));
  return result;
}

}  // namespace wengert::tool
