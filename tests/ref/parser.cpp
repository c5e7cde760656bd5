// SPDX-License-Identifier: Apache-2.0
// The reference: split into lines, unfold, look at one header after the other in the order that the index's contract gives to faults.
#include "parser.h"

#include <algorithm>
#include <map>
#include <vector>

#include "grammar.h"
#include "viaduct/base/limits.h"

namespace viaduct::ref {
namespace {

constexpr std::size_t smallest_message = 32;

const std::map<std::string, std::string> compact_names = {{"v", "via"},     {"f", "from"},           {"t", "to"},    {"i", "call-id"},
                                                          {"m", "contact"}, {"l", "content-length"}, {"o", "event"}, {"k", "supported"}};

std::string without_line_end(std::string line) {
  if (line.ends_with('\n')) line.pop_back();
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

std::string unfolded(std::string text) {
  for (std::size_t i = 0; i + 1 < text.size(); ++i)
    if (text[i] == '\n' && (text[i + 1] == ' ' || text[i + 1] == '\t')) {
      text[i] = ' ';
      if (i > 0 && text[i - 1] == '\r') text[i - 1] = ' ';
    }
  return text;
}

/// Unfolded, but for a line end that a backslash would quote: no quoted-pair holds CR or LF (25.1), so the grammar must see it.
std::string unfolded_for_grammar(const std::string& raw) {
  std::string text = unfolded(raw);
  bool escaped = false;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (escaped && (raw[i] == '\r' || raw[i] == '\n')) text[i] = raw[i];
    escaped = !escaped && raw[i] == '\\';
  }
  return text;
}

/// Without LWS before and behind; a fold counts, a CR alone does not.
std::string trim(const std::string& text) {
  const std::string flat = unfolded(text);
  const std::size_t first = flat.find_first_not_of(" \t");
  if (first == std::string::npos) return "";
  return text.substr(first, flat.find_last_not_of(" \t") + 1 - first);
}

}  // namespace

Header to_header(const std::string& line) {
  Header header;
  Grammar g{line};
  std::string name;
  // A name is visible octets up to the colon: one that is not known need not be a token (16.3 item 1).
  while (g.next() > ' ' && g.next() != ':') name += g.take();
  g.sws();
  if (name.empty() || name.size() > 255 || !g.octet(':')) return header;
  std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const auto compact = compact_names.find(name);
  header.name = compact == compact_names.end() ? name : compact->second;
  header.raw = trim(without_line_end(line.substr(g.at())));
  header.value = unfolded_for_grammar(header.raw);
  return header;
}

std::vector<std::string> elements(const std::string& list) {
  std::vector<std::string> all(1);
  bool quoted = false, escaped = false, angled = false;
  for (char c : list) {
    if (escaped) {
      escaped = false;
    } else if (quoted) {
      escaped = c == '\\';
      quoted = c != '"';
    } else if (angled) {
      angled = c != '>';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '<') {
      angled = true;
    } else if (c == ',') {
      all.emplace_back();
      continue;
    }
    all.back() += c;
  }
  std::vector<std::string> some;
  for (auto& element : all)
    if (auto text = trim(element); !text.empty()) some.push_back(text);
  return some;
}

Head to_head(const std::string& text) {
  Head head;
  std::vector<std::string> physical;
  std::string rest = text;
  for (std::size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
    physical.push_back(rest.substr(0, end + 1));
    rest.erase(0, end + 1);
    if (physical.size() > 1 && without_line_end(physical.back()).empty()) {
      head.terminated = true;
      break;
    }
  }
  if (physical.empty()) return {.start_line = text, .lines = {}, .terminated = false, .bytes = text.size()};
  for (const auto& line : physical) head.bytes += line.size();
  if (head.terminated) physical.pop_back();
  head.start_line = physical[0];
  for (std::size_t i = 1; i < physical.size(); ++i) {
    const bool continues = !head.lines.empty() && (physical[i][0] == ' ' || physical[i][0] == '\t');
    if (continues)
      head.lines.back() += physical[i];
    else
      head.lines.push_back(physical[i]);
  }
  return head;
}

namespace {

struct Parser {
  Parsed out;
  std::string text;
  std::vector<Header> headers;

  void fault(const std::string& name) {
    if (out.fault.empty()) out.fault = name;
  }
  [[nodiscard]] std::vector<Header> all(const std::string& name) const {
    std::vector<Header> some;
    std::copy_if(headers.begin(), headers.end(), std::back_inserter(some), [&](const Header& h) { return h.name == name; });
    return some;
  }

