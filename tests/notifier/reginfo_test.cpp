// SPDX-License-Identifier: Apache-2.0
// Documents for watchers: octet by octet, read back, and held against the RFC's schema by xmllint.
#include "viaduct/notifier/reginfo.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <pugixml.hpp>
#include <random>
#include <sstream>
#include <vector>

#include "xml_text.h"

namespace viaduct::notifier {
namespace {

ReginfoContact usual() {
  return {.uri = "sip:a@192.0.2.9:5060;x=y",
          .id = 0xfeed,
          .state = ContactState::active,
          .event = ContactEvent::refreshed,
          .expires_s = 3600,
          .retry_after_s = {},
          .duration_s = 7322,
          .q_milli = 850,
          .call_id = "c1@192.0.2.9",
          .cseq = 4711,
          .instance = "\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\"",
          .gruu = "sip:a@example.com;gr=urn:uuid:1"};
}

std::string write(std::span<const ReginfoContact> contacts, RegistrationState state = RegistrationState::active) {
  return reginfo_xml({.version = 7, .is_full = true, .aor_uri = "sip:a@example.com", .registration_id = 0xab, .state = state, .contacts = contacts});
}
std::string write(const ReginfoContact& contact) { return write(std::span(&contact, 1)); }

/// Files of a test, validated together; the folder goes with it.
class Validator {
 public:
  Validator() : folder_(std::filesystem::temp_directory_path() / std::string("reginfo").append(std::to_string(std::random_device{}()))) {
    std::filesystem::create_directory(folder_);
  }
  ~Validator() { std::filesystem::remove_all(folder_); }
  Validator(const Validator&) = delete;
  Validator& operator=(const Validator&) = delete;
  void add(const std::string& document) {
    // libxml2 refuses brackets in a URI without `//`; RFC 2396, as RFC 2732 amends it, which anyURI names (XML Schema 2 3.2.17), has them wherever a URI is opaque.
    std::ofstream file(folder_ / std::to_string(++count_).append(".xml"));
    for (const char c : document) c == '[' ? file << "%5B" : c == ']' ? file << "%5D" : file << c;
  }
  [[nodiscard]] bool is_valid() const {
    constexpr std::string_view schemas = VIADUCT_SCHEMA_DIR;
    std::ostringstream command;
    command << "XML_CATALOG_FILES=" << schemas << "/catalog.xml xmllint --nonet --noout --schema " << schemas << "/reginfo.xsd " << folder_.string()
            << "/*.xml >" << (folder_ / "log").string() << " 2>&1";
    return std::system(command.str().c_str()) == 0;
  }
  /// What xmllint said of what it refused.
  [[nodiscard]] std::string complaints() const {
    std::ifstream log(folder_ / "log");
    std::string out;
    for (std::string line; std::getline(log, line);)
      if (!line.ends_with(" validates")) out.append(line).append("\n");
    return out;
  }

