// SPDX-License-Identifier: MIT
// The messages of HTTP: headers, bodies, requests, responses.
//
// Plain values, used by the server, by the client and by whoever calls or answers; know nothing of sockets, of Beast or of tracing.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/result.h"

namespace net {

using azmon::Error;
using azmon::ErrorCode;
using azmon::Result;

/// Moments until which something must be done; always of the steady clock.
using Deadline = std::chrono::steady_clock::time_point;

/// One field. The views live as long as the Headers they come from is not changed.
struct Header {
  std::string_view name;
  std::string_view value;
};

/// The fields of a message in their order; names are compared without regard to case. All text lives in one buffer, so a message costs
/// two allocations however many fields it has. Not thread-safe.
class Headers {
 public:
  class Iterator {
   public:
    Header operator*() const;
    Iterator& operator++() { ++index_; return *this; }
    bool operator!=(const Iterator& other) const { return index_ != other.index_; }

   private:
    friend class Headers;
    Iterator(const Headers& owner, std::size_t index) : owner_(&owner), index_(index) {}
    const Headers* owner_;
    std::size_t index_;
  };

  /// Appends a field, also if there is one of that name. A name that is no token, or a value with CR, LF or NUL, is not sent: see
  /// IsSendable().
  void Add(std::string_view name, std::string_view value);
  /// Replaces all fields of that name by one, or appends it.
  void Set(std::string_view name, std::string_view value);
  void Remove(std::string_view name);
  void Clear();

  /// The first field's value.
  std::optional<std::string_view> Get(std::string_view name) const;
  bool Has(std::string_view name) const { return Get(name).has_value(); }
  std::size_t Count(std::string_view name) const;
  /// Whether one of the comma-separated elements of the fields of that name is `token`, without regard to case ("Connection: close").
  bool HasToken(std::string_view name, std::string_view token) const;

  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, entries_.size()}; }

 private:
  struct Entry {
    std::uint32_t offset;
    std::uint32_t name_size;
    std::uint32_t value_size;
  };
  Header At(std::size_t index) const;

  std::string text_;
  std::vector<Entry> entries_;
};

/// Whether a field may go onto the wire: the name is a token, the value has no control characters but tab (RFC 9110 section 5.5).
/// The server leaves other fields out of its answer, the client refuses the request; so no value can smuggle a second field.
bool IsSendable(Header header);

/// Bytes of a message: owned, or shared with an owner that outlives every user (static files are sent without a copy).
class Body {
 public:
  Body() = default;
  Body(std::string text) : text_(std::move(text)) {}     // NOLINT: converts on purpose
  Body(const char* text) : text_(text) {}                // NOLINT: converts on purpose
  /// @param owner  kept until the last byte is sent; `bytes` points into it (or into static storage, then the owner may be null)
  static Body Shared(std::shared_ptr<const void> owner, std::string_view bytes);
  static Body Shared(std::shared_ptr<const std::string> text);

  std::string_view view() const { return is_shared_ ? shared_ : std::string_view(text_); }
  std::size_t size() const { return view().size(); }
  bool empty() const { return view().empty(); }
  /// The bytes as a string; moves them out if they are owned.
  std::string Take() &&;

 private:
  std::string text_;
  std::shared_ptr<const void> owner_;
  std::string_view shared_;
  bool is_shared_ = false;
};

/// A numeric address and port of one side of a connection, for example {"127.0.0.1", 8001}.
struct Endpoint {
  std::string address;
  std::uint16_t port = 0;
};

/// A request as the server received it, after all checks of codec/request_parser.h.
struct Request {
  std::string method;    ///< as sent; a token, perhaps one that nobody knows
  std::string target;    ///< origin-form ("/orders/42?x=1"; an absolute-form is reduced to it) or "*"
  int version_minor = 1; ///< HTTP/1.x
  Headers headers;
  std::string body;      ///< whole, chunks joined; inflated if the route has RouteOptions::inflate and it came gzipped
  Endpoint remote, local;
  bool is_tls = false;
  /// DNS names and URIs of the client's verified certificate (ServerTls::client_ca); null if it has shown none.
  std::shared_ptr<const std::vector<std::string>> client_names;

