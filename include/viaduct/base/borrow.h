// SPDX-License-Identifier: Apache-2.0
// Strings that end with the expression they stand in: whatever gives back views into a text refuses them by a deleted overload. A literal stays.
#pragma once
#include <concepts>
#include <string>
#include <type_traits>

namespace viaduct::base {

/// As the parameter of a forwarding reference: a std::string that nobody keeps.
template <typename Text>
concept PassingString = std::same_as<std::remove_cv_t<Text>, std::string>;

}  // namespace viaduct::base
