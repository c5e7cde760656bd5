// SPDX-License-Identifier: Apache-2.0
// The bindings of one client as a REGISTER would have them: RFC 3261 10.3 steps 6 and 7. What becomes of a draft is bindings.cpp's.
#pragma once
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "viaduct/assign/locations.h"
#include "viaduct/location/bindings.h"
#include "viaduct/sip/contact.h"

namespace viaduct::location {

/// What of a REGISTER every binding that it changes keeps, beside the Contact.
struct Origin {
  std::uint64_t call_hash{};
  std::uint64_t branch_hash{};
  std::uint32_t cseq{};
  std::uint32_t now_s{};
};

/// Whether a binding was last changed by that very REGISTER: the same Call-ID, CSeq and branch.
[[nodiscard]] inline bool is_by(const assign::Binding& b, const Origin& o) {
  return b.cseq == o.cseq && b.branch_hash == o.branch_hash && b.call_hash == o.call_hash;
}
/// Whether that expiry, 0 where none is asked for, is shorter than is granted to anybody.
[[nodiscard]] bool is_too_brief(std::uint32_t asked_s, const Rules& rules);

/// Texts borrow from the location that was loaded, from the message, and from the draft. Thread: one.
class Draft {
 public:
  /// The live bindings of a client, as they stand; nullptr: there are none.
  void load(const assign::Location* location, std::uint64_t now_s);
  void assign(std::span<const assign::BindingText> bindings) { all_.assign(bindings.begin(), bindings.end()); }
  void clear() { all_.clear(); }
  [[nodiscard]] std::span<const assign::BindingText> bindings() const { return all_; }

  /// Whether one of the bindings was last changed by that very REGISTER.
  [[nodiscard]] bool is_of(const Origin& origin) const;
  /// `Contact: *`: remove every binding, or none (10.3 step 6). Returns 200, or 500.
  [[nodiscard]] std::uint16_t remove_all(const Origin& origin);
  /// Add, refresh or remove the binding of each Contact (10.3 step 7). Returns 200, 400, 423 or 500; on any but the first the draft is of no use.
  [[nodiscard]] std::uint16_t merge(const Registration& r, const sip::Contacts& contacts, const Origin& origin, const Rules& rules);
  /// The same where the one binding stays what it is but for its expiry, which the same was asked for as before. Returns 200 or 500.
  [[nodiscard]] std::uint16_t refresh(const Origin& origin, const Rules& rules);
  /// Add what the operator makes, or give it another expiry. Returns 200 or 423.
  [[nodiscard]] std::uint16_t create(const NewBinding& binding, const Rules& rules, std::uint32_t now_s);

 private:
  [[nodiscard]] std::uint16_t merge_one(const Registration& r, const sip::Contact& contact, std::uint32_t expires_s, const Origin& origin);
  [[nodiscard]] std::vector<assign::BindingText>::iterator find(const assign::BindingText& contact);
  [[nodiscard]] assign::BindingText made(const Registration& r, const sip::Contact& contact, std::uint32_t expires_s, const Origin& origin);

  std::vector<assign::BindingText> all_;
  std::deque<std::string> unfolded_;   // instances without their folds
};

}  // namespace viaduct::location
