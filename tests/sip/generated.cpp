// SPDX-License-Identifier: Apache-2.0
// How the messages are made.
#include "generated.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>

namespace viaduct::sip::testing {
namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += line;
  return out;
}

}  // namespace

std::string Generator::word(std::size_t bytes) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~";
  std::string out;
  while (out.size() < bytes) out += letters[below(letters.size())];
  return out;
}

base::Endpoint Generator::endpoint() {
  const auto port = static_cast<std::uint16_t>(1 + below(65535));
  if (below(2) == 0) {
    std::array<std::uint8_t, 4> octets;
    for (auto& octet : octets) octet = static_cast<std::uint8_t>(1 + below(223));
    return {base::Address::v4(octets), port};
  }
  std::array<std::uint8_t, 16> octets{0x20, 0x01};
  for (std::size_t i = 2; i < 16; ++i) octets[i] = static_cast<std::uint8_t>(below(2) == 0 ? 0 : below(256));
  return {base::Address::v6(octets), port};
}

std::string Generator::via() {
  std::vector<std::string> params = {"branch=z9hG4bK" + word(1 + below(30))};
  const auto maybe = [&](unsigned one_in, const std::string& param) {
    if (below(one_in) == 0) params.push_back(param);
  };
  maybe(2, pick({"rport", "rport=5062", "RPort", "Rport = 1"}));
  maybe(3, "received" + pick({"=192.0.2.77", "=2001:db8::77", " =\t192.0.2.1", "=203.0.113.250"}));
  maybe(4, "ttl=16");
  maybe(5, "keep");
  maybe(5, "receivedx=1");
  maybe(5, "rportal=" + word(3));
  maybe(4, R"(ext="a;rport=1;b\";received=\\")");
  maybe(6, R"(ext2="\\";alias)");
  std::shuffle(params.begin(), params.end(), random_);
  std::string out = "SIP/2.0/UDP " + pick({"192.0.2.7", "pc33.atlanta.example", "[2001:db8::9:1]", "a"}) + pick({"", ":5060", ":65535"});
  for (const auto& param : params) out += pick({";", ";", ";", " ;", "; ", "\r\n ;", ";\r\n\t"}) + param;
  return out;
}

std::vector<std::string> Generator::via_lines(const std::vector<std::string>& values) {
  std::vector<std::string> lines;
  for (const auto& value : values) {
    if (!lines.empty() && below(2) == 0)
      lines.back() += pick({",", ", ", " , ", " ,\r\n ", ", ,", ",\r\n\t,  "}) + value;
    else
      lines.push_back(pick({"Via", "v", "VIA", "V", "via", "vIA"}) + pick({": ", ": ", ":", " : ", ":\r\n ", ":\t"}) + value);
  }
  return lines;
}

std::vector<std::string> Generator::laid_out(const std::string& start_line, std::vector<std::string> others, const std::vector<std::string>& via_lines) {
  std::shuffle(others.begin(), others.end(), random_);
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < via_lines.size(); ++i) places.push_back(below(3) == 0 ? below(static_cast<unsigned>(others.size() + 1)) : 0);
  std::sort(places.begin(), places.end());
  for (std::size_t i = via_lines.size(); i-- > 0;) others.insert(others.begin() + static_cast<std::ptrdiff_t>(places[i]), via_lines[i]);
  const std::string line_end = below(8) == 0 ? "\n" : "\r\n";
  std::vector<std::string> lines = {start_line + line_end};
  for (const auto& line : others) lines.push_back(line + pick({"", "", "", " ", "\r\n "}) + line_end);
  lines.push_back(line_end);
  return lines;
}

std::string Generator::request() { return request(pick({"REGISTER", "REGISTER", "INVITE", "OPTIONS", "MESSAGE", "FROB"})); }

std::string Generator::request(std::string_view method) {
  std::vector<std::string> values(1 + below(5));
  for (auto& value : values) value = via();
  std::vector<std::string> others = {
      pick({"From", "f", "FROM"}) + ": " + pick({"", "Alice ", "\"A;tag=x, <\\\"\" "}) + "<sip:alice@example.com>;tag=" + word(1 + below(20)),
      pick({"To", "t", "tO"}) + ": " +
          pick({"<sip:bob@example.com>", "sip:bob@example.com", "\"Bob\" <sip:bob@example.com;user=phone>", "<sip:bob@example.com> ;x=y"}) +
          (below(4) == 0 ? ";tag=" + word(13) : ""),
      pick({"Call-ID", "i", "CALL-ID"}) + ": " + word(1 + below(60)) + pick({"", "@host.example"}),
      "CSeq: " + std::to_string(below(1u << 31)) + pick({" ", "\t", " \r\n "}) + std::string(method),
  };
  const auto maybe = [&](unsigned one_in, const std::string& line) {
    if (below(one_in) == 0) others.push_back(line);
  };
  if (below(4) != 0) others.push_back("Max-Forwards: " + pick({"70", "69", "1", "10", "100", "255", "007", "00070"}));
  maybe(3, "Timestamp: 54.3");
  maybe(4, "X-Viaduct-Home: 1.2.a" + word(13));
  maybe(8, "x-viaduct-home: second");
  maybe(2, "User-Agent: " + word(20) + "\r\n " + word(5));
  maybe(2, "Contact: <sip:alice@192.0.2.7:5062;x=\"a,b\">;expires=60, <sip:a@b>");
  maybe(3, "Route: <sip:edge.example;lr>,<sip:192.0.2.8;lr>");
  maybe(3, "Subject: Via: SIP/2.0/UDP not.a.via;rport");
  const std::string body = below(4) == 0 ? "v=0\r\nVia: SIP/2.0/UDP body;rport\r\n\r\n" : "";
  others.push_back(pick({"Content-Length", "l"}) + ": " + std::to_string(body.size()));
  return joined(laid_out(std::string(method) + " sip:example.com SIP/2.0", others, via_lines(values))) + body;
}

