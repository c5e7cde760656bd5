// SPDX-License-Identifier: Apache-2.0
// viaductd: the command line, the signals, and a node.
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <initializer_list>
#include <thread>

#include "exit.h"
#include "explain.h"
#include "node.h"
#include "rules.h"
#include "settings.h"
#include "viaduct/api/version.h"
#include "viaduct/config/config.h"
#include "viaduct/control/build_site.h"
#include "viaduct/control/homes.h"

namespace viaduct {
namespace {

struct Options {
  std::filesystem::path config{"/etc/viaduct/viaduct.toml"};
  std::filesystem::path explain;
  RulesTest rules;
  bool check{};
  bool json{};
};

// An operator's own files first, then those of the installation, then those of the source tree that a build folder lies in.
std::vector<std::filesystem::path> dirs(const std::string& name) {
  const auto self = std::filesystem::canonical("/proc/self/exe").parent_path();
  return {std::filesystem::path("/etc/viaduct") / name, (self / "../share/viaduct" / name).lexically_normal(), (self / "../../.." / name).lexically_normal()};
}

Folders folders() { return {.profiles = dirs("dpdk-config"), .rules = dirs("rules")}; }

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : signals) sigaddset(&set, s);
  return set;
}

// SIGTERM and SIGINT stop.
void await_stop(std::atomic<bool>& quit) {
  const sigset_t set = set_of({SIGTERM, SIGINT});
  int signal = 0;
  sigwait(&set, &signal);
  quit.store(true, std::memory_order_relaxed);
}

// SIGHUP reloads, on a thread of its own: a reload waits for whoever changes placements, and must not keep a stop waiting. Ends with the first one after `quit`.
void serve_reloads(Node& node, const std::atomic<bool>& quit) {
  const sigset_t set = set_of({SIGHUP});
  for (int signal = 0; sigwait(&set, &signal) == 0 && !quit.load(std::memory_order_relaxed);) node.reload_and_log();
}

// Before any thread is made, since each inherits it: SIGTERM, SIGINT and SIGHUP wait for the two threads above, also while the configuration is read, and who
// writes a line of the log to a pipe that nobody reads any more gets an error.
void hold_signals() {
  const sigset_t set = set_of({SIGTERM, SIGINT, SIGHUP});
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
}

int run(const config::Config& config) {
  auto node = Node::start(config, folders());
  if (!node) {
    spdlog::error("{}", node.error());
    return 1;
  }
  std::atomic<bool> quit{};
  std::thread stops([&] { await_stop(quit); });
  std::thread reloads([&] { serve_reloads(**node, quit); });
  const bool ran = (*node)->run(quit);
  stops.join();
  pthread_kill(reloads.native_handle(), SIGHUP);
  reloads.join();
  return ran ? 0 : 1;
}

/// What is read at a start besides the configuration's own file is read as well.
int check(const config::Config& config) {
  const auto refuse = [](const std::string& why) { return std::fprintf(stderr, "%s\n", why.c_str()), 1; };
  if (const auto rules = compile_rules(config, config.workers, folders().rules); !rules) return refuse(rules.error());
  const auto site = control::build_site(config, control::homes_of(config));
  if (!site) return refuse(config.file.string() + ": " + site.error());
  if (const auto registering = registrar_of(config, (*site)->domains); !registering) return refuse(registering.error());
  std::printf("%s: OK\n", config.file.c_str());
  return 0;
}

int main(int argc, char** argv) {
  Options o;
  CLI::App app{"viaductd: a SIP edge that takes its packets past the kernel"};
  app.add_option("--config", o.config, "configuration file (TOML)")->capture_default_str();
  app.add_flag("--check", o.check, "check the configuration and end");
  app.add_option("--explain", o.explain, "say what would be done with the messages of a .sip, .pcap or .pcapng file, and end");
  app.add_option("--test-rules", o.rules.file,
                 "say what the screening rules of a file decide about messages on standard input, parted by lines of --, and end");
  app.add_option("--source", o.rules.source, "with --test-rules: where the messages come from")->capture_default_str();
  app.add_flag("--json", o.json, "with --explain and --test-rules: one JSON object a message");
  app.set_version_flag("--version", std::string(api::version));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : wrong_use;
  }
  spdlog::set_default_logger(spdlog::stderr_logger_mt("viaductd"));
  if (!o.rules.file.empty()) {
    o.rules.as_json = o.json;
    return test_rules(o.rules);
  }
  const bool runs = !o.check && o.explain.empty();
  if (runs) hold_signals();
  const auto config = config::load(o.config, folders().profiles);
  if (!config) {
    std::fprintf(stderr, "%s\n", config.error().text.c_str());
    return 1;
  }
  spdlog::set_default_logger(spdlog::default_logger()->clone(config->node_name));
  if (runs) return run(*config);
  return o.check ? check(*config) : explain(*config, o.explain, o.json);
}

}  // namespace
}  // namespace viaduct

int main(int argc, char** argv) {
  try {
    return viaduct::main(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "viaductd: %s\n", e.what());
    return 1;
  }
}
