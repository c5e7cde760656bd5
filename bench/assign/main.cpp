// SPDX-License-Identifier: Apache-2.0
// `viaduct_assign lookups|memory|peers|writes`: one kind of measurement of the assignment table, its figures as one JSON object.
#include <array>
#include <string_view>

#include "assign/timing.h"

namespace {

using viaduct::bench::Figures;

struct Kind {
  std::string_view name;
  void (*measure)(Figures&);
};
constexpr std::array<Kind, 4> kinds{{{"lookups", viaduct::bench::measure_lookups},
                                     {"memory", viaduct::bench::measure_memory},
                                     {"peers", viaduct::bench::measure_peers},
                                     {"writes", viaduct::bench::measure_writes}}};

}  // namespace

int main(int argc, char** argv) {
  for (const Kind& kind : kinds) {
    if (argc != 2 || argv[1] != kind.name) continue;
    Figures figures;
    kind.measure(figures);
    figures.print();
    return 0;
  }
  std::fputs("usage: viaduct_assign lookups|memory|peers|writes\n", stderr);
  return 2;
}
