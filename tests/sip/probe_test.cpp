// SPDX-License-Identifier: Apache-2.0
// A probe as our own index and two stacks not written by us read it.
#include "viaduct/sip/probe.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "judges.h"
#include "viaduct/sip/message.h"

namespace viaduct::sip {
namespace {

constexpr Probe usual{.request_uri = "sip:192.0.2.1:5070",
                      .via = "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKn1;rport",
                      .from = "sip:198.51.100.7:5060",
                      .from_tag = "ours",
                      .call_id = "c1@198.51.100.7",
                      .cseq = 1};

std::string written() {
  std::array<char, 1000> out;
  return {out.data(), write_probe(usual, out)};
}

TEST(Probe, IsAnOptionsOutsideADialog) {
  const std::string text = written();
  Message m;
  ASSERT_EQ(index(text, m), Bad::none);
  EXPECT_EQ(m.method, Method::options);
  EXPECT_EQ(m[m.request_uri], usual.request_uri);
  EXPECT_EQ(m[m.to_uri], usual.request_uri);
  EXPECT_EQ(m.to_tag.bytes, 0U);
  EXPECT_EQ(m.via_values, 1U);
  EXPECT_EQ(m.max_forwards, 70U);
}

TEST(Probe, IsNothingWhereItDoesNotFit) {
  const std::size_t bytes = written().size();
  std::array<char, 1000> out;
  for (std::size_t room = 0; room < bytes; ++room) EXPECT_EQ(write_probe(usual, std::span(out).first(room)), 0U);
  EXPECT_EQ(write_probe(usual, std::span(out).first(bytes)), bytes);
}

}  // namespace
}  // namespace viaduct::sip
