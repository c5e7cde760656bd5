// SPDX-License-Identifier: Apache-2.0
// Blocks of pcapng, in this machine's order of octets, which the file says.
#include "pcapng.h"

namespace viaduct::cli {
namespace {

constexpr std::uint32_t section_header = 0x0a0d0d0a, interface_description = 1, enhanced_packet = 6;
constexpr std::uint16_t option_end = 0, option_comment = 1;
constexpr std::uint16_t application_name = 4;      // of a section
constexpr std::uint16_t time_resolution = 9;       // of an interface
constexpr std::uint16_t packet_flags = 2;          // of a packet
constexpr std::uint16_t ethernet = 1;
constexpr std::size_t comment_bytes_max = 65535;   // an option's length has 16 bits

template <typename Number>
void put(std::string& out, Number number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

/// Filled up to a multiple of four octets, as everything in the file is.
void put_padded(std::string& out, std::string_view octets) {
  out += octets;
  out.append((4 - octets.size() % 4) % 4, '\0');
}

void put_option(std::string& out, std::uint16_t code, std::string_view value) {
  put(out, code);
  put(out, static_cast<std::uint16_t>(value.size()));
  put_padded(out, value);
}

void end_options(std::string& out) { put_option(out, option_end, {}); }

}  // namespace

Pcapng::Pcapng(const std::string& name) : file_(name == "-" ? stdout : std::fopen(name.c_str(), "wb")) {}

bool Pcapng::block(std::uint32_t type, const std::string& body) {
  const auto bytes = static_cast<std::uint32_t>(body.size() + 3 * sizeof(std::uint32_t));
  std::string out;
  put(out, type);
  put(out, bytes);
  out += body;
  put(out, bytes);
  return std::fwrite(out.data(), 1, out.size(), file_.get()) == out.size() && std::fflush(file_.get()) == 0;
}

bool Pcapng::begin(std::string_view application) {
  std::string section;
  put(section, std::uint32_t{0x1a2b3c4d});   // tells the order of octets
  put(section, std::uint16_t{1});
  put(section, std::uint16_t{0});
  put(section, ~std::uint64_t{0});           // its length is not said
  put_option(section, application_name, application);
  end_options(section);
  std::string interface;
  put(interface, ethernet);
  put(interface, std::uint16_t{0});
  put(interface, std::uint32_t{0});          // frames are not cut
  put_option(interface, time_resolution, "\x09");
  end_options(interface);
  return block(section_header, section) && block(interface_description, interface);
}

bool Pcapng::write(const CapturedFrame& frame) {
  std::string body;
  put(body, std::uint32_t{0});               // the only interface
  put(body, static_cast<std::uint32_t>(frame.at_ns >> 32));
  put(body, static_cast<std::uint32_t>(frame.at_ns));
  put(body, static_cast<std::uint32_t>(frame.octets.size()));
  put(body, frame.bytes);
  put_padded(body, frame.octets);
  put_option(body, option_comment, std::string_view{frame.comment}.substr(0, comment_bytes_max));
  const std::uint32_t direction = frame.is_sent ? 2 : 1;
  put_option(body, packet_flags, {reinterpret_cast<const char*>(&direction), sizeof direction});
  end_options(body);
  return block(enhanced_packet, body);
}

}  // namespace viaduct::cli
