// SPDX-License-Identifier: Apache-2.0
// The vector search against the library's.
#include "contains.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

namespace viaduct::edge {
namespace {

TEST(Contains, AgreesWithTheLibraryOnRandomTexts) {
  std::mt19937 chance(5);
  for (int round = 0; round < 100'000; ++round) {
    std::string text(chance() % 120, '0');
    for (char& c : text) c = static_cast<char>('0' + chance() % 3);
    std::string needle(1 + chance() % 12, '0');
    for (char& c : needle) c = static_cast<char>('0' + chance() % 3);
    const std::unique_ptr<char[]> exact(new char[text.size()]);  // AddressSanitizer guards both ends
    text.copy(exact.get(), text.size());
    ASSERT_EQ(contains({exact.get(), text.size()}, needle), text.find(needle) != std::string::npos) << text << " / " << needle;
  }
}

}  // namespace
}  // namespace viaduct::edge
