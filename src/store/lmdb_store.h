// SPDX-License-Identifier: Apache-2.0
// The store over an open LMDB file.
#pragma once
#include <filesystem>

#include "tables.h"
#include "viaduct/base/descriptor.h"

namespace viaduct::store {

class LmdbStore final : public Store {
 public:
  LmdbStore(Environment env, base::Descriptor lock, const Tables& tables, std::filesystem::path file, bool is_read_only)
      : lock_(std::move(lock)), env_(std::move(env)), tables_(tables), file_(std::move(file)), is_read_only_(is_read_only) {}
  [[nodiscard]] Result<std::unique_ptr<Writer>> begin(Author author) override;
  [[nodiscard]] Result<std::unique_ptr<Snapshot>> snapshot() const override;
  [[nodiscard]] bool is_read_only() const override { return is_read_only_; }
  [[nodiscard]] std::uint64_t bytes() const override;

 private:
  base::Descriptor lock_;   // outlives env_
  Environment env_;
  Tables tables_;
  std::filesystem::path file_;
  bool is_read_only_;
};

}  // namespace viaduct::store
