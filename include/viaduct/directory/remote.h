// SPDX-License-Identifier: Apache-2.0
// The questions of PowerDNS's remote backend, answered from a directory.
#pragma once
#include <nlohmann/json.hpp>

#include "viaduct/directory/directory.h"

namespace viaduct::directory {

/// Shape: {"method": "lookup", "parameters": {"qname": "_sip._udp.example.com.", "qtype": "ANY", ...}} -> {"result": [{"qtype", "qname", "content", "ttl"}, ...]}.
/// Also: initialize, getAllDomains, getDomainInfo, list (a whole zone), getDomainMetadata, getAllDomainMetadata; what else is asked, or makes no sense, gets
/// {"result": false}. Errors: none are thrown.
/// Source: https://doc.powerdns.com/authoritative/backends/remote.html, API of version 4.7.
[[nodiscard]] nlohmann::json answer_remote(const Directory& directory, const nlohmann::json& question);

}  // namespace viaduct::directory
