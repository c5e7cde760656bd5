// SPDX-License-Identifier: Apache-2.0
// Overload control in Via parameters: what a client of it offers, what a server of it asks for. Who keeps to it is edge/shedder.h.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace viaduct::sip {

/// What stands in our Via of a request to a home: that it may say how much it wants. Loss alone is offered, which every server of it has; a rate is kept to as well where a home asks for
/// one. For both, RFC 7339 9 wants a comma inside quotes, and Kamailio 5.6 drops a request with such a Via. Source: RFC 7339 4.1, 4.2; RFC 7415 3.2, 3.3.
inline constexpr std::string_view overload_offer = ";oc;oc-algo=\"loss\"";

enum class OverloadAlgorithm : std::uint8_t {
  loss,  ///< so many of a hundred requests are to be left out (RFC 7339 7)
  rate  ///< so many requests a second may come (RFC 7415)
};
[[nodiscard]] std::string_view name(OverloadAlgorithm a);

/// How much a server of overload control wants.
struct OverloadReport {
  OverloadAlgorithm algorithm{};
  std::uint32_t value{};  ///< percent, or requests a second
  std::uint32_t validity_ms{};  ///< 0: as much as before it ever asked
  std::optional<std::uint64_t> sequence;  ///< oc-seq in 10^-5: a higher one is the later report; nullopt: none was given
  bool operator==(const OverloadReport&) const = default;
};

enum class OverloadHeard : std::uint8_t {
  nothing,  ///< no `oc` with a value
  report,
  nonsense  ///< a value out of range, a parameter twice, no algorithm or several
};

/// What the answer to a request with `overload_offer` says in our Via.
/// Shape: a Via value. Errors: as OverloadHeard says; `out` is set for a report. Without oc-validity it is good for 500 ms.
/// Thread: any; pure. Source: RFC 7339 4.1 to 4.4, 9 (oc, oc-validity, oc-seq, oc-algo); RFC 7415 3.2.
[[nodiscard]] OverloadHeard read_overload(std::string_view via, OverloadReport& out);

/// Whether who wrote a request's Via keeps to a loss that it is told. Source: RFC 7339 4.1, 4.2.
[[nodiscard]] bool offers_loss(std::string_view via);

/// Write `;oc=20;oc-algo="loss";oc-validity=500;oc-seq=1282321615.78200`, which takes the place of an offer in the answer. Returns the text.
/// Shape: at most 100 percent; `now_ms` on any clock that does not go back.
inline constexpr std::size_t overload_text_bytes_max = 80;
[[nodiscard]] std::string_view write_loss(std::uint32_t percent, std::uint64_t now_ms, std::span<char, overload_text_bytes_max> out);

/// Whether a Via parameter of that name is one of overload control.
[[nodiscard]] bool is_overload_param(std::string_view name);

}  // namespace viaduct::sip
