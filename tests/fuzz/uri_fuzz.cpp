// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: two URIs, one a line; their canonical addresses-of-record and whether they are equal, held against the reference.
#include "fuzz.h"
#include "uris.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view both{reinterpret_cast<const char*>(data), size};
  const std::size_t middle = both.find('\n');
  const std::size_t second = middle == std::string_view::npos ? size : middle + 1;
  // Each in a block of its own.
  const viaduct::fuzz::Input a(data, std::min(middle, size)), b(data + second, size - second);
  viaduct::fuzz::expect_none(viaduct::ref::uri_differences(a.text(), b.text()));
  return 0;
}
