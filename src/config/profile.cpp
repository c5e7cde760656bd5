// SPDX-License-Identifier: Apache-2.0
// [dpdk]: the profile is found, its parameters are put in, and the site's own values laid over it.
#include <algorithm>
#include <charconv>
#include <set>

#include "sections.h"
#include "values.h"
#include "viaduct/base/limits.h"

namespace viaduct::config {
namespace {

namespace fs = std::filesystem;

constexpr Range descriptors_range{64, 32768};
constexpr Range buffers_range{511, 4'194'303};       // a pool of 2^n - 1 wastes nothing; below, one burst a worker would empty it
constexpr Range large_buffers_range{63, 1'048'575};
const std::vector<std::string> site_keys = {"profile", "port",          "hugepages",        "rx_descriptors",      "tx_descriptors",
                                            "buffers", "large_buffers", "checksum_offload", "ignore_udp_checksum", "pretend_checksum_offload"};

/// The names of the profiles that there are, for the error about one that there is not.
std::string profiles_text(const std::vector<fs::path>& dirs) {
  std::set<std::string> names;
  for (const auto& dir : dirs) {
    std::error_code failure;
    for (fs::directory_iterator at{dir, failure}, end; !failure && at != end; at.increment(failure))
      if (at->path().extension() == ".toml") names.insert('"' + at->path().stem().string() + '"');
  }
  std::string out = names.empty() ? "" : list_of({names.begin(), names.end()}) + ", or ";
  return out + "the path of a profile";
}

fs::path find_profile(const Item& name, const std::vector<fs::path>& dirs, const fs::path& config_file) {
  std::error_code failure;
  const bool is_path = name.text.contains('/') || name.text.ends_with(".toml");
  if (is_path) {
    auto path = from_folder_of(config_file, name.text);
    if (fs::is_regular_file(path, failure)) return path;
  } else {
    for (const auto& dir : dirs)
      if (auto path = dir / (name.text + ".toml"); fs::is_regular_file(path, failure)) return path;
  }
  name.refuse("there is no profile \"" + name.text + '"', profiles_text(dirs));
}

bool ends_in(std::string_view name, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(), [&](auto ending) { return name.ends_with(ending); });
}

/// A parameter's value as EAL gets it. What it must be follows from its name.
std::string parameter_value(const Item& item, std::string_view name, const fs::path& config_file) {
  // EAL separates a device's arguments by commas and has no way to quote one.
  if (item.text.empty() || item.text.find_first_of(",\n") != item.text.npos) item.refuse("is empty or holds a comma", "text without commas");
  if (ends_in(name, {"_pcap", "_file", "socket"})) return from_folder_of(config_file, item.text);
  if (name == "interface") return interface(item);
  if (ends_in(name, {"_mb"})) {
    unsigned value = 0;
    const auto* end = item.text.data() + item.text.size();
    const auto [stop, error] = std::from_chars(item.text.data(), end, value);
    if (error != std::errc{} || stop != end || value < 32 || value > 1'048'576) item.refuse(item.text + " is out of range", "32 to 1048576");
  }
  return item.text;
}

using Values = std::vector<std::pair<std::string, std::string>>;

/// The profile's parameters for that port, with the values that its table gives them, or [dpdk], or their defaults.
Values parameter_values(const Table& parameters, const Table& dpdk, const Table& port, const Config& config, std::size_t number) {
  Values values = {{"workers", std::to_string(config.workers)}, {"port", std::to_string(number)}};
  for (const auto& name : parameters.keys()) {
    const auto fallback = parameters.required_item(name, "a string: the default, empty when there is none");
    const auto own = port.scalar(name);
    const auto given = own ? own : dpdk.scalar(name);
    if (!given && fallback.text.empty()) port.place(name).refuse("is missing, and the profile \"" + config.dpdk.profile + "\" needs it", "a value for " + name);
    values.emplace_back(name, given ? parameter_value(*given, name, config.file) : fallback.text);
  }
  return values;
}

std::string braced(std::string_view name) { return std::string{"{"}.append(name).append("}"); }

std::string substituted(const Item& item, const Values& values) {
  std::string out;
  std::string_view rest = item.text;
  for (std::size_t open = rest.find('{'); open != rest.npos; open = rest.find('{')) {
    const std::size_t close = rest.find('}', open);
    const auto name = rest.substr(open + 1, close == rest.npos ? close : close - open - 1);
    const auto value = std::find_if(values.begin(), values.end(), [&](const auto& v) { return v.first == name; });
    if (close == rest.npos || value == values.end()) {
      std::vector<std::string> names;
      for (const auto& [known, text] : values) names.push_back(braced(known));
      item.refuse(braced(name) + " stands for nothing", list_of(names));
    }
    out.append(rest.substr(0, open)).append(value->second);
    rest.remove_prefix(close + 1);
  }
  return out.append(rest);
}

/// One without a name where no table names any: [dpdk] itself describes it.
std::vector<Table> port_tables(const Table& dpdk) {
  auto tables = dpdk.children("port");
  if (tables.empty()) tables.push_back(dpdk);
  return tables;
}

/// What is the same for several ports is said once.
void add_argument(std::string argument, std::vector<std::string>& arguments) {
  if (std::find(arguments.begin(), arguments.end(), argument) == arguments.end()) arguments.push_back(std::move(argument));
}

/// What names the device of a port in its table: no two can have one.
void check_device(const Values& values, const Table& port, std::set<std::string>& taken) {
  for (const auto& [name, value] : values)
    if ((name == "interface" || name == "pci") && !taken.insert(value).second)
      port.place(name).refuse('"' + value + "\" is another port's", "each device once");
}

void read_devices(const Table& profile, const Table& dpdk, Config& config) {
  std::vector<std::string> known = site_keys;
  const auto parameters = profile.child("parameters");
  const auto names = parameters.keys();
  known.insert(known.end(), names.begin(), names.end());
  dpdk.only(known);
  const auto tables = port_tables(dpdk);
  auto known_of_port = names;
  known_of_port.emplace_back("name");
  for (const auto& table : dpdk.children("port")) table.only(known_of_port);
  const bool hugepages = dpdk.flag("hugepages", false);
  std::set<std::string> taken;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const auto values = parameter_values(parameters, dpdk, tables[i], config, i);
    check_device(values, tables[i], taken);
    const auto device = profile.required_item("device", "the device's name to EAL");
    config.dpdk.ports[i].device = substituted(device, values);
    for (const auto& item : profile.items("eal", "an array of EAL arguments")) add_argument(substituted(item, values), config.dpdk.eal_arguments);
    if (i != 0) continue;
    for (const auto& item : profile.items(hugepages ? "memory_huge" : "memory", "an array of EAL arguments"))
      config.dpdk.eal_arguments.push_back(substituted(item, values));
  }
}

