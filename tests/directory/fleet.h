// SPDX-License-Identifier: Apache-2.0
// Two edges of one domain, for the tests of this area.
#pragma once
#include "viaduct/directory/directory.h"

namespace viaduct::directory::test {

inline Settings two_edges() {
  return {.edges = {{.name = "edge-1.example.com", .addresses = {*base::Address::parse("192.0.2.1"), *base::Address::parse("2001:db8::1")}, .weight = 100},
                    {.name = "edge-2.example.com", .addresses = {*base::Address::parse("192.0.2.2")}, .weight = 40}},
          .zones = {"example.com"},
          .domains = {"example.com"},
          .nameservers = {"ns1.example.net", "ns2.example.net"},
          .ttl_s = 30};
}

}  // namespace viaduct::directory::test