 private:
  std::filesystem::path folder_;
  int count_{};
};

TEST(Reginfo, IsWrittenOctetByOctet) {
  EXPECT_EQ(write(usual()),
            "<?xml version=\"1.0\"?>"
            "<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" xmlns:gr=\"urn:ietf:params:xml:ns:gruuinfo\" version=\"7\" state=\"full\">"
            "<registration aor=\"sip:a@example.com\" id=\"ab\" state=\"active\">"
            "<contact id=\"feed\" state=\"active\" event=\"refreshed\" duration-registered=\"7322\" expires=\"3600\" q=\"0.85\" callid=\"c1@192.0.2.9\" "
            "cseq=\"4711\">"
            "<uri>sip:a@192.0.2.9:5060;x=y</uri>"
            "<unknown-param name=\"+sip.instance\">\"&lt;urn:uuid:00000000-0000-1000-8000-000A95A0E128&gt;\"</unknown-param>"
            "<gr:pub-gruu uri=\"sip:a@example.com;gr=urn:uuid:1\"/>"
            "</contact></registration></reginfo>");
}

TEST(Reginfo, SaysNothingOfWhatIsNotKnown) {
  const ReginfoContact bare{.uri = "sip:a@b", .id = 1, .state = ContactState::terminated, .event = ContactEvent::expired};
  EXPECT_EQ(write(bare),
            "<?xml version=\"1.0\"?><reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"7\" state=\"full\">"
            "<registration aor=\"sip:a@example.com\" id=\"ab\" state=\"active\">"
            "<contact id=\"1\" state=\"terminated\" event=\"expired\"><uri>sip:a@b</uri></contact></registration></reginfo>");
}

TEST(Reginfo, ARegistrationWithoutContactsIsInit) {
  EXPECT_EQ(write({}, RegistrationState::init),
            "<?xml version=\"1.0\"?><reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"7\" state=\"full\">"
            "<registration aor=\"sip:a@example.com\" id=\"ab\" state=\"init\"/></reginfo>");
}

TEST(Reginfo, QIsWrittenWithoutZerosAtTheEnd) {
  const auto q = [](std::uint16_t milli) {
    ReginfoContact c = usual();
    c.q_milli = milli;
    pugi::xml_document d;
    EXPECT_TRUE(d.load_string(write(c).c_str()));
    return std::string(d.child("reginfo").child("registration").child("contact").attribute("q").value());
  };
  EXPECT_EQ(q(1000), "1");
  EXPECT_EQ(q(0), "0");
  EXPECT_EQ(q(5), "0.005");
  EXPECT_EQ(q(500), "0.5");
}

TEST(Reginfo, EveryStateAndEventIsValid) {
  Validator validator;
  for (const auto state : {RegistrationState::init, RegistrationState::active, RegistrationState::terminated})
    for (int event = 0; event <= static_cast<int>(ContactEvent::rejected); ++event) {
      ReginfoContact c = usual();
      c.event = static_cast<ContactEvent>(event);
      c.state = c.event < ContactEvent::expired ? ContactState::active : ContactState::terminated;
      if (c.event == ContactEvent::probation) c.retry_after_s = 0xffff'ffff;
      const std::array both = {c, usual()};
      validator.add(write(both, state));
      validator.add(
          reginfo_xml({.version = 0xffff'ffff, .is_full = false, .aor_uri = "sips:[2001:db8::1]", .registration_id = ~0ULL, .state = state, .contacts = both}));
    }
  EXPECT_TRUE(validator.is_valid()) << validator.complaints();
}

TEST(Reginfo, TheSchemaRefusesWhatIsNone) {
  std::string document = write(usual());
  const std::string_view word = "refreshed";
  document.replace(document.find(word), word.size(), "forgotten");
  Validator validator;
  validator.add(document);
  EXPECT_FALSE(validator.is_valid());
  EXPECT_NE(validator.complaints().find("forgotten"), std::string::npos) << "refused for what is wrong in it, not because validating does not work";
}

TEST(Reginfo, WhateverOctetsComeInADocumentComesOutThatSaysTheSame) {
  std::mt19937 random(3680);
  const auto octets = [&] {
    std::string out(random() % 24, '\0');
    // Half of them markup, white space, escapes and pieces of UTF-8.
    static constexpr char pieces[] = "<>&\"'%#[]\t\r\n \0\x01\x1f\x7f\x80\xbf\xc3\xa4\xe2\x82\xac\xed\xa0\xef\xbf\xbe\xf0\x9f\x98\x80\xf4\x90\xff";
    constexpr std::string_view nasty{pieces, sizeof pieces - 1};
    for (char& c : out) c = random() % 2 == 0 ? nasty[random() % nasty.size()] : static_cast<char>(random());
    return out;
  };
  const auto sip = [&] { return std::string("sip:").append(octets()); };
  Validator validator;
  for (int i = 0; i < 300; ++i) {
    const std::string uri = sip(), aor = sip(), call_id = sip(), instance = sip(), gruu = sip();
    ReginfoContact c = usual();
    c.uri = uri, c.call_id = call_id, c.instance = instance, c.gruu = gruu;
    const std::string text =
        reginfo_xml({.version = 0, .is_full = false, .aor_uri = aor, .registration_id = 1, .state = RegistrationState::active, .contacts = {&c, 1}});
    validator.add(text);
    pugi::xml_document d;
    ASSERT_TRUE(d.load_string(text.c_str())) << text;
    const auto registration = d.child("reginfo").child("registration");
    const auto contact = registration.child("contact");
    EXPECT_EQ(registration.attribute("aor").value(), xml_uri(aor));
    EXPECT_EQ(contact.child_value("uri"), xml_uri(uri));
    EXPECT_EQ(contact.attribute("callid").value(), xml_text(call_id));
    EXPECT_EQ(contact.child_value("unknown-param"), xml_text(instance));
    EXPECT_EQ(contact.child("gr:pub-gruu").attribute("uri").value(), xml_uri(gruu));
  }
  EXPECT_TRUE(validator.is_valid()) << validator.complaints();
}

TEST(XmlUri, EscapesWhatNoUriHolds) {
  EXPECT_EQ(xml_uri("sip:a%20b%zz%4@[::1]:5060;x=y?a=b&c=d"), "sip:a%20b%25zz%254@[::1]:5060;x=y?a=b&c=d");
  EXPECT_EQ(xml_uri("\"<>\\^`{|}# \x7f\xc3\xa4"), "%22%3C%3E%5C%5E%60%7B%7C%7D%23%20%7F%C3%A4");
  EXPECT_EQ(xml_uri({"\0", 1}), "%00");
}

TEST(XmlText, KeepsWhatIsUtf8AndReplacesTheRest) {
  EXPECT_EQ(xml_text("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(xml_text("a\r\n\tb"), "a   b");
  constexpr std::string_view r = "\xef\xbf\xbd";
  const std::string one{r}, two = one + one, three = two + one, four = two + two;
  EXPECT_EQ(xml_text({"\0", 1}), one);
  EXPECT_EQ(xml_text("\x1f"), one);
  EXPECT_EQ(xml_text("\x80"), one);
  EXPECT_EQ(xml_text("\xc3"), one) << "cut off";
  EXPECT_EQ(xml_text("\xc3("), one + "(");
  EXPECT_EQ(xml_text("\xc0\x80"), two) << "overlong";
  EXPECT_EQ(xml_text("\xe0\x80\x80"), three) << "overlong";
  EXPECT_EQ(xml_text("\xf0\x80\x80\x80"), four) << "overlong";
  EXPECT_EQ(xml_text("\xed\xa0\x80"), three) << "a surrogate";
  EXPECT_EQ(xml_text("\xf4\x90\x80\x80"), four) << "behind U+10FFFF";
  EXPECT_EQ(xml_text("\xef\xbf\xbe"), three) << "U+FFFE is no character of XML";
}

}  // namespace
}  // namespace viaduct::notifier
