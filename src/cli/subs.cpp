// SPDX-License-Identifier: Apache-2.0
// Words to requests: subscriptions.
#include "show.h"
#include "words.h"

namespace viaduct::cli {
namespace {

using nlohmann::json;

void add_list(CLI::App& subs, Options& options, Action& action) {
  auto* sub = subs.add_subcommand("list", "who watches whom on this node");
  sub->add_option("AOR", options.subs.aor, "only those who watch this client");
  sub->add_option("--most", options.subs.most, "so many lines at the most")->check(CLI::Range(1, 100'000))->capture_default_str();
  sub->callback([&options, &action] {
    action = [&options] {
      json request = {{"verb", "subs.list"}, {"most", options.subs.most}};
      if (!options.subs.aor.empty()) request["aor"] = options.subs.aor;
      return ask(options, request, show_subscriptions);
    };
  });
}

void add_show(CLI::App& subs, Options& options, Action& action) {
  auto* sub = subs.add_subcommand("show", "one subscription");
  sub->add_option("ID", options.subs.id, "as `subs list` has it: our tag in its dialog")->required();
  sub->callback([&options, &action] { action = [&options] { return ask(options, {{"verb", "subs.show"}, {"id", options.subs.id}}, show_subscription); }; });
}

void add_terminate(CLI::App& subs, Options& options, Action& action) {
  auto* sub = subs.add_subcommand("terminate", "end subscriptions, each with a NOTIFY that says why");
  auto* which = sub->add_option_group("which")->require_option(1);
  which->add_option("ID", options.subs.id, "as `subs list` has it");
  which->add_option("--client", options.subs.aor, "all who watch this client")->type_name("AOR");
  sub->add_option("--reason", options.subs.reason, "what the subscriber is to do")
      ->check(CLI::IsMember({"deactivated", "probation", "rejected", "giveup", "noresource"}))
      ->capture_default_str();
  sub->add_option("--retry-after", options.subs.retry_after_s, "with probation: not to come back before")->type_name("SECONDS")->check(CLI::Range(0, 86'400));
  sub->callback([&options, &action] {
    action = [&options] {
      json request = {{"verb", "subs.terminate"}, {"reason", options.subs.reason}, {"retry_after_s", options.subs.retry_after_s}};
      if (options.subs.aor.empty())
        request["id"] = options.subs.id;
      else
        request["aor"] = options.subs.aor;
      return ask(options, request, show_terminated);
    };
  });
}

}  // namespace

void add_subs_verbs(CLI::App& app, Options& options, Action& action) {
  auto* subs = app.add_subcommand("subs", "subscriptions: who watches whose registrations")->require_subcommand(1);
  add_list(*subs, options, action);
  add_show(*subs, options, action);
  add_terminate(*subs, options, action);
}

}  // namespace viaduct::cli
