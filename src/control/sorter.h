// SPDX-License-Identifier: Apache-2.0
// Moves in the order of a file made moves in the order of identities: kept in parts by their first bits, on disk when there are many, sorted part by part.
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "viaduct/control/placements.h"

namespace viaduct::control {

/// Memory: parts_count * part_buffer_bytes while it takes, one part and its order while it gives. The last move of a client counts.
/// Thread: one.
class Sorter {
 public:
  /// Parts that grow go to files without a name in `folder`.
  explicit Sorter(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// Errors: no room on the disk, or what the system said.
  [[nodiscard]] Expected<void> add(const sip::ClientKey& key, std::string_view aor, std::optional<assign::HomeIndex> home, bool pin);
  /// The next move, ascending; false at the end. Its texts live until the next call. Shape: nothing is added any more. Errors: what the system said.
  [[nodiscard]] Expected<bool> next(store::Move& move);
  [[nodiscard]] std::uint64_t repeated() const { return repeated_; }   ///< moves that a later one of the same client replaced; whole at the end

 private:
  static constexpr std::size_t parts_count = 64;
  static constexpr std::size_t part_buffer_bytes = std::size_t{1} << 19;
  static constexpr unsigned part_shift = 64 - 6;
  static_assert(parts_count == std::size_t{1} << (64 - part_shift));

  class File;
  struct Part {
    std::string buffer;
    std::shared_ptr<File> file;   // shared for its incomplete type
  };
  struct Place {
    sip::ClientKey client;   // an identity
    std::size_t offset;
  };
  [[nodiscard]] Expected<bool> open_part();
  void sort_part();

  std::filesystem::path folder_;
  std::array<Part, parts_count> parts_;
  std::size_t part_{};            // the next to be opened
  std::string octets_;            // of the open part
  std::vector<Place> order_;
  std::size_t at_{};              // in order_
  std::uint64_t repeated_{};
};

}  // namespace viaduct::control
