// SPDX-License-Identifier: Apache-2.0
// The store over an open LMDB file.
#pragma once
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "tables.h"

namespace viaduct::store {

/// A descriptor that is closed when it goes.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_;
};

class LmdbStore final : public Store {
 public:
  LmdbStore(Environment env, Descriptor lock, const Tables& tables, std::filesystem::path file, bool is_read_only)
      : lock_(std::move(lock)), env_(std::move(env)), tables_(tables), file_(std::move(file)), is_read_only_(is_read_only) {}
  [[nodiscard]] Result<std::unique_ptr<Writer>> begin(Author author) override;
  [[nodiscard]] Result<std::unique_ptr<Snapshot>> snapshot() const override;
  [[nodiscard]] bool is_read_only() const override { return is_read_only_; }
  [[nodiscard]] std::uint64_t bytes() const override;

 private:
  Descriptor lock_;   // outlives env_
  Environment env_;
  Tables tables_;
  std::filesystem::path file_;
  bool is_read_only_;
};

}  // namespace viaduct::store
