// SPDX-License-Identifier: Apache-2.0
// What a stateless proxy changes: planned here as edits, carried out in edit.cpp.
#include "viaduct/sip/forward.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "branch.h"
#include "indexing.h"
#include "received.h"
#include "viaduct/base/check.h"
#include "viaduct/base/limits.h"
#include "viaduct/base/text.h"

namespace viaduct::sip {
namespace {

constexpr std::string_view max_forwards_line = "Max-Forwards: 70\r\n";  // RFC 3261 16.6 step 3
constexpr std::size_t max_forwards_digits_max = 3;                       // 0 to 255, RFC 3261 20.22

// The parts of the largest growth: a message without Max-Forwards, from and to IPv6, whose Via has neither received nor rport.
constexpr std::size_t via_name_bytes = std::string_view("Via: SIP/2.0/UDP ").size();
constexpr std::size_t sent_by_bytes_max = 1 + base::address_text_bytes_max + 1 + 1 + port_text_bytes_max;  // [address]:port
constexpr std::size_t ingress_bytes_max = std::string_view(";in=").size() + 3;                      // towards the other IP version: which listener
constexpr std::size_t branch_name_bytes = std::string_view(";branch=").size();
constexpr std::size_t our_via_bytes_max = via_name_bytes + sent_by_bytes_max + ingress_bytes_max + branch_name_bytes + branch_bytes + via_end_bytes_max;
constexpr std::size_t growth_bytes_max = our_via_bytes_max + received_text_bytes_max + max_forwards_line.size();
constexpr std::size_t frame_headers_bytes_max = 14 + 4 + 40 + 8;  // Ethernet, a VLAN tag, IPv6, UDP
static_assert(3 * growth_bytes_max <= edit_text_bytes_max, "a forward edit fits the list, and leaves room for further header lines");
static_assert(base::message_bytes_max + growth_bytes_max + frame_headers_bytes_max <= base::large_packet_bytes_max,
              "the largest message fits the largest buffer with its edit, but for further header lines");

void plan_top_via(const Message& request, const Via& top, const ForwardRequest& how, Edits& out) {
  const std::size_t via = request.top_via.offset;
  if (top.has_received || top.has_rport) {
    ReceivedParams params(request[request.top_via], request.text.data() + request.text.size());
    for (ReceivedParam param; params.next(param);) out.add(via + param.begin, param.end - param.begin, {});
  }
  ReceivedText text;
  out.add(via + request.top_via.bytes, 0, write_received(how.source, text));
}

/// One less, right-aligned in the old number's place, so that nothing behind it moves.
void plan_max_forwards(const Message& request, std::size_t i, Edits& out) {
  const std::string_view value = request.header_value(i);
  std::array<char, max_forwards_digits_max> digits;
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), request.max_forwards - 1).ptr;
  const auto count = static_cast<std::size_t>(end - digits.data());
  const std::size_t width = std::min(value.size(), max_forwards_digits_max);
  std::array<char, max_forwards_digits_max> text{' ', ' ', ' '};
  std::copy(digits.data(), end, text.data() + (width - count));
  out.add(static_cast<std::size_t>(value.data() - request.text.data()), value.size(), {text.data(), width});
}

/// The Routes of a request while their lines are planned, one after the other.
class RoutePlan {
 public:
  RoutePlan(const Message& request, const RouteEdits& edits) : request_(request), edits_(edits) {
    Routes routes(request);
    for (RouteValue route; routes.next(route);) ++values_;
    base::check(edits.leading + (edits.last ? 1U : 0U) <= values_, "no more Routes go than there are");
  }
  void line(std::size_t i, Edits& out);

 private:
  [[nodiscard]] bool stays(std::size_t value) const { return value >= edits_.leading && !(edits_.last && value + 1 == values_); }
  [[nodiscard]] std::size_t offset(const char* at) const { return static_cast<std::size_t>(at - request_.text.data()); }

  const Message& request_;
  const RouteEdits& edits_;
  std::size_t values_{};   // in all
  std::size_t seen_{};     // in the lines so far
};

/// What goes stands before and behind what stays, so that a line is cut at its ends, or whole.
void RoutePlan::line(std::size_t i, Edits& out) {
  std::string_view rest = request_.header_value(i), first, first_kept, last_kept, last;
  for (std::string_view value = next_value(rest); !value.empty(); value = next_value(rest)) {
    if (first.empty()) first = value;
    last = value;
    if (!stays(seen_++)) continue;
    if (first_kept.empty()) first_kept = value;
    last_kept = value;
  }
  if (!first.empty() && first_kept.empty()) {
    out.add(request_.line[i], request_.line[i + 1] - request_.line[i], {});
  } else if (!first.empty()) {
    const std::size_t kept_end = offset(last_kept.data() + last_kept.size());
    if (first_kept.data() != first.data()) out.add(offset(first.data()), static_cast<std::size_t>(first_kept.data() - first.data()), {});
    if (last_kept.data() != last.data()) out.add(kept_end, offset(last.data() + last.size()) - kept_end, {});
  }
  if (seen_ != values_ || edits_.appended.empty()) return;
  out.add(request_.line[i + 1], 0, "Route: <");
  out.add(request_.line[i + 1], 0, edits_.appended);
  out.add(request_.line[i + 1], 0, ">\r\n");
  seen_ = values_ + 1;  // lines of nothing but commas may follow
}

