// SPDX-License-Identifier: Apache-2.0
#include "exact.h"

#include <glpk.h>

#include <algorithm>
#include <map>
#include <memory>

#include "viaduct/base/check.h"

namespace viaduct::balance::test {
namespace {

std::vector<Lot> lots_of(const Case& c) {
  std::map<std::tuple<HomeIndex, int, int>, Lot> clients;
  for (std::size_t i = 0; i < c.client_home.size(); ++i) {
    const bool is_pinned = (c.client_flags[i] & immovable_flag) != 0, is_watched = (c.client_flags[i] & watched_flag) != 0;
    Lot& lot = clients[{c.client_home[i], c.client_load[i], is_pinned ? 2 : is_watched ? 1 : 0}];
    lot = {load_of(c.client_load[i]), is_watched ? c.limits.watched_cost : 1, lot.count + 1, c.client_home[i], !is_pinned};
  }
  std::vector<Lot> out;
  for (const auto& [kind, lot] : clients) out.push_back(lot);
  for (const Group& g : c.groups) out.push_back({std::max(g.load, load_of(0)), std::max(1.0, 1.0 * g.clients), 1, g.home, !g.is_immovable});
  return out;
}

struct Problem {
  Problem() : lp(glp_create_prob()) {
    glp_set_obj_dir(lp, GLP_MIN);
    rows.push_back(0), columns.push_back(0), values.push_back(0);  // GLPK counts from 1
  }
  ~Problem() { glp_delete_prob(lp); }
  Problem(const Problem&) = delete;
  Problem& operator=(const Problem&) = delete;
  int row(double least, double most) {
    const int r = glp_add_rows(lp, 1);
    glp_set_row_bnds(lp, r, least == most ? GLP_FX : GLP_DB, least, most);
    return r;
  }
  int column(double most, double cost) {
    const int j = glp_add_cols(lp, 1);
    glp_set_col_bnds(lp, j, GLP_DB, 0, most);
    glp_set_obj_coef(lp, j, cost);
    return j;
  }
  void set(int r, int j, double value) { rows.push_back(r), columns.push_back(j), values.push_back(value); }
  std::optional<double> solve() {
    glp_load_matrix(lp, static_cast<int>(rows.size()) - 1, rows.data(), columns.data(), values.data());
    glp_smcp how;
    glp_init_smcp(&how);
    how.msg_lev = GLP_MSG_OFF;
    how.meth = GLP_DUALP;
    base::check(glp_simplex(lp, &how) == 0, "GLPK gives up");
    if (glp_get_status(lp) != GLP_OPT) return {};
    return glp_get_obj_val(lp);
  }

  glp_prob* lp;
  std::vector<int> rows, columns;
  std::vector<double> values;
};

}  // namespace

bool receives(const Home& h) { return (h.state == HomeState::up || h.state == HomeState::joining) && h.weight > 0; }
bool is_left(const Home& h) { return h.state == HomeState::draining; }

Accounts accounts_of(const Case& c) {
  Accounts out{.lots = lots_of(c), .factor = std::vector<double>(c.homes.size(), 1), .loads = std::vector<double>(c.homes.size())};
  auto& factor = out.factor;
  std::vector<double> own(c.homes.size());
  for (const Lot& lot : out.lots) own[lot.home] += lot.load * lot.count;
  double away = 0, weights = 0;
  for (std::size_t s = 0; s < own.size(); ++s) {
    if (c.homes[s].state == HomeState::down) away += own[s];
    if (receives(c.homes[s])) weights += c.homes[s].weight;
  }
  for (std::size_t s = 0; s < own.size(); ++s) {
    const Home& h = c.homes[s];
    if (h.state == HomeState::down) continue;
    const double visiting = receives(h) ? away * h.weight / weights : 0;
    out.loads[s] = h.load > 0 ? h.load : own[s] + visiting;
    if (own[s] + visiting > 0) factor[s] = out.loads[s] / (own[s] + visiting);
  }
  for (const double load : out.loads) out.shared += load;
  for (Lot& lot : out.lots) {
    lot.load *= factor[lot.home];
    if (!lot.is_movable && is_left(c.homes[lot.home])) out.shared -= lot.load * lot.count;
  }
  return out;
}

std::vector<Range> ranges_of(const Case& c, const Accounts& a) {
  std::vector<Range> out;
  const auto bounds = bounds_of(c.homes, a.shared, c.limits);
  for (std::size_t s = 0; s < bounds.size(); ++s) {
    const double most = std::max(bounds[s].filled, std::min(a.loads[s], bounds[s].cap));
    out.push_back({bounds[s].floor, most});
  }
  return out;
}

std::optional<double> least_cost(const Case& c) {
  const Accounts a = accounts_of(c);
  const auto ranges = ranges_of(c, a);
  Problem lp;
  std::vector<int> home_row(c.homes.size());
  for (std::size_t s = 0; s < c.homes.size(); ++s) {
    if (receives(c.homes[s])) home_row[s] = lp.row(ranges[s].least - a.loads[s], ranges[s].most - a.loads[s]);
  }
  for (const Lot& lot : a.lots) {
    const bool must_go = is_left(c.homes[lot.home]);
    if (!lot.is_movable || (c.homes[lot.home].state == HomeState::down && !must_go)) continue;
    const int lot_row = lp.row(must_go ? lot.count : 0, lot.count);
    for (std::size_t t = 0; t < c.homes.size(); ++t) {
      if (t == lot.home || !receives(c.homes[t])) continue;
      const int j = lp.column(lot.count, lot.cost);
      lp.set(lot_row, j, 1);
      lp.set(home_row[t], j, lot.load);
      if (home_row[lot.home] != 0) lp.set(home_row[lot.home], j, -lot.load);
    }
  }
  if (glp_get_num_cols(lp.lp) == 0) return {};
  return lp.solve();
}

}  // namespace viaduct::balance::test
