// SPDX-License-Identifier: Apache-2.0
// One telephone's REGISTER as a text that is filled in again and again: another user, another transaction. Made to cost the sender next to nothing.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::bench {

/// Seven digits without leading zeros: Kamailio's script counts them up.
inline constexpr std::uint32_t first_user = 1'000'000;

class Telephone {
 public:
  /// `at` is where it says that it is, ADDRESS:PORT; `more` are further header lines, each with CRLF.
  explicit Telephone(const std::string& at, const std::string& more = {})
      : text_("REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP " + at +
              ";branch=z9hG4bK-524287-@@@@@@@@;rport\r\nMax-Forwards: 70\r\nFrom: <sip:u#######@example.com>;tag=f@@@@@@@@\r\n"
              "To: <sip:u#######@example.com>\r\nCall-ID: c@@@@@@@@-7f1e42ab@client.example\r\nCSeq: 1 REGISTER\r\nContact: <sip:u#######@" +
              at +
              ";transport=udp>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-0004f2801a2b>\"\r\nExpires: 3600\r\n"
              "User-Agent: PolycomVVX-VVX_410-UA/5.9.5.0614\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, REFER, UPDATE\r\n"
              "Supported: path, outbound, gruu\r\n" +
              more + "Content-Length: 0\r\n\r\n"),
        users_at_(runs_of("#######")),
        ids_at_(runs_of("@@@@@@@@")) {}

  [[nodiscard]] const std::string& text() const { return text_; }
  /// Make a copy of the text that user's, in the transaction of that number; both count in decimal, cut to seven and eight digits.
  void fill(char* copy, std::uint64_t user, std::uint64_t serial) const {
    for (const std::size_t at : users_at_) put_digits(copy + at, 7, user);
    for (const std::size_t at : ids_at_) put_digits(copy + at, 8, serial);
  }

 private:
  [[nodiscard]] std::vector<std::size_t> runs_of(std::string_view run) const {
    std::vector<std::size_t> out;
    for (std::size_t at = text_.find(run); at != std::string::npos; at = text_.find(run, at + run.size())) out.push_back(at);
    return out;
  }
  static void put_digits(char* to, std::size_t count, std::uint64_t value) {
    for (; count-- > 0; value /= 10) to[count] = static_cast<char>('0' + value % 10);
  }
  std::string text_;
  std::vector<std::size_t> users_at_, ids_at_;
};

}  // namespace viaduct::bench
