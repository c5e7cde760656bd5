// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: the vector code of the scanner against the scalar code beside it: runs of every class from every octet, and line starts.
#include "fuzz.h"
#include "scans.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const viaduct::fuzz::Input input(data, size);
  viaduct::fuzz::expect_none(viaduct::ref::scan_differences(input.text()));
  return 0;
}
