// SPDX-License-Identifier: Apache-2.0
// The parameters of a Via value one after the other, for whoever wants others than those that routing needs.
#pragma once
#include "field.h"
#include "viaduct/sip/via.h"

namespace viaduct::sip {

struct ViaParam {
  Param param;
  const char* begin{};  ///< its semicolon; param.end is its end
};

/// Shape: a Via value, which outlives the walk; one that is not well-formed has none.
class ViaParams {
 public:
  explicit ViaParams(std::string_view via) : end_(via.data() + via.size()), params_(Cursor{via}) {
    const auto parsed = parse_via(via);
    at_ = parsed ? behind_lws(parsed->sent_by.data() + parsed->sent_by.size(), end_) : end_;
  }
  /// The next one; false at the end.
  [[nodiscard]] bool next(ViaParam& out) {
    if (at_ == nullptr || at_ >= end_) return false;
    out.begin = at_;
    at_ = params_.take(at_, out.param);
    return at_ != nullptr;
  }

 private:
  const char* end_;
  const char* at_;
  Params params_;
};

}  // namespace viaduct::sip
