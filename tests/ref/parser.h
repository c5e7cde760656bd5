// SPDX-License-Identifier: Apache-2.0
// A second SIP parser: slow, obvious, copying, written from the grammar of RFC 3261 25 and knowing nothing of the fast one. It is the index's oracle.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::ref {

/// What the reference reads of a message; names as in sip::Message, everything by value.
struct Parsed {
  std::string fault;  ///< name of the first fault; empty when there is none
  bool is_request{};
  bool answerable{};
  std::string method;
  std::string request_uri;
  int status{};
  int headers{};
  std::size_t head_bytes{};
  int via_values{};
  std::string top_via, second_via;
  std::string from_uri, from_tag, to_uri, to_tag;
  std::string call_id;
  std::uint32_t cseq_number{};
  int max_forwards{70};
  std::string body;
};

/// A message's head as it stands: each line with its line end, folds joined to the line before.
struct Head {
  std::string start_line;
  std::vector<std::string> lines;
  bool terminated{};  ///< an empty line was found
  std::size_t bytes{};
};
Head to_head(const std::string& text);

/// One header line, folds still in it, and the same with each fold turned into spaces: offsets agree.
struct Header {
  std::string name;  ///< lower case, long form; empty when the line is none
  std::string raw;
  std::string value;
};
Header to_header(const std::string& line);

/// Elements of a comma-separated list; commas in quotes and between < and > do not count, empty elements are left out.
std::vector<std::string> elements(const std::string& list);

/// Read one datagram. Bounds as in base/limits.h. Thread: any; pure.
Parsed parse(std::string_view datagram);

}  // namespace viaduct::ref