std::uint16_t read_rx_queues(const Table& profile, const Config& config) {
  const auto given = profile.scalar("rx_queues_max");
  if (!given) return 1;
  if (given->text == "workers") return static_cast<std::uint16_t>(config.workers);
  std::uint16_t count = 0;
  const auto* end = given->text.data() + given->text.size();
  const auto [stop, error] = std::from_chars(given->text.data(), end, count);
  if (error != std::errc{} || stop != end || count < 1 || count > base::workers_max)
    given->refuse_text("is no number of queues", "1 to " + std::to_string(base::workers_max) + ", or \"workers\"");
  return count;
}

/// The values that a profile proposes and a site may change, from either table.
void read_port(const Table& table, Dpdk& dpdk) {
  dpdk.rx_descriptors = table.number("rx_descriptors", descriptors_range, dpdk.rx_descriptors);
  dpdk.tx_descriptors = table.number("tx_descriptors", descriptors_range, dpdk.tx_descriptors);
  dpdk.buffers_count = table.number("buffers", buffers_range, dpdk.buffers_count);
  dpdk.large_buffers_count = table.number("large_buffers", large_buffers_range, dpdk.large_buffers_count);
  dpdk.checksum_offload = table.flag("checksum_offload", dpdk.checksum_offload);
  dpdk.ignore_udp_checksum = table.flag("ignore_udp_checksum", dpdk.ignore_udp_checksum);
  dpdk.pretend_checksum_offload = table.flag("pretend_checksum_offload", dpdk.pretend_checksum_offload);
}

}  // namespace

void read_port_names(const Table& dpdk, Config& config) {
  const auto tables = dpdk.children("port");
  if (tables.size() > base::ports_max) dpdk.place("port").refuse("lists " + std::to_string(tables.size()), "1 to " + std::to_string(base::ports_max));
  for (const auto& table : tables) {
    const auto item = table.required_item("name", label_text(base::port_name_bytes_max));
    const auto name = label(item, base::port_name_bytes_max);
    const auto& ports = config.dpdk.ports;
    if (std::any_of(ports.begin(), ports.end(), [&](const DpdkPort& p) { return p.name == name; })) item.refuse_text("is given twice", "each name once");
    config.dpdk.ports.push_back({.name = name, .device = {}});
  }
  if (tables.empty()) config.dpdk.ports.emplace_back();
}

void read_dpdk(const Table& dpdk, const std::vector<fs::path>& profile_dirs, Config& config) {
  const auto name = dpdk.required_item("profile", profiles_text(profile_dirs));
  const Document document{find_profile(name, profile_dirs, config.file)};
  const auto profile = document.root();
  profile.only({"device", "eal", "memory", "memory_huge", "rx_queues_max", "control_queue", "rx_descriptors", "tx_descriptors", "buffers", "large_buffers",
                "checksum_offload", "ignore_udp_checksum", "pretend_checksum_offload", "idle", "parameters"});
  config.dpdk.profile = name.text;
  read_devices(profile, dpdk, config);
  config.dpdk.rx_queues_max = read_rx_queues(profile, config);
  config.dpdk.control_queue = profile.flag("control_queue", false);
  config.dpdk.idle_default = profile.choice<Idle>("idle", {{"adaptive", Idle::adaptive}, {"poll", Idle::poll}}, Idle::adaptive);
  read_port(profile, config.dpdk);
  read_port(dpdk, config.dpdk);
}

}  // namespace viaduct::config
