// SPDX-License-Identifier: MIT
#include "transport/curl_transport.h"

#include <curl/curl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <unordered_map>

#include "base/check.h"
#include "base/fork.h"
#include "base/text.h"
#include "transport/url.h"

namespace azmon::transport {

namespace {

using std::chrono::milliseconds;

/// Connections to one host: what several ingestion requests in flight use. HTTP/2 shares one, see CURLOPT_PIPEWAIT.
constexpr long kHostConnectionsMax = 4;
/// libcurl keeps idle connections for the next batch; destinations are two, with a redirect each.
constexpr long kConnectionsCachedMax = 8;
constexpr std::size_t kHeaderBytesMax = 64 * 1024;
/// While requests are in flight libcurl 7.88 sometimes sleeps through a stream that became writable.
constexpr milliseconds kBusyPollMax{50};
constexpr milliseconds kIdlePollMax{3600 * 1000};

struct EasyDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct SlistDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

/// Held while this library is inside libcurl and the libraries below it: their locks are free in a forked child, which starts a transport
/// of its own.
base::ForkMutex& InsideCurl() {
  static auto* const mutex = new base::ForkMutex;
  return *mutex;
}

/// A connection is its process's alone: no child goes on with it, nor keeps it open behind the back of its owner.
curl_socket_t OpenSocket(void* /*user*/, curlsocktype /*purpose*/, curl_sockaddr* address) {
  const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  base::CloseInChild(fd);
  return fd;
}

int CloseSocket(void* /*user*/, curl_socket_t fd) {
  base::ForgetInChild(fd);
  return ::close(fd);
}

TransportError ErrorOf(CURLcode code) {
  switch (code) {
    case CURLE_OK: return TransportError::kNone;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return TransportError::kResolve;
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY: return TransportError::kConnect;
    case CURLE_OPERATION_TIMEDOUT: return TransportError::kTimeout;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT: return TransportError::kTls;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_INTERFACE_FAILED: return TransportError::kLocal;
    default: return TransportError::kBroken;
  }
}

/// What a broken keep-alive connection looks like. The peer closed it while it was idle, so one repetition on a new one is due.
bool IsStaleConnection(CURLcode code) {
  return code == CURLE_HTTP2 || code == CURLE_PARTIAL_FILE || code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR ||
         code == CURLE_HTTP2_STREAM;
}

/// libcurl 7.88 fails every second HTTP/2 request without TLS on a connection that it used before (curl pull request 10643).
bool BreaksReusedHttp2() {
  static const unsigned version = curl_version_info(CURLVERSION_NOW)->version_num;
  return version >= 0x075800 && version < 0x080000;
}

struct Transfer {
  Transport::Id id = 0;
  HttpRequest request;
  Transport::Completion done;
  std::unique_ptr<curl_slist, SlistDeleter> header_list;  ///< outlives `easy`
  std::unique_ptr<CURL, EasyDeleter> easy;
  HttpResponse response;
  std::size_t header_bytes = 0;
  bool is_repeated = false;
  char error_buffer[CURL_ERROR_SIZE] = {};
};

std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t bytes = size * count;
  std::string_view line(data, bytes);
  // A new block: an interim answer came before, or the answer of a proxy.
  if (line.starts_with("HTTP/")) {
    transfer.response.headers.clear();
    transfer.header_bytes = 0;
    return bytes;
  }
  transfer.header_bytes += bytes;
  if (transfer.header_bytes > kHeaderBytesMax) return 0;
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return bytes;
  transfer.response.headers.emplace_back(base::ToLower(line.substr(0, colon)), base::Trim(line.substr(colon + 1)));
  return bytes;
}

std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t bytes = size * count;
  const std::size_t room = transfer.request.answer_bytes_max - transfer.response.body.size();
  transfer.response.body.append(data, std::min(bytes, room));
  if (bytes <= room) return bytes;
  transfer.response.is_cut = true;
  return 0;
}

