// SPDX-License-Identifier: Apache-2.0
// Memory for large tables: mapped, on huge pages where there are any, returned to the system at once when freed; and an array on top of it.
#pragma once
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace viaduct::assign {

inline constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;
/// Regions of fewer huge pages than these are rounded up to whole ones; larger ones end with small pages behind the last whole huge page.
inline constexpr std::size_t region_huge_pages_whole = 4;
/// What a region of so many octets takes. From half a huge page on it begins with one, since what every packet reads pays for each missed translation.
[[nodiscard]] std::size_t region_bytes(std::size_t bytes);

/// Anonymous pages. Huge ones are of those that the machine has reserved, if enough are left, else advised. Errors: a check stops the process when there is no memory (growth is the control core's; a table that cannot grow cannot serve).
class Region {
 public:
  explicit Region(std::size_t bytes);
  ~Region();
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  [[nodiscard]] void* data() const { return data_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t bytes_reserved() const { return bytes_reserved_; }  ///< on huge pages that the machine had reserved

 private:
  std::size_t bytes_;
  std::size_t bytes_reserved_{};
  void* data_;
};

/// A fixed array in a Region; each element is constructed at once, so that no reader meets an untouched page.
template <typename T>
class RegionArray {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  explicit RegionArray(std::size_t count) : region_(count * sizeof(T)), count_(count) { std::uninitialized_value_construct_n(begin(), count); }
  [[nodiscard]] T* begin() const { return static_cast<T*>(region_.data()); }
  [[nodiscard]] T* end() const { return begin() + count_; }
  [[nodiscard]] T& operator[](std::size_t i) const { return begin()[i]; }
  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] std::size_t bytes() const { return region_.bytes(); }
  [[nodiscard]] std::size_t bytes_reserved() const { return region_.bytes_reserved(); }

 private:
  Region region_;
  std::size_t count_;
};

}  // namespace viaduct::assign
