// SPDX-License-Identifier: Apache-2.0
#include "contact_line.h"

#include <algorithm>
#include <array>

#include "viaduct/base/append.h"

namespace viaduct::location {
namespace {

/// RFC 3261 25.1 qvalue: `0.` and up to three digits, without zeros at the end.
void put_q(base::Append& out, std::uint16_t q_milli) {
  std::string digits = std::to_string(1000 + q_milli % 1000).substr(1);
  digits.erase(digits.find_last_not_of('0') + 1);
  out << ";q=" << (q_milli >= 1000 ? "1" : "0");
  if (!digits.empty()) out << "." << digits;
}

/// RFC 3261 25.1 paramchar, but for escapes.
constexpr auto param_octets = [] {
  std::array<bool, 256> out{};
  constexpr std::string_view marks = "-_.!~*'()[]/:&+$";
  for (const char c : marks) out[static_cast<unsigned char>(c)] = true;
  for (int i = 0; i < 256; ++i) out[static_cast<std::size_t>(i)] |= (i >= '0' && i <= '9') || (i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z');
  return out;
}();
bool is_param_octet(char c) { return param_octets[static_cast<unsigned char>(c)]; }

}  // namespace

bool has_public_gruu(std::string_view instance) {
  constexpr std::string_view begin = "\"<", end = ">\"";
  if (instance.size() <= begin.size() + end.size() || !instance.starts_with(begin) || !instance.ends_with(end)) return false;
  return std::ranges::all_of(instance.substr(begin.size(), instance.size() - begin.size() - end.size()), is_param_octet);
}

void put_contact(std::string& out, const assign::BindingText& b, std::uint32_t expires_in_s, std::string_view gruu_aor, std::string_view scheme) {
  constexpr std::size_t names_bytes = 160;   // names, numbers, signs
  const std::size_t before = out.size(), most = before + b.uri.size() + 2 * b.instance.size() + gruu_aor.size() + names_bytes;
  out.resize_and_overwrite(most, [&](char* text, std::size_t) {
    base::Append line({text + before, text + most});
    line << "Contact: <" << b.uri << ">;expires=" << std::uint64_t{expires_in_s};
    if (b.binding.q_milli != 1000) put_q(line, b.binding.q_milli);
    if (!gruu_aor.empty() && b.binding.has_gruu)
      line << ";pub-gruu=\"" << scheme << ":" << gruu_aor << ";gr=" << b.instance.substr(2, b.instance.size() - 4) << "\"";
    if (!b.instance.empty()) line << ";+sip.instance=" << b.instance;
    if (b.binding.reg_id != 0) line << ";reg-id=" << std::uint64_t{b.binding.reg_id};
    line << "\r\n";
    return before + line.bytes();
  });
}

}  // namespace viaduct::location
