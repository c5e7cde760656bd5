// SPDX-License-Identifier: Apache-2.0
#include "viaduct/directory/remote.h"

#include <array>

namespace viaduct::directory {
namespace {

using nlohmann::json;

json rows_of(const Directory& directory, const std::string& name, const Directory::Records& records, std::string_view type) {
  json out = json::array();
  for (const Record& r : records)
    if (type == "ANY" || type == r.type) out.push_back({{"qtype", r.type}, {"qname", name}, {"content", r.content}, {"ttl", directory.settings().ttl_s}});
  // A name that only has others below it: a row without a type, by which PowerDNS knows that the name exists.
  if (records.empty() && type == "ANY") out.push_back({{"qtype", ""}, {"qname", name}, {"content", ""}, {"ttl", directory.settings().ttl_s}});
  return out;
}

/// Numbers of zones begin with 1.
json zone_row(const Directory& directory, std::size_t number) {
  return {{"id", number + 1}, {"zone", directory.settings().zones[number] + '.'}, {"kind", "native"}, {"serial", directory.serial()}};
}

json lookup(const Directory& directory, const json& asked) {
  const auto name = asked.at("qname").get<std::string>();
  const Directory::Records* const records = directory.find(name);
  return records == nullptr ? json::array() : rows_of(directory, name, *records, asked.at("qtype").get<std::string>());
}

json list(const Directory& directory, const json& asked) {
  const auto zone = asked.at("zonename").get<std::string>();
  const std::string_view own = directory.zone_of(zone);
  const Directory::Records* const apex = directory.find(zone);
  if (own.empty() || apex == nullptr) return false;
  json out = json::array();
  for (const auto& [name, records] : directory.names())
    if (directory.zone_of(name) == own)
      for (json& row : rows_of(directory, name + '.', records, "ANY")) out.push_back(std::move(row));
  return out;
}

json all_domains(const Directory& directory, const json&) {
  json out = json::array();
  for (std::size_t i = 0; i < directory.settings().zones.size(); ++i) out.push_back(zone_row(directory, i));
  return out;
}

json domain_info(const Directory& directory, const json& asked) {
  auto name = asked.at("name").get<std::string>();
  if (name.ends_with('.')) name.pop_back();
  for (std::size_t i = 0; i < directory.settings().zones.size(); ++i)
    if (directory.settings().zones[i] == name) return zone_row(directory, i);
  return false;
}

json initialize(const Directory&, const json&) { return true; }
json no_metadata(const Directory&, const json&) { return json::array(); }
json no_metadata_at_all(const Directory&, const json&) { return json::object(); }

struct Method {
  std::string_view name;
  json (*answer)(const Directory&, const json& asked);
};
constexpr std::array methods = {
    Method{"initialize", initialize},
    Method{"lookup", lookup},
    Method{"list", list},
    Method{"getAllDomains", all_domains},
    Method{"getDomainInfo", domain_info},
    Method{"getDomainMetadata", no_metadata},
    Method{"getAllDomainMetadata", no_metadata_at_all},
};

}  // namespace

json answer_remote(const Directory& directory, const json& question) {
  try {
    const auto method = question.at("method").get<std::string>();
    for (const Method& m : methods)
      if (m.name == method) return {{"result", m.answer(directory, question.value("parameters", json::object()))}};
  } catch (const json::exception&) {  // NOLINT(bugprone-empty-catch): a question that makes no sense has the same answer as one that is not known
  }
  return {{"result", false}};
}

}  // namespace viaduct::directory
