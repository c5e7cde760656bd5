// SPDX-License-Identifier: Apache-2.0
// Rules of RFC 3261 25.1 as methods that take from the front of a text, one octet at a time.
#pragma once
#include <string>
#include <string_view>

namespace viaduct::ref {

/// A text and how far it has been read. Every rule takes what it matches and says whether it did; after a rule that did not match, the place is anywhere.
/// Folds have been turned into spaces before.
class Grammar {
 public:
  explicit Grammar(std::string_view text) : text_(text) {}

  [[nodiscard]] bool done() const { return at_ == text_.size(); }
  [[nodiscard]] std::size_t at() const { return at_; }
  void go_back(std::size_t at) { at_ = at; }
  [[nodiscard]] char next() const { return done() ? '\0' : text_[at_]; }
  [[nodiscard]] std::string since(std::size_t from) const { return std::string{text_.substr(from, at_ - from)}; }

  bool octet(char c);
  char take() { return done() ? '\0' : text_[at_++]; }
  bool lws();                  ///< 1*( SP / HTAB )
  void sws();                  ///< [LWS]
  bool token(std::string* out = nullptr);
  bool word(std::string* out = nullptr);
  bool digits(std::string* out = nullptr);
  bool quoted_string();
  bool separator(char c);      ///< SWS c SWS
  bool parameter(std::string* name, std::string* value, bool* quoted);  ///< SEMI generic-param, its value wider than a token (16.3 item 1)
  bool name_addr_or_spec(std::string* uri);
  bool host();                 ///< hostname / IPv4address / IPv6reference
  bool port();
  bool absolute_uri_scheme();  ///< scheme ":"
  bool sip_uri();              ///< behind "sip:" or "sips:"
  bool tel_uri();              ///< behind "tel:"

 private:
  template <typename Predicate>
  bool some(Predicate wanted, std::string* out = nullptr);
  template <typename Predicate>
  bool escaped_some(Predicate wanted);
  bool uri_parameters();
  bool uri_headers();

  std::string_view text_;
  std::size_t at_{};
};

bool is_token_octet(char c);
bool is_request_uri(std::string_view uri);
bool is_version(std::string_view word);
bool same_ignoring_case(std::string_view a, std::string_view b);

}  // namespace viaduct::ref
