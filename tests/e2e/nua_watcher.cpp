// SPDX-License-Identifier: Apache-2.0
// A subscriber to the package reg on sofia-sip's user agent (nua): it refreshes by itself, and says on standard output what it is told, one line each.
//
//   nua_watcher OWN-URI AOR PROXY-URI EXPIRES-S     SIGTERM: unsubscribe, wait for the last NOTIFY, end with 0
#include <sofia-sip/nua.h>
#include <sofia-sip/sip_protos.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/su_wait.h>

#include <csignal>
#include <cstdio>
#include <string>

namespace {

volatile std::sig_atomic_t is_over = 0;

struct Watcher {
  su_root_t* root{};
  nua_t* nua{};
  nua_handle_t* handle{};
  bool is_leaving{};
  bool has_ended{};
};

void say(const std::string& line) {
  std::puts(line.c_str());
  std::fflush(stdout);
}

std::string text_or_empty(const char* text) { return text != nullptr ? text : ""; }

void say_notify(Watcher& watcher, const sip_t& sip) {
  const sip_subscription_state_t* const state = sip.sip_subscription_state;
  std::string line = "notify " + std::to_string(sip.sip_cseq->cs_seq) + ' ' + (state != nullptr ? text_or_empty(state->ss_substate) : "");
  if (state != nullptr && state->ss_reason != nullptr) line += ';' + text_or_empty(state->ss_reason);
  if (sip.sip_payload != nullptr) line += ' ' + std::string(sip.sip_payload->pl_data, sip.sip_payload->pl_len);
  say(line);
  watcher.has_ended |= state != nullptr && text_or_empty(state->ss_substate) == "terminated";
}

void on_event(nua_event_t event, int status, const char* /*phrase*/, nua_t* /*nua*/, nua_magic_t* magic, nua_handle_t* /*handle*/, nua_hmagic_t* /*hmagic*/,
              const sip_t* sip, tagi_t* /*tags*/) {
  auto& watcher = *reinterpret_cast<Watcher*>(magic);
  if (event == nua_r_subscribe || event == nua_r_unsubscribe) say("subscribe " + std::to_string(status));
  if (event == nua_i_notify && sip != nullptr) say_notify(watcher, *sip);
  if (event == nua_r_shutdown && status >= 200) su_root_break(watcher.root);
}

/// Signals are looked for ten times a second.
void on_timer(su_root_magic_t* magic, su_timer_t* /*timer*/, su_timer_arg_t* /*arg*/) {
  auto& watcher = *reinterpret_cast<Watcher*>(magic);
  if (is_over != 0 && !watcher.is_leaving) {
    watcher.is_leaving = true;
    nua_unsubscribe(watcher.handle, TAG_END());
  }
  if (watcher.has_ended) nua_shutdown(watcher.nua);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  std::signal(SIGTERM, [](int) { is_over = 1; });
  su_init();
  Watcher watcher;
  watcher.root = su_root_create(reinterpret_cast<su_root_magic_t*>(&watcher));
  watcher.nua = nua_create(watcher.root, on_event, reinterpret_cast<nua_magic_t*>(&watcher), NUTAG_URL(argv[1]), NUTAG_PROXY(argv[3]), TAG_END());
  watcher.handle = nua_handle(watcher.nua, nullptr, NUTAG_URL(argv[2]), SIPTAG_TO_STR(argv[2]), SIPTAG_FROM_STR(argv[1]), TAG_END());
  nua_subscribe(watcher.handle, SIPTAG_EVENT_STR("reg"), SIPTAG_ACCEPT_STR("application/reginfo+xml"), SIPTAG_EXPIRES_STR(argv[4]), TAG_END());
  su_timer_t* const timer = su_timer_create(su_root_task(watcher.root), 100);
  su_timer_set_for_ever(timer, on_timer, nullptr);
  su_root_run(watcher.root);
  su_timer_destroy(timer);
  nua_handle_destroy(watcher.handle);
  nua_destroy(watcher.nua);
  su_root_destroy(watcher.root);
  su_deinit();
  return watcher.has_ended ? 0 : 1;
}