class CurlTransport final : public Transport {
 public:
  CurlTransport(CurlOptions options, const base::Clock& clock, CURLM* multi, int wake)
      : options_(std::move(options)), clock_(clock), multi_(multi), wake_(wake) {
    curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, kHostConnectionsMax);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kConnectionsCachedMax);
  }
  CurlTransport(const CurlTransport&) = delete;
  CurlTransport& operator=(const CurlTransport&) = delete;

  ~CurlTransport() override {
    const std::lock_guard inside(InsideCurl());
    for (auto& [id, transfer] : transfers_) curl_multi_remove_handle(multi_, transfer->easy.get());
    transfers_.clear();
    curl_multi_cleanup(multi_);
    ::close(wake_);
  }

  Id Start(HttpRequest request, Completion done) override {
    auto transfer = std::make_unique<Transfer>();
    transfer->id = ++last_id_;
    transfer->request = std::move(request);
    transfer->done = std::move(done);
    const Id id = transfer->id;
    {
      const std::lock_guard inside(InsideCurl());
      if (!Add(*transfer, false)) failed_.push_back(id);
    }
    transfers_.emplace(id, std::move(transfer));
    return id;
  }

  void Cancel(Id id) override {
    const auto found = transfers_.find(id);
    if (found == transfers_.end()) return;
    const std::lock_guard inside(InsideCurl());
    if (found->second->easy) curl_multi_remove_handle(multi_, found->second->easy.get());
    transfers_.erase(found);
  }

  void Poll(base::SteadyTime until) override {
    for (;;) {
      if (Advance()) return;
      const auto now = clock_.Now();
      if (now >= until) return;
      const auto limit = transfers_.empty() ? kIdlePollMax : kBusyPollMax;
      // Rounded up: waking before a deadline would mean to poll once more for the rest.
      const auto wait = std::min(limit, std::chrono::ceil<milliseconds>(std::min(until - now, base::SteadyTime::duration(limit))));
      curl_waitfd extra{.fd = wake_, .events = CURL_WAIT_POLLIN, .revents = 0};
      curl_multi_poll(multi_, &extra, 1, static_cast<int>(wait.count()), nullptr);
      std::uint64_t count = 0;
      if (::read(wake_, &count, sizeof count) == sizeof count) {
        Advance();
        return;
      }
    }
  }

  void Wake() override {
    const std::uint64_t one = 1;
    // Fails only when it is signalled 2^64 - 2 times already.
    [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
  }

 private:
  /// @return whether a completion has run
  bool Advance() {
    bool has_completed = false;
    for (const Id id : std::exchange(failed_, {})) {
      const auto found = transfers_.find(id);
      if (found == transfers_.end()) continue;
      auto transfer = std::move(found->second);
      transfers_.erase(found);
      transfer->response.error = TransportError::kLocal;
      transfer->response.error_text = "libcurl refused the request";
      transfer->done(std::move(transfer->response));
      has_completed = true;
    }
    std::vector<std::pair<CURL*, CURLcode>> ended;
    {
      const std::lock_guard inside(InsideCurl());
      int running = 0;
      curl_multi_perform(multi_, &running);
      int left = 0;
      while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
        if (message->msg == CURLMSG_DONE) ended.emplace_back(message->easy_handle, message->data.result);
      }
    }
    for (const auto& [easy, code] : ended) has_completed |= Finish(easy, code);
    return has_completed;
  }

  bool Finish(CURL* easy, CURLcode code) {
    std::unique_lock inside(InsideCurl());
    char* user = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &user);
    auto& transfer = *reinterpret_cast<Transfer*>(user);
    curl_multi_remove_handle(multi_, easy);
    HttpResponse& response = transfer.response;
    long status = 0;
    long connects = 0;
    long version = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
    curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
    response.status = static_cast<int>(status);
    if (IsStaleConnection(code) && connects == 0 && status == 0 && !transfer.is_repeated) {
      transfer.is_repeated = true;
      response = {};
      transfer.header_bytes = 0;
      if (Add(transfer, true)) return false;
    }
    if (response.is_cut && code == CURLE_WRITE_ERROR) code = CURLE_OK;
    response.error = ErrorOf(code);
    if (code != CURLE_OK) response.error_text = transfer.error_buffer[0] != '\0' ? transfer.error_buffer : curl_easy_strerror(code);
    if (transfer.request.http2 && status != 0 && version != CURL_HTTP_VERSION_2_0) {
      response.error = TransportError::kNotHttp2;
      response.error_text = "the server does not speak HTTP/2";
    } else if (transfer.request.http2 && status == 0 && (code == CURLE_GOT_NOTHING || code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY)) {
      response.error = TransportError::kNotHttp2;
      response.error_text = "the server closed the connection; does it speak HTTP/2?";
    }
    const auto found = transfers_.find(transfer.id);
    AZMON_CHECK(found != transfers_.end());
    auto owned = std::move(found->second);
    transfers_.erase(found);
    owned->easy.reset();
    inside.unlock();
    owned->done(std::move(owned->response));
    return true;
  }

  /// Makes the easy handle and adds it, inside libcurl. @return false: nothing was added
  bool Add(Transfer& transfer, bool needs_fresh_connection) {
    const HttpRequest& request = transfer.request;
    transfer.easy.reset(curl_easy_init());
    transfer.header_list.reset();
    CURL* const easy = transfer.easy.get();
    const auto url = ParseUrl(request.url);
    if (easy == nullptr || !url) return false;
    bool is_good = true;
    const auto set = [&](CURLoption option, auto value) { is_good &= curl_easy_setopt(easy, option, value) == CURLE_OK; };
    const bool is_tls = url->scheme == "https";

    set(CURLOPT_PRIVATE, reinterpret_cast<char*>(&transfer));
    set(CURLOPT_ERRORBUFFER, transfer.error_buffer);
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_NOSIGNAL, 1L);
    // A resolver that hangs must not hold the thread: without this, time-outs and removals wait for it.
    set(CURLOPT_QUICK_EXIT, 1L);
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_OPENSOCKETFUNCTION, &OpenSocket);
    set(CURLOPT_CLOSESOCKETFUNCTION, &CloseSocket);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min(request.timeout, request.connect_timeout).count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    set(CURLOPT_HEADERFUNCTION, &OnHeader);
    set(CURLOPT_HEADERDATA, static_cast<void*>(&transfer));
    set(CURLOPT_WRITEFUNCTION, &OnBody);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    if (request.body) {
      set(CURLOPT_POST, 1L);
      set(CURLOPT_POSTFIELDS, request.body->data());
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body->size()));
    }

    if (!request.http2) {
      set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    } else {
      // Never CURL_HTTP_VERSION_2_0 on http: it sends `Upgrade: h2c`, which gRPC servers do not speak.
      set(CURLOPT_HTTP_VERSION, static_cast<long>(is_tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE));
      set(CURLOPT_PIPEWAIT, 1L);
      if (!is_tls && BreaksReusedHttp2()) {
        needs_fresh_connection = true;
        set(CURLOPT_FORBID_REUSE, 1L);
      }
    }
    if (needs_fresh_connection) set(CURLOPT_FRESH_CONNECT, 1L);

    const std::string& proxy = IsLoopback(url->host) || !request.may_use_proxy ? std::string() : is_tls ? options_.https_proxy : options_.http_proxy;
    set(CURLOPT_PROXY, proxy.c_str());  // empty: not even what libcurl finds in the environment itself
    set(CURLOPT_NOPROXY, proxy.empty() ? "*" : options_.no_proxy.c_str());
    if (!proxy.empty() && request.http2) set(CURLOPT_HTTPPROXYTUNNEL, 1L);

    const std::string& ca_file = request.tls.ca_file.empty() ? options_.ca_file : request.tls.ca_file;
    if (!ca_file.empty()) set(CURLOPT_CAINFO, ca_file.c_str());
    if (!request.tls.client_certificate_file.empty()) set(CURLOPT_SSLCERT, request.tls.client_certificate_file.c_str());
    if (!request.tls.client_key_file.empty()) set(CURLOPT_SSLKEY, request.tls.client_key_file.c_str());

    curl_slist* list = nullptr;
    const auto header = [&](const std::string& line) {
      curl_slist* const longer = curl_slist_append(list, line.c_str());
      is_good &= longer != nullptr;
      if (longer != nullptr) list = longer;
    };
    bool has_accept = false;
    for (const auto& [name, value] : request.headers) {
      header(value.empty() ? name + ";" : name + ": " + value);
      has_accept |= base::EqualsIgnoreCase(name, "accept");
    }
    header("Expect:");
    if (!has_accept) header("Accept:");
    transfer.header_list.reset(list);
    set(CURLOPT_HTTPHEADER, list);
    transfer.error_buffer[0] = '\0';
    return is_good && curl_multi_add_handle(multi_, easy) == CURLM_OK;
  }

  const CurlOptions options_;
  const base::Clock& clock_;
  CURLM* const multi_;
  const int wake_;
  Id last_id_ = 0;
  std::unordered_map<Id, std::unique_ptr<Transfer>> transfers_;
  std::vector<Id> failed_;  ///< could not be added; reported by the next Poll
};

}  // namespace

