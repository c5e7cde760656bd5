// SPDX-License-Identifier: Apache-2.0
// Messages from a file, run through the production decision offline.
#pragma once
#include <filesystem>

#include "viaduct/config/config.h"

namespace viaduct {

/// Print for each message of a .sip file (one message) or a .pcap or .pcapng file (every UDP datagram for a listener) its verdict, the reason, and the octets that would be sent.
/// Returns the process's exit status; what is wrong with the file goes to standard error.
[[nodiscard]] int explain(const config::Config& config, const std::filesystem::path& file, bool as_json);

}  // namespace viaduct
