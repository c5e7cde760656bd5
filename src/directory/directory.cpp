// SPDX-License-Identifier: Apache-2.0
// From edges and how they are to the records of every name.
#include "viaduct/directory/directory.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace viaduct::directory {
namespace {

constexpr std::uint16_t sip_port = 5060;   // where clients go that only ask for an address (RFC 3261 19.1.2)
constexpr std::uint16_t priority_up = 10, priority_draining = 20;
constexpr double headroom_steps = 20;

std::string lower(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string out(name);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

/// A weight in whole twentieths of the time that is left, and never nothing: who gets nothing is never seen to have time again.
std::uint16_t weight_of(const Edge& edge, const Standing& standing) {
  const double steps = std::clamp(std::round(standing.headroom_ratio * headroom_steps), 1.0, headroom_steps);
  return static_cast<std::uint16_t>(std::max(1.0, std::round(edge.weight * steps / headroom_steps)));
}

std::string soa(const Settings& settings, const std::string& zone, std::uint32_t serial) {
  // Whoever keeps a copy asks again before the records are old; what is not there is remembered no longer than what is.
  const std::string ttl = std::to_string(settings.ttl_s);
  return settings.nameservers.front() + ". hostmaster." + zone + ". " + std::to_string(serial) + ' ' + ttl + ' ' + ttl + " 604800 " + ttl;
}

}  // namespace

std::string_view name(State s) {
  constexpr std::array<std::string_view, 3> names = {"up", "draining", "down"};
  return names[std::to_underlying(s)];
}

bool lies_in(std::string_view name, std::string_view zone) {
  return name.ends_with(zone) && (name.size() == zone.size() || name[name.size() - zone.size() - 1] == '.');
}

std::vector<Offer> offers(std::span<const Edge> edges, std::span<const Standing> standings) {
  const bool is_any_alive = std::ranges::any_of(standings, [](const Standing& s) { return s.state != State::down; });
  std::vector<Offer> out;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const Standing& s = standings[i];
    if (!is_any_alive)
      out.push_back({.is_made = true, .priority = priority_up, .weight = edges[i].weight});
    else if (s.state == State::down)
      out.push_back({});
    else
      out.push_back({.is_made = true, .priority = s.state == State::draining ? priority_draining : priority_up, .weight = weight_of(edges[i], s)});
  }
  return out;
}

Directory::Directory(Settings settings, std::span<const Standing> standings, std::uint32_t serial)
    : settings_(std::move(settings)), offers_(directory::offers(settings_.edges, standings)), serial_(serial) {
  for (const std::string& zone : settings_.zones) {
    add(zone, "SOA", soa(settings_, zone, serial_));
    for (const std::string& server : settings_.nameservers) add(zone, "NS", server + '.');
    // A zone that is only a part of a domain's names (`_udp.example.com`) is nobody's domain.
    if (!zone.starts_with('_') && !serves(zone)) add_services(zone);
  }
  for (const std::string& domain : settings_.domains) add_services(domain);
  for (const Edge& edge : settings_.edges) add_addresses(edge.name, edge);
}

void Directory::add(const std::string& name, std::string_view type, std::string content) {
  const std::string_view zone = zone_of(name);
  if (zone.empty()) return;
  Records& records = names_[name];
  if (std::ranges::none_of(records, [&](const Record& r) { return r.type == type && r.content == content; })) records.push_back({type, std::move(content)});
  // The names in between are there, too, with nothing at them: a resolver that asks for one shall not take what is below for missing (RFC 8020).
  for (std::size_t dot = name.find('.'); dot != name.npos && name.size() - dot - 1 > zone.size(); dot = name.find('.', dot + 1)) names_[name.substr(dot + 1)];
}

void Directory::add_addresses(const std::string& name, const Edge& edge) {
  for (const base::Address& a : edge.addresses) add(name, a.is_v4() ? "A" : "AAAA", a.text());
}

void Directory::add_services(const std::string& owner) {
  const std::string service = "_sip._udp." + owner;
  add(owner, "NAPTR", "10 50 \"s\" \"SIP+D2U\" \"\" " + service + '.');
  std::uint16_t first = UINT16_MAX;
  for (std::size_t i = 0; i < offers_.size(); ++i) {
    const Offer& offer = offers_[i];
    const Edge& edge = settings_.edges[i];
    if (!offer.is_made) continue;
    add(service, "SRV", std::to_string(offer.priority) + ' ' + std::to_string(offer.weight) + ' ' + std::to_string(edge.port) + ' ' + edge.name + '.');
    if (edge.port == sip_port) first = std::min(first, offer.priority);
  }
  for (std::size_t i = 0; i < offers_.size(); ++i)
    if (offers_[i].is_made && offers_[i].priority == first && settings_.edges[i].port == sip_port) add_addresses(owner, settings_.edges[i]);
}

const Directory::Records* Directory::find(std::string_view name) const {
  const auto found = names_.find(lower(name));
  return found == names_.end() ? nullptr : &found->second;
}

std::string_view Directory::zone_of(std::string_view name) const {
  const std::string at = lower(name);
  for (const std::string& zone : settings_.zones)
    if (lies_in(at, zone)) return zone;
  return {};
}

bool Directory::serves(std::string_view domain) const { return std::ranges::find(settings_.domains, lower(domain)) != settings_.domains.end(); }

}  // namespace viaduct::directory
