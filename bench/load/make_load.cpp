// SPDX-License-Identifier: Apache-2.0
// make_load pcap|pcap6 FILE COUNT | clients FILE FIRST COUNT HOMES: captures of REGISTERs, and assignments files. Same arguments, same octets.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#include "load/registers.h"
#include "viaduct/net/frame.h"

namespace viaduct::bench {
namespace {

constexpr std::uint64_t seed = 42;

template <typename T>
void put(std::ofstream& out, T value) {
  std::array<char, sizeof value> octets;
  std::memcpy(octets.data(), &value, sizeof value);
  out.write(octets.data(), octets.size());
}

// The classic format of libpcap: microseconds, Ethernet.
void put_file_header(std::ofstream& out) {
  put(out, std::uint32_t{0xa1b2c3d4});
  put(out, std::uint32_t{0x00040002});
  put(out, std::uint64_t{0});
  put(out, std::uint32_t{65535});
  put(out, std::uint32_t{1});
}

enum class Ip { v4, v6 };

base::Address host(Ip ip, std::uint8_t number) {
  return ip == Ip::v4 ? base::Address::v4({198, 18, 0, number}) : base::Address::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number});
}

// Of the device of the first file that DPDK's driver opens.
constexpr net::Mac pcap_mac = {0x02, 'p', 'c', 'a', 'p', 0};

// From a client at 198.18.0.1 or 2001:db8::1 to the node at 198.18.0.2 or 2001:db8::2, with good checksums.
std::string framed(const std::string& message, Ip ip, std::uint16_t source_port) {
  const std::size_t headers_bytes = net::header_bytes(ip == Ip::v4);
  std::string frame(headers_bytes, '\0');
  frame += message;
  auto* payload = reinterpret_cast<std::uint8_t*>(frame.data()) + headers_bytes;
  const net::Envelope envelope{
      .source_mac = {2, 0, 0, 0, 0, 1}, .destination_mac = pcap_mac, .source = {host(ip, 1), source_port}, .destination = {host(ip, 2), 5060}};
  net::write_headers(payload, message.size(), envelope, net::ChecksumWork::software);
  return frame;
}

void write_pcap(std::ofstream& out, Ip ip, std::uint32_t count) {
  Registers registers(seed);
  put_file_header(out);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string message = registers.mixed(registers.below(clients_max));
    const std::string frame = framed(message, ip, static_cast<std::uint16_t>(1024 + registers.below(60000)));
    put(out, std::uint64_t{i} << 32 | 1);
    put(out, static_cast<std::uint32_t>(frame.size()));
    put(out, static_cast<std::uint32_t>(frame.size()));
    out.write(frame.data(), static_cast<std::streamsize>(frame.size()));
  }
}

// Neighbouring clients are at homes far apart.
void write_clients(std::ofstream& out, std::uint32_t first, std::uint32_t count, std::uint32_t homes) {
  std::string rows;
  for (std::uint32_t client = first; client < first + count; ++client) {
    const std::uint32_t home = static_cast<std::uint32_t>((client * 0x9e3779b97f4a7c15U) >> 40) % homes;
    rows.append(user(client)).append("@example.com,home").append(std::to_string(home)).append("\n");
    if (rows.size() < 1U << 20) continue;
    out.write(rows.data(), static_cast<std::streamsize>(rows.size()));
    rows.clear();
  }
  out.write(rows.data(), static_cast<std::streamsize>(rows.size()));
}

std::uint32_t number(const char* text) { return static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10)); }

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  const bool is_pcap = (what == "pcap" || what == "pcap6") && argc == 4;
  const bool is_clients = what == "clients" && argc == 6;
  if (!is_pcap && !is_clients) return std::fputs("make_load pcap|pcap6 FILE COUNT | clients FILE FIRST COUNT HOMES\n", stderr), 2;
  std::ofstream out(argv[2], std::ios::binary);
  if (is_pcap)
    write_pcap(out, what == "pcap" ? Ip::v4 : Ip::v6, number(argv[3]));
  else
    write_clients(out, number(argv[3]), number(argv[4]), number(argv[5]));
  out.close();
  if (!out) return std::fprintf(stderr, "%s: cannot be written\n", argv[2]), 1;
  return 0;
}

}  // namespace
}  // namespace viaduct::bench

int main(int argc, char** argv) { return viaduct::bench::main(argc, argv); }
