// SPDX-License-Identifier: Apache-2.0
// Contact lists and Expires.
#include "viaduct/sip/contact.h"

#include <gtest/gtest.h>

#include <string>

namespace viaduct::sip {
namespace {

/// A REGISTER with these header lines, indexed; lives as long as its text.
struct Register {
  std::string text;
  Message m;
  explicit Register(const std::string& headers)
      : text("REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n" +
             headers + "\r\n") {
    EXPECT_EQ(index(text, m), Bad::none);
  }
};

Contacts read(const Register& r) {
  const auto all = contacts(r.m);
  EXPECT_TRUE(all) << r.text;
  return all.value_or(Contacts{});
}
Bad fault(const std::string& headers) {
  const Register r{headers};
  const auto all = contacts(r.m);
  return all ? Bad::none : all.error();
}

TEST(Contacts, ReadsEveryParameterThatARegistrarUses) {
  const Register r{"Contact: \"Desk\" <sip:a@192.0.2.1;transport=udp>;q=0.5;Expires=120;+sip.instance=\"<urn:uuid:1>\";reg-id=2;x\r\n"};
  const Contacts all = read(r);
  ASSERT_EQ(all.count, 1U);
  const Contact& c = all.values[0];
  EXPECT_EQ(c.uri, "sip:a@192.0.2.1;transport=udp");
  EXPECT_EQ(c.params, "q=0.5;Expires=120;+sip.instance=\"<urn:uuid:1>\";reg-id=2;x");
  EXPECT_EQ(c.q_milli, 500);
  EXPECT_EQ(c.expires_s, 120U);
  EXPECT_EQ(c.instance, "\"<urn:uuid:1>\"");
  EXPECT_EQ(c.reg_id, 2U);
}

TEST(Contacts, DefaultsHoldWhereNothingIsSaid) {
  const Register r{"m: sip:a@b\r\n"};
  const Contacts all = read(r);
  ASSERT_EQ(all.count, 1U);
  EXPECT_EQ(all.values[0].params, "");
  EXPECT_EQ(all.values[0].q_milli, 1000);
  EXPECT_EQ(all.values[0].expires_s, std::nullopt);
  EXPECT_EQ(all.values[0].reg_id, 0U);
}

TEST(Contacts, ValuesOfAllLinesCountInOrder) {
  const Register r{"Contact: <sip:a,1@b>, \"x,y\" <sip:2@b>\r\nSubject: x\r\nm: sip:3@b;q=0,\r\n sip:4@b\r\n"};
  const Contacts all = read(r);
  ASSERT_EQ(all.count, 4U);
  EXPECT_EQ(all.values[0].uri, "sip:a,1@b");
  EXPECT_EQ(all.values[1].uri, "sip:2@b");
  EXPECT_EQ(all.values[2].q_milli, 0);
  EXPECT_EQ(all.values[3].uri, "sip:4@b");
}

TEST(Contacts, NoContactIsAnEmptyList) {
  const Register r{"Expires: 0\r\n"};
  EXPECT_EQ(read(r).count, 0U);
  EXPECT_FALSE(read(r).star);
}

TEST(Contacts, AStarStandsAlone) {
  const Register r{"Contact: *\r\n"};
  EXPECT_TRUE(read(r).star);
  EXPECT_EQ(fault("Contact: *, <sip:a@b>\r\n"), Bad::contact_star);
  EXPECT_EQ(fault("Contact: <sip:a@b>\r\nContact: *\r\n"), Bad::contact_star);
  EXPECT_EQ(fault("Contact: *\r\nContact: *\r\n"), Bad::contact_star);
}

TEST(Contacts, WhatIsNoContactIsAFault) {
  for (const char* bad : {"<sip:a@b", "sip:a@b?x=y", "<sip:a@b>;", "<sip:a@b>;;", "<sip:a@b> x", "\"a <sip:a@b>", "<a@b>", "<sip:a@b>;q=2", "<sip:a@b>;q=1.5",
                          "<sip:a@b>;q=0.1234", "<sip:a@b>;q=", "<sip:a@b>;q=.5", "<sip:a@b>;reg-id=0", "<sip:a@b>;reg-id=x", "*;x"})
    EXPECT_EQ(fault(std::string{"Contact: "} + bad + "\r\n"), Bad::contact_syntax) << bad;
}

TEST(Contacts, MoreThanTheLimitIsAFault) {
  std::string line = "Contact: <sip:0@b>";
  for (std::size_t i = 1; i < base::contact_values_max; ++i) line += ", <sip:" + std::to_string(i) + "@b>";
  EXPECT_EQ(fault(line + "\r\n"), Bad::none);
  EXPECT_EQ(fault(line + ", <sip:x@b>\r\n"), Bad::contact_too_many);
}

TEST(Contacts, ExpiresIsClampedAndAMalformedOneIsAnHour) {
  const Register r{"Contact: <sip:a@b>;expires=99999999999999999999, <sip:c@d>;expires=soon, <sip:e@f>;expires=0\r\n"};
  const Contacts all = read(r);
  EXPECT_EQ(all.values[0].expires_s, 0xffff'ffffU);
  EXPECT_EQ(all.values[1].expires_s, 3600U);
  EXPECT_EQ(all.values[2].expires_s, 0U);
}

TEST(Expires, IsReadOrAbsent) {
  EXPECT_EQ(expires_s(Register{"Expires: 3600\r\n"}.m), 3600U);
  EXPECT_EQ(expires_s(Register{"Expires: 4294967295\r\n"}.m), 0xffff'ffffU);
  EXPECT_EQ(expires_s(Register{"Expires: 4294967296\r\n"}.m), 0xffff'ffffU);
  EXPECT_EQ(expires_s(Register{"Expires: -1\r\n"}.m), std::nullopt);
  EXPECT_EQ(expires_s(Register{"Expires: tomorrow\r\n"}.m), std::nullopt);
  EXPECT_EQ(expires_s(Register{""}.m), std::nullopt);
}

}  // namespace
}  // namespace viaduct::sip
