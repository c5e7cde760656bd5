// SPDX-License-Identifier: Apache-2.0
// Independent judges of SIP messages, libosip2 and sofia-sip, behind one face: is this a message, and what does it say. For tests and benchmarks only.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace viaduct::judges {

inline constexpr int no_max_forwards = -1;

/// What each is asked. The texts borrow from the judge's own copy of the message, or from the message.
struct Answer {
  std::size_t via_values{};
  std::string_view via_host;    ///< sent-by of the top Via, without brackets and port
  std::string_view via_branch;
  std::string_view to_user;
  std::string_view to_host;     ///< without brackets
  std::string_view call_id;
  std::string_view call_id_host;  ///< when the judge keeps what follows the @ apart
  std::uint32_t cseq_number{};
  std::string_view cseq_method;
  int max_forwards{no_max_forwards};
  std::string_view event;               ///< the package; empty when there is no Event
  std::string_view subscription_state;  ///< without its parameters; empty when there is none
  std::string_view body;

  [[nodiscard]] std::string whole_call_id() const { return std::string(call_id) + (call_id_host.empty() ? "" : "@") + std::string(call_id_host); }
};

/// A message as libosip2 reads it.
class Osip {
 public:
  explicit Osip(std::string_view text);
  ~Osip();
  Osip(const Osip&) = delete;
  Osip& operator=(const Osip&) = delete;
  /// It is a message with Via, From, To, Call-ID and CSeq.
  [[nodiscard]] bool accepts() const { return accepts_; }
  /// Shape: accepts().
  [[nodiscard]] Answer answer() const;

 private:
  void* message_{};  ///< the library's own
  bool accepts_{};
};

/// A message as sofia-sip reads it.
class Sofia {
 public:
  explicit Sofia(std::string_view text);
  ~Sofia();
  Sofia(const Sofia&) = delete;
  Sofia& operator=(const Sofia&) = delete;
  [[nodiscard]] bool accepts() const { return accepts_; }
  [[nodiscard]] Answer answer() const;

 private:
  void* message_{};  ///< the library's own
  bool accepts_{};
};

}  // namespace viaduct::judges
