// SPDX-License-Identifier: Apache-2.0
// Messages of every allowed shape, made at random from a seed.
#pragma once
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "viaduct/base/address.h"
#include "viaduct/base/hash.h"
#include "viaduct/sip/message.h"
#include "viaduct/sip/token.h"

namespace viaduct::sip::testing {

/// Compact and long names, any case, folds, comma-joined and scattered Vias, empty list elements, both line ends, any order of headers.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}
  /// A good request with 1 to 5 Via values.
  std::string request(std::string_view method);
  std::string request();
  /// A REGISTER as telephones send them: no white space where none is needed, lines of any length and in any order.
  std::string plain_request();
  /// A good response with those Via values, laid out at random. When `without_first` is given it gets the same response without the first value.
  std::string response(const std::vector<std::string>& vias, std::string* without_first = nullptr);
  std::string via();
  base::Endpoint endpoint();
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  std::string word(std::size_t bytes);

 private:
  std::string pick(std::initializer_list<const char*> choices) { return choices.begin()[below(static_cast<unsigned>(choices.size()))]; }
  std::vector<std::string> via_lines(const std::vector<std::string>& values);
  /// The lines of a message with their ends: start line, headers, empty line.
  std::vector<std::string> laid_out(const std::string& start_line, std::vector<std::string> others, const std::vector<std::string>& via_lines);

  std::mt19937_64 random_;
};

/// Index a text that must be good; the text must outlive the message.
Message indexed(std::string_view text);

base::Key128 key_of(std::uint8_t octet);
SigningKeys signing_keys();

/// A copy of a text flush against an unreadable page: behind it, or before it.
class Guarded {
 public:
  enum class Side : std::uint8_t { behind, before };
  Guarded(std::string_view text, Side side);
  ~Guarded();
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  void* pages_;
  std::size_t bytes_;
  std::string_view text_;
};

}  // namespace viaduct::sip::testing
