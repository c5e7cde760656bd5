// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: redirect, forward (planned and in place) and return, held line by line against what the reference parser's lines ask for.
#include "edits.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const viaduct::fuzz::Input input(data, size);
  viaduct::fuzz::expect_none(viaduct::ref::edit_differences(input.text()));
  return 0;
}
