// SPDX-License-Identifier: Apache-2.0
// Replies of our own: the headers that RFC 3261 8.2.6 wants copied, in one pass over the request's index, and the status lines.
#include "viaduct/sip/reply.h"

#include <cstring>
#include <utility>

#include "received.h"
#include "viaduct/base/check.h"
#include "viaduct/sip/token.h"

namespace viaduct::sip {
namespace {

constexpr std::string_view reply_end = "Content-Length: 0\r\n\r\n";
constexpr std::string_view tag_name = ";tag=";

/// Writes into `out` from a request's text. Copies run in steps of 32 octets while both sides have them: what is written too much is overwritten by
/// what follows, and nothing outside the two texts is touched.
class Writer {
 public:
  Writer(std::span<char> out, std::string_view text) : at_(out.data()), begin_(out.data()), end_(at_ + out.size()), text_(text) {}

  /// Octets [from, to) of the request.
  void copy(std::size_t from, std::size_t to) {
    const char* const source = text_.data() + from;
    const std::size_t bytes = to - from;
    const std::size_t whole = (bytes + step - 1) / step * step;
    if (whole > room() || from + whole > text_.size()) return put({source, bytes});
    for (std::size_t i = 0; i < whole; i += step) std::memcpy(at_ + i, source + i, step);
    at_ += bytes;
  }

  void put(std::string_view text) {
    overflow_ |= text.size() > room();
    if (overflow_) return;
    text.copy(at_, text.size());
    at_ += text.size();
  }

  [[nodiscard]] std::size_t bytes() const { return overflow_ ? 0 : static_cast<std::size_t>(at_ - begin_); }

 private:
  static constexpr std::size_t step = 32;
  [[nodiscard]] std::size_t room() const { return static_cast<std::size_t>(end_ - at_); }