CurlOptions CurlOptions::FromEnvironment(const base::Environment& environment) {
  const auto first = [&](std::string_view lower, std::string_view upper) {
    auto value = environment.Get(lower);
    if (!value) value = environment.Get(upper);
    return value.value_or("");
  };
  return {.https_proxy = first("https_proxy", "HTTPS_PROXY"),
          .http_proxy = first("http_proxy", environment.Get("REQUEST_METHOD") ? "http_proxy" : "HTTP_PROXY"),
          .no_proxy = first("no_proxy", "NO_PROXY"),
          .ca_file = environment.Get("SSL_CERT_FILE").value_or("")};
}

Result<std::unique_ptr<Transport>> MakeCurlTransport(CurlOptions options, const base::Clock& clock) {
  // Under a lock of our own, since libcurl may have been built without one. Never undone: the host may use libcurl itself.
  const std::lock_guard inside(InsideCurl());
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (initialised != CURLE_OK) return Error{.code = ErrorCode::kSystem, .detail = "libcurl could not be initialised"};
  const int wake = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake < 0) return Error{.code = ErrorCode::kSystem, .detail = "eventfd failed", .os_error = errno};
  CURLM* const multi = curl_multi_init();
  if (multi == nullptr) {
    ::close(wake);
    return Error{.code = ErrorCode::kSystem, .detail = "libcurl gave no multi handle"};
  }
  return std::unique_ptr<Transport>(std::make_unique<CurlTransport>(std::move(options), clock, multi, wake));
}

}  // namespace azmon::transport
