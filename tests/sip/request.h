// SPDX-License-Identifier: Apache-2.0
// A REGISTER to be broken in one place, and what the index makes of it.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "viaduct/sip/message.h"

namespace viaduct::sip {

/// A REGISTER whose parts can be changed one by one.
struct Request {
  std::string line = "REGISTER sip:example.com SIP/2.0";
  std::vector<std::string> headers = {"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa;rport",
                                      "Max-Forwards: 70",
                                      "From: \"A\" <sip:alice@example.com>;tag=f1",
                                      "To: <sip:alice@example.com>",
                                      "Call-ID: c1@192.0.2.1",
                                      "CSeq: 314159 REGISTER",
                                      "Contact: <sip:alice@192.0.2.1:5060>",
                                      "Content-Length: 0"};
  std::string end = "\r\n";
  std::string body;

  Request& with(const std::string& header) {
    headers.push_back(header);
    return *this;
  }
  /// Replace the header that begins with `name`; an empty text takes it away.
  Request& set(std::string_view name, const std::string& header) {
    std::erase_if(headers, [&](const std::string& h) { return h.starts_with(name); });
    if (!header.empty()) headers.push_back(header);
    return *this;
  }
  Request& start(const std::string& text) {
    line = text;
    return *this;
  }
  [[nodiscard]] std::string text() const {
    std::string all = line + end;
    for (const auto& header : headers) all += header + end;
    return all + end + body;
  }
};

struct Indexed {
  std::string text;
  Message m;
  explicit Indexed(std::string t) : text(std::move(t)) { static_cast<void>(index(text, m)); }
  explicit Indexed(const Request& request) : Indexed(request.text()) {}
};

inline Bad fault(const Request& request) { return Indexed(request).m.fault; }
inline bool answerable(const Request& request) { return Indexed(request).m.answerable; }

}  // namespace viaduct::sip
