// SPDX-License-Identifier: Apache-2.0
// Parts of moves: written, read back, sorted.
#include "sorter.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace viaduct::control {
namespace {

struct Head {
  sip::ClientKey key;
  std::uint16_t home;
  std::uint16_t aor_bytes;
  bool pin;
};
static_assert(base::aor_bytes_max < 65536);

std::string system_said(const std::filesystem::path& folder) { return folder.string() + ": " + std::strerror(errno); }

}  // namespace

/// A file without a name: gone with its descriptor, also when the process dies.
class Sorter::File {
 public:
  explicit File(const std::filesystem::path& folder) : number_(open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) {}
  ~File() {
    if (number_ >= 0) close(number_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] bool append(std::string_view octets) {
    while (!octets.empty()) {
      const ssize_t put = write(number_, octets.data(), octets.size());
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return false;
      octets.remove_prefix(static_cast<std::size_t>(put));
      bytes_ += static_cast<std::size_t>(put);
    }
    return true;
  }
  [[nodiscard]] bool read_all(std::string& out) const {
    out.resize(bytes_);
    for (std::size_t at = 0; at < bytes_;) {
      const ssize_t got = pread(number_, out.data() + at, bytes_ - at, static_cast<off_t>(at));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      at += static_cast<std::size_t>(got);
    }
    return true;
  }

 private:
  int number_;
  std::size_t bytes_{};
};

Expected<void> Sorter::add(const sip::ClientKey& key, std::string_view aor, std::optional<assign::HomeIndex> home, bool pin) {
  Part& part = parts_[key.high >> part_shift];
  const Head head{.key = key, .home = home.value_or(assign::no_home), .aor_bytes = static_cast<std::uint16_t>(aor.size()), .pin = pin};
  part.buffer.append(reinterpret_cast<const char*>(&head), sizeof head);
  part.buffer += aor;
  if (part.buffer.size() < part_buffer_bytes) return {};
  if (!part.file) part.file = std::make_shared<File>(folder_);
  if (!part.file->append(part.buffer)) return std::unexpected(system_said(folder_));
  part.buffer.clear();
  return {};
}

/// Read the next part that has any move into memory; false when there is none.
Expected<bool> Sorter::open_part() {
  while (part_ < parts_count) {
    Part& part = parts_[part_++];
    octets_.clear();
    if (part.file && !part.file->read_all(octets_)) return std::unexpected(system_said(folder_));
    octets_ += part.buffer;
    part = {};
    sort_part();
    if (!order_.empty()) return true;
  }
  return false;
}

void Sorter::sort_part() {
  order_.clear();
  at_ = 0;
  for (std::size_t offset = 0; offset < octets_.size();) {
    Head head;
    std::memcpy(&head, octets_.data() + offset, sizeof head);
    order_.push_back({store::identity(head.key), offset});
    offset += sizeof head + head.aor_bytes;
  }
  // Offsets are in the file's order, so that among equals the last of the file is the last here.
  std::ranges::sort(
      order_, [](const Place& a, const Place& b) { return std::tie(a.client.high, a.client.low, a.offset) < std::tie(b.client.high, b.client.low, b.offset); });
}

Expected<bool> Sorter::next(store::Move& move) {
  while (true) {
    if (at_ == order_.size())
      if (const auto opened = open_part(); !opened || !*opened) return opened;
    const Place& place = order_[at_++];
    Head head;
    std::memcpy(&head, octets_.data() + place.offset, sizeof head);
    move = {.key = head.key,
            .aor = {octets_.data() + place.offset + sizeof head, head.aor_bytes},
            .home = head.home == assign::no_home ? std::nullopt : std::optional(head.home),
            .pin = head.pin};
    // By the whole key: another client with the same kept bits is not this one, and is refused by the store.
    if (at_ == order_.size() || std::memcmp(octets_.data() + order_[at_].offset, &head.key, sizeof head.key) != 0) return true;
    ++repeated_;
  }
}

}  // namespace viaduct::control
