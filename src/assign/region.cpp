// SPDX-License-Identifier: Apache-2.0
// Mapping and unmapping of Region.
#include "region.h"

#include <sys/mman.h>

#include <cstdint>

#include "viaduct/base/check.h"

namespace viaduct::assign {
namespace {

constexpr std::size_t page_bytes = 4096;
constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

std::size_t round_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

void* map(std::size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  base::check(at != MAP_FAILED, "no memory for the assignment table");
  return at;
}

/// Map with the start on a huge page's border, by mapping too much and giving back both ends.
void* map_aligned(std::size_t bytes) {
  const auto raw = reinterpret_cast<std::uintptr_t>(map(bytes + huge_page_bytes));
  const std::uintptr_t start = round_up(raw, huge_page_bytes);
  if (start > raw) munmap(reinterpret_cast<void*>(raw), start - raw);
  const std::size_t behind = raw + huge_page_bytes - start;
  if (behind > 0) munmap(reinterpret_cast<void*>(start + bytes), behind);
  madvise(reinterpret_cast<void*>(start), bytes, MADV_HUGEPAGE);  // advice only: without huge pages the table is slower, not wrong
  return reinterpret_cast<void*>(start);
}

}  // namespace

Region::Region(std::size_t bytes, Pages pages) : bytes_(round_up(bytes, pages == Pages::huge && bytes >= huge_page_bytes / 2 ? huge_page_bytes : page_bytes)) {
  data_ = bytes_ >= huge_page_bytes ? map_aligned(bytes_) : map(bytes_);
}

Region::~Region() { munmap(data_, bytes_); }

}  // namespace viaduct::assign
