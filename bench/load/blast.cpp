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

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t batch = 32;             // messages a system call
constexpr std::size_t datagram_bytes = 2048;
constexpr int socket_buffer_bytes = 8 << 20;
constexpr auto silence_max = std::chrono::milliseconds(200);  // then what is outstanding is lost
constexpr std::uint32_t first_user = 1'000'000;               // seven digits without leading zeros: Kamailio's script counts them up
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

/// The message with runs of '#' for the user and of '@' for what is unique.
std::string message_template(const std::string& source, std::uint16_t port) {
  const std::string at = source + ":" + std::to_string(port);
  return "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP " + at +
         ";branch=z9hG4bK-524287-@@@@@@@@;rport\r\nMax-Forwards: 70\r\nFrom: <sip:u#######@example.com>;tag=f@@@@@@@@\r\n"
         "To: <sip:u#######@example.com>\r\nCall-ID: c@@@@@@@@-7f1e42ab@client.example\r\nCSeq: 1 REGISTER\r\nContact: <sip:u#######@" +
         at +
         ";transport=udp>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-0004f2801a2b>\"\r\nExpires: 3600\r\n"
         "User-Agent: PolycomVVX-VVX_410-UA/5.9.5.0614\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, REFER, UPDATE\r\n"
         "Supported: path, outbound, gruu\r\nContent-Length: 0\r\n\r\n";
}

std::vector<std::size_t> runs_of(const std::string& text, std::string_view run) {
  std::vector<std::size_t> out;
  for (std::size_t at = text.find(run); at != std::string::npos; at = text.find(run, at + run.size())) out.push_back(at);
  return out;
}

void put_digits(char* to, std::size_t count, std::uint64_t value) {
  for (; count-- > 0; value /= 10) to[count] = static_cast<char>('0' + value % 10);
}

class Sender {
 public:
  Sender(int fd, const std::string& text) : fd_(fd), users_at_(runs_of(text, "#######")), ids_at_(runs_of(text, "@@@@@@@@")) {
    for (std::size_t i = 0; i < batch; ++i) {
      batch_.text[i] = text;
      batch_.places[i] = {batch_.text[i].data(), text.size()};
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
    for (const std::size_t at : users_at_) put_digits(text + at, 7, first_user + random_ % users);
    for (const std::size_t at : ids_at_) put_digits(text + at, 8, serial_);
    ++serial_;
  }

  int fd_;
  std::vector<std::size_t> users_at_, ids_at_;
  Batch batch_;
  std::uint64_t random_{88'172'645'463'325'252U};
  // A new run must not repeat the transactions of an earlier one: a peer remembers them for a while.
  std::uint64_t serial_{static_cast<std::uint64_t>(Clock::now().time_since_epoch().count()) % 100'000'000};
};

struct Tally {
  std::uint64_t sent{}, got{}, lost{}, redirects{}, requests{}, others{};
  void count(std::string_view datagram) {
    ++got;
    if (datagram.starts_with("SIP/2.0 30"))
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
  Sender sender(out, message_template(source, ntohs(own.sin_port)));
  const auto started = Clock::now();
  const Tally t = run(sender, arrivals, std::max(static_cast<std::size_t>(std::atoi(argv[3])), batch), std::chrono::duration<double>(std::atof(argv[4])));
  const double seconds = std::chrono::duration<double>(Clock::now() - started).count();
  std::printf(R"({"sent": %lu, "got": %lu, "lost": %lu, "redirects": %lu, "requests": %lu, "others": %lu, "seconds": %.3f})"
              "\n",
              t.sent, t.got, t.lost, t.redirects, t.requests, t.others, seconds);
  return 0;
}
