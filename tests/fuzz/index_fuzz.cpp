// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: the index and everything that reads its result, held against the reference parser.
#include "compare.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const viaduct::fuzz::Input input(data, size);
  viaduct::fuzz::expect_none(viaduct::ref::differences(input.text()));
  return 0;
}
