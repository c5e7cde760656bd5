// SPDX-License-Identifier: Apache-2.0
// `viaduct_balance plans` and `viaduct_balance days SEED`: a hundred million clients planned, or days of a fleet simulated; the figures as one JSON object.
#include <cstdlib>
#include <string_view>

#include "balance/figures.h"

int main(int argc, char** argv) {
  const std::string_view kind = argc > 1 ? argv[1] : "";
  viaduct::bench::Figures figures;
  if (kind == "plans" && argc == 2) {
    viaduct::bench::measure_plans(figures);
  } else if (kind == "days" && argc == 3) {
    viaduct::bench::measure_days(figures, std::strtoull(argv[2], nullptr, 10));
  } else {
    std::fputs("usage: viaduct_balance plans | days SEED\n", stderr);
    return 2;
  }
  figures.print();
}
