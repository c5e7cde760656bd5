// SPDX-License-Identifier: Apache-2.0
// One binding of a client, and the facts of the REGISTER that asks for a change. Rules and containers are in bindings.cpp.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "viaduct/base/address.h"
#include "viaduct/sip/contact.h"

namespace viaduct::registrar {

/// What of a REGISTER every binding that it changes keeps, beside the Contact.
struct Origin {
  std::string_view call_id;
  std::uint32_t cseq{};
  std::uint64_t branch_hash{};
  base::Endpoint flow;
  std::uint64_t now_s{};
};

/// Texts stand one after another in one string: at most one allocation a binding.
class Binding {
 public:
  Binding(const sip::Contact& contact, const Origin& origin, std::uint32_t expires_s);

  [[nodiscard]] std::string_view uri() const { return std::string_view(text_).substr(0, uri_bytes_); }
  [[nodiscard]] std::string_view instance() const { return std::string_view(text_).substr(uri_bytes_, instance_bytes_); }
  [[nodiscard]] std::string_view call_id() const { return std::string_view(text_).substr(uri_bytes_ + instance_bytes_); }
  [[nodiscard]] std::uint32_t cseq() const { return cseq_; }
  [[nodiscard]] const base::Endpoint& flow() const { return flow_; }
  [[nodiscard]] std::uint64_t expires_at_s() const { return expires_at_s_; }
  [[nodiscard]] bool is_live(std::uint64_t now_s) const { return expires_at_s_ > now_s; }
  [[nodiscard]] std::uint32_t expires_in_s(std::uint64_t now_s) const { return static_cast<std::uint32_t>(expires_at_s_ - now_s); }

  /// Last changed by this very REGISTER: the same Call-ID, CSeq and branch.
  [[nodiscard]] bool is_of(const Origin& o) const { return cseq_ == o.cseq && branch_hash_ == o.branch_hash && call_id() == o.call_id; }
  /// RFC 3261 10.3 steps 6 and 7: with the same Call-ID only a higher CSeq may change a binding.
  [[nodiscard]] bool yields_to(const Origin& o) const { return call_id() != o.call_id || o.cseq > cseq_; }

  /// Append `Contact: <uri>;expires=N` with what the client said of it, and CRLF.
  void print(std::string& out, std::uint64_t now_s) const;

 private:
  std::string text_;
  base::Endpoint flow_;
  std::uint16_t uri_bytes_;
  std::uint16_t instance_bytes_;
  std::uint16_t q_milli_;
  std::uint32_t reg_id_;
  std::uint32_t cseq_;
  std::uint64_t branch_hash_;
  std::uint64_t expires_at_s_;
};

}  // namespace viaduct::registrar
