// SPDX-License-Identifier: Apache-2.0
// `viaduct plan`: plans for people.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace viaduct::cli {

/// A plan whole: why, what each home bears before and after, what it costs, how far it is.
[[nodiscard]] std::string show_plan(const nlohmann::json& answer);
[[nodiscard]] std::string show_plans(const nlohmann::json& answer);
[[nodiscard]] std::string show_plan_steps(const nlohmann::json& answer);
/// How far a plan is, in one line.
[[nodiscard]] std::string plan_progress(const nlohmann::json& plan);
/// Clients of whom it is not settled where they are.
[[nodiscard]] double plan_left(const nlohmann::json& plan);

}  // namespace viaduct::cli
