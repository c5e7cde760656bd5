// SPDX-License-Identifier: Apache-2.0
// How a message is mutated: every other time by whole lines, as those who write SIP do, else octet by octet as libFuzzer does.
#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace viaduct::fuzz {
namespace {

constexpr std::array<std::string_view, 20> header_lines = {
    "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa;rport\r\n",
    "v: SIP/2.0/UDP [2001:db8::1];received=192.0.2.2, SIP / 2.0 / UDP a ;rport = 1\r\n",
    "Via: ,\r\n",
    "f: sip:a@b;tag=1\r\n",
    "To: \"A, B\" <sip:a%40b@example.com;user=phone>;tag=abc\r\n",
    "t: <tel:+49-30-1>\r\n",
    "i: a@b\r\n",
    "CSeq: 1 REGISTER\r\n",
    "Max-Forwards: 10\r\n",
    "X-Viaduct-Home: 1.2.3\r\n",
    "Timestamp: 54.3\r\n",
    "m: <sip:a@b>;q=0.5;expires=60\r\n",
    "Expires: 60\r\n",
    "l: 4\r\n",
    "Subject: folded\r\n again\r\n",
    "Call-ID:\r\n",
    "o: reg;id=a;max-rate=0.2\r\n",
    "Accept: text/plain;q=0, */*\r\n",
    "Record-Route: <sip:p1;lr>, <sip:p0>;x=y\r\n",
    "Suppress-If-Match: *\r\n",
};

/// Lines with their ends; what stands behind the last one is a line too.
std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

void change(std::vector<std::string>& lines, std::minstd_rand& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const auto place = [&] { return lines.begin() + static_cast<std::ptrdiff_t>(below(lines.size() + 1)); };
  if (lines.empty() || below(3) == 0) {
    lines.insert(place(), std::string(header_lines[below(header_lines.size())]));
    return;
  }
  const std::size_t i = below(lines.size());
  switch (below(4)) {
    case 0:
      lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(i));
      break;
    case 1:
      lines.insert(place(), std::string(lines[i]));
      break;
    case 2:
      std::swap(lines[i], lines[below(lines.size())]);
      break;
    case 3:
      // Folded where it has a space, or in front.
      lines[i].insert(std::min(lines[i].find(' '), lines[i].size()), below(2) == 0 ? "\r\n" : "\n");
      break;
  }
}

}  // namespace
}  // namespace viaduct::fuzz

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  std::minstd_rand random(seed);
  if (random() % 2 == 0) return LLVMFuzzerMutate(data, size, max_size);
  auto lines = viaduct::fuzz::split({reinterpret_cast<const char*>(data), size});
  viaduct::fuzz::change(lines, random);
  std::string out;
  for (const std::string& line : lines) out += line;
  out.resize(std::min(out.size(), max_size));
  std::copy(out.begin(), out.end(), data);
  return out.size();
}
