// SPDX-License-Identifier: Apache-2.0
// SUBSCRIBEs, what the notifier sends, and the answers to it, in one line each.
#pragma once
#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "register.h"
#include "viaduct/registrar/watchers.h"
#include "viaduct/sip/event.h"

namespace viaduct::registrar::test {

inline site::Site one_listener() {
  site::Site site;
  site.listeners.push_back({.endpoint = {base::Address::v4({198, 18, 0, 2}), 5060}, .host = "198.18.0.2"});
  site.keys.keys[0].emplace('a', base::Key128{1, 2, 3});
  return site;
}

/// A text and its index, which borrows from it.
class Indexed {
 public:
  explicit Indexed(std::string text) : text_(std::move(text)) { EXPECT_EQ(sip::index(text_, message), sip::Bad::none) << text_; }
  Indexed(const Indexed&) = delete;
  Indexed& operator=(const Indexed&) = delete;
  sip::Message message;

 private:
  std::string text_;
};

/// A SUBSCRIBE of alice's own telephone for alice, built fluently.
struct Asking {
  std::string call_id = "watch@h", from_tag = "w1", to_tag, event = "reg", contact = "<sip:alice@192.0.2.9:5070>", from = "sip:alice@example.com", more;
  unsigned cseq = 1;
  std::optional<unsigned> expires;

  [[nodiscard]] std::string text() const {
    std::string out = "SUBSCRIBE sip:alice@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bKw" + std::to_string(cseq) +
                      "\r\nMax-Forwards: 70\r\nFrom: <" + from + ">";
    if (!from_tag.empty()) out += ";tag=" + from_tag;
    out += "\r\nTo: <sip:alice@example.com>";
    if (!to_tag.empty()) out += ";tag=" + to_tag;
    out += "\r\nCall-ID: " + call_id + "\r\nCSeq: " + std::to_string(cseq) + " SUBSCRIBE\r\n";
    if (!event.empty()) out += "Event: " + event + "\r\n";
    if (!contact.empty()) out += "Contact: " + contact + "\r\n";
    if (expires) out += "Expires: " + std::to_string(*expires) + "\r\n";
    return out + more + "Content-Length: 0\r\n\r\n";
  }
};

/// What left, kept as it was.
struct Sent final : Outlet {
  bool send(const site::Listener&, const base::Endpoint& to, std::string_view message) override {
    places.push_back(to);
    messages.emplace_back(message);
    return is_open;
  }
  bool is_open{true};
  std::vector<base::Endpoint> places;
  std::deque<std::string> messages;
};

/// The value of a header of a message that was sent.
inline std::string header(const std::string& message, const std::string& name) {
  const std::size_t at = message.find("\r\n" + name + ": ");
  if (at == message.npos) return {};
  const std::size_t begin = at + name.size() + 4;
  return message.substr(begin, message.find("\r\n", begin) - begin);
}

/// The answer of whoever got it.
inline std::string answer_to(const std::string& request, const std::string& status = "200 OK", const std::string& more = {}) {
  return "SIP/2.0 " + status + "\r\nVia: " + header(request, "Via") + "\r\nFrom: " + header(request, "From") + "\r\nTo: " + header(request, "To") +
         "\r\nCall-ID: " + header(request, "Call-ID") + "\r\nCSeq: " + header(request, "CSeq") + "\r\n" + more + "Content-Length: 0\r\n\r\n";
}

}  // namespace viaduct::registrar::test
