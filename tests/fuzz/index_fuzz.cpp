// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: the index and everything that reads its result, held against the reference parser.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "compare.h"

/// The input is copied to a heap block of exactly its size, so that AddressSanitizer sees any octet read before or behind it.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto copy = std::make_unique<char[]>(size);
  if (size != 0) std::memcpy(copy.get(), data, size);
  const std::string differences = viaduct::ref::differences({copy.get(), size});
  if (differences.empty()) return 0;
  std::fputs(differences.c_str(), stderr);
  std::abort();
}
