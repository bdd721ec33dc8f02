// How much memory a process had at most.
#pragma once

#include <cstdio>
#include <cstring>

/// Prints the peak of the resident set in KiB: VmHWM. getrusage would count the parent's in before exec.
inline void print_peak() {
  char line[128];
  if (std::FILE* const status = std::fopen("/proc/self/status", "r")) {
    while (std::fgets(line, sizeof line, status))
      if (std::strncmp(line, "VmHWM:", 6) == 0) std::printf("%s", line + 6);
    std::fclose(status);
  }
}
