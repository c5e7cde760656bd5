// SPDX-License-Identifier: Apache-2.0
// libosip2 as a judge. Nothing of it is seen outside this file.
#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>

#include <cstdlib>

#include "judges.h"

namespace viaduct::judges {
namespace {

std::string_view text_or_empty(const char* text) { return text != nullptr ? text : ""; }

std::string_view before_params(std::string_view value) { return value.substr(0, value.find(';')); }

const osip_via_t* top_via(const osip_message_t* m) { return static_cast<const osip_via_t*>(osip_list_get(&m->vias, 0)); }

// What it refuses, it would also tell on standard output.
void say_nothing(const char*, int, osip_trace_level_t, const char*, va_list) {}

int start() {
  osip_trace_initialize_func(END_TRACE_LEVEL, say_nothing);
  return parser_init();
}

}  // namespace

Osip::Osip(std::string_view text) {
  static const int started = start();
  osip_message_t* made{};
  if (started != OSIP_SUCCESS || osip_message_init(&made) != OSIP_SUCCESS) std::abort();
  message_ = made;
  accepts_ = osip_message_parse(made, text.data(), text.size()) == OSIP_SUCCESS && top_via(made) != nullptr && made->from != nullptr && made->to != nullptr &&
             made->to->url != nullptr && made->call_id != nullptr && made->cseq != nullptr;
}

Osip::~Osip() { osip_message_free(static_cast<osip_message_t*>(message_)); }

Answer Osip::answer() const {
  const auto* m = static_cast<const osip_message_t*>(message_);
  const osip_via_t* via = top_via(m);
  osip_generic_param_t* branch{};
  osip_via_param_get_byname(const_cast<osip_via_t*>(via), const_cast<char*>("branch"), &branch);
  const auto header = [m](const char* name) {
    osip_header_t* found{};
    osip_message_header_get_byname(m, name, 0, &found);
    return found;
  };
  const osip_header_t *max_forwards = header("max-forwards"), *event = header("event"), *state = header("subscription-state");
  osip_body_t* body{};
  osip_message_get_body(m, 0, &body);
  return {.via_values = static_cast<std::size_t>(osip_list_size(&m->vias)),
          .via_host = text_or_empty(via->host),
          .via_branch = branch != nullptr ? text_or_empty(branch->gvalue) : "",
          .to_user = text_or_empty(m->to->url->username),
          .to_host = text_or_empty(m->to->url->host),
          .call_id = text_or_empty(m->call_id->number),
          .call_id_host = text_or_empty(m->call_id->host),
          .cseq_number = static_cast<std::uint32_t>(std::strtoul(m->cseq->number, nullptr, 10)),
          .cseq_method = text_or_empty(m->cseq->method),
          .max_forwards = max_forwards != nullptr ? static_cast<int>(std::strtol(max_forwards->hvalue, nullptr, 10)) : no_max_forwards,
          .event = event != nullptr ? before_params(event->hvalue) : "",
          .subscription_state = state != nullptr ? before_params(state->hvalue) : "",
          .body = body != nullptr ? std::string_view{body->body, body->length} : std::string_view{}};
}

}  // namespace viaduct::judges
