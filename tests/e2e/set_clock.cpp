// SPDX-License-Identifier: Apache-2.0
// Loaded in front of the C library (LD_PRELOAD): the machine's time of day, and so many seconds more as the first eight octets of the file $SET_CLOCK say, at
// every moment. Other clocks are the machine's. libfaketime does the same, but not beside jemalloc.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

const std::atomic<std::int64_t>* map_file() {
  const char* const path = std::getenv("SET_CLOCK");
  const int file = path != nullptr ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) std::abort();
  void* const at = mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (at == MAP_FAILED) std::abort();
  return static_cast<const std::atomic<std::int64_t>*>(at);
}

std::int64_t ahead_s() {
  static const std::atomic<std::int64_t>* const ahead = map_file();
  return ahead->load(std::memory_order_relaxed);
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* out) noexcept {
  const auto status = static_cast<int>(syscall(SYS_clock_gettime, clock, out));
  if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) out->tv_sec += ahead_s();
  return status;
}

int gettimeofday(timeval* out, void*) noexcept {
  timespec now;
  const int status = clock_gettime(CLOCK_REALTIME, &now);
  *out = {.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
  return status;
}

time_t time(time_t* out) noexcept {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}
}