std::string Generator::plain_request() {
  const auto some = [&](unsigned most) { return word(1 + below(most)); };
  const auto via = [&] {
    std::vector<std::string> params = {";branch=z9hG4bK" + some(50)};
    if (below(3) != 0) params.push_back(below(2) == 0 ? ";rport" : ";RPort=5062");
    if (below(4) == 0) params.push_back(";received=" + pick({"192.0.2.77", "2001:db8:1111:2222:3333:4444:5555:6666"}));
    if (below(12) == 0) params.push_back(";rport=1");
    if (below(4) == 0) params.push_back(";x" + some(60));
    std::shuffle(params.begin(), params.end(), random_);
    std::string out = "SIP/2.0/UDP 192.0.2.7:5060";
    for (const std::string& param : params) out += param;
    return out;
  };
  std::vector<std::string> lines = {"From: \"" + some(60) + "\" <sip:a@example.com>;tag=" + some(8),
                                    "To: <sip:" + some(50) + "@example.com>" + (below(4) == 0 ? ";tag=" + some(60) : ""),
                                    "Call-ID: " + some(99),
                                    "CSeq: 4 REGISTER",
                                    "User-Agent: " + some(40),
                                    "Expires: 60"};
  if (below(8) != 0) lines.push_back("Max-Forwards: " + pick({"70", "70", "69", "11", "10", "1", "9", "07", "255", "101", "100", "00070"}));
  if (below(20) == 0) lines.emplace_back("X-Viaduct-Home: 1.2.3");
  if (below(3) == 0) lines.emplace_back("Timestamp: 5");
  if (below(20) == 0) lines.emplace_back("Timestamp: 6");
  for (unsigned n = below(20) == 0 ? below(40) : 0; n > 0; --n) lines.push_back("X: " + some(9));
  std::shuffle(lines.begin(), lines.end(), random_);
  for (unsigned n = below(3); n > 0; --n) lines.insert(lines.begin() + below(2) * below(4), "Via: " + via());
  lines.insert(lines.begin() + below(2), "v: " + via() + (below(5) == 0 ? ", " + via() : ""));
  std::string out = "REGISTER sip:example.com SIP/2.0\r\n";
  for (const std::string& line : lines) out += line + "\r\n";
  return out + (below(2) == 0 ? "Content-Length: 0\r\n\r\n" : "\r\n");
}

std::string Generator::response(const std::vector<std::string>& vias, std::string* without_first) {
  std::vector<std::string> lines = via_lines({vias.begin() + 1, vias.end()});
  const std::string begin = pick({"Via", "v", "VIA"}) + pick({": ", ":", " : ", ":\r\n "}) + pick({"", "", "", ", ", ",,"});
  const std::string separator = pick({"", "", "", " ,", ",, "}) + pick({",", ", ", " ,\r\n "});
  std::string rest;  // of the first Via line without the first value
  if (below(2) == 0) {
    rest = begin + lines[0].substr(lines[0].find("SIP/2.0"));
    lines[0] = begin + vias[0] + separator + rest.substr(begin.size());
  } else {
    lines.insert(lines.begin(), begin + vias[0] + (below(3) == 0 ? separator : ""));
  }
  const std::vector<std::string> others = {"From: <sip:a@example.com>;tag=" + word(5),
                                           "To: <sip:b@example.com>;tag=" + word(9),
                                           "Call-ID: " + word(20),
                                           "CSeq: 7 REGISTER",
                                           "Contact: <sip:x@y>;expires=5",
                                           "Content-Length: 0"};
  std::vector<std::string> all = laid_out("SIP/2.0 200 OK", others, lines);
  const std::string out = joined(all);
  if (without_first == nullptr) return out;
  const auto line = std::find_if(all.begin(), all.end(), [&](const std::string& l) { return l.starts_with(lines[0]); });
  *line = rest.empty() ? "" : rest + line->substr(lines[0].size());
  *without_first = joined(all);
  return out;
}

Message indexed(std::string_view text) {
  Message message;
  EXPECT_EQ(name(index(text, message)), "none") << text;
  return message;
}

base::Key128 key_of(std::uint8_t octet) {
  base::Key128 key;
  key.fill(octet);
  return key;
}

SigningKeys signing_keys() { return {{SigningKey('b', key_of(1)), SigningKey('a', key_of(2))}}; }

Guarded::Guarded(std::string_view text, Side side) {
  constexpr std::size_t page = 4096;
  const std::size_t middle = (text.size() + page - 1) / page * page;
  bytes_ = middle + 2 * page;
  pages_ = mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char* const begin = static_cast<char*>(pages_) + page;
  EXPECT_EQ(mprotect(begin, middle, PROT_READ | PROT_WRITE), 0);
  char* const place = side == Side::behind ? begin + middle - text.size() : begin;
  std::memcpy(place, text.data(), text.size());
  text_ = {place, text.size()};
}

Guarded::~Guarded() { munmap(pages_, bytes_); }

}  // namespace viaduct::sip::testing
