// SPDX-License-Identifier: Apache-2.0
// The oc parameters of a Via, read and written.
#include "viaduct/sip/overload.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "via_params.h"
#include "viaduct/base/append.h"
#include "viaduct/base/limits.h"

namespace viaduct::sip {
namespace {

constexpr std::array overload_names = {std::string_view{"oc"}, std::string_view{"oc-algo"}, std::string_view{"oc-validity"}, std::string_view{"oc-seq"}};
enum Which : std::uint8_t { oc, algorithm, validity, sequence, foreign };

Which which(std::string_view name) {
  const auto at = std::ranges::find_if(overload_names, [&](std::string_view known) { return equal_ignoring_case(name, known); });
  return static_cast<Which>(at - overload_names.begin());
}

/// The four, as they stand in a Via; null pointers for those that are missing.
struct Found {
  std::array<Param, overload_names.size()> param{};
  bool is_repeated{};
};

Found find(std::string_view via) {
  Found out;
  ViaParams params(via);
  for (ViaParam p; params.next(p);) {
    const Which w = which(p.param.name);
    if (w == foreign) continue;
    out.is_repeated |= out.param[w].name.data() != nullptr;
    out.param[w] = p.param;
  }
  return out;
}

/// All of a text as a number, at most `most`.
std::optional<std::uint32_t> number(std::string_view digits, std::uint32_t most) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || value > most) return std::nullopt;
  return value;
}

std::string_view unquoted(const Param& p) { return p.quoted ? p.value.substr(1, p.value.size() - 2) : p.value; }

/// Exactly one that we know; of an offer that came back with a value nobody can say which is meant.
std::optional<OverloadAlgorithm> chosen(std::string_view algorithms) {
  for (const auto a : {OverloadAlgorithm::loss, OverloadAlgorithm::rate})
    if (equal_ignoring_case(trimmed(algorithms), name(a))) return a;
  return std::nullopt;
}

/// 1*12DIGIT "." 1*5DIGIT: the time at which it was made, in seconds, or what grows like it.
std::optional<std::uint64_t> sequence_of(std::string_view text) {
  constexpr std::size_t whole_max = 12, fraction_max = 5;
  const std::size_t dot = text.find('.');
  if (dot == 0 || dot > whole_max || dot >= text.size() - 1 || text.size() - dot - 1 > fraction_max) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == dot) continue;
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(text[i] - '0');
  }
  for (std::size_t digits = text.size() - dot - 1; digits < fraction_max; ++digits) value *= 10;
  return value;
}

bool read(const Found& found, OverloadReport& out) {
  const auto a = chosen(unquoted(found.param[algorithm]));
  if (found.is_repeated || !a) return false;
  const auto value = number(found.param[oc].value, *a == OverloadAlgorithm::loss ? 100 : base::overload_rate_max);
  const Param& valid = found.param[validity];
  const auto validity_ms = valid.has_value ? number(valid.value, base::overload_validity_ms_max) : base::overload_validity_ms;
  const Param& seq = found.param[sequence];
  const auto order = seq.name.empty() ? std::optional<std::uint64_t>{} : sequence_of(seq.value);
  if (!value || !validity_ms || (!order && !seq.name.empty())) return false;
  out = {.algorithm = *a, .value = *value, .validity_ms = *validity_ms, .sequence = order};
  return true;
}

}  // namespace

std::string_view name(OverloadAlgorithm a) { return a == OverloadAlgorithm::loss ? "loss" : "rate"; }

bool is_overload_param(std::string_view name) { return which(name) != foreign; }

OverloadHeard read_overload(std::string_view via, OverloadReport& out) {
  const Found found = find(via);
  if (!found.param[oc].has_value) return OverloadHeard::nothing;
  return read(found, out) ? OverloadHeard::report : OverloadHeard::nonsense;
}

bool offers_loss(std::string_view via) {
  // Telephones offer nothing, and in a storm all of them are asked.
  const auto is_oc = [](char o, char c) { return to_lower(o) == 'o' && to_lower(c) == 'c'; };
  if (std::ranges::adjacent_find(via, is_oc) == via.end()) return false;
  const Found found = find(via);
  if (found.is_repeated || found.param[oc].name.empty() || found.param[oc].has_value) return false;
  std::string_view rest = unquoted(found.param[algorithm]);
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    if (equal_ignoring_case(trimmed(rest.substr(0, comma)), name(OverloadAlgorithm::loss))) return true;
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return false;
}

std::string_view write_loss(std::uint32_t percent, std::uint64_t now_ms, std::span<char, overload_text_bytes_max> out) {
  base::Append text(out);
  text << ";oc=" << std::uint64_t{percent} << ";oc-algo=\"loss\";oc-validity=" << std::uint64_t{base::overload_validity_ms} << ";oc-seq=" << now_ms / 1000
       << '.';
  const std::uint64_t fraction = now_ms % 1000;
  text << static_cast<char>('0' + fraction / 100) << static_cast<char>('0' + fraction / 10 % 10) << static_cast<char>('0' + fraction % 10);
  return {out.data(), text.bytes()};
}

}  // namespace viaduct::sip
