// SPDX-License-Identifier: Apache-2.0
// Structural proof of the edits: what goes in and what comes out, held against each other line by line by code that shares nothing with the index.
#include <gtest/gtest.h>

#include "edits.h"
#include "generated.h"
#include "torture.h"

namespace viaduct::sip {
namespace {

const base::Endpoint source{base::Address::v4({198, 51, 100, 9}), 40000};

/// How many messages each edit was done to.
struct Done {
  int redirects{}, forwards{}, in_place{}, returns{};
  void count(const std::string& text) {
    redirects += !ref::redirected(text, source).empty();
    forwards += !ref::forwarded(text, source).empty();
    in_place += !ref::forwarded_in_place(text, source).empty();
    returns += !ref::returned(text).empty();
  }
};

TEST(Structure, OnlyWhatMustChangeChangesInTheTortureMessages) {
  Done done;
  for (const auto& message : testing::torture_messages()) {
    EXPECT_EQ(ref::edit_differences(message.text), "") << message.name;
    done.count(message.text);
  }
  EXPECT_GE(done.redirects, 50);
  EXPECT_GE(done.forwards, 35);
  EXPECT_GE(done.in_place, 10);
  EXPECT_GE(done.returns, 1);
}

TEST(Structure, OnlyWhatMustChangeChangesInMadeMessages) {
  testing::Generator generator(21);
  Done done;
  for (int i = 0; i < 2'000; ++i)
    for (const std::string& text : {generator.request(), generator.plain_request(), generator.response({generator.via(), generator.via()})}) {
      ASSERT_EQ(ref::edit_differences(text), "") << text;
      done.count(text);
    }
  EXPECT_EQ(done.redirects, 4'000);
  EXPECT_GT(done.forwards, 3'900);
  EXPECT_GT(done.in_place, 1'000);
  EXPECT_EQ(done.returns, 2'000);
}

TEST(Structure, OnlyWhatMustChangeChangesInCutAndBrokenMessages) {
  testing::Generator generator(22);
  int redirects = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = generator.request();
    const std::size_t at = generator.below(static_cast<unsigned>(text.size()));
    if (i % 2 == 0)
      text.resize(at);
    else
      text[at] = "\r\n\t ,;:\"<>@"[generator.below(11)];
    ASSERT_EQ(ref::edit_differences(text), "") << text;
    redirects += !ref::redirected(text, source).empty();
  }
  EXPECT_GT(redirects, 5'000);
}

}  // namespace
}  // namespace viaduct::sip