  bool request_line(const std::string& line);
  bool status_line(const std::string& line);
  bool start_line(const std::string& line);
  void vias();
  bool via(const std::string& element);
  void address(const std::string& name, std::string& uri, std::string& tag);
  void call_id();
  void cseq();
  void repeated();
  void max_forwards();
  void content_length();
  void faulty(const std::string& header, const std::string& name);
};

/// True when a message can be told from it: a method first and a version last.
bool Parser::request_line(const std::string& line) {
  Grammar g{line};
  if (!g.token(&out.method) || !g.octet(' ')) {
    out.method.clear();
    fault("not_sip");
    return false;
  }
  std::string rest = line.substr(g.at());
  const bool trailing = rest.ends_with(' ') || rest.ends_with('\t');
  rest.erase(rest.find_last_not_of(" \t") + 1);
  const std::size_t gap = rest.find_last_of(" \t");
  const std::string version = gap == std::string::npos ? rest : rest.substr(gap + 1);
  if (!is_version(version)) {
    fault("start_line");
    return false;
  }
  if (trailing || gap == std::string::npos || rest[gap] != ' ') {
    fault("start_line");
    return true;
  }
  out.request_uri = rest.substr(0, gap);
  if (out.request_uri.empty() || out.request_uri.find_first_of(" \t") != std::string::npos)
    fault("start_line");
  else if (!same_ignoring_case(version, "SIP/2.0"))
    fault("version");
  else if (!is_request_uri(out.request_uri))
    fault("request_uri");
  return true;
}

bool Parser::status_line(const std::string& line) {
  const std::size_t gap = line.find(' ');
  const std::string version = line.substr(0, gap);
  if (!is_version(version)) {
    fault("start_line");
    return false;
  }
  if (!same_ignoring_case(version, "SIP/2.0")) {
    fault("version");
    return true;
  }
  std::string code;
  Grammar g{line};
  g.go_back(std::min(gap, line.size() - 1) + 1);
  const bool good = g.digits(&code) && code.size() == 3 && code[0] >= '1' && code[0] <= '6' && (g.done() || g.octet(' '));
  if (good)
    out.status = std::stoi(code);
  else
    fault("status_code");
  return true;
}

bool Parser::start_line(const std::string& line) {
  out.is_request = !same_ignoring_case(line.substr(0, 4), "SIP/");
  return out.is_request ? request_line(line) : status_line(line);
}

void Parser::faulty(const std::string& header, const std::string& name) {
  fault(name);
  const auto lines_of_it = all(header);
  const std::string value = lines_of_it.empty() ? "" : lines_of_it[0].raw;
  const bool controls =
      std::any_of(value.begin(), value.end(), [](char c) { return (c >= 0 && c < 32 && std::string("\t\r\n").find(c) == std::string::npos) || c == 127; });
  if (value.empty() || controls) out.answerable = false;
}

/// How many octets of a Via value are well-formed: 0 when not even sent-by is. Sets `whole`. A host name may be any token.
std::size_t via_front(const std::string& value, bool& whole) {
  whole = false;
  Grammar g{value};
  if (!g.token() || !g.separator('/') || !g.token() || !g.separator('/') || !g.token() || !g.lws()) return 0;
  if (g.next() == '[' ? !g.host() : !g.token()) return 0;
  std::size_t good = g.at();
  if (g.separator(':')) {
    if (!g.port()) return 0;
    good = g.at();
  }
  for (std::size_t params = 0;; ++params) {
    g.go_back(good);
    g.sws();
    whole = g.done();
    if (whole) return good;
    g.go_back(good);
    std::string name, content;
    bool quoted;
    if (params == base::header_params_max || !g.parameter(&name, &content, &quoted)) return good;
    good = g.at();
  }
}

/// Takes the next Via value. Only the topmost must be well-formed here, the others must begin like one. False when counting ends with it.
bool Parser::via(const std::string& element) {
  if (out.via_values == 0) {
    bool whole;
    const std::string flat = unfolded_for_grammar(element);
    out.top_via = element.substr(0, via_front(flat, whole));
    out.via_values = 1;
    if (!whole) fault("via_syntax");
    return whole;
  }
  if (!is_token_octet(element[0])) {
    fault("via_syntax");
    return false;
  }
  if (out.second_via.empty()) out.second_via = element;
  return ++out.via_values <= static_cast<int>(base::via_values_max);
}

/// Every Via value counts, up to one that is broken and up to the first that is too many.
void Parser::vias() {
  bool counting = true;
  for (const Header& line : all("via"))
    for (const std::string& element : elements(line.raw)) counting = counting && via(element);
  if (out.via_values == 0) fault("via_missing");
  if (out.via_values > static_cast<int>(base::via_values_max)) fault("via_too_many");
  if (out.top_via.empty()) out.answerable = false;
}

bool read_address(const std::string& value, std::string& uri, std::string& tag) {
  Grammar g{value};
  std::string read_uri;
  if (!g.name_addr_or_spec(&read_uri)) return false;
  uri = read_uri;
  std::size_t params = 0;
  for (g.sws(); !g.done(); g.sws()) {
    std::string name, content;
    bool quoted;
    if (++params > base::header_params_max || !g.parameter(&name, &content, &quoted)) return false;
    if (!same_ignoring_case(name, "tag")) continue;
    if (content.empty() || quoted || !tag.empty()) return false;
    tag = content;
  }
  return true;
}

void Parser::address(const std::string& name, std::string& uri, std::string& tag) {
  const auto found = all(name);
  if (found.empty())
    faulty(name, name + "_missing");
  else if (!read_address(found[0].value, uri, tag))
    faulty(name, name + "_syntax");
}

void Parser::call_id() {
  const auto found = all("call-id");
  if (found.empty()) return faulty("call-id", "call_id_missing");
  out.call_id = found[0].raw;
  Grammar g{found[0].value};
  if (!g.word() || (g.octet('@') && !g.word()) || !g.done()) faulty("call-id", "call_id_syntax");
}

void Parser::cseq() {
  const auto found = all("cseq");
  if (found.empty()) return faulty("cseq", "cseq_missing");
  Grammar g{found[0].value};
  std::string number, method;
  const bool good = g.digits(&number) && g.lws() && g.token(&method) && g.done();
  number.erase(0, std::min(number.find_first_not_of('0'), number.size()));
  if (!good || number.size() > 10 || (!number.empty() && std::stoull(number) >= 2147483648U)) return faulty("cseq", "cseq_syntax");
  out.cseq_number = number.empty() ? 0 : static_cast<std::uint32_t>(std::stoul(number));
  if (!out.is_request)
    out.method = method;
  else if (method != out.method)
    fault("cseq_method");
}

void Parser::repeated() {
  for (const char* name : {"from", "to", "call-id", "cseq", "max-forwards"})
    if (all(name).size() > 1) fault("header_repeated");
  const auto lengths = all("content-length");
  for (const Header& length : lengths)
    if (length.raw != lengths[0].raw) fault("header_repeated");
}

void Parser::max_forwards() {
  const auto found = all("max-forwards");
  if (found.empty() || !out.is_request) return;
  Grammar g{found[0].value};
  std::string number;
  if (!g.digits(&number) || !g.done()) return fault("max_forwards_syntax");
  number.erase(0, std::min(number.find_first_not_of('0'), number.size()));
  out.max_forwards = number.empty() ? 0 : number.size() > 3 ? 255 : std::min(std::stoi(number), 255);
}

void Parser::content_length() {
  out.body = text.substr(out.head_bytes);
  const auto found = all("content-length");
  if (found.empty()) return;
  Grammar g{found[0].value};
  std::string number;
  if (!g.digits(&number) || !g.done()) return fault("content_length_syntax");
  number.erase(0, std::min(number.find_first_not_of('0'), number.size()));
  const std::size_t bytes = number.empty() ? 0 : number.size() > 9 ? text.size() + 1 : std::stoul(number);
  if (bytes > out.body.size()) return fault("body_short");
  out.body.resize(bytes);
}

}  // namespace

Parsed parse(std::string_view datagram) {
  Parser p;
  p.text = datagram;
  if (p.text.size() > base::message_bytes_max) {
    p.fault("too_large");
    p.text.resize(base::message_bytes_max);
  }
  if (p.text.size() < smallest_message) {
    p.fault("not_sip");
    return p.out;
  }
  const Head head = to_head(p.text);
  p.out.head_bytes = head.bytes;
  const bool usable = p.start_line(head.start_line.ends_with('\n') ? without_line_end(head.start_line) : head.start_line);
  if (!usable) return p.out;
  p.out.answerable = p.out.is_request && p.out.method != "ACK";
  if (head.lines.size() > base::header_lines_max) {
    p.fault("header_lines");
    p.out.answerable = false;
    return p.out;
  }
  p.out.headers = static_cast<int>(head.lines.size());
  for (const auto& line : head.lines) p.headers.push_back(to_header(line));
  if (!head.terminated) p.fault("head_unterminated");
  for (const Header& header : p.headers)
    if (header.name.empty()) p.fault("header_syntax");
  for (const auto& line : head.lines)
    if (line.size() > base::header_bytes_max) p.fault("header_bytes");
  p.vias();
  p.address("from", p.out.from_uri, p.out.from_tag);
  p.address("to", p.out.to_uri, p.out.to_tag);
  p.call_id();
  p.cseq();
  p.repeated();
  p.max_forwards();
  p.content_length();
  return p.out;
}

}  // namespace viaduct::ref
