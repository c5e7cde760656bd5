// SPDX-License-Identifier: Apache-2.0
// What a watcher of registrations is told: bodies of the package `reg` (RFC 3680).
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace viaduct::notifier {

// Each enumerator is the word that stands in the document.
enum class ContactState : std::uint8_t { active, terminated };
enum class ContactEvent : std::uint8_t { registered, created, refreshed, shortened, expired, deactivated, probation, unregistered, rejected };
enum class RegistrationState : std::uint8_t { init, active, terminated };

/// One contact of a registration. Shape: `shortened` has expires_s, `probation` has retry_after_s (RFC 3680 5.1).
struct ReginfoContact {
  std::string_view uri;
  std::uint64_t id{};                          ///< the same as long as the contact is this one; shown in hex
  ContactState state{};
  ContactEvent event{};                        ///< what brought the contact into its state
  std::optional<std::uint32_t> expires_s;
  std::optional<std::uint32_t> retry_after_s;
  std::optional<std::uint32_t> duration_s;     ///< since it was first registered
  std::optional<std::uint16_t> q_milli;
  std::string_view call_id;                    ///< of the REGISTER that last changed it, as cseq; empty: not said
  std::optional<std::uint32_t> cseq;
  std::string_view instance;                   ///< +sip.instance with its quotes; empty: none
  std::string_view gruu;                       ///< public GRUU, a URI (RFC 5628 5); empty: none
};

/// A document about one address-of-record.
struct Reginfo {
  std::uint32_t version{};                     ///< one more with each document of a subscription, from 0
  bool is_full{};                              ///< else only contacts that have changed
  std::string_view aor_uri;
  std::uint64_t registration_id{};             ///< the same in every document about this address-of-record; shown in hex
  RegistrationState state{};
  std::span<const ReginfoContact> contacts;
};

inline constexpr std::string_view reginfo_type = "application/reginfo+xml";

/// The document. What a URI does not hold (controls, blanks, octets from 0x80, `"<>` and the like) is written as %HH; in other texts line ends and tabs become
/// blanks, and octets that are no UTF-8 or no character of XML become U+FFFD: every document can be read, whatever came in.
/// Thread: any; pure. Source: RFC 3680 5; RFC 5628 5; XML 1.0 2.2.
[[nodiscard]] std::string reginfo_xml(const Reginfo& reginfo);

}  // namespace viaduct::notifier
