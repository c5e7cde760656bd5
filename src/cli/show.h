// SPDX-License-Identifier: Apache-2.0
// The daemon's answers as text for people.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace viaduct::cli {

[[nodiscard]] std::string show_status(const nlohmann::json& answer);
[[nodiscard]] std::string show_homes(const nlohmann::json& answer);
[[nodiscard]] std::string show_directory(const nlohmann::json& answer);
[[nodiscard]] std::string show_fleet(const nlohmann::json& answer);
/// `all`: also the counters that are zero. With what each counts where the answer says so.
[[nodiscard]] std::string show_counters(const nlohmann::json& answer, bool all);
[[nodiscard]] std::string show_client(const nlohmann::json& answer);
[[nodiscard]] std::string show_explanation(const nlohmann::json& answer);
[[nodiscard]] std::string show_bound(const nlohmann::json& answer);
[[nodiscard]] std::string show_deregistered(const nlohmann::json& answer);
[[nodiscard]] std::string show_assigned(const nlohmann::json& answer);
[[nodiscard]] std::string show_history(const nlohmann::json& answer);
[[nodiscard]] std::string show_import(const nlohmann::json& answer);
[[nodiscard]] std::string show_verified(const nlohmann::json& answer);
[[nodiscard]] std::string show_stats(const nlohmann::json& answer);
[[nodiscard]] std::string show_home_change(const nlohmann::json& answer);
[[nodiscard]] std::string show_subscriptions(const nlohmann::json& answer);
[[nodiscard]] std::string show_subscription(const nlohmann::json& answer);
[[nodiscard]] std::string show_terminated(const nlohmann::json& answer);
[[nodiscard]] std::string show_rules(const nlohmann::json& answer);
[[nodiscard]] std::string show_rules_reload(const nlohmann::json& answer);
[[nodiscard]] std::string show_reload(const nlohmann::json& answer);

}  // namespace viaduct::cli
