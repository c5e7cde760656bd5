// SPDX-License-Identifier: Apache-2.0
#include "contact_line.h"

#include <algorithm>
#include <array>

namespace viaduct::registrar {
namespace {

/// RFC 3261 25.1 qvalue: `0.` and up to three digits, without zeros at the end.
void put_q(std::string& out, std::uint16_t q_milli) {
  std::string digits = std::to_string(1000 + q_milli % 1000).substr(1);
  digits.erase(digits.find_last_not_of('0') + 1);
  out.append(";q=").append(q_milli >= 1000 ? "1" : "0");
  if (!digits.empty()) out.append(".").append(digits);
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

void put_contact(std::string& out, const assign::BindingText& b, std::uint32_t expires_in_s, std::string_view gruu_aor) {
  out.append("Contact: <").append(b.uri).append(">;expires=").append(std::to_string(expires_in_s));
  if (b.binding.q_milli != 1000) put_q(out, b.binding.q_milli);
  if (!gruu_aor.empty() && has_public_gruu(b.instance))
    out.append(";pub-gruu=\"sip:").append(gruu_aor).append(";gr=").append(b.instance.substr(2, b.instance.size() - 4)).append("\"");
  if (!b.instance.empty()) out.append(";+sip.instance=").append(b.instance);
  if (b.binding.reg_id != 0) out.append(";reg-id=").append(std::to_string(b.binding.reg_id));
  out.append("\r\n");
}

}  // namespace viaduct::registrar
