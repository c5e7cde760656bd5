// SPDX-License-Identifier: Apache-2.0
// Replies of our own: the headers that RFC 3261 8.2.6 wants copied, in one pass over the request's index, and the status lines.
#include "viaduct/sip/reply.h"

#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base32.h"
#include "received.h"
#include "via_params.h"
#include "viaduct/base/check.h"
#include "viaduct/base/text.h"
#include "viaduct/sip/overload.h"
#include "viaduct/sip/token.h"

namespace viaduct::sip {
namespace {

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

/// The same with its parameters of overload control replaced, too.
std::size_t write_top_via_with(std::string_view overload, const Message& request, const base::Endpoint& source, std::size_t from, Writer& out) {
  const auto offset = [&](const char* at) { return static_cast<std::size_t>(at - request.text.data()); };
  ViaParams params(request[request.top_via]);
  for (ViaParam p; params.next(p);) {
    const std::string_view name = p.param.name;
    if (!is_overload_param(name) && !equal_ignoring_case(name, "received") && !equal_ignoring_case(name, "rport")) continue;
    out.copy(from, offset(p.begin));
    from = offset(p.param.end);
  }
  const std::size_t end = request.top_via.offset + std::size_t{request.top_via.bytes};
  out.copy(from, end);
  ReceivedText text;
  out.put(write_received(source, text));
  out.put(overload);
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

/// Any request, line by line.
[[gnu::noinline]] std::size_t write_any(const Message& request, const Reply& reply, std::string_view overload, std::span<char> out) {
  Writer writer(out, request.text);
  writer.put(reply.status_line);
  std::size_t from = request.line[0];  // what stands from here up to the next header that is left out is copied in one run
  for (std::size_t i = 0; i < request.headers; ++i) {
    if (!is_copied(request, i)) {
      writer.copy(from, request.line[i]);
      from = request.line[i + 1];
    } else if (request.id[i] == HeaderId::via) {
      if (!line_holds(request, i, request.top_via)) continue;
      from = overload.empty() ? write_top_via(request, reply.source, from, writer) : write_top_via_with(overload, request, reply.source, from, writer);
    } else if (request.id[i] == HeaderId::to && request.to_tag.bytes == 0) {
      from = write_to(request, reply.to_tag, i, from, writer);
    }
  }
  writer.copy(from, request.line[request.headers]);
  return writer.bytes();
}

/// What a usual request needs found out before its reply is written: one received or rport at the most in a top Via that stands in the first Via line, no
/// fault, nothing between the To value and its line end, and room enough to copy whole vectors.
struct Plan {
  std::uint32_t lines{};  ///< one bit for each line that is copied
  std::size_t via_line{};
  std::size_t to_line{};
  ReceivedParam replaced{};
};
constexpr std::size_t lines_at_once = 32;

/// Lines whose headers are copied, one bit each. Shape: no fault, so From, To, Call-ID and CSeq are there, once each.
[[gnu::always_inline]] inline std::uint32_t copied_lines(const Message& request) {
  static_assert(std::tuple_size_v<decltype(request.id)> >= lines_at_once);
  alignas(32) static constexpr auto via_ids = [] {
    std::array<HeaderId, lines_at_once> out;
    out.fill(HeaderId::via);
    return out;
  }();
  const __m256i ids = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(request.id.data()));
  const __m256i are_vias = _mm256_cmpeq_epi8(ids, _mm256_load_si256(reinterpret_cast<const __m256i*>(via_ids.data())));
  const auto vias = _bzhi_u32(static_cast<std::uint32_t>(_mm256_movemask_epi8(are_vias)), request.headers);
  const auto first = [&](HeaderId id) { return std::uint32_t{1} << request.first[std::to_underlying(id)]; };
  const std::uint32_t others = first(HeaderId::from) | first(HeaderId::to) | first(HeaderId::call_id) | first(HeaderId::cseq);
  return vias | others | (request.has(HeaderId::timestamp) ? first(HeaderId::timestamp) : 0);
}

/// Whether the To value is followed by its line end at once.
bool ends_at_once(const Message& request, std::size_t i) {
  std::uint32_t last;  // a To line has more than four octets
  std::memcpy(&last, request.text.data() + request.line[i + 1] - sizeof last, sizeof last);
  return last >> 16 == ('\r' | '\n' << 8) && (last >> 8 & 0xff) > ' ';
}

/// False when the request is not usual.
bool plan_usual(const Message& request, const Reply& reply, std::span<char> out, Plan& plan) {
  constexpr std::size_t growth_max = received_text_bytes_max + tag_name.size() + base32_64_bytes + base::loose_bytes;
  static_assert(std::tuple_size_v<ReceivedText> <= base::loose_bytes);
  const std::size_t head = request.line[request.headers];
  if (request.fault != Bad::none || request.headers > lines_at_once || head + base::loose_bytes > request.text.size() + reply.readable_behind) return false;
  if (out.size() < reply.status_line.size() + head + growth_max) return false;
  plan.lines = copied_lines(request);
  plan.via_line = request.first[std::to_underlying(HeaderId::via)];
  plan.to_line = request.first[std::to_underlying(HeaderId::to)];
  return line_holds(request, plan.via_line, request.top_via) && ends_at_once(request, plan.to_line) && single_received_param(request, plan.replaced);
}

/// The line of the top Via, its received and rport replaced.
[[gnu::always_inline]] inline char* put_top_via(const Message& request, const Reply& reply, const Plan& plan, char* at) {
  const char* const text = request.text.data();
  const char* const line = text + request.line[plan.via_line];
  const char* const value = text + request.top_via.offset;
  const char* const end = value + request.top_via.bytes;
  at = base::copy_loosely(at, line, static_cast<std::size_t>(value + plan.replaced.begin - line));
  at = base::copy_loosely(at, value + plan.replaced.end, static_cast<std::size_t>(end - value) - plan.replaced.end);
  at = put_received(reply.source, at);
  return base::copy_loosely(at, end, static_cast<std::size_t>(text + request.line[plan.via_line + 1] - end));
}

constexpr std::size_t line_end_bytes = 2;

/// A usual request: each line copied without a branch on its length or on whether it is the To, behind which room is left for the tag.
std::size_t write_usual(const Message& request, const Reply& reply, const Plan& plan, char* const out) {
  constexpr std::size_t tag_bytes = tag_name.size() + base32_64_bytes;
  const bool is_tagged = request.to_tag.bytes == 0;
  std::array<std::uint8_t, lines_at_once> room_behind{};
  std::array<char*, lines_at_once> line_ends;
  room_behind[plan.to_line] = is_tagged ? tag_bytes : 0;
  const char* const text = request.text.data();
  char* at = base::copy_text(out, reply.status_line);
  const auto put_lines = [&](std::uint32_t which) {
    for (; which != 0; which = _blsr_u32(which)) {
      const auto i = static_cast<std::size_t>(std::countr_zero(which));
      const std::size_t from = request.line[i];
      at = base::copy_loosely(at, text + from, request.line[i + 1] - from);
      line_ends[i] = at;
      at += room_behind[i];
    }
  };
  const std::uint32_t before = _bzhi_u32(plan.lines, static_cast<std::uint32_t>(plan.via_line));
  put_lines(before);
  at = put_top_via(request, reply, plan, at);
  put_lines(_blsr_u32(plan.lines ^ before));
  if (is_tagged) [[likely]] {
    char* const tag = line_ends[plan.to_line] - line_end_bytes;
    std::memcpy(tag, tag_name.data(), tag_name.size());
    put_64(reply.to_tag, tag + tag_name.size());
    std::memcpy(tag + tag_bytes, "\r\n", line_end_bytes);
  }
  return static_cast<std::size_t>(at - out);
}

struct StatusLine {
  std::uint16_t status;
  std::string_view line;
};
constexpr std::array status_lines = {
    StatusLine{200, "SIP/2.0 200 OK\r\n"},
    StatusLine{204, "SIP/2.0 204 No Notification\r\n"},
    StatusLine{301, "SIP/2.0 301 Moved Permanently\r\n"},
    StatusLine{302, "SIP/2.0 302 Moved Temporarily\r\n"},
    StatusLine{400, "SIP/2.0 400 Bad Request\r\n"},
    StatusLine{401, "SIP/2.0 401 Unauthorized\r\n"},
    StatusLine{403, "SIP/2.0 403 Forbidden\r\n"},
    StatusLine{404, "SIP/2.0 404 Not Found\r\n"},
    StatusLine{405, "SIP/2.0 405 Method Not Allowed\r\n"},
    StatusLine{406, "SIP/2.0 406 Not Acceptable\r\n"},
    StatusLine{416, "SIP/2.0 416 Unsupported URI Scheme\r\n"},
    StatusLine{420, "SIP/2.0 420 Bad Extension\r\n"},
    StatusLine{423, "SIP/2.0 423 Interval Too Brief\r\n"},
    StatusLine{439, "SIP/2.0 439 First Hop Lacks Outbound Support\r\n"},
    StatusLine{480, "SIP/2.0 480 Temporarily Unavailable\r\n"},
    StatusLine{481, "SIP/2.0 481 Call/Transaction Does Not Exist\r\n"},
    StatusLine{482, "SIP/2.0 482 Loop Detected\r\n"},
    StatusLine{483, "SIP/2.0 483 Too Many Hops\r\n"},
    StatusLine{486, "SIP/2.0 486 Busy Here\r\n"},
    StatusLine{488, "SIP/2.0 488 Not Acceptable Here\r\n"},
    StatusLine{489, "SIP/2.0 489 Bad Event\r\n"},
    StatusLine{500, "SIP/2.0 500 Server Internal Error\r\n"},
    StatusLine{501, "SIP/2.0 501 Not Implemented\r\n"},
    StatusLine{503, "SIP/2.0 503 Service Unavailable\r\n"},
    StatusLine{505, "SIP/2.0 505 Version Not Supported\r\n"},
    StatusLine{513, "SIP/2.0 513 Message Too Large\r\n"},
    StatusLine{600, "SIP/2.0 600 Busy Everywhere\r\n"},
    StatusLine{603, "SIP/2.0 603 Decline\r\n"},
    StatusLine{604, "SIP/2.0 604 Does Not Exist Anywhere\r\n"},
    StatusLine{606, "SIP/2.0 606 Not Acceptable\r\n"},
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

std::size_t write_reply_start(const Message& request, const Reply& reply, std::span<char> out) {
  Plan plan;
  if (plan_usual(request, reply, out, plan)) [[likely]]
    return write_usual(request, reply, plan, out.data());
  return write_any(request, reply, {}, out);
}

std::size_t write_reply_start(const Message& request, const Reply& reply, std::span<char> out, std::string_view overload) {
  return overload.empty() ? write_reply_start(request, reply, out) : write_any(request, reply, overload, out);
}

std::size_t write_reply(const Message& request, const Reply& reply, std::span<char> out, std::string_view overload) {
  const std::size_t start = write_reply_start(request, reply, out, overload);
  if (start == 0 || out.size() - start < reply.headers.size() + reply_end.size()) return 0;
  char* const at = base::copy_text(out.data() + start, reply.headers);
  return static_cast<std::size_t>(base::copy_text(at, reply_end) - out.data());
}

bool has_status_line(std::uint16_t status) { return std::ranges::find(status_lines, status, &StatusLine::status) != status_lines.end(); }

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
