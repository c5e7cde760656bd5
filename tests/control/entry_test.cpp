// SPDX-License-Identifier: Apache-2.0
// Entries of a fleet's log come out as they went in; what is cut, lengthened or wrong is refused, and never read beyond.
#include "viaduct/control/entry.h"

#include <gtest/gtest.h>

#include <random>

namespace viaduct::control {
namespace {

EntryHead head_of_all() {
  return {.node = "edge-1",
          .author = {"anna", "because \"of\" this\n"},
          .at_s = 1'700'000'000,
          .sets_out = true,
          .homes = {{0, R"({"name":"north"})"}, {65534, "anything"}}};
}

std::string whole() {
  EntryWriter writer;
  writer.add(SlotRow{.slot = 131'071, .home = 1, .previous = assign::no_home});
  writer.add(SlotRow{.slot = 0, .home = assign::no_home, .previous = 7});
  writer.add(ClientRow{.aor = "alice@example.com", .home = 3, .previous = 2, .pin = true});
  writer.add(ClientRow{.aor = "bob@example.com", .home = std::nullopt, .previous = 3});
  writer.add(assign::Confirmation({.low = 1, .high = 2}, 4, "carol@example.com"));
  return writer.finish(head_of_all());
}

TEST(Entry, ComesOutAsItWentIn) {
  const std::string octets = whole();
  const auto entry = Entry::read(octets);
  ASSERT_TRUE(entry) << entry.error();
  EXPECT_EQ(entry->head().node, "edge-1");
  EXPECT_EQ(entry->head().author.who, "anna");
  EXPECT_EQ(entry->head().author.why, "because \"of\" this\n");
  EXPECT_EQ(entry->head().at_s, 1'700'000'000U);
  EXPECT_TRUE(entry->head().sets_out);
  EXPECT_EQ(entry->head().homes, head_of_all().homes);
  EXPECT_EQ(entry->slots(), (std::vector<SlotRow>{{131'071, 1, assign::no_home}, {0, assign::no_home, 7}}));
  std::vector<std::string> aors;
  entry->for_each_client([&](const ClientRow& row) {
    aors.emplace_back(row.aor);
    EXPECT_EQ(row.home, aors.size() == 1 ? std::optional<assign::HomeIndex>(3) : std::nullopt);
    EXPECT_EQ(row.previous, aors.size() == 1 ? 2 : 3);
    EXPECT_EQ(row.pin, aors.size() == 1);
    return true;
  });
  EXPECT_EQ(aors, (std::vector<std::string>{"alice@example.com", "bob@example.com"}));
  const auto arrivals = entry->arrivals();
  ASSERT_EQ(arrivals.size(), 1U);
  EXPECT_EQ(arrivals[0].client, (base::Hash128{.low = 1, .high = 2}));
  EXPECT_EQ(arrivals[0].home, 4);
  EXPECT_EQ(arrivals[0].name(), "carol@example.com");
}

TEST(Entry, OneWithoutRowsIsWhole) {
  const std::string octets = EntryWriter{}.finish({});
  const auto entry = Entry::read(octets);
  ASSERT_TRUE(entry) << entry.error();
  EXPECT_EQ(entry->clients(), 0U);
  EXPECT_TRUE(entry->slots().empty());
}

TEST(Entry, NoCutAndNothingMoreIsReadAsOne) {
  const std::string octets = whole();
  for (std::size_t bytes = 0; bytes < octets.size(); ++bytes) {
    const std::string cut(octets.data(), bytes);   // its own allocation: the sanitizers see what is read beyond
    EXPECT_FALSE(Entry::read(cut)) << bytes;
  }
  EXPECT_FALSE(Entry::read(octets + 'x'));
}

TEST(Entry, ANewerVersionIsRefusedByName) {
  const auto read = Entry::read("{\"v\":2}\n");
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().find("newer build"), std::string::npos) << read.error();
}

TEST(Entry, NumbersThatCannotBeAreRefused) {
  const std::string rest = R"("node":"a","who":"b","why":"c","at_s":1,"sets_out":false,"homes":{},"clients":0,"arrivals":0)";
  EXPECT_FALSE(Entry::read("{\"v\":1," + rest + ",\"slots\":18446744073709551615}\n"));
  EXPECT_FALSE(Entry::read("{\"v\":1," + rest + ",\"slots\":-1}\n"));
  EXPECT_FALSE(Entry::read("{\"v\":1," + rest + ",\"slots\":1}\n" + std::string("\0\0\2\0\1\0\1\0", 8))) << "slot 131,072";
  EXPECT_TRUE(Entry::read("{\"v\":1," + rest + ",\"slots\":0}\n"));
}

TEST(Entry, WhateverHappensToItsOctetsItIsReadOrRefused) {
  std::mt19937_64 random(4475);
  const std::string octets = whole();
  unsigned refused = 0;
  for (unsigned i = 0; i < 20'000; ++i) {
    std::string changed = octets;
    for (unsigned n = 0; n <= random() % 4; ++n) changed[random() % changed.size()] = static_cast<char>(random());
    const auto entry = Entry::read(changed);
    refused += !entry;
    if (!entry) continue;
    std::size_t bytes = 0;
    entry->for_each_client([&](const ClientRow& row) { return (bytes += row.aor.size()) != 0; });
    EXPECT_LE(bytes + entry->arrivals().size() + entry->slots().size(), octets.size());
  }
  EXPECT_GT(refused, 1000U);
}

}  // namespace
}  // namespace viaduct::control
