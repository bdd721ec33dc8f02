// Measurements that need a process of their own.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>

extern char** environ;

namespace bench {

/// f() in a copy of this process: what it allocates and loads is gone afterwards. Minus one if that fails.
template <class F> double in_copy(F f) {
  int ends[2];
  double result = -1;
  if (pipe(ends) != 0) return result;
  const pid_t child = fork();
  if (child == 0) {
    result = f();
    _exit(write(ends[1], &result, sizeof result) != sizeof result);
  }
  close(ends[1]);
  if (read(ends[0], &result, sizeof result) != sizeof result) result = -1;
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return result;
}

struct Run {
  double seconds = 1e9;  // from start to end, by the clock: the best of many
  double mebibytes = 0;  // its peak, as print_peak() says
};

inline Run run_program(const char* path, int times) {
  Run run;
  for (int i = 0; i < times; ++i) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return run;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    char* const arguments[] = {const_cast<char*>(path), nullptr};
    const auto start = std::chrono::steady_clock::now();
    pid_t child;
    const int failed = posix_spawn(&child, path, &actions, nullptr, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    char text[64] = {};
    if (!failed) {
      if (read(ends[0], text, sizeof text - 1) > 0) run.mebibytes = std::atof(text) / 1024;
      waitpid(child, nullptr, 0);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      run.seconds = std::min(run.seconds, took.count());
    }
    close(ends[0]);
  }
  return run;
}

/// Seconds of processor time of a command; minus one if it fails.
inline double time_command(const std::string& command) {
  const auto children = [] {
    rusage r;
    getrusage(RUSAGE_CHILDREN, &r);
    return static_cast<double>(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           static_cast<double>(r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6;
  };
  const double before = children();
  return std::system(command.c_str()) == 0 ? children() - before : -1;
}

}  // namespace bench
