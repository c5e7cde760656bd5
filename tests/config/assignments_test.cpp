// SPDX-License-Identifier: Apache-2.0
// Lines of an assignments file: rows, quoting, what is skipped, and what is refused with which words.
#include <gtest/gtest.h>

#include "viaduct/base/limits.h"
#include "viaduct/config/config.h"

namespace viaduct::config::test {
namespace {

std::vector<AssignmentRow> rows_of(std::initializer_list<std::string_view> lines) {
  std::vector<AssignmentRow> rows;
  for (const auto line : lines) {
    auto row = read_assignment(line);
    if (!row) throw std::runtime_error(row.error());
    if (*row) rows.push_back(std::move(**row));
  }
  return rows;
}

TEST(Assignments, AreReadRowByRow) {
  const auto rows = rows_of({"sip:alice@example.com,north", "sip:bob@example.com,south,pin"});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].aor, "sip:alice@example.com");
  EXPECT_EQ(rows[0].home, "north");
  EXPECT_FALSE(rows[0].pin);
  EXPECT_EQ(rows[1].home, "south");
  EXPECT_TRUE(rows[1].pin);
}

TEST(Assignments, SkipAHeaderCommentsAndEmptyLines) {
  const auto rows = rows_of({"# fleet", "", "aor,home,pin", "  # more", "a@b,north,"});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].aor, "a@b");
  EXPECT_FALSE(rows[0].pin);
}

TEST(Assignments, TolerateCarriageReturnsAndBlanks) {
  const auto rows = rows_of({"a@b , north\r", " c@d,south , pin "});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].aor, "a@b");
  EXPECT_EQ(rows[0].home, "north");
  EXPECT_EQ(rows[1].home, "south");
  EXPECT_TRUE(rows[1].pin);
}

TEST(Assignments, TakeCommasQuotesAndHashesInQuotedFields) {
  const auto rows = rows_of({R"("sip:a,b@example.com","north")", R"("""x""" ,south)", R"("#1@b",north)"});
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].aor, "sip:a,b@example.com");
  EXPECT_EQ(rows[0].home, "north");
  EXPECT_EQ(rows[1].aor, "\"x\"");
  EXPECT_EQ(rows[2].aor, "#1@b");
}

struct Fault {
  std::string_view line, message;
};
std::ostream& operator<<(std::ostream& out, const Fault& fault) { return out << fault.message; }
class FaultyRow : public testing::TestWithParam<Fault> {};
TEST_P(FaultyRow, IsRefusedWithWhatIsAllowed) {
  const auto row = read_assignment(GetParam().line);
  ASSERT_FALSE(row.has_value());
  EXPECT_EQ(row.error(), GetParam().message);
}
const std::string too_long(base::assignment_line_bytes_max + 1, 'x');
const Fault faults[] = {
    {"alice", "1 fields; allowed: aor,home or aor,home,pin"},
    {"a@b,north,pin,x", "4 fields; allowed: aor,home or aor,home,pin"},
    {",north", "aor: is empty; allowed: an address-of-record, as sip:alice@example.com"},
    {"a@b,", "home: is empty; allowed: the name of a home"},
    {"a@b,north,yes", "pin: \"yes\" is not known; allowed: pin, or nothing"},
    {"\"a@b,north", "a quoted field does not end; allowed: \"...\" on one line"},
    {"\"a\"b,north", "text behind a quoted field; allowed: a comma or the line's end"},
    {too_long, "too long; allowed: up to 2048 octets"},
};
INSTANTIATE_TEST_SUITE_P(Assignments, FaultyRow, testing::ValuesIn(faults));

TEST(Aors, AreTheFirstFieldOfALine) {
  EXPECT_EQ(**read_aor("a@b"), "a@b");
  EXPECT_EQ(**read_aor(" \"a,c@b\" ,north,pin"), "a,c@b");
  EXPECT_EQ(*read_aor("aor,home"), std::nullopt);
  EXPECT_EQ(*read_aor("# a"), std::nullopt);
  EXPECT_FALSE(read_aor(",north"));
}

}  // namespace
}  // namespace viaduct::config::test