/// Where a header line begins that plan_forward changes.
void plan_line(const Message& request, std::size_t i, const Via& top, const ForwardRequest& how, Edits& out) {
  const HeaderId id = request.id[i];
  if (id == HeaderId::via && line_holds(request, i, request.top_via)) plan_top_via(request, top, how, out);
  if (id == HeaderId::max_forwards) plan_max_forwards(request, i, out);
  if (id == HeaderId::x_viaduct_home) out.add(request.line[i], request.line[i + 1] - request.line[i], {});
}

}  // namespace

void plan_forward(const Message& request, const Via& top, const ForwardRequest& how, Edits& out) {
  base::check(request.max_forwards > 0, "a request with no hop left is not forwarded");
  out.clear();
  const std::size_t first_line = request.line[0];
  if (how.routes != nullptr && !how.routes->request_uri.empty()) out.add(request.request_uri.offset, request.request_uri.bytes, how.routes->request_uri);
  out.add(first_line, 0, how.via_prefix);
  const BranchText branch = branch_text(how.branch);
  out.add(first_line, 0, {branch.data(), branch.size()});
  out.add(first_line, 0, how.via_end);
  out.add(first_line, 0, how.headers);
  if (!request.has(HeaderId::max_forwards)) out.add(first_line, 0, max_forwards_line);
  if (how.routes == nullptr) {
    for (std::size_t i = 0; i < request.headers; ++i) plan_line(request, i, top, how, out);
    return;
  }
  RoutePlan routes(request, *how.routes);
  for (std::size_t i = 0; i < request.headers; ++i)
    if (request.id[i] == HeaderId::route)
      routes.line(i, out);
    else
      plan_line(request, i, top, how, out);
}

namespace {

/// What a usual request's way in place needs: where its Max-Forwards stands, and the one received or rport that goes.
struct InPlace {
  std::string_view max_forwards;
  ReceivedParam replaced{};
};

bool is_usual(const Message& request, InPlace& out) {
  const std::uint8_t line = request.first[static_cast<std::size_t>(HeaderId::max_forwards)];
  if (line == no_header || request.has(HeaderId::x_viaduct_home)) return false;
  out.max_forwards = value_text(request, line);
  return out.max_forwards.size() <= max_forwards_digits_max && single_received_param(request, out.replaced);
}

/// `number` right-aligned in all of [at, at + width).
void put_number(char* at, std::size_t width, unsigned number) {
  for (std::size_t i = width; i-- > 0; number /= 10) at[i] = i + 1 == width || number != 0 ? static_cast<char>('0' + number % 10) : ' ';
}

}  // namespace

namespace {

/// What goes to `to` and overlaps its old place: the text of the old top Via and all before it, without the start line.
void move_around_cut(char* to, const char* from, const char* cut, std::size_t cut_bytes, const char* end) {
  char* const behind = to + (cut - from);
  const std::string_view first{from, cut}, second{cut + cut_bytes, end};
  // Whichever goes right is met by nothing when it goes first; when both go left, the left one must.
  if (to > from) {
    base::move_text(behind, second);
    base::move_text(to, first);
  } else {
    base::move_text(to, first);
    base::move_text(behind, second);
  }
}

}  // namespace

std::span<char> forward_in_place(const Message& request, const ForwardRequest& how, const Room& room) {
  base::check(request.max_forwards > 0, "a request with no hop left is not forwarded");
  InPlace usual;
  if (how.routes != nullptr || !is_usual(request, usual)) return {};
  ReceivedText received_text;
  const std::string_view received = write_received(how.source, received_text);
  const std::size_t cut = usual.replaced.end - usual.replaced.begin;
  const std::size_t ours = how.via_prefix.size() + branch_bytes + how.via_end.size() + how.headers.size();
  const std::size_t grown = ours + received.size() - cut;
  const std::size_t left = std::min(grown, room.before), right = grown - left;
  // A Via that shrank would have to be moved before what is behind it.
  if (received.size() < cut || right > room.behind) return {};
  char* const text = room.text;
  const std::size_t bytes = request.bytes();
  put_number(text + (usual.max_forwards.data() - request.text.data()), usual.max_forwards.size(), request.max_forwards - 1U);
  // The ends first, each away from the rest; then what is between them; what is new goes into the gaps.
  char* const first_line = text + request.line[0];
  char* const value = text + request.top_via.offset;
  char* const value_end = value + request.top_via.bytes;
  if (right != 0) std::memmove(value_end + right, value_end, static_cast<std::size_t>(text + bytes - value_end));
  char* const start = text - left;
  char* at = base::move_text(start, {text, request.line[0]});
  move_around_cut(start + request.line[0] + ours, first_line, value + usual.replaced.begin, cut, value_end);
  base::copy_text(value_end + right - received.size(), received);
  at = base::copy_text(at, how.via_prefix);
  at = put_branch(how.branch, at);
  at = base::copy_text(at, how.via_end);
  base::copy_text(at, how.headers);
  return {start, bytes + grown};
}

void plan_return(const Message& response, Edits& out) {
  base::check(response.via_values >= 2, "a response that goes back has a Via for whoever gets it");
  out.clear();
  std::size_t i = response.first[static_cast<std::size_t>(HeaderId::via)];
  while (!line_holds(response, i, response.top_via) && i + 1 < response.headers) ++i;  // lines before it hold empty elements only
  if (line_holds(response, i, response.second_via))
    out.add(response.top_via.offset, response.second_via.offset - response.top_via.offset, {});
  else
    out.add(response.line[i], response.line[i + 1] - response.line[i], {});
}

std::size_t forward_growth_max() { return growth_bytes_max; }

}  // namespace viaduct::sip
