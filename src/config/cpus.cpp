// SPDX-License-Identifier: Apache-2.0
// Whether the CPUs that a configuration names are there: asked at a start, not when a file is read, which may be meant for another machine.
#include <sched.h>

#include <algorithm>
#include <thread>

#include "sections.h"
#include "values.h"

namespace viaduct::config {
namespace {

/// The CPUs that a thread of this process can be bound to, ascending: not only those that it may run on as it is.
std::vector<unsigned> bindable() {
  std::vector<unsigned> out;
  std::thread([&] {
    for (unsigned cpu = 0; cpu <= cpu_max; ++cpu) {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      if (sched_setaffinity(0, sizeof one, &one) == 0) out.push_back(cpu);
    }
  }).join();
  return out;
}

/// `0 to 3, 8`.
std::string ranges_text(const std::vector<unsigned>& cpus) {
  std::string out;
  for (std::size_t i = 0; i < cpus.size(); ++i) {
    const unsigned first = cpus[i];
    while (i + 1 < cpus.size() && cpus[i + 1] == cpus[i] + 1) ++i;
    out.append(out.empty() ? "" : ", ").append(std::to_string(first));
    if (cpus[i] != first) out.append(" to ").append(std::to_string(cpus[i]));
  }
  return out;
}

}  // namespace

std::expected<void, Error> check_cpus(const Config& config) {
  const std::vector<unsigned> cpus = bindable();
  const auto check = [&](const Place& at, std::int64_t cpu) {
    if (!std::ranges::binary_search(cpus, cpu)) at.refuse("this process cannot have CPU " + std::to_string(cpu), ranges_text(cpus));
  };
  try {
    const Document document{config.file};
    const Table node = document.root().child("node");
    for (const auto& [at, cpu] : node.numbers("worker_cpus", {0, cpu_max})) check(at, cpu);
    check(node.place("control_cpu"), config.control_cpu);
    for (const auto& [at, cpu] : document.root().child("registrar").numbers("shard_cpus", {0, cpu_max})) check(at, cpu);
  } catch (const Refused& refused) {
    return std::unexpected(Error{refused.text});
  }
  return {};
}

}  // namespace viaduct::config
