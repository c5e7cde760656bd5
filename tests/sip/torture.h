// SPDX-License-Identifier: Apache-2.0
// The torture messages of tests/torture, read from their files.
#pragma once
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace viaduct::sip::testing {

struct TortureMessage {
  std::string name;
  std::string text;
};

inline std::vector<TortureMessage> torture_messages() {
  std::vector<TortureMessage> messages;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(VIADUCT_TORTURE_DIR)) {
    if (!entry.is_regular_file() || entry.path().extension() == ".md" || entry.path().filename().string().starts_with('.')) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    messages.push_back({entry.path().filename().string(), {std::istreambuf_iterator<char>(file), {}}});
  }
  return messages;
}

}  // namespace viaduct::sip::testing
