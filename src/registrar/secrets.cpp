// SPDX-License-Identifier: Apache-2.0
#include "viaduct/registrar/secrets.h"

#include <algorithm>
#include <fstream>

namespace viaduct::registrar {
namespace {

/// The octets of hex digits; empty when it is none.
std::vector<std::uint8_t> unhexed(std::string_view text) {
  std::vector<std::uint8_t> out;
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1; };
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return {};
    out.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  return text.size() % 2 == 0 ? out : std::vector<std::uint8_t>{};
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  const std::size_t begin = std::min(text.find_first_not_of(blanks), text.size());
  return text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

/// Of a line that has been read before.
std::string aor_at(std::ifstream& in, std::size_t number) {
  in.clear();
  in.seekg(0);
  std::string line;
  for (std::size_t at = 0; at < number; ++at) std::getline(in, line);
  return std::string(trimmed(std::string_view(line).substr(0, line.rfind(',', line.rfind(',') - 1))));
}

}  // namespace

std::optional<std::size_t> Secrets::place_of(sip::DigestAlgorithm algorithm) const {
  const auto at = std::ranges::find(algorithms_, algorithm);
  return at == algorithms_.end() ? std::nullopt : std::optional{static_cast<std::size_t>(at - algorithms_.begin())};
}

/// Returns what is wrong with the line; empty: nothing.
std::string Secrets::add_line(std::string_view line, const sip::Domains& domains, const base::Key128& fleet_seed, std::vector<bool>& given) {
  const std::size_t last = line.rfind(','), middle = last == line.npos || last == 0 ? line.npos : line.rfind(',', last - 1);
  if (middle == line.npos) return "not of the form aor,algorithm,ha1";
  const std::string aor(trimmed(line.substr(0, middle)));
  const auto algorithm = sip::digest_algorithm(trimmed(line.substr(middle + 1, last - middle - 1)));
  if (!algorithm) return "the algorithm is none of MD5, SHA-256, SHA-512-256";
  const auto place = place_of(*algorithm);
  if (!place) return {};   // not offered here
  const auto octets = unhexed(trimmed(line.substr(last + 1)));
  if (octets.size() != digest_bytes(*algorithm)) return "the HA1 has not " + std::to_string(2 * digest_bytes(*algorithm)) + " hex digits";
  std::array<char, base::aor_bytes_max> room;
  const std::string uri = aor.find(':') == aor.npos || aor.find('@') < aor.find(':') ? "sip:" + aor : aor;
  const auto canonical = sip::canonical_aor(uri, domains, room);
  if (!canonical) return "no address-of-record: " + aor;
  const auto [at, is_new] = first_.try_emplace(sip::client_key(*canonical, fleet_seed), static_cast<std::uint32_t>(ha1s_.size()));
  if (is_new) {
    ha1s_.resize(ha1s_.size() + algorithms_.size());
    given.resize(ha1s_.size());
  }
  if (given[at->second + *place]) return "a second HA1 of one algorithm for " + aor;
  given[at->second + *place] = true;
  std::ranges::copy(octets, ha1s_[at->second + *place].begin());
  return {};
}

std::expected<Secrets, std::string> Secrets::read(const std::filesystem::path& file, std::vector<sip::DigestAlgorithm> algorithms, const sip::Domains& domains,
                                                  const base::Key128& fleet_seed) {
  Secrets out(std::move(algorithms));
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::unexpected(file.string() + ": cannot be read");
  std::vector<bool> given;
  std::vector<std::size_t> first_lines;   // of the clients
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (const auto text = trimmed(line); text.empty() || text.front() == '#') continue;
    if (const std::string fault = out.add_line(line, domains, fleet_seed, given); !fault.empty())
      return std::unexpected(file.string() + ':' + std::to_string(number) + ": " + fault);
    first_lines.resize(given.size() / out.algorithms_.size(), number);
  }
  if (in.bad()) return std::unexpected(file.string() + ": cannot be read");
  if (const auto lacking = std::ranges::find(given, false); lacking != given.end()) {
    const auto at = static_cast<std::size_t>(lacking - given.begin());
    const std::size_t line = first_lines[at / out.algorithms_.size()];
    return std::unexpected(file.string() + ':' + std::to_string(line) + ": " + aor_at(in, line) + " has no HA1 for " +
                           std::string(sip::name(out.algorithms_[at % out.algorithms_.size()])) + ", which is offered");
  }
  return out;
}

const Ha1* Secrets::find(const sip::ClientKey& client, sip::DigestAlgorithm algorithm) const {
  const auto place = place_of(algorithm);
  const auto at = first_.find(client);
  return place && at != first_.end() ? &ha1s_[at->second + *place] : nullptr;
}

}  // namespace viaduct::registrar
