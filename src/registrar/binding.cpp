// SPDX-License-Identifier: Apache-2.0
// What a binding keeps of a Contact, and how it is printed back.
#include "binding.h"

#include <algorithm>

namespace viaduct::registrar {
namespace {

/// A quoted string may have been folded (RFC 3261 25.1 LWS); what we send never is.
void append_unfolded(std::string& out, std::string_view text) {
  std::ranges::replace_copy_if(text, std::back_inserter(out), [](char c) { return c == '\r' || c == '\n'; }, ' ');
}

/// RFC 3261 25.1 qvalue: `0.` and up to three digits, without zeros at the end.
void append_q(std::string& out, std::uint16_t q_milli) {
  std::string digits = std::to_string(1000 + q_milli % 1000).substr(1);
  digits.erase(digits.find_last_not_of('0') + 1);
  out.append(";q=").append(q_milli >= 1000 ? "1" : "0");
  if (!digits.empty()) out.append(".").append(digits);
}

}  // namespace

Binding::Binding(const sip::Contact& contact, const Origin& origin, std::uint32_t expires_s)
    : flow_(origin.flow),
      uri_bytes_(static_cast<std::uint16_t>(contact.uri.size())),
      instance_bytes_(static_cast<std::uint16_t>(contact.instance.size())),
      q_milli_(contact.q_milli),
      reg_id_(contact.reg_id),
      cseq_(origin.cseq),
      branch_hash_(origin.branch_hash),
      expires_at_s_(origin.now_s + expires_s) {
  text_.reserve(contact.uri.size() + contact.instance.size() + origin.call_id.size());
  text_.append(contact.uri);
  append_unfolded(text_, contact.instance);
  text_.append(origin.call_id);
}

void Binding::print(std::string& out, std::uint64_t now_s) const {
  out.append("Contact: <").append(uri()).append(">;expires=").append(std::to_string(expires_in_s(now_s)));
  if (q_milli_ != 1000) append_q(out, q_milli_);
  if (instance_bytes_ != 0) out.append(";+sip.instance=").append(instance());
  if (reg_id_ != 0) out.append(";reg-id=").append(std::to_string(reg_id_));
  out.append("\r\n");
}

}  // namespace viaduct::registrar
