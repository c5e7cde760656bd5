// SPDX-License-Identifier: Apache-2.0
// Bindings as octets: everything comes back, and nothing that is cut or longer does.
#include "viaduct/location/row.h"

#include <gtest/gtest.h>

namespace viaduct::location::test {
namespace {

const std::vector<base::Endpoint> listeners = {*base::Endpoint::parse("198.18.0.2:5060", 5060), *base::Endpoint::parse("[2001:db8::2]:5060", 5060),
                                               *base::Endpoint::parse("198.18.0.2:5070", 5060), *base::Endpoint::parse("198.18.0.3:5060", 5060)};
RowBasis basis_of(ClockOffset offset_s) { return {.offset_s = offset_s, .listeners = listeners}; }

assign::Location::Owner two_bindings() {
  const assign::BindingText texts[] = {{.binding = {.flow = *base::Endpoint::parse("192.0.2.9:40000", 5060),
                                                    .next = *base::Endpoint::parse("[2001:db8::9]:5070", 5060),
                                                    .listener = 3,
                                                    .is_own_flow = true,
                                                    .q_milli = 500,
                                                    .reg_id = 2,
                                                    .cseq = 77,
                                                    .call_hash = 0x1122334455667788,
                                                    .branch_hash = 0x99aabbccddeeff00,
                                                    .added_at_s = 1000,
                                                    .expires_at_s = 4600,
                                                    .registered_at_s = 4000},
                                        .uri = "sip:a@h",
                                        .instance = "\"<urn:uuid:1>\"",
                                        .path = "<sip:e;lr>"},
                                       {.binding = {.expires_at_s = 5000}, .uri = "sip:b@h"}};
  return assign::Location::make({1, 2}, "alice@example.com", texts);
}

TEST(Row, BringsEverythingBack) {
  const auto location = two_bindings();
  const std::string row = to_row(*location, basis_of(1'700'000'000));
  const auto back = from_row(row, basis_of(1'700'000'000 - 500));   // the clock began later
  ASSERT_TRUE(back);
  EXPECT_EQ(back->aor, "alice@example.com");
  ASSERT_EQ(back->bindings.size(), 2U);
  const assign::BindingText was = (*location)[0], &is = back->bindings[0];
  EXPECT_EQ(is.binding.flow, was.binding.flow);
  EXPECT_EQ(is.binding.next, was.binding.next);
  EXPECT_EQ(is.binding.listener, was.binding.listener);
  EXPECT_TRUE(is.binding.is_own_flow);
  EXPECT_FALSE(back->bindings[1].binding.is_own_flow);
  EXPECT_EQ(is.binding.q_milli, was.binding.q_milli);
  EXPECT_EQ(is.binding.reg_id, was.binding.reg_id);
  EXPECT_EQ(is.binding.cseq, was.binding.cseq);
  EXPECT_EQ(is.binding.call_hash, was.binding.call_hash);
  EXPECT_EQ(is.binding.branch_hash, was.binding.branch_hash);
  EXPECT_EQ(is.binding.added_at_s, 1500U);
  EXPECT_EQ(is.binding.expires_at_s, 5100U);
  EXPECT_EQ(is.binding.registered_at_s, 4500U);
  EXPECT_EQ(back->bindings[1].binding.registered_at_s, 0U) << "by no REGISTER";
  EXPECT_EQ(is.uri, was.uri);
  EXPECT_EQ(is.instance, was.instance);
  EXPECT_EQ(is.path, was.path);
  EXPECT_EQ(back->bindings[1].uri, "sip:b@h");
}

TEST(Row, OfWhatExpiredBeforeTheClockBeganSaysZero) {
  const auto back = from_row(to_row(*two_bindings(), basis_of(1000)), basis_of(100'000));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->bindings[0].binding.expires_at_s, 0U);
}

TEST(Row, NamesItsListenerByPlace) {
  const std::string row = to_row(*two_bindings(), basis_of(0));
  const auto listener = [&row](std::vector<base::Endpoint> now) { return from_row(row, {.listeners = now})->bindings.at(0).binding.listener; };
  EXPECT_EQ(listener({listeners[0], listeners[3]}), 1U);
  EXPECT_EQ(listener({listeners[3], listeners[0], listeners[1]}), 0U);
  EXPECT_EQ(listener({listeners[1], listeners[0]}), 0U) << "it is no more";
}

/// One binding as earlier builds wrote it: without flags, before format 3 its listener is a number; of format 1 `registered` is missing.
std::string earlier(std::uint8_t format, std::uint8_t listener) {
  constexpr std::size_t head = 4, endpoint_bytes = 18, fixed_bytes = 2 + 4 + 4 + 8 + 8;
  const assign::BindingText text{.binding = {.cseq = 5, .added_at_s = 10, .expires_at_s = 70, .registered_at_s = 20}, .uri = "sip:a@h"};
  const std::string_view aor = "alice@example.com";
  std::string row = to_row(*assign::Location::make({1, 2}, aor, {&text, 1}), {});
  row[0] = static_cast<char>(format);
  const std::size_t listener_at = head + aor.size() + 2 * endpoint_bytes;
  row.erase(listener_at + endpoint_bytes + fixed_bytes + 3 * sizeof(std::int64_t), 1);
  if (format == 3) return row;
  row.replace(listener_at, endpoint_bytes, 1, static_cast<char>(listener));
  if (format == 1) row.erase(listener_at + 1 + fixed_bytes + 2 * sizeof(std::int64_t), sizeof(std::int64_t));
  return row;
}

TEST(Row, OfEarlierBuildsHasItsListenersNumber) {
  for (const std::uint8_t format : {std::uint8_t{1}, std::uint8_t{2}}) {
    const std::string row = earlier(format, 3);
    const auto back = from_row(row, basis_of(0));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->bindings.at(0).uri, "sip:a@h");
    EXPECT_EQ(back->bindings.at(0).binding.cseq, 5U);
    EXPECT_EQ(back->bindings.at(0).binding.listener, 3U);
    EXPECT_EQ(back->bindings.at(0).binding.expires_at_s, 70U);
    EXPECT_EQ(back->bindings.at(0).binding.registered_at_s, format == 1 ? 0U : 20U);
    EXPECT_EQ(from_row(earlier(format, 4), basis_of(0))->bindings.at(0).binding.listener, 0U) << "there are no longer so many";
  }
}

TEST(Row, OfEarlierBuildsDoesNotSayWhoseTheFlowIs) {
  const std::string row = earlier(3, 0);
  const auto back = from_row(row, basis_of(0));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->bindings.at(0).uri, "sip:a@h");
  EXPECT_FALSE(back->bindings.at(0).binding.is_own_flow);
}

TEST(Row, IsRefusedWhenAnythingIsMissingOrTooMuch) {
  const std::string row = to_row(*two_bindings(), {});
  for (std::size_t bytes = 0; bytes < row.size(); ++bytes) EXPECT_FALSE(from_row(std::string_view(row).substr(0, bytes), {})) << bytes;
  EXPECT_FALSE(from_row(row + "x", {}));
  std::string other = row;
  other[0] = 5;
  EXPECT_FALSE(from_row(other, {})) << "another format";
}

}  // namespace
}  // namespace viaduct::location::test
