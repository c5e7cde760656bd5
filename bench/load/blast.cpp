// SPDX-License-Identifier: Apache-2.0
// blast SOURCE DESTINATION:PORT WINDOW SECONDS [ARRIVAL_PORT]: REGISTERs in a closed loop over one UDP socket, as many outstanding as WINDOW.
// Answers are counted on the same socket, or what a forwarding peer delivers on ARRIVAL_PORT. Prints one JSON object.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "load/telephone.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t batch = 32;             // messages a system call
constexpr std::size_t datagram_bytes = 2048;
constexpr int socket_buffer_bytes = 8 << 20;
constexpr auto silence_max = std::chrono::milliseconds(200);  // then what is outstanding is lost
constexpr std::uint32_t users = 1'000'000;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_in address_of(const std::string& text, std::uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  if (inet_pton(AF_INET, text.c_str(), &a.sin_addr) != 1) fail(text.c_str());
  return a;
}

int bound_socket(const sockaddr_in& at) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) fail("socket");
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &socket_buffer_bytes, sizeof socket_buffer_bytes);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &socket_buffer_bytes, sizeof socket_buffer_bytes);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) fail("bind");
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

/// Buffers of one batch and what recvmmsg and sendmmsg want to know of them.
struct Batch {
  std::vector<std::string> text = std::vector<std::string>(batch, std::string(datagram_bytes, '\0'));
  std::array<iovec, batch> places{};
  std::array<mmsghdr, batch> headers{};
  Batch() {
    for (std::size_t i = 0; i < batch; ++i) {
      places[i] = {text[i].data(), datagram_bytes};
      headers[i].msg_hdr.msg_iov = &places[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
  }
};

class Sender {
 public:
  Sender(int fd, const std::string& at) : fd_(fd), telephone_(at) {
    for (std::size_t i = 0; i < batch; ++i) {
      batch_.text[i] = telephone_.text();
      batch_.places[i] = {batch_.text[i].data(), batch_.text[i].size()};
    }
  }
  /// Send up to `count` new ones; returns how many went.
  std::size_t send(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) fill(batch_.text[i].data());
    const int went = sendmmsg(fd_, batch_.headers.data(), static_cast<unsigned>(count), 0);
    return went > 0 ? static_cast<std::size_t>(went) : 0;
  }

 private:
  void fill(char* text) {
    random_ ^= random_ << 13U;
    random_ ^= random_ >> 7U;
    random_ ^= random_ << 17U;
    telephone_.fill(text, viaduct::bench::first_user + random_ % users, serial_++);
  }

  int fd_;
  viaduct::bench::Telephone telephone_;
  Batch batch_;
  std::uint64_t random_{88'172'645'463'325'252U};
  // A new run must not repeat the transactions of an earlier one: a peer remembers them for a while.
  std::uint64_t serial_{static_cast<std::uint64_t>(Clock::now().time_since_epoch().count()) % 100'000'000};
};

struct Tally {
  std::uint64_t sent{}, got{}, lost{}, successes{}, redirects{}, requests{}, others{};
  void count(std::string_view datagram) {
    ++got;
    if (datagram.starts_with("SIP/2.0 200"))
      ++successes;
    else if (datagram.starts_with("SIP/2.0 30"))
      ++redirects;
    else if (datagram.starts_with("REGISTER "))
      ++requests;
    else
      ++others;
  }
};

std::size_t receive(int fd, Batch& in, Tally& tally) {
  const int count = recvmmsg(fd, in.headers.data(), batch, MSG_DONTWAIT, nullptr);
  for (int i = 0; i < count; ++i) tally.count({in.text[static_cast<std::size_t>(i)].data(), in.headers[static_cast<std::size_t>(i)].msg_len});
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

Tally run(Sender& sender, int arrivals, std::size_t window, std::chrono::duration<double> length) {
  Tally t;
  Batch in;
  std::size_t outstanding = 0;
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(length);
  auto last_heard = Clock::now();
  for (;;) {
    const auto now = Clock::now();
    if (now >= end && outstanding == 0) return t;
    const std::size_t room = now < end ? std::min(batch, window - outstanding) : 0;
    // Half-full batches only: one message a system call would measure the system call.
    const std::size_t went = room >= batch / 2 || (outstanding == 0 && room > 0) ? sender.send(room) : 0;
    t.sent += went;
    outstanding += went;
    std::size_t heard = 0;
    while (const std::size_t count = receive(arrivals, in, t)) heard += count;
    outstanding -= std::min(outstanding, heard);
    if (heard > 0) {
      last_heard = now;
    } else if (now - last_heard > silence_max) {
      t.lost += outstanding;
      outstanding = 0;
      last_heard = now;
    } else if (went == 0) {
      pollfd waiting{arrivals, POLLIN, 0};
      poll(&waiting, 1, 1);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string to = argc > 2 ? argv[2] : "";
  const std::size_t colon = to.find(':');
  if (argc < 5 || argc > 6 || colon == std::string::npos) return std::fputs("blast SOURCE DESTINATION:PORT WINDOW SECONDS [ARRIVAL_PORT]\n", stderr), 2;
  const std::string source = argv[1];
  const int out = bound_socket(address_of(source, 0));
  const sockaddr_in peer = address_of(to.substr(0, colon), static_cast<std::uint16_t>(std::atoi(to.c_str() + colon + 1)));
  if (connect(out, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0) fail("connect");
  const int arrivals = argc == 6 ? bound_socket(address_of(source, static_cast<std::uint16_t>(std::atoi(argv[5])))) : out;
  sockaddr_in own{};
  socklen_t own_bytes = sizeof own;
  getsockname(out, reinterpret_cast<sockaddr*>(&own), &own_bytes);
  Sender sender(out, source + ":" + std::to_string(ntohs(own.sin_port)));
  const auto started = Clock::now();
  const Tally t = run(sender, arrivals, std::max(static_cast<std::size_t>(std::atoi(argv[3])), batch), std::chrono::duration<double>(std::atof(argv[4])));
  const double seconds = std::chrono::duration<double>(Clock::now() - started).count();
  std::printf(R"({"sent": %lu, "got": %lu, "lost": %lu, "successes": %lu, "redirects": %lu, "requests": %lu, "others": %lu, "seconds": %.3f})"
              "\n",
              t.sent, t.got, t.lost, t.successes, t.redirects, t.requests, t.others, seconds);
  return 0;
}
