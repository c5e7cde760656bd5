// SPDX-License-Identifier: Apache-2.0
// Memory for large tables: mapped, advised to huge pages, returned to the system at once when freed; and an array on top of it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace viaduct::assign {

/// What a region does with its last huge page.
enum class Pages : std::uint8_t {
  fitting,   ///< ends with small pages behind the last whole huge page
  huge       ///< is rounded up to whole huge pages, from half of one on: for what every packet reads, since a missed translation costs as much as the memory
};

/// Anonymous pages. Errors: a check stops the process when there is no memory (growth is the control core's; a table that cannot grow cannot serve).
class Region {
 public:
  Region(std::size_t bytes, Pages pages);
  ~Region();
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  [[nodiscard]] void* data() const { return data_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  void* data_;
  std::size_t bytes_;
};

/// A fixed array in a Region; each element is constructed at once, so that no reader meets an untouched page.
template <typename T>
class RegionArray {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  RegionArray(std::size_t count, Pages pages) : region_(count * sizeof(T), pages), count_(count) { std::uninitialized_value_construct_n(begin(), count); }
  [[nodiscard]] T* begin() const { return static_cast<T*>(region_.data()); }
  [[nodiscard]] T* end() const { return begin() + count_; }
  [[nodiscard]] T& operator[](std::size_t i) const { return begin()[i]; }
  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] std::size_t bytes() const { return region_.bytes(); }

 private:
  Region region_;
  std::size_t count_;
};

}  // namespace viaduct::assign
