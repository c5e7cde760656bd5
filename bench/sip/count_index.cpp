// SPDX-License-Identifier: Apache-2.0
// count_index: under callgrind, one dump of the index's instructions for each kind of message; tells kind, messages and octets, a line each.
#include <valgrind/callgrind.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "load/nasty.h"
#include "load/registers.h"
#include "viaduct/sip/message.h"

namespace viaduct::bench {
namespace {

constexpr std::size_t messages_count = 256;
constexpr std::size_t message_bytes = 627;

void count(const std::string& kind, const std::vector<std::string>& messages) {
  std::size_t bytes = 0;
  CALLGRIND_ZERO_STATS;
  for (const auto& text : messages) {
    sip::Message message;
    static_cast<void>(sip::index(text, message));
    bytes += text.size();
  }
  CALLGRIND_DUMP_STATS_AT(kind.c_str());
  std::printf("%s %zu %zu\n", kind.c_str(), messages.size(), bytes);
}

template <typename Make>
std::vector<std::string> made(Make make) {
  Registers registers(message_bytes);
  std::vector<std::string> messages;
  for (std::size_t i = 0; i < messages_count; ++i) messages.push_back(make(registers));
  return messages;
}

}  // namespace
}  // namespace viaduct::bench

int main() {
  using namespace viaduct::bench;
  if (RUNNING_ON_VALGRIND == 0) {
    std::fputs("count_index counts only under callgrind\n", stderr);
    return EXIT_FAILURE;
  }
  count("sized", made([](Registers& r) { return r.sized(r.below(clients_max), message_bytes); }));
  count("mix", made([](Registers& r) { return r.mixed(r.below(clients_max)); }));
  for (const std::size_t bytes : nasty_sizes)
    for (const auto& [name, text] : nasty_messages(bytes)) count(name, {text});
  return EXIT_SUCCESS;
}
