// SPDX-License-Identifier: Apache-2.0
#include "etcd_call.h"

#include <httplib.h>

#include <algorithm>
#include <array>

#include "etcd_stream.h"

namespace viaduct::store::etcd {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds connect_within{1}, answer_within{2};
/// After this no further server is asked; of the last call, when the process waits for its end, sooner.
constexpr seconds call_within{6}, last_call_within{2};
constexpr milliseconds last_answer_within{1000};

/// gRPC's codes of a server that could not do it, or does not know whether it has: another one may.
bool is_unserved(std::int64_t code) {
  constexpr std::array codes{1, 2, 4, 13, 14};  // cancelled, unknown, deadline exceeded, internal, unavailable
  return std::ranges::find(codes, code) != codes.end();
}
constexpr std::int64_t code_unknown = 2, code_not_found = 5;

/// A connection by TCP or by TLS whose calls are bounded.
template <typename Base>
class Connection final : public Base {
 public:
  Connection(const base::Endpoint& server, const Calls::Bounds& bounds, const std::atomic<bool>& is_over)
      : Base(server.address.text(), server.port), bounds_(bounds), is_over_(is_over) {
    Base::set_connection_timeout(connect_within);
    Base::set_keep_alive(true);
    Base::set_tcp_nodelay(true);
    Base::set_decompress(false);
  }

 private:
  /// From here on stop() cuts the call off.
  bool process_socket(const typename Base::Socket& socket, std::function<bool(httplib::Stream&)> callback) override {
    if (is_over_.load() && !bounds_.is_last) return false;
    Stream stream(socket.sock, socket.ssl, bounds_.within);
    return callback(stream);
  }
  const Calls::Bounds& bounds_;
  const std::atomic<bool>& is_over_;
};

/// The beginning of a text that anybody may have sent, for the log.
std::string shown(std::string_view text) {
  std::string out(text.substr(0, 200));
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '.');
  return out;
}

std::string text_of(httplib::Error error, bool is_by_tls) {
  switch (error) {
    case httplib::Error::Connection:
      return "no connection";
    case httplib::Error::SSLConnection:
      return "no connection by TLS";
    case httplib::Error::SSLServerVerification:
      return "its certificate is signed by none of etcd.ca, or does not name this address";
    case httplib::Error::Read:
      return is_by_tls ? "no answer; or it refuses this node's certificate" : "no answer";
    default:
      return httplib::to_string(error);
  }
}

struct Refusal {
  std::int64_t code{code_unknown};
  std::string text;
};
/// What a server refuses in such words: {"error": TEXT, "code": CODE}, or of a stream {"error": {"message": TEXT, "grpc_code": CODE}}. nullopt: nothing.
std::optional<Refusal> refusal_of(const json& said) {
  const auto error = said.find("error");
  if (error == said.end()) return std::nullopt;
  const bool is_of_stream = error->is_object();
  const json& from = is_of_stream ? *error : said;
  const auto code = from.find(is_of_stream ? "grpc_code" : "code"), text = from.find(is_of_stream ? "message" : "error");
  Refusal out;
  if (code != from.end() && code->is_number_integer()) out.code = code->get<std::int64_t>();
  out.text = text != from.end() && text->is_string() ? shown(text->get_ref<const std::string&>()) : "refused";
  return out;
}

/// What is to be shown, and whom to believe. Returns what cannot be used; empty: nothing.
std::string use_files(SSL_CTX* context, const EtcdOptions& options) {
  if (context == nullptr) return "TLS cannot be begun";
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // Nobody is asked for a password.
  SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return 0; });
  if (SSL_CTX_load_verify_locations(context, options.ca.c_str(), nullptr) != 1) return options.ca.string() + ": is no file of certificates";
  if (options.certificate.empty()) return {};
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()) != 1) return options.certificate.string() + ": is no file of a certificate";
  if (SSL_CTX_use_PrivateKey_file(context, options.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return options.key.string() + ": is no file of the key of " + options.certificate.string();
  return {};
}

}  // namespace

Calls::Calls(const EtcdOptions& options) : options_(options) {}
Calls::~Calls() = default;

std::unique_ptr<httplib::ClientImpl> Calls::connection(const base::Endpoint& server, std::string& fault) const {
  if (options_.ca.empty()) return std::make_unique<Connection<httplib::ClientImpl>>(server, bounds_, is_over_);
  auto out = std::make_unique<Connection<httplib::SSLClient>>(server, bounds_, is_over_);
  fault = use_files(out->ssl_context(), options_);
  if (!fault.empty()) return nullptr;
  // Otherwise the library believes whom the system does.
  out->set_ca_cert_path(options_.ca.string());
  return out;
}

Result<void> Calls::check() const {
  std::string fault;
  if (connection(options_.endpoints.front(), fault)) return {};
  return std::unexpected(Error{Fault::failed, "etcd: " + fault});
}

void Calls::drop() {
  const std::lock_guard lock(connecting_);
  client_.reset();
}

std::optional<Answer> Calls::ask(const char* target, const std::string& body, std::string& fault) {
  if (!client_) {
    auto made = connection(options_.endpoints[at_], fault);
    if (!made) return std::nullopt;
    const std::lock_guard lock(connecting_);
    client_ = std::move(made);
  }
  httplib::Request request;
  request.method = "POST";
  request.path = target;
  request.set_header("Content-Type", "application/json");
  request.body = body;
  httplib::Response response;
  httplib::Error error{};
  const bool whole = client_->send(request, response, error);
  // A refusal has a trailer, at which the library stumbles when it has read the text.
  auto said = whole || response.status >= 400 ? answer_of(response.body) : std::nullopt;
  if (!said) {
    fault = whole ? "is no etcd: " + std::to_string(response.status) + ' ' + shown(response.body) : text_of(error, !options_.ca.empty());
    return std::nullopt;
  }
  auto refused = refusal_of(*said);
  if (response.status == 200 && !refused) return Answer{.refusal = {}, .body = std::move(*said)};
  if (!refused) refused = Refusal{.text = std::to_string(response.status)};
  if (is_unserved(refused->code)) {
    fault = std::move(refused->text);
    return std::nullopt;
  }
  return Answer{.refusal = std::move(refused->text), .is_no_such_lease = refused->code == code_not_found, .body = {}};
}

Result<Answer> Calls::call(const char* target, const json& request, bool is_last) {
  const std::string body = request.dump();
  const std::lock_guard one(calling_);
  bounds_ = {.within = is_last ? last_answer_within : milliseconds(answer_within), .is_last = is_last};
  const auto until = steady_clock::now() + (is_last ? last_call_within : call_within);
  std::string faults = "etcd: no server answers:";
  for (std::size_t tried = 0; tried < options_.endpoints.size() && (tried == 0 || steady_clock::now() < until); ++tried) {
    if (is_over_.load() && !is_last) return std::unexpected(Error{Fault::unreachable, "etcd: no longer asked"});
    std::string fault;
    if (auto answer = ask(target, body, fault)) return std::move(*answer);
    faults.append(tried == 0 ? " " : "; ").append(options_.endpoints[at_].text()).append(": ").append(fault);
    drop();
    at_ = (at_ + 1) % options_.endpoints.size();
  }
  return std::unexpected(Error{Fault::unreachable, std::move(faults)});
}

void Calls::stop() {
  is_over_ = true;
  const std::lock_guard lock(connecting_);
  if (client_) client_->stop();
}

}  // namespace viaduct::store::etcd
