// SPDX-License-Identifier: Apache-2.0
// sofia-sip as a judge. Nothing of it is seen outside this file.
#include <sofia-sip/msg.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_protos.h>

#include "judges.h"

namespace viaduct::judges {
namespace {

std::string_view text_or_empty(const char* text) { return text != nullptr ? text : ""; }

std::string_view without_brackets(std::string_view host) { return host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host; }

}  // namespace

Sofia::Sofia(std::string_view text) {
  msg_t* made = msg_make(sip_default_mclass(), 0, text.data(), static_cast<ssize_t>(text.size()));
  message_ = made;
  if (made == nullptr) return;
  const sip_t* sip = sip_object(made);
  accepts_ = sip != nullptr && sip->sip_error == nullptr && (sip->sip_flags & (MSG_FLG_ERROR | MSG_FLG_TOOLARGE | MSG_FLG_TRUNC)) == 0 &&
             (sip->sip_request != nullptr || sip->sip_status != nullptr) && sip->sip_via != nullptr && sip->sip_from != nullptr && sip->sip_to != nullptr &&
             sip->sip_call_id != nullptr && sip->sip_cseq != nullptr;
}

Sofia::~Sofia() {
  if (message_ != nullptr) msg_destroy(static_cast<msg_t*>(message_));
}

Answer Sofia::answer() const {
  const sip_t* sip = sip_object(static_cast<msg_t*>(message_));
  std::size_t via_values = 0;
  for (const sip_via_t* via = sip->sip_via; via != nullptr; via = via->v_next) ++via_values;
  return {.via_values = via_values,
          .via_host = without_brackets(text_or_empty(sip->sip_via->v_host)),
          .via_branch = text_or_empty(sip->sip_via->v_branch),
          .to_user = text_or_empty(sip->sip_to->a_url->url_user),
          .to_host = without_brackets(text_or_empty(sip->sip_to->a_url->url_host)),
          .call_id = text_or_empty(sip->sip_call_id->i_id),
          .call_id_host = {},
          .cseq_number = sip->sip_cseq->cs_seq,
          .cseq_method = text_or_empty(sip->sip_cseq->cs_method_name),
          .max_forwards = sip->sip_max_forwards != nullptr ? static_cast<int>(sip->sip_max_forwards->mf_count) : no_max_forwards,
          .event = sip->sip_event != nullptr ? text_or_empty(sip->sip_event->o_type) : "",
          .subscription_state = sip->sip_subscription_state != nullptr ? text_or_empty(sip->sip_subscription_state->ss_substate) : "",
          .body = sip->sip_payload != nullptr ? std::string_view{sip->sip_payload->pl_data, sip->sip_payload->pl_len} : std::string_view{}};
}

}  // namespace viaduct::judges
