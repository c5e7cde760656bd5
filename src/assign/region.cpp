// SPDX-License-Identifier: Apache-2.0
// Mapping and unmapping of Region.
#include "region.h"

#include <linux/mman.h>
#include <sys/mman.h>

#include <cstdint>

#include "viaduct/base/check.h"

namespace viaduct::assign {
namespace {

constexpr std::size_t page_bytes = 4096;

std::size_t round_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

std::byte* map(std::size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  base::check(at != MAP_FAILED, "no memory for the assignment table");
  return static_cast<std::byte*>(at);
}

/// Map with the start on a huge page's border, by mapping too much and giving back both ends.
std::byte* map_aligned(std::size_t bytes) {
  std::byte* const raw = map(bytes + huge_page_bytes);
  const std::size_t before = round_up(reinterpret_cast<std::uintptr_t>(raw), huge_page_bytes) - reinterpret_cast<std::uintptr_t>(raw);
  if (before > 0) munmap(raw, before);
  if (before < huge_page_bytes) munmap(raw + before + bytes, huge_page_bytes - before);
  return raw + before;
}

/// Replace small pages by huge ones that the machine has reserved. False when not enough of these are left: then it is as it was.
bool replace_by_reserved(std::byte* at, std::size_t bytes) {
  // Asked for elsewhere first: a mapping that fails on top of another may have taken that away.
  void* huge = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB, -1, 0);
  if (huge == MAP_FAILED) return false;
  base::check(mremap(huge, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, at) == at, "huge pages that cannot be moved");
  return true;
}

}  // namespace

std::size_t region_bytes(std::size_t bytes) {
  const bool is_whole = bytes >= huge_page_bytes / 2 && bytes < region_huge_pages_whole * huge_page_bytes;
  return round_up(bytes, is_whole ? huge_page_bytes : page_bytes);
}

Region::Region(std::size_t bytes) : bytes_(region_bytes(bytes)) {
  const std::size_t huge = bytes_ / huge_page_bytes * huge_page_bytes;
  std::byte* const at = huge == 0 ? map(bytes_) : map_aligned(bytes_);
  data_ = at;
  if (huge == 0) return;
  if (replace_by_reserved(at, huge))
    bytes_reserved_ = huge;
  else
    madvise(at, huge, MADV_HUGEPAGE);  // advice only: without huge pages the table is slower, not wrong
}

Region::~Region() {
  munmap(data_, bytes_reserved_);
  munmap(static_cast<std::byte*>(data_) + bytes_reserved_, bytes_ - bytes_reserved_);
}

}  // namespace viaduct::assign
