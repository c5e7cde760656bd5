// SPDX-License-Identifier: Apache-2.0
// Independent judges: what libosip2 or sofia-sip takes for a message, it takes for one after we have had it in hand, and reads the same in it.
#include "judges.h"

#include <gtest/gtest.h>

#include "edits.h"
#include "generated.h"
#include "torture.h"

namespace viaduct::sip {
namespace {

const base::Endpoint source{base::Address::v4({198, 51, 100, 9}), 40000};

/// What no edit may change.
void expect_same_transaction(const judges::Answer& in, const judges::Answer& out) {
  EXPECT_EQ(out.to_user, in.to_user);
  EXPECT_EQ(out.to_host, in.to_host);
  EXPECT_EQ(out.whole_call_id(), in.whole_call_id());
  EXPECT_EQ(out.cseq_number, in.cseq_number);
  EXPECT_EQ(out.cseq_method, in.cseq_method);
}

/// Messages judged, by what was done to them.
struct Judged {
  int redirects{}, forwards{}, returns{};
};

template <typename Judge>
class Judges : public ::testing::Test {
 protected:
  Judged judged;

  void judge(const std::string& text) {
    const Judge before(text);
    if (!before.accepts()) return;
    const judges::Answer in = before.answer();
    judge_redirect(in, ref::redirected(text, source));
    judge_forward(in, ref::forwarded(text, source));
    judge_return(in, ref::returned(text));
  }

 private:
  void judge_redirect(const judges::Answer& in, const std::string& text) {
    if (text.empty()) return;
    ++judged.redirects;
    const Judge after(text);
    ASSERT_TRUE(after.accepts()) << text;
    const judges::Answer out = after.answer();
    expect_same_transaction(in, out);
    EXPECT_EQ(out.via_values, in.via_values) << text;
    EXPECT_EQ(out.via_host, in.via_host);
    EXPECT_EQ(out.via_branch, in.via_branch);
  }

  void judge_forward(const judges::Answer& in, const std::string& text) {
    if (text.empty()) return;
    ++judged.forwards;
    const Judge after(text);
    ASSERT_TRUE(after.accepts()) << text;
    const judges::Answer out = after.answer();
    expect_same_transaction(in, out);
    EXPECT_EQ(out.via_values, in.via_values + 1) << text;
    EXPECT_EQ(out.via_host, "192.0.2.1");
    EXPECT_EQ(out.via_branch, ref::our_branch_text);
    EXPECT_EQ(out.max_forwards, in.max_forwards == judges::no_max_forwards ? 70 : in.max_forwards - 1) << text;
  }

  void judge_return(const judges::Answer& in, const std::string& text) {
    if (text.empty()) return;
    ++judged.returns;
    const Judge after(text);
    ASSERT_TRUE(after.accepts()) << text;
    expect_same_transaction(in, after.answer());
    EXPECT_EQ(after.answer().via_values, in.via_values - 1) << text;
  }
};

struct JudgeNames {
  template <typename Judge>
  static std::string GetName(int) {
    return std::is_same_v<Judge, judges::Osip> ? "osip" : "sofia";
  }
};
using BothJudges = ::testing::Types<judges::Osip, judges::Sofia>;
TYPED_TEST_SUITE(Judges, BothJudges, JudgeNames);

TYPED_TEST(Judges, AcceptWhatIsMadeOfTheTortureMessages) {
  for (const auto& message : testing::torture_messages()) {
    SCOPED_TRACE(message.name);
    this->judge(message.text);
  }
  EXPECT_GE(this->judged.redirects, 30);
  EXPECT_GE(this->judged.forwards, 25);
}

TYPED_TEST(Judges, AcceptWhatIsMadeOfMadeMessages) {
  testing::Generator generator(31);
  for (int i = 0; i < 1'000; ++i) {
    this->judge(generator.request());
    this->judge(generator.plain_request());
    this->judge(generator.response({generator.via(), generator.via()}));
    if (this->HasFailure()) return;
  }
  EXPECT_GE(this->judged.redirects, 1'000);
  EXPECT_GE(this->judged.forwards, 1'000);
  EXPECT_GE(this->judged.returns, 300);
}

}  // namespace
}  // namespace viaduct::sip
