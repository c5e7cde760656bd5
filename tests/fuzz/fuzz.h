// SPDX-License-Identifier: Apache-2.0
// What every fuzzer shares: the input in a block of exactly its size, and the end of the process when something differs.
#pragma once
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace viaduct::fuzz {

/// A copy on the heap, so that AddressSanitizer sees any octet read before or behind it.
class Input {
 public:
  Input(const unsigned char* data, std::size_t size) : octets_(std::make_unique<char[]>(size)), size_(size) {
    if (size != 0) std::memcpy(octets_.get(), data, size);
  }
  [[nodiscard]] std::string_view text() const { return {octets_.get(), size_}; }

 private:
  std::unique_ptr<char[]> octets_;
  std::size_t size_;
};

/// Tell the differences and abort, unless there are none.
inline void expect_none(const std::string& differences) {
  if (differences.empty()) return;
  std::fputs(differences.c_str(), stderr);
  std::abort();
}

}  // namespace viaduct::fuzz