  /// The target before '?', not decoded.
  std::string_view path() const;
  /// The target after '?', without it, not decoded; empty if there is none.
  std::string_view query() const;
  /// The first value of a query parameter, '+' and %XX decoded; nullopt if absent or badly encoded.
  std::optional<std::string> QueryValue(std::string_view name) const;
};

/// Where a streaming body is written to; see Response::stream. Use it only inside the stream function's coroutine, but for Waker().
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;

  /// Sends bytes now, as one chunk. Waits until the kernel took them: slow readers slow the writer down.
  /// @return kUnavailable the client is gone, kTimeout it has not read for ServerOptions::write_stall, kCancelled the server drains;
  ///   after an error the stream is over and every further call fails
  virtual boost::asio::awaitable<Result<void>> Write(std::string_view bytes) = 0;

  /// Waits until `duration` is over, a waker was called (also if that was before this call and after the last wait), or IsOpen() turned
  /// false. A stream with rare events waits here and so learns at once that its client left.
  virtual boost::asio::awaitable<void> Wait(std::chrono::milliseconds duration) = 0;

  /// A function that ends Wait(). May be called from any thread, any number of times, also long after the stream is over.
  virtual std::function<void()> Waker() = 0;

  /// False after a failed write, after the client closed its side, and when the server drains: return from the stream function.
  virtual bool IsOpen() const = 0;
};

/// Writes a body of unknown length; runs after the header was sent, in the connection's coroutine. Its return ends the response.
/// An exception or a closed writer ends the connection without the last chunk, so that the client sees the body is not whole.
/// What it captures must stay valid until it returns.
using StreamBody = std::function<boost::asio::awaitable<void>(BodyWriter&)>;

/// An answer: what a handler returns and what the client gives back.
struct Response {
  int status = 200;
  Headers headers;  ///< without Content-Length, Transfer-Encoding, Connection and Date: the server writes those
  Body body;
  StreamBody stream;  ///< if set, `body` is ignored and the response is chunked (server only)

  static Response Json(int status, std::string body);
  static Response Text(int status, std::string body);
  /// application/problem+json (RFC 9457) with `title` (the status's phrase if empty), `status`, and `detail` if not empty.
  static Response Problem(int status, std::string_view detail = {}, std::string_view title = {});
  /// text/event-stream, not cacheable.
  static Response Events(StreamBody stream);
};

/// The usual phrase of a status, "Not Found"; "Unknown" for others.
std::string_view ReasonPhrase(int status);

/// An absolute http or https URL in its parts.
struct Url {
  std::string scheme = "http";  ///< "http" or "https", lower case
  std::string host;             ///< name or address, lower case; IPv6 without brackets
  std::uint16_t port = 0;       ///< as given or the scheme's usual one
  std::string target = "/";     ///< path and query as given, at least "/"

  /// Refused (kMalformed): user information, fragments, blanks, controls, non-ASCII, an empty host, a port that is none. kUnsupported: another
  /// scheme.
  static Result<Url> Parse(std::string_view text);

  /// "host", "host:8080", "[::1]:8080": without the usual port of the scheme.
  std::string HostHeader() const;
  /// The whole URL.
  std::string ToString() const;
};

/// A request for Client::Send.
struct ClientRequest {
  std::string method = "GET";
  Url url;
  Headers headers;  ///< without Host, Content-Length and Connection: the client writes those
  Body body;

  /// May be sent again if the connection died before the answer's first byte. Default: by method (GET, HEAD, PUT, DELETE, OPTIONS, TRACE).
  std::optional<bool> is_replayable;
  /// Largest body of the answer that is read.
  std::optional<std::size_t> response_bytes_max;

  // For the hooks (spans), not for the wire:
  std::string url_template;  ///< low-cardinality form of the path, "/orders/{id}"; empty if unknown
  int resend_count = 0;      ///< earlier attempts of the same request that the caller made itself
};

}  // namespace net
