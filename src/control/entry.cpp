// SPDX-License-Identifier: Apache-2.0
#include "viaduct/control/entry.h"

#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "viaduct/base/limits.h"

namespace viaduct::control {
namespace {

using assign::HomeIndex;
using nlohmann::json;

constexpr unsigned version = 1;
constexpr std::uint8_t flag_pin = 1;
constexpr std::size_t slot_row_bytes = sizeof(std::uint32_t) + 2 * sizeof(HomeIndex);

template <typename N>
void put(std::string& out, N number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

/// Takes numbers and texts off the front; what is not there is noted.
class Rows {
 public:
  explicit Rows(std::string_view rest) : rest_(rest) {}
  template <typename N>
  N number() {
    N out{};
    const std::string_view octets = text(sizeof out);
    if (octets.size() == sizeof out) std::memcpy(&out, octets.data(), sizeof out);
    return out;
  }
  std::string_view text(std::size_t bytes) {
    is_whole_ = is_whole_ && bytes <= rest_.size();
    if (!is_whole_) return {};
    return std::exchange(rest_, rest_.substr(bytes)).substr(0, bytes);
  }
  [[nodiscard]] bool is_whole() const { return is_whole_; }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool is_whole_{true};
};

SlotRow take_slot(Rows& rows) {
  SlotRow row;
  row.slot = rows.number<std::uint32_t>();
  row.home = rows.number<HomeIndex>();
  row.previous = rows.number<HomeIndex>();
  return row;
}

ClientRow take_client(Rows& rows) {
  ClientRow row;
  const auto home = rows.number<HomeIndex>();
  if (home != assign::no_home) row.home = home;
  row.previous = rows.number<HomeIndex>();
  row.pin = (rows.number<std::uint8_t>() & flag_pin) != 0;
  row.aor = rows.text(rows.number<std::uint16_t>());
  return row;
}

assign::Confirmation take_arrival(Rows& rows) {
  base::Hash128 client;
  client.low = rows.number<std::uint64_t>();
  client.high = rows.number<std::uint64_t>();
  const auto home = rows.number<HomeIndex>();
  return {client, home, rows.text(rows.number<std::uint8_t>())};
}

/// The octets of so many rows, taken off; `is_good` looks at each.
template <typename Take, typename Good>
std::expected<std::string_view, std::string> skip(Rows& rows, std::uint64_t count, Take take, Good is_good) {
  const std::string_view all = rows.rest();
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto row = take(rows);
    if (!rows.is_whole()) return std::unexpected("it is cut off");
    if (!is_good(row)) return std::unexpected("a row of it is none that there can be");
  }
  return all.substr(0, all.size() - rows.rest().size());
}

/// Throws json::exception.
EntryHead head_from(const json& j) {
  EntryHead head;
  head.node = j.at("node").get<std::string>();
  head.author = {.who = j.at("who").get<std::string>(), .why = j.at("why").get<std::string>()};
  head.at_s = j.at("at_s").get<std::uint64_t>();
  head.sets_out = j.at("sets_out").get<bool>();
  for (const auto& [index, description] : j.at("homes").items()) {
    const unsigned long number = std::stoul(index);
    if (number >= base::homes_max) throw std::out_of_range("a home's index");
    head.homes[static_cast<HomeIndex>(number)] = description.get<std::string>();
  }
  return head;
}

}  // namespace

void EntryWriter::add(const SlotRow& row) {
  put(rows_, row.slot);
  put(rows_, row.home);
  put(rows_, row.previous);
  ++slots_;
}

void EntryWriter::add(const ClientRow& row) {
  put(rows_, row.home.value_or(assign::no_home));
  put(rows_, row.previous);
  put(rows_, row.pin ? flag_pin : std::uint8_t{0});
  put(rows_, static_cast<std::uint16_t>(row.aor.size()));
  rows_ += row.aor;
  ++clients_;
}

void EntryWriter::add(const assign::Confirmation& arrival) {
  put(rows_, arrival.client.low);
  put(rows_, arrival.client.high);
  put(rows_, arrival.home);
  put(rows_, arrival.aor_bytes);
  rows_ += arrival.name();
  ++arrivals_;
}

std::string EntryWriter::finish(const EntryHead& head) const {
  json homes = json::object();
  for (const auto& [index, description] : head.homes) homes[std::to_string(index)] = description;
  const json j = {{"v", version},   {"node", head.node},         {"who", head.author.who}, {"why", head.author.why}, {"at_s", head.at_s},
                  {"homes", homes}, {"sets_out", head.sets_out}, {"slots", slots_},        {"clients", clients_},    {"arrivals", arrivals_}};
  return j.dump(-1, ' ', false, json::error_handler_t::replace) + '\n' + rows_;
}

std::expected<Entry, std::string> Entry::read(std::string_view octets) {
  Entry entry;
  const std::size_t line = octets.find('\n');
  if (line == std::string_view::npos) return std::unexpected("it has no head");
  try {
    const json j = json::parse(octets.substr(0, line));
    if (j.at("v").get<unsigned>() != version) return std::unexpected("a newer build has written it: version " + j["v"].dump());
    entry.head_ = head_from(j);
    entry.slots_ = j.at("slots").get<std::uint64_t>();
    entry.clients_ = j.at("clients").get<std::uint64_t>();
    entry.arrivals_ = j.at("arrivals").get<std::uint64_t>();
  } catch (const std::exception& error) {
    return std::unexpected("its head cannot be read: " + std::string(error.what()));
  }
  Rows rows(octets.substr(line + 1));
  const auto slots = skip(rows, entry.slots_, take_slot, [](const SlotRow& r) { return r.slot < base::slots_count; });
  if (!slots) return std::unexpected(slots.error());
  const auto clients = skip(rows, entry.clients_, take_client, [](const ClientRow& r) { return !r.aor.empty() && r.aor.size() <= base::aor_bytes_max; });
  if (!clients) return std::unexpected(clients.error());
  const auto arrivals = skip(rows, entry.arrivals_, take_arrival, [](const assign::Confirmation&) { return true; });
  if (!arrivals) return std::unexpected(arrivals.error());
  if (!rows.rest().empty()) return std::unexpected("there is more behind it");
  entry.slot_rows_ = *slots;
  entry.client_rows_ = *clients;
  entry.arrival_rows_ = *arrivals;
  return entry;
}

std::vector<SlotRow> Entry::slots() const {
  std::vector<SlotRow> out;
  out.reserve(slot_rows_.size() / slot_row_bytes);
  Rows rows(slot_rows_);
  for (std::uint64_t i = 0; i < slots_; ++i) out.push_back(take_slot(rows));
  return out;
}

void Entry::for_each_client(const std::function<bool(const ClientRow&)>& f) const {
  Rows rows(client_rows_);
  for (std::uint64_t i = 0; i < clients_; ++i)
    if (!f(take_client(rows))) return;
}

std::vector<assign::Confirmation> Entry::arrivals() const {
  std::vector<assign::Confirmation> out;
  Rows rows(arrival_rows_);
  for (std::uint64_t i = 0; i < arrivals_; ++i) out.push_back(take_arrival(rows));
  return out;
}

}  // namespace viaduct::control
