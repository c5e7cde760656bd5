// SPDX-License-Identifier: Apache-2.0
// EAL started, its lcores launched, its clock. Devices are port.cpp's.
#include <linux/mempolicy.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bit>
#include <cstdint>
#include <cstdio>
#include <memory>

#include "viaduct/base/check.h"
#include "viaduct/base/limits.h"
#include "viaduct/nic/nic.h"

namespace viaduct::nic {
namespace {

static_assert(base::cores_max <= RTE_MAX_LCORE);

/// `0@C,1@W,2@W`: an lcore is a thread, and several may share a CPU.
[[nodiscard]] std::string lcores(const EalConfig& config) {
  std::string text = "0@" + std::to_string(config.control_cpu);
  for (std::size_t i = 0; i < config.core_cpus.size(); ++i)
    text.append(",").append(std::to_string(i + 1)).append("@").append(std::to_string(config.core_cpus[i]));
  return text;
}

[[nodiscard]] std::vector<std::string> arguments(const EalConfig& config) {
  std::vector<std::string> all = {"viaductd", "--lcores=" + lcores(config), "--main-lcore=0", "--file-prefix=" + config.file_prefix, "--log-level=warning"};
  all.insert(all.end(), config.arguments.begin(), config.arguments.end());
  return all;
}

[[nodiscard]] std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : " ").append(word);
  return text;
}

/// While one lives, what DPDK logs is kept, and still shown on standard error.
class LogCapture {
 public:
  LogCapture() : stream_(fopencookie(&text_, "w", {.read = nullptr, .write = keep, .seek = nullptr, .close = nullptr})) { rte_openlog_stream(stream_); }
  ~LogCapture() {
    rte_openlog_stream(nullptr);
    if (stream_ != nullptr) std::fclose(stream_);
  }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  static ssize_t keep(void* text, const char* data, std::size_t bytes) {
    static_cast<std::string*>(text)->append(data, bytes);
    std::fwrite(data, 1, bytes, stderr);
    return static_cast<ssize_t>(bytes);
  }
  std::string text_;
  FILE* stream_;
};

struct Launch {
  void (*body)(void*);
  void* argument;
};

int run_launched(void* given) {
  const std::unique_ptr<Launch> launch{static_cast<Launch*>(given)};
  launch->body(launch->argument);
  return 0;
}

[[nodiscard]] unsigned lcore_of(unsigned core) { return core + 1; }

}  // namespace

std::expected<void, std::string> start_eal(const EalConfig& config) {
  const std::vector<std::string> words = arguments(config);
  std::vector<std::string> writable = words;
  std::vector<char*> argv;
  for (std::string& word : writable) argv.push_back(word.data());
  const int argc = static_cast<int>(argv.size());
  argv.push_back(nullptr);
  const LogCapture log;
  // It warns at every start that nobody uses its older socket.
  rte_log_set_level(static_cast<std::uint32_t>(rte_log_register("lib.telemetry")), RTE_LOG_ERR);
  if (rte_eal_init(argc, argv.data()) >= 0) return {};
  const std::string why = rte_strerror(rte_errno);
  return std::unexpected("EAL does not start: " + why + "\n" + log.text() + "arguments: " + joined(words));
}

bool take_memory_near(unsigned cores) {
  if (rte_socket_count() < 2) return true;
  std::uint64_t nodes = 0;
  for (unsigned core = 0; core < cores; ++core) nodes |= std::uint64_t{1} << rte_lcore_to_socket_id(lcore_of(core));
  // Preferred, not bound: who finds no page left there gets one elsewhere instead of dying.
  const int policy = std::has_single_bit(nodes) ? MPOL_PREFERRED : MPOL_INTERLEAVE;
  return syscall(SYS_set_mempolicy, policy, &nodes, sizeof nodes * 8 + 1) == 0;
}

void launch(unsigned core, void (*body)(void*), void* argument) {
  auto job = std::make_unique<Launch>(body, argument);
  base::check(rte_eal_remote_launch(run_launched, job.get(), lcore_of(core)) == 0, "the lcore exists and is free");
  job.release();  // NOLINT(bugprone-unused-return-value): run_launched owns it
}

void join(unsigned core) { rte_eal_wait_lcore(lcore_of(core)); }

std::uint64_t ticks() { return rte_rdtsc(); }
// Before the EAL has measured it, as in a test without one, a tick is taken for a nanosecond.
std::uint64_t ticks_per_second() {
  const std::uint64_t measured = rte_get_tsc_hz();
  return measured != 0 ? measured : 1'000'000'000;
}
std::uint64_t now_ms() { return ticks() / (ticks_per_second() / 1000); }

}  // namespace viaduct::nic
