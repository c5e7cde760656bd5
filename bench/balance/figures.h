// SPDX-License-Identifier: Apache-2.0
// What was measured, as one JSON object; and one function a kind of measurement.
#pragma once
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace viaduct::bench {

class Figures {
 public:
  void set(const std::string& name, double value) {
    std::fprintf(stderr, "%-44s %10.4f\n", name.c_str(), value);
    values_.emplace_back(name, value);
  }
  void print() const {
    const char* between = "{";
    for (const auto& [name, value] : values_) {
      std::printf("%s\"balance.%s\": %.5f", between, name.c_str(), value);
      between = ", ";
    }
    std::puts("}");
  }

 private:
  std::vector<std::pair<std::string, double>> values_;
};

void measure_plans(Figures& figures);
void measure_days(Figures& figures, std::uint64_t seed);

}  // namespace viaduct::bench
