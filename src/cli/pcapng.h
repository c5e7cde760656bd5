// SPDX-License-Identifier: Apache-2.0
// A capture file that Wireshark, tshark and sngrep read: Ethernet frames with their time, direction and a comment.
#pragma once
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace viaduct::cli {

struct CapturedFrame {
  std::uint64_t at_ns{};        ///< since 1970
  bool is_sent{};
  std::uint32_t bytes{};        ///< of the frame; `octets` may have fewer
  std::string octets;
  std::string comment;
};

/// Thread: one. Errors: errno. Every frame that was written is on its way to the disk, so that an interrupted capture is whole.
/// Source: draft-ietf-opsawg-pcapng, sections 4.1 to 4.3 and 3.5.
class Pcapng {
 public:
  /// `-` is standard output.
  explicit Pcapng(const std::string& name);
  [[nodiscard]] bool is_open() const { return file_ != nullptr; }
  /// The head of the file; `application` is what wrote it.
  [[nodiscard]] bool begin(std::string_view application);
  [[nodiscard]] bool write(const CapturedFrame& frame);

 private:
  struct Close {
    void operator()(std::FILE* file) const {
      if (file != stdout) std::fclose(file);
    }
  };
  [[nodiscard]] bool block(std::uint32_t type, const std::string& body);
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace viaduct::cli
