// SPDX-License-Identifier: Apache-2.0
// Three tables: what a whole datagram may be filled with, what one line of a good request may be filled with, and which lines it may be full of.
#include "load/nasty.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace viaduct::bench {
namespace {

using namespace std::string_view_literals;

struct Filled {
  std::string_view name;
  std::string_view begin;
  std::string_view unit;  ///< repeated until the message is full
  std::string_view end;
};

constexpr std::array whole_datagrams = {
    Filled{"colons", "", ":", ""},  Filled{"commas", "", ",", ""}, Filled{"crlfs", "", "\r\n", ""}, Filled{"lfs", "", "\n", ""},
    Filled{"quotes", "", "\"", ""}, Filled{"spaces", "", " ", ""}, Filled{"nuls", "", "\0"sv, ""},  Filled{"letters", "", "a", ""},
};

// Between the start line and the mandatory headers that it does not replace, or behind the start line alone.
constexpr std::array fields = {
    Filled{"via_commas", "Via: SIP/2.0/UDP a;branch=z9hG4bK1", ",", "\r\n"},
    Filled{"via_empty_elements", "Via: SIP/2.0/UDP a;branch=z9hG4bK1", ", ", "\r\n"},
    Filled{"via_folded_empty_elements", "Via: SIP/2.0/UDP a;branch=z9hG4bK1", ",\r\n ", "\r\n"},
    Filled{"via_empty_elements_first", "Via: ", ",", "SIP/2.0/UDP a;branch=z9hG4bK1\r\n"},
    Filled{"via_short_values", "Via: SIP/2.0/UDP a;branch=z9hG4bK1", ",a", "\r\n"},
    Filled{"via_quoted_values", "Via: SIP/2.0/UDP a;branch=z9hG4bK1", ",a=\",\"", "\r\n"},
    Filled{"via_params", "Via: SIP/2.0/UDP a", ";a", "\r\n"},
    Filled{"via_spaced_params", "Via: SIP/2.0/UDP a", " ; a = b", "\r\n"},
    Filled{"via_folded_params", "Via: SIP/2.0/UDP a", "\r\n ;a", "\r\n"},
    Filled{"via_rports", "Via: SIP/2.0/UDP a", ";rport", "\r\n"},
    Filled{"via_receiveds", "Via: SIP/2.0/UDP a", ";received=1", "\r\n"},
    Filled{"via_branches", "Via: SIP/2.0/UDP a", ";branch=1", "\r\n"},
    Filled{"via_quoted_pairs", "Via: SIP/2.0/UDP a;a=\"", "\\\"", "\"\r\n"},
    Filled{"via_empty_quotes", "Via: SIP/2.0/UDP a", ";a=\"\"", "\r\n"},
    Filled{"via_unended_quote", "Via: SIP/2.0/UDP a;a=\"", "\\\"", "\r\n"},
    Filled{"via_folds", "Via: SIP/2.0/UDP", "\r\n ", "a;branch=z9hG4bK1\r\n"},
    Filled{"via_tabs", "Via: SIP/2.0/UDP", "\t", "a;branch=z9hG4bK1\r\n"},
    Filled{"from_words", "From: ", "a ", "<sip:a@b>;tag=1\r\n"},
    Filled{"from_folded_words", "From: ", "a\r\n ", "<sip:a@b>;tag=1\r\n"},
    Filled{"from_quoted_pairs", "From: \"", "\\\"", "\" <sip:a@b>;tag=1\r\n"},
    Filled{"from_unended_quote", "From: \"", "\\\"", "\r\n"},
    Filled{"from_params", "From: <sip:a@b>", ";a", ";tag=1\r\n"},
    Filled{"from_valued_params", "From: <sip:a@b>", ";a=b", ";tag=1\r\n"},
    Filled{"to_words", "To: ", "a ", "<sip:a@b>\r\n"},
    Filled{"to_quoted_pairs", "To: \"", "\\\\", "\" <sip:a@b>\r\n"},
    Filled{"to_unended_quote", "To: \"", "\\\"", "\r\n"},
    Filled{"to_params", "To: <sip:a@b>", ";a", "\r\n"},
    Filled{"to_folds", "To:", "\r\n ", "<sip:a@b>\r\n"},
    Filled{"to_escapes", "To: <sip:", "%61", "@b>\r\n"},
    Filled{"call_id_colons", "Call-ID: ", ":", "\r\n"},
    Filled{"cseq_zeros", "CSeq: ", "0", "1 REGISTER\r\n"},
    Filled{"cseq_folds", "CSeq: 1", "\r\n ", "REGISTER\r\n"},
    Filled{"max_forwards_zeros", "Max-Forwards: ", "0", "70\r\n"},
    Filled{"content_length_zeros", "Content-Length: ", "0", "\r\n"},
    Filled{"unknown_colons", "X: ", ":", "\r\n"},
    Filled{"unknown_commas", "X: ", ",", "\r\n"},
    Filled{"unknown_folds", "X: ", "\r\n ", "\r\n"},
    Filled{"unknown_tabs", "X: ", "\t", "\r\n"},
    Filled{"unknown_returns", "X: ", "\r", "\r\n"},
    Filled{"unknown_quotes", "X: ", "\"", "\r\n"},
    Filled{"unknown_utf8", "X: ", "\xff", "\r\n"},
    Filled{"unknown_name", "", "x", ": 1\r\n"},
    Filled{"unknown_name_and_spaces", "X", " ", ": 1\r\n"},
};

// A head full of one line: as many as there may be, and as many as there is room for.
constexpr std::array lines = {
    Filled{"lines_colons", "", ":\r\n", ""},
    Filled{"lines_short", "", "a:b\r\n", ""},
    Filled{"lines_lf", "", "a:b\n", ""},
    Filled{"lines_folded", "", "a:\r\n b\r\n", ""},
    Filled{"lines_vias", "", "v:a\r\n", ""},
    Filled{"lines_via_commas", "", "v:,\r\n", ""},
    Filled{"lines_via_quotes", "", "v:a=\",\"\r\n", ""},
    Filled{"lines_tos", "", "t:<sip:a@b>;a;b\r\n", ""},
    Filled{"lines_content_lengths", "", "l:                    0\r\n", ""},
    Filled{"lines_almost_known", "", "Content-Lengti: 0\r\n", ""},
    Filled{"lines_spaced_names", "", "Via   : a\r\n", ""},
    Filled{"lines_unknown_long", "", "P-Unknown-Name-That-Is-Long: a\r\n", ""},
};

constexpr std::string_view start_line = "REGISTER sip:example.com SIP/2.0\r\n";
constexpr std::array<std::string_view, 7> mandatory = {
    "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport\r\n",
    "Max-Forwards: 70\r\n",
    "From: <sip:alice@example.com>;tag=1\r\n",
    "To: <sip:alice@example.com>\r\n",
    "Call-ID: 1\r\n",
    "CSeq: 1 REGISTER\r\n",
    "Content-Length: 0\r\n",
};

std::string_view header_name(std::string_view line) { return line.substr(0, line.find(':') + 1); }

void fill(std::string& out, std::string_view unit, std::size_t bytes) {
  while (out.size() < bytes) out += unit.substr(0, bytes - out.size());
}

// A line of its own as long as lines may be; the rest of the message is a body.
std::string with_field(const Filled& field, std::size_t bytes, bool is_bounded) {
  std::string front(start_line), back;
  for (const std::string_view line : mandatory)
    if (header_name(line) != header_name(field.begin)) (line.starts_with("Via") ? front : back) += line;
  back += "\r\n";
  const std::size_t room = bytes - front.size() - back.size();
  std::string line(field.begin);
  const std::size_t line_bytes = is_bounded ? std::min(room, base::header_bytes_max) : room;
  // Only whole units, so that the line ends as it should.
  while (line.size() + field.unit.size() + field.end.size() <= line_bytes) line += field.unit;
  std::string out = front + line.append(field.end) + back;
  fill(out, "\r\n", bytes);
  return out;
}

std::string with_lines(const Filled& line, std::size_t bytes, bool is_bounded) {
  std::string out(start_line);
  for (const std::string_view needed : mandatory) out += needed;
  const std::size_t room = base::header_lines_max - mandatory.size();
  for (std::size_t i = 0; (i < room || !is_bounded) && out.size() + line.unit.size() + 2 <= bytes; ++i) out += line.unit;
  out += "\r\n";
  fill(out, "\r\n", bytes);
  return out;
}

// Half of them in the head, half in a body that ends as a head does: few enough that its end is taken for the head's.
std::string with_lines_in_body(const Filled& line, std::size_t bytes) {
  constexpr std::string_view head_end = "\r\n\r\n";
  std::string out(start_line);
  for (const std::string_view needed : mandatory) out += needed;
  constexpr std::size_t room = 20;
  for (std::size_t i = 0; i < room && out.size() + line.unit.size() + 2 * head_end.size() <= bytes; ++i) {
    if (i == room / 2) out += "\r\n";
    out += line.unit;
  }
  fill(out, "x", bytes - head_end.size());
  return out.append(head_end);
}

}  // namespace

std::vector<NastyMessage> nasty_messages(std::size_t bytes) {
  std::vector<NastyMessage> out;
  const auto add = [&](std::string_view name, std::string_view kind, std::string text) {
    out.push_back({std::string(name).append(kind).append("_").append(std::to_string(bytes)), std::move(text)});
  };
  for (const Filled& whole : whole_datagrams) {
    std::string bare, behind_start(start_line);
    fill(bare, whole.unit, bytes);
    fill(behind_start, whole.unit, bytes);
    add(whole.name, "", bare);
    add(whole.name, "_behind_start", behind_start);
  }
  for (const Filled& field : fields) {
    add(field.name, "", with_field(field, bytes, true));
    if (bytes > base::header_bytes_max) add(field.name, "_too_long", with_field(field, bytes, false));
  }
  for (const Filled& line : lines) {
    add(line.name, "", with_lines(line, bytes, true));
    add(line.name, "_too_many", with_lines(line, bytes, false));
    add(line.name, "_in_body", with_lines_in_body(line, bytes));
  }
  return out;
}

}  // namespace viaduct::bench
