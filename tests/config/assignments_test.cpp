// SPDX-License-Identifier: Apache-2.0
// The assignments file: rows, quoting, what is skipped, and what is refused with which words.
#include <gtest/gtest.h>

#include "folder.h"
#include "viaduct/base/limits.h"
#include "viaduct/config/config.h"

namespace viaduct::config::test {
namespace {

std::vector<AssignmentRow> rows_of(std::string_view text) {
  const Folder folder;
  auto rows = load_assignments(folder.write("clients.csv", text));
  if (!rows) throw std::runtime_error(rows.error().text);
  return *rows;
}

TEST(Assignments, AreReadRowByRow) {
  const auto rows = rows_of("sip:alice@example.com,north\nsip:bob@example.com,south,pin\n");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].aor, "sip:alice@example.com");
  EXPECT_EQ(rows[0].home, "north");
  EXPECT_FALSE(rows[0].pin);
  EXPECT_EQ(rows[0].line, 1U);
  EXPECT_EQ(rows[1].home, "south");
  EXPECT_TRUE(rows[1].pin);
  EXPECT_EQ(rows[1].line, 2U);
}

TEST(Assignments, SkipAHeaderCommentsEmptyLinesAndAByteOrderMark) {
  const auto rows = rows_of("\xef\xbb\xbf# fleet\n\naor,home,pin\n  # more\na@b,north,\n");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].aor, "a@b");
  EXPECT_EQ(rows[0].line, 5U);
  EXPECT_FALSE(rows[0].pin);
}

TEST(Assignments, TakeAHeaderOnlyBeforeTheFirstRow) { EXPECT_EQ(rows_of("a@b,north\naor,home\n").size(), 2U); }

TEST(Assignments, TolerateCarriageReturnsBlanksAndAMissingLastLineEnd) {
  const auto rows = rows_of("a@b , north\r\n c@d,south , pin ");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].aor, "a@b");
  EXPECT_EQ(rows[0].home, "north");
  EXPECT_EQ(rows[1].home, "south");
  EXPECT_TRUE(rows[1].pin);
}

TEST(Assignments, TakeCommasQuotesAndHashesInQuotedFields) {
  const auto rows = rows_of("\"sip:a,b@example.com\",\"north\"\n\"\"\"x\"\"\" ,south\n\"#1@b\",north\n");
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
TEST_P(FaultyRow, IsRefusedWithFileAndLine) {
  const Folder folder;
  const auto file = folder.write("clients.csv", "a@b,north\n" + std::string{GetParam().line} + '\n');
  const auto rows = load_assignments(file);
  ASSERT_FALSE(rows.has_value());
  EXPECT_EQ(rows.error().text, file.string() + ":2: " + std::string{GetParam().message});
}
const std::string too_long(base::assignment_line_bytes_max + 1, 'x');
const Fault faults[] = {
    {"alice", "1 fields; allowed: aor,home or aor,home,pin"},
    {"a@b,north,pin,x", "4 fields; allowed: aor,home or aor,home,pin"},
    {",north", "aor: is empty; allowed: an address-of-record, as sip:alice@example.com"},
    {"a@b,", "home: is empty; allowed: the name of a [[home]]"},
    {"a@b,north,yes", "pin: \"yes\" is not known; allowed: pin, or nothing"},
    {"\"a@b,north", "a quoted field does not end; allowed: \"...\" on one line"},
    {"\"a\"b,north", "text behind a quoted field; allowed: a comma or the line's end"},
    {too_long, "too long; allowed: up to 2048 octets"},
};
INSTANTIATE_TEST_SUITE_P(Assignments, FaultyRow, testing::ValuesIn(faults));

TEST(Assignments, NameTheFileThatCannotBeRead) {
  const Folder folder;
  const auto file = folder.path() / "none.csv";
  const auto rows = load_assignments(file);
  ASSERT_FALSE(rows.has_value());
  EXPECT_EQ(rows.error().text, file.string() + ":1: file: cannot be read; allowed: a CSV file");
}

}  // namespace
}  // namespace viaduct::config::test