  char* at_;
  char* begin_;
  char* end_;
  std::string_view text_;
  bool overflow_{};
};

constexpr std::uint32_t bit(HeaderId id) { return std::uint32_t{1} << std::to_underlying(id); }
constexpr std::uint32_t copied_once = bit(HeaderId::from) | bit(HeaderId::to) | bit(HeaderId::call_id) | bit(HeaderId::cseq) | bit(HeaderId::timestamp);
static_assert(header_ids_count <= 32);

/// RFC 3261 8.2.6.1, 8.2.6.2: every Via, and the first of each of the others.
bool is_copied(const Message& request, std::size_t i) {
  const HeaderId id = request.id[i];
  return id == HeaderId::via || ((copied_once & bit(id)) != 0 && request.first[std::to_underlying(id)] == i);
}

/// Copy from `from` through the topmost Via value, its received and rport replaced. Returns where the copy goes on.
std::size_t write_top_via(const Message& request, const base::Endpoint& source, std::size_t from, Writer& out) {
  const std::size_t via = request.top_via.offset;
  ReceivedParams params(request[request.top_via], request.text.data() + request.text.size());
  for (ReceivedParam param; params.next(param); from = via + param.end) out.copy(from, via + param.begin);
  const std::size_t end = via + request.top_via.bytes;
  out.copy(from, end);
  ReceivedText text;
  out.put(write_received(source, text));
  return end;
}

/// Copy from `from` through the value of the To in line `i`, a tag behind it. Returns where the copy goes on.
std::size_t write_to(const Message& request, std::uint64_t tag, std::size_t i, std::size_t from, Writer& out) {
  std::size_t end = request.line[i + 1];
  while (end > request.line[i] && static_cast<unsigned char>(request.text[end - 1]) <= ' ') --end;
  out.copy(from, end);
  std::array<char, tag_name.size() + base32_64_bytes> text;
  std::memcpy(text.data(), tag_name.data(), tag_name.size());
  write_base32(tag, std::span(text).subspan<tag_name.size()>());
  out.put({text.data(), text.size()});
  return end;
}

struct StatusLine {
  std::uint16_t status;
  std::string_view line;
};
constexpr std::array status_lines = {
    StatusLine{200, "SIP/2.0 200 OK\r\n"},
    StatusLine{301, "SIP/2.0 301 Moved Permanently\r\n"},
    StatusLine{302, "SIP/2.0 302 Moved Temporarily\r\n"},
    StatusLine{400, "SIP/2.0 400 Bad Request\r\n"},
    StatusLine{401, "SIP/2.0 401 Unauthorized\r\n"},
    StatusLine{403, "SIP/2.0 403 Forbidden\r\n"},
    StatusLine{404, "SIP/2.0 404 Not Found\r\n"},
    StatusLine{405, "SIP/2.0 405 Method Not Allowed\r\n"},
    StatusLine{416, "SIP/2.0 416 Unsupported URI Scheme\r\n"},
    StatusLine{420, "SIP/2.0 420 Bad Extension\r\n"},
    StatusLine{423, "SIP/2.0 423 Interval Too Brief\r\n"},
    StatusLine{480, "SIP/2.0 480 Temporarily Unavailable\r\n"},
    StatusLine{481, "SIP/2.0 481 Call/Transaction Does Not Exist\r\n"},
    StatusLine{482, "SIP/2.0 482 Loop Detected\r\n"},
    StatusLine{483, "SIP/2.0 483 Too Many Hops\r\n"},
    StatusLine{489, "SIP/2.0 489 Bad Event\r\n"},
    StatusLine{500, "SIP/2.0 500 Server Internal Error\r\n"},
    StatusLine{501, "SIP/2.0 501 Not Implemented\r\n"},
    StatusLine{503, "SIP/2.0 503 Service Unavailable\r\n"},
    StatusLine{505, "SIP/2.0 505 Version Not Supported\r\n"},
    StatusLine{513, "SIP/2.0 513 Message Too Large\r\n"},
};

/// `SIP/2.0 400 ` and a phrase, put together when the program is built.
struct FaultLine {
  std::array<char, 64> text{};
  std::size_t bytes{};
  constexpr void add(std::string_view part) {
    for (const char c : part) text[bytes++] = c;
  }
};
constexpr auto fault_lines = [] {
  std::array<FaultLine, bad_rows.size()> lines;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    lines[i].add("SIP/2.0 400 ");
    lines[i].add(bad_rows[i].phrase.empty() ? "Bad Request" : bad_rows[i].phrase);
    lines[i].add("\r\n");
  }
  return lines;
}();

}  // namespace

std::size_t write_reply(const Message& request, const Reply& reply, std::span<char> out) {
  Writer writer(out, request.text);
  writer.put(reply.status_line);
  std::size_t from = request.line[0];  // what stands from here up to the next header that is left out is copied in one run
  for (std::size_t i = 0; i < request.headers; ++i) {
    if (!is_copied(request, i)) {
      writer.copy(from, request.line[i]);
      from = request.line[i + 1];
    } else if (request.id[i] == HeaderId::via) {
      if (line_holds(request, i, request.top_via)) from = write_top_via(request, reply.source, from, writer);
    } else if (request.id[i] == HeaderId::to && request.to_tag.bytes == 0) {
      from = write_to(request, reply.to_tag, i, from, writer);
    }
  }
  writer.copy(from, request.line[request.headers]);
  writer.put(reply.headers);
  writer.put(reply_end);
  return writer.bytes();
}

std::string_view status_line(std::uint16_t status) {
  for (const StatusLine& row : status_lines)
    if (row.status == status) return row.line;
  base::fail("a status that we have no line for");
}

std::string_view status_line(Bad fault) {
  if (fault == Bad::version) return status_line(std::uint16_t{505});
  if (fault == Bad::too_large) return status_line(std::uint16_t{513});
  const FaultLine& line = fault_lines[std::to_underlying(fault)];
  return {line.text.data(), line.bytes};
}

}  // namespace viaduct::sip
