// SPDX-License-Identifier: Apache-2.0
// Verbs about all clients: files in, files out, store against table, and the numbers of all of it.
#include <chrono>
#include <map>

#include "answers.h"
#include "viaduct/control/import.h"

namespace viaduct::api {
namespace {

using nlohmann::json;
using site::Site;

// Told to a person; whoever wants the others imports what is left again.
constexpr std::uint64_t rejects_told_max = 1000;
constexpr std::size_t export_piece_bytes = std::size_t{1} << 17;

// --- import

/// Says now and then how far it is, so that the other side sees that it is not stuck; never waits for that, since who commits keeps all others from it.
class Progress {
 public:
  Progress(Stream& stream, const char* phase) : stream_(stream), phase_(phase) {}
  void operator()(std::uint64_t done) {
    const auto now = std::chrono::steady_clock::now();
    if (now - told_ < std::chrono::milliseconds(200)) return;
    told_ = now;
    stream_.offer_line({{"phase", phase_}, {"done", done}});
  }

 private:
  Stream& stream_;
  const char* phase_;
  std::chrono::steady_clock::time_point told_{std::chrono::steady_clock::now()};
};

control::Expected<control::ImportOptions> import_options(const json& request) {
  static const std::map<std::string, control::LineKind> kinds = {{"import", control::LineKind::placement},
                                                                 {"assign", control::LineKind::assign},
                                                                 {"pin", control::LineKind::pin},
                                                                 {"unassign", control::LineKind::unassign}};
  const auto kind = kinds.find(request.value("kind", std::string("import")));
  if (kind == kinds.end()) return std::unexpected("kind: import, assign, pin or unassign");
  return control::ImportOptions{.kind = kind->second,
                                .home = request.value("home", std::string{}),
                                .dry_run = request.value("dry_run", false),
                                .skip_rejected = request.value("skip_rejected", false)};
}

control::Expected<std::unique_ptr<control::Import>> begin_import(const Plant& plant, const json& request, Stream& stream) {
  auto options = import_options(request);
  if (!options) return std::unexpected(options.error());
  const auto tell = [&stream, told = std::uint64_t{0}](std::uint64_t line, const std::string& why) mutable {
    if (++told <= rejects_told_max) stream.write_line({{"line", line}, {"rejected", why}});
  };
  control::Expected<std::unique_ptr<control::Import>> import;
  plant.loop.call([&] { import = control::Import::begin(plant.placements, plant.commons.site.read(), std::move(*options), plant.config.store_path, tell); });
  return import;
}

/// Of one that was written with the epoch of it.
json report_json(const control::ImportReport& r, bool is_written) {
  json out = {{"lines", r.lines}, {"rows", r.rows}, {"rejected", r.rejected}, {"repeated", r.repeated}, {"changed", r.outcome.changed}};
  if (is_written) out["epoch"] = r.outcome.epoch;
  return out;
}

/// Take the whole file, then commit. The peer ends its side where the file ends.
json import_from(const Plant& plant, const json& request, const std::string& who, Stream& stream) {
  auto import = begin_import(plant, request, stream);
  if (!import) return failure(import.error());
  Progress reading(stream, "reading");
  for (auto octets = stream.read(); !octets.empty(); octets = stream.read()) {
    if (const auto taken = (*import)->take(octets); !taken) return failure(taken.error());
    reading((*import)->report().rows);
  }
  // A peer that died has ended its side too, in the middle of its file, and a node that stops has not read all of it: what came is no file.
  if (!stream.write_line({{"phase", "writing"}, {"done", 0}})) return failure("the node is stopping: nothing was changed");
  Progress writing(stream, "writing");
  const auto done = (*import)->finish(
      {.author = {who, request.value("why", std::string{})}, .fleet = {}, .show_fleet = {}, .moves = {}, .tell = [&](std::uint64_t moves) { writing(moves); }});
  json out = report_json(done ? *done : (*import)->report(), done && !request.value("dry_run", false));
  out["ok"] = done.has_value();
  if (!done) out["error"] = done.error();
  return out;
}

// --- export

struct Filter {
  std::optional<assign::HomeIndex> home;
  std::string prefix;
  std::optional<bool> pin;
  [[nodiscard]] bool takes(const store::Record& r, std::string_view aor) const {
    return (!home || r.home == *home) && (!pin || r.pin == *pin) && aor.starts_with(prefix);
  }
};

control::Expected<Filter> filter_of(const json& request, const Site& site) {
  Filter f{.home = {}, .prefix = request.value("prefix", std::string{}), .pin = {}};
  if (request.contains("home")) {
    const auto name = request["home"].get<std::string>();
    f.home = site.homes.find(name);
    if (*f.home == assign::no_home) return std::unexpected(name + ": no such home");
  }
  if (request.contains("pin")) f.pin = request["pin"].get<bool>();
  return f;
}

/// RFC 4180 2: a field with a comma or a quote is quoted.
void append_field(std::string& out, std::string_view field) {
  if (field.find_first_of(",\"#") == field.npos) {
    out += field;
    return;
  }
  out += '"';
  for (const char c : field) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

/// The rows of a snapshot as CSV. The last line is a comment that says that it is the last.
json export_to(const Plant& plant, const json& request, Stream& stream) {
  control::Expected<Filter> filter;
  std::vector<std::string> homes;
  plant.loop.call([&] {
    filter = filter_of(request, plant.commons.site.read());
    for (const assign::Home& h : plant.commons.site.read().homes) homes.push_back(h.name);
  });
  if (!filter) return failure(filter.error());
  const auto snapshot = plant.placements.store().snapshot();
  if (!snapshot) return failure(snapshot.error().text);
  if (!stream.write_line({{"ok", true}, {"epoch", (*snapshot)->epoch()}})) return {};
  std::string piece = "aor,home,pin\n";
  std::uint64_t rows = 0;
  bool is_taken = true;
  const auto read = (*snapshot)->clients(0, std::uint32_t{1} << store::block_bits, [&](const store::Record& r, std::string_view aor) {
    if (!filter->takes(r, aor)) return true;
    ++rows;
    append_field(piece, aor);
    piece += ',';
    append_field(piece, r.home < homes.size() ? homes[r.home] : "");
    piece += r.pin ? ",pin\n" : "\n";
    if (piece.size() < export_piece_bytes) return true;
    is_taken = stream.write(piece);
    piece.clear();
    return is_taken;
  });
  if (!is_taken) return {};   // the node stops, or the peer has gone: these were not all
  piece += read ? "# end: " + std::to_string(rows) + " clients, epoch " + std::to_string((*snapshot)->epoch()) + '\n' : "# error: " + read.error().text + '\n';
  stream.write(piece);
  return {};
}

}  // namespace

Answer clients_import(const Plant& plant, const json& request, const std::string& who) {
  return [&plant, request, who](Stream& stream) { stream.write_line(import_from(plant, request, who, stream)); };
}

Answer clients_export(const Plant& plant, const json& request, const std::string&) {
  return [&plant, request](Stream& stream) {
    if (const json refused = export_to(plant, request, stream); !refused.is_null()) stream.write_line(refused);
  };
}

Answer clients_verify(const Plant& plant, const json&, const std::string&) {
  return [&plant](Stream& stream) {
    Progress comparing(stream, "comparing");
    const auto done = plant.placements.verify([&](std::uint64_t clients) { comparing(clients); });
    if (!done) {
      stream.write_line(failure(done.error()));
      return;
    }
    json out = {{"ok", done->faults_count == 0}, {"clients", done->clients}, {"faults", done->faults_count}, {"first_faults", done->faults}};
    if (done->faults_count > 0) out["error"] = std::to_string(done->faults_count) + " faults, the first: " + done->faults.front();
    stream.write_line(out);
  };
}

json clients_stats(const Plant& plant, const json&) {
  assign::Assignment::Statistics table;
  std::vector<std::string> names;
  plant.loop.call([&] {
    table = plant.commons.assignment.statistics();
    for (const assign::Home& h : plant.commons.site.read().homes) names.push_back(h.name);
  });
  json homes = json::object();
  const auto counts = plant.placements.counts();
  for (std::size_t i = 0; i < std::min(counts.size(), names.size()); ++i) homes[names[i]] = {{"overrides", counts[i].overrides}, {"pins", counts[i].pins}};
  const std::size_t clients = table.pins + table.overrides;
  const auto ratio = [](std::size_t a, std::size_t b) { return b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b); };
  return {{"ok", true},
          {"loaded", plant.placements.is_loaded()},
          {"clients", clients},
          {"pins", table.pins},
          {"overrides", table.overrides},
          {"homes", homes},
          {"table",
           {{"shards", table.shards},
            {"capacity", table.capacity},
            {"load_ratio", ratio(clients, table.capacity)},
            {"bytes", table.bytes},
            {"bytes_per_client", ratio(table.bytes, clients)},
            {"reserved_bytes", table.bytes_reserved}}},
          {"store", {{"bytes", plant.placements.store().bytes()}, {"bytes_per_client", ratio(plant.placements.store().bytes(), clients)}}}};
}

}  // namespace viaduct::api
