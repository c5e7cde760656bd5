// SPDX-License-Identifier: Apache-2.0
// A REGISTER built field by field, for the tests of the registrar.
#pragma once
#include <gtest/gtest.h>

#include <string>

#include "viaduct/sip/message.h"

namespace viaduct::location::test {

/// Text of one REGISTER; `indexed` borrows from it.
class Register {
 public:
  Register& call_id(std::string value) {
    call_id_ = std::move(value);
    return *this;
  }
  Register& cseq(unsigned value) {
    cseq_ = value;
    return *this;
  }
  Register& branch(std::string value) {
    branch_ = std::move(value);
    return *this;
  }
  Register& to(std::string uri) {
    to_ = std::move(uri);
    return *this;
  }
  Register& contact(const std::string& value) { return header("Contact: " + value); }
  Register& expires(const std::string& value) { return header("Expires: " + value); }
  Register& header(const std::string& line) {
    headers_ += line + "\r\n";
    return *this;
  }

  [[nodiscard]] const sip::Message& indexed() {
    text_ = "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=" + branch_ + "\r\nMax-Forwards: 70\r\n";
    text_ += "From: <sip:alice@example.com>;tag=1\r\nTo: <" + to_ + ">\r\nCall-ID: " + call_id_ + "\r\n";
    text_ += "CSeq: " + std::to_string(cseq_) + " REGISTER\r\n" + headers_ + "Content-Length: 0\r\n\r\n";
    EXPECT_EQ(sip::index(text_, message_), sip::Bad::none);
    return message_;
  }

 private:
  std::string call_id_ = "one@host";
  std::string branch_ = "z9hG4bK1";
  std::string to_ = "sip:alice@example.com";
  unsigned cseq_ = 1;
  std::string headers_;
  std::string text_;
  sip::Message message_;
};

}  // namespace viaduct::location::test
