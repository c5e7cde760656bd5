// SPDX-License-Identifier: Apache-2.0
// A list of edits, and the three ways to carry it out: towards the front, towards the back, into another buffer.
#include "viaduct/sip/edit.h"

#include <cstring>

#include "viaduct/base/check.h"

namespace viaduct::sip {
namespace {

/// A run of octets that stays, and where it goes.
struct Kept {
  char* from;
  char* to;
  std::size_t bytes;
};

/// The runs between the edits of `message` when its new text starts at `to`: run i stands before edit i, the last one behind all.
struct KeptRuns {
  std::array<Kept, edits_max + 1> run;
  std::size_t count{};

  KeptRuns(const Edits& edits, std::span<char> message, char* to) {
    base::check(!edits.overflow(), "the plan is not void");
    std::size_t offset = 0;
    for (const Edit& edit : edits.list()) {
      const std::size_t bytes = edit.offset - offset;
      run[count++] = {message.data() + offset, to, bytes};
      to += bytes + edit.insert;
      offset += bytes + edit.cut;
    }
    base::check(offset <= message.size(), "the plan is for this message");
    run[count++] = {message.data() + offset, to, message.size() - offset};
  }
};

/// Runs keep their order. So a run that goes left can only meet a source on its left that itself goes left, and has gone when runs are taken from
/// the left; with runs that go right it is the mirror image; the two kinds never meet. Insertions fill the gaps when nothing is to be saved any more.
void rearrange(const Edits& edits, const KeptRuns& runs) {
  for (std::size_t i = 0; i < runs.count; ++i)
    if (const Kept& k = runs.run[i]; k.to < k.from) std::memmove(k.to, k.from, k.bytes);
  for (std::size_t i = runs.count; i-- > 0;)
    if (const Kept& k = runs.run[i]; k.to > k.from) std::memmove(k.to, k.from, k.bytes);
  std::size_t i = 0;
  for (const Edit& edit : edits.list()) {
    edits.text(edit).copy(runs.run[i].to + runs.run[i].bytes, edit.insert);
    ++i;
  }
}

}  // namespace

void Edits::add(std::size_t offset, std::size_t cut, std::string_view insert) {
  base::check(offset + cut <= UINT16_MAX, "an edit lies inside a message");
  Edit* const last = count_ == 0 ? nullptr : &edits_[count_ - 1];
  const std::size_t last_end = last == nullptr ? 0 : std::size_t{last->offset} + last->cut;
  base::check(offset >= last_end, "edits are added in ascending order");
  const bool joins = last != nullptr && offset == last_end;
  overflow_ |= insert.size() > text_.size() - text_bytes_ || (!joins && count_ == edits_.size());
  if (overflow_) return;
  Edit& edit = joins ? *last : edits_[count_++];
  if (!joins) edit = {static_cast<std::uint16_t>(offset), 0, text_bytes_, 0};
  edit.cut = static_cast<std::uint16_t>(edit.cut + cut);
  edit.insert = static_cast<std::uint16_t>(edit.insert + insert.size());
  insert.copy(text_.data() + text_bytes_, insert.size());
  text_bytes_ = static_cast<std::uint16_t>(text_bytes_ + insert.size());
  growth_ += static_cast<int>(insert.size()) - static_cast<int>(cut);
}

char* apply_at_front(const Edits& edits, std::span<char> message) {
  char* const start = message.data() - edits.growth();
  rearrange(edits, KeptRuns(edits, message, start));
  return start;
}

std::size_t apply_at_back(const Edits& edits, std::span<char> message) {
  rearrange(edits, KeptRuns(edits, message, message.data()));
  return message.size() + static_cast<std::size_t>(edits.growth());
}

std::size_t apply_to(const Edits& edits, std::string_view message, std::span<char> out) {
  base::check(!edits.overflow(), "the plan is not void");
  const std::size_t bytes = message.size() + static_cast<std::size_t>(edits.growth());
  base::check(bytes <= out.size(), "room for the edited message");
  char* to = out.data();
  std::size_t offset = 0;
  const auto put = [&to](std::string_view text) {
    text.copy(to, text.size());
    to += text.size();
  };
  for (const Edit& edit : edits.list()) {
    put(message.substr(offset, edit.offset - offset));
    put(edits.text(edit));
    offset = std::size_t{edit.offset} + edit.cut;
  }
  put(message.substr(offset));
  return bytes;
}

}  // namespace viaduct::sip
