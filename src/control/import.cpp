// SPDX-License-Identifier: Apache-2.0
// Lines to moves.
#include "viaduct/control/import.h"

#include "sorter.h"
#include "viaduct/base/limits.h"
#include "viaduct/config/config.h"

namespace viaduct::control {

struct Import::Impl {
  Placements& placements;
  ImportOptions options;
  TellReject tell_reject;
  Sorter sorter;
  // As the site had them when the import began; that a home still stands is looked at again with the batch.
  sip::Domains domains;
  base::Key128 fleet_seed;
  assign::Homes homes;
  assign::HomeIndex home{assign::no_home};   // of assign and pin
  ImportReport report;
  std::string rest;                          // of a line that was cut

  struct Row {
    Client client;
    std::optional<assign::HomeIndex> home;
    bool pin{};
  };
  [[nodiscard]] Expected<std::optional<Row>> row_of(std::string_view line) const;
  [[nodiscard]] Expected<void> take_line(std::string_view line);
};

namespace {

Expected<assign::HomeIndex> usable_home(const assign::Homes& homes, std::string_view name) {
  const assign::HomeIndex home = homes.find(name);
  if (home == assign::no_home || homes[home].state == assign::HomeState::removed) return std::unexpected(std::string(name) + ": no such home");
  return home;
}

}  // namespace

Expected<std::optional<Import::Impl::Row>> Import::Impl::row_of(std::string_view line) const {
  Row row{.client = {}, .home = std::nullopt, .pin = options.kind == LineKind::pin};
  std::string aor;
  if (options.kind == LineKind::placement) {
    auto read = config::read_assignment(line);
    if (!read) return std::unexpected(read.error());
    if (!*read) return std::nullopt;
    const auto named = usable_home(homes, (*read)->home);
    if (!named) return std::unexpected(named.error());
    row.home = *named;
    row.pin = (*read)->pin;
    aor = std::move((*read)->aor);
  } else {
    auto read = config::read_aor(line);
    if (!read) return std::unexpected(read.error());
    if (!*read) return std::nullopt;
    if (options.kind != LineKind::unassign) row.home = home;
    aor = std::move(**read);
  }
  auto client = client_named(aor, domains, fleet_seed);
  if (!client) return std::unexpected(client.error());
  row.client = std::move(*client);
  return row;
}

Expected<void> Import::Impl::take_line(std::string_view line) {
  if (++report.lines == 1 && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);  // the byte order mark that spreadsheets write
  const auto row = row_of(line);
  if (!row) {
    ++report.rejected;
    tell_reject(report.lines, row.error());
    return {};
  }
  if (!*row) return {};
  ++report.rows;
  if (options.dry_run) return {};
  return sorter.add((*row)->client.key, (*row)->client.aor, (*row)->home, (*row)->pin);
}

Import::Import(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Import::~Import() = default;
const ImportReport& Import::report() const { return impl_->report; }

Expected<std::unique_ptr<Import>> Import::begin(Placements& placements, const site::Site& site, ImportOptions options, const std::filesystem::path& folder,
                                                TellReject tell_reject) {
  assign::HomeIndex home = assign::no_home;
  if (options.kind == LineKind::assign || options.kind == LineKind::pin) {
    const auto named = usable_home(site.homes, options.home);
    if (!named) return std::unexpected(named.error());
    home = *named;
  }
  return std::unique_ptr<Import>(new Import(std::make_unique<Impl>(Impl{.placements = placements,
                                                                        .options = std::move(options),
                                                                        .tell_reject = std::move(tell_reject),
                                                                        .sorter = Sorter(folder),
                                                                        .domains = site.domains,
                                                                        .fleet_seed = site.fleet_seed,
                                                                        .homes = site.homes,
                                                                        .home = home,
                                                                        .report = {},
                                                                        .rest = {}})));
}

Expected<void> Import::take(std::string_view octets) {
  Impl& i = *impl_;
  for (std::size_t end = octets.find('\n'); end != octets.npos; end = octets.find('\n')) {
    i.rest += octets.substr(0, end);
    octets.remove_prefix(end + 1);
    if (const auto taken = i.take_line(i.rest); !taken) return taken;
    i.rest.clear();
  }
  // Of a line that is too long only so much is kept that it is seen to be.
  i.rest += octets.substr(0, std::min(octets.size(), base::assignment_line_bytes_max + 1 - std::min(i.rest.size(), base::assignment_line_bytes_max + 1)));
  return {};
}

Expected<ImportReport> Import::finish(Batch batch) {
  Impl& i = *impl_;
  if (!i.rest.empty())
    if (const auto taken = i.take_line(i.rest); !taken) return std::unexpected(taken.error());
  i.rest.clear();
  if (i.report.rejected > 0 && !i.options.skip_rejected)
    return std::unexpected(std::to_string(i.report.rejected) + " lines were rejected: nothing was changed");
  if (i.options.dry_run) return i.report;
  batch.moves = [&](store::Move& move) { return i.sorter.next(move); };
  auto outcome = i.placements.commit(std::move(batch));
  if (!outcome) return std::unexpected(outcome.error());
  i.report.outcome = *outcome;
  i.report.repeated = i.sorter.repeated();
  return i.report;
}

}  // namespace viaduct::control
