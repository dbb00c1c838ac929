// SPDX-License-Identifier: MIT
#include "net/codec/request_parser.h"

#include <algorithm>
#include <limits>

#include <boost/beast/http/basic_parser.hpp>

#include "base/text.h"

namespace net {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

/// Reserved at once for an announced body; the rest grows with what really comes.
constexpr std::size_t kBodyReserveMax = 64 * 1024;

/// "0\r\n\r\n": no less can follow where a chunk's head is expected. Beast's parser asserts that it never sees the last chunk in smaller pieces.
constexpr std::size_t kChunkRestMin = 5;

constexpr Refusal kBadLineEnding{400, "bad_line_ending", "lines end with CR LF, and neither stands alone"};
constexpr Refusal kBadCharacter{400, "bad_character", "the header holds a NUL"};
constexpr Refusal kObsFold{400, "obs_fold", "folded header lines are obsolete"};
constexpr Refusal kHeaderTooLarge{431, "header_too_large", "the header is too large"};
constexpr Refusal kTooManyFields{431, "too_many_fields", "the header has too many fields"};
constexpr Refusal kTargetTooLong{414, "target_too_long", "the request target is too long"};
constexpr Refusal kBadTarget{400, "bad_target", "the request target is malformed"};
constexpr Refusal kForeignTarget{400, "foreign_target", "the target names another authority than Host"};
constexpr Refusal kBadVersion{505, "bad_version", "this server speaks HTTP/1.1"};
constexpr Refusal kBadHost{400, "bad_host", "exactly one well-formed Host is needed"};
constexpr Refusal kBadTransferEncoding{400, "bad_transfer_encoding", "the only transfer coding is chunked, on HTTP/1.1, without Content-Length"};
constexpr Refusal kBadContentLength{400, "bad_content_length", "Content-Length is one decimal number, once"};
constexpr Refusal kBadExpect{417, "bad_expect", "the only expectation is 100-continue"};
constexpr Refusal kBodyTooLarge{413, "body_too_large", "the body is too large"};
constexpr Refusal kBadChunk{400, "bad_chunk", "the chunked body is malformed"};
constexpr Refusal kMalformed{400, "malformed", "the request is malformed"};

const Refusal& FromBeast(const error_code& error, bool in_body) {
  if (error == http::error::header_limit) return kHeaderTooLarge;
  if (error == http::error::body_limit) return kBodyTooLarge;
  if (error == http::error::bad_target) return kBadTarget;
  if (error == http::error::bad_transfer_encoding) return kBadTransferEncoding;
  if (error == http::error::bad_content_length || error == http::error::multiple_content_length) return kBadContentLength;
  if (error == http::error::bad_line_ending) return kBadLineEnding;
  return in_body ? kBadChunk : kMalformed;
}

/// Whether a request line has three parts and the last is "HTTP/d.d".
bool EndsWithVersion(std::string_view line) {
  if (line.size() < 9 || std::count(line.begin(), line.end(), ' ') != 2) return false;
  const std::string_view version = line.substr(line.size() - 9);
  return version.substr(0, 6) == " HTTP/" && azmon::base::IsDigit(version[6]) && version[7] == '.' && azmon::base::IsDigit(version[8]);
}

/// uri-host [":" port] (RFC 9110 section 7.2), by the characters that reg-name, IPv4 and IPv6 literals consist of.
bool IsAuthority(std::string_view text) {
  if (text.empty()) return false;
  std::string_view port;
  if (text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || close < 3) return false;
    const std::string_view address = text.substr(1, close - 1);
    if (address.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return false;
    text.remove_prefix(close + 1);
    if (text.empty()) return true;
    if (text.front() != ':') return false;
    port = text.substr(1);
  } else {
    const std::size_t colon = text.find(':');
    const std::string_view name = text.substr(0, colon);
    if (name.empty()) return false;
    const auto is_name = [](char c) {
      return azmon::base::IsAlpha(c) || azmon::base::IsDigit(c) || std::string_view("-._~!$&'()*+;=%").find(c) != std::string_view::npos;
    };
    if (!std::all_of(name.begin(), name.end(), is_name)) return false;
    if (colon == std::string_view::npos) return true;
    port = text.substr(colon + 1);
  }
  return port.size() <= 5 && std::all_of(port.begin(), port.end(), azmon::base::IsDigit);
}

/// Host without the usual port of the scheme, lower case: what two authorities are compared by.
std::string Canonical(std::string_view authority, std::string_view usual_port) {
  std::string text = azmon::base::ToLower(authority);
  if (text.size() > usual_port.size() && std::string_view(text).substr(text.size() - usual_port.size()) == usual_port) {
    text.resize(text.size() - usual_port.size());
  } else if (!text.empty() && text.back() == ':') {
    text.pop_back();
  }
  return text;
}

}  // namespace

class RequestParser::Sink final : public http::basic_parser<true> {
 public:
  explicit Sink(RequestLimits limits) : limits_(limits) {
    // The block is measured before the parser sees it; the parser's own limit serves for trailers.
    header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(limits.header_bytes_max, std::numeric_limits<std::uint32_t>::max())));
    body_limit(boost::none);
  }

  std::size_t Feed(std::string_view bytes) {
    if (state_ == State::kHeader) return FeedHeader(bytes);
    if (state_ == State::kBody) return FeedBody(bytes);
    return 0;
  }

  void LimitBody(std::size_t bytes_max) {
    if (state_ != State::kBody) return;
    body_bytes_max_ = bytes_max;
    if (const auto length = content_length(); length && *length > bytes_max) Refuse(kBodyTooLarge);
  }

  State state() const { return state_; }
  const Refusal& refusal() const { return refusal_; }
  Request& request() { return request_; }
  bool expects_continue() const { return expects_continue_; }

 private:
  void Refuse(const Refusal& refusal) {
    refusal_ = refusal;
    state_ = State::kRefused;
  }

  std::size_t FeedHeader(std::string_view bytes) {
    // One empty line before a request is forgiven (RFC 9112 section 2.2): some clients end a body with it.
    const std::size_t blank = bytes.size() >= 2 && bytes.substr(0, 2) == "\r\n" ? 2 : 0;
    const std::string_view rest = bytes.substr(blank);
    const std::size_t from = scanned_ > 3 ? scanned_ - 3 : 0;
    const std::size_t end = rest.find("\r\n\r\n", std::min(from, rest.size()));
    const std::string_view block = rest.substr(0, end == std::string_view::npos ? end : end + 4);
    if (!CheckRaw(block, end != std::string_view::npos)) return 0;
    if (end == std::string_view::npos) {
      scanned_ = rest.size();
      return 0;
    }

    error_code error;
    const std::size_t consumed = put(boost::asio::const_buffer(block.data(), block.size()), error);
    if (state_ == State::kRefused) return 0;
    if (error || consumed != block.size() || !is_header_done()) {
      // 505 is for those who say clearly what they speak.
      const bool is_other_version = error == http::error::bad_version && EndsWithVersion(block.substr(0, block.find("\r\n")));
      const bool is_unclear = !error || error == http::error::need_more || error == http::error::bad_version;
      Refuse(is_other_version ? kBadVersion : is_unclear ? kMalformed : FromBeast(error, false));
      return 0;
    }
    if (!CheckHeader()) return 0;
    state_ = is_done() ? State::kDone : State::kBody;
    return blank + block.size();
  }

  /// What must be seen before the parser normalises it away. Also on incomplete blocks, so that nobody is waited for in vain.
  bool CheckRaw(std::string_view block, bool is_complete) {
    const std::size_t line_end = block.find("\r\n");
    // Method and version need no more than 64 bytes beside the target.
    const std::size_t line = line_end == std::string_view::npos ? block.size() : line_end;
    if (line > limits_.target_bytes_max + 64) return Refuse(kTargetTooLong), false;
    if (block.size() > limits_.header_bytes_max || (!is_complete && block.size() == limits_.header_bytes_max)) {
      return Refuse(kHeaderTooLarge), false;
    }
    const std::size_t from = scanned_ > 2 ? scanned_ - 2 : 0;
    for (std::size_t i = std::min(from, block.size()); i < block.size(); ++i) {
      const char c = block[i];
      if (static_cast<unsigned char>(c) > '\r') continue;
      if (c == '\0') return Refuse(kBadCharacter), false;
      if (c == '\n' && (i == 0 || block[i - 1] != '\r')) return Refuse(kBadLineEnding), false;
      if (c == '\r' && i + 1 < block.size() && block[i + 1] != '\n') return Refuse(kBadLineEnding), false;
      if (c == '\n' && i + 1 < block.size() && (block[i + 1] == ' ' || block[i + 1] == '\t')) return Refuse(kObsFold), false;
    }
    return true;
  }

  bool CheckHeader() {
    const Headers& headers = request_.headers;
    const bool is_1_0 = request_.version_minor == 0;

    const std::size_t codings = headers.Count("Transfer-Encoding");
    const std::size_t lengths = headers.Count("Content-Length");
    if (codings > 0) {
      if (codings > 1 || is_1_0 || lengths > 0 || !azmon::base::EqualsIgnoreCase(*headers.Get("Transfer-Encoding"), "chunked")) {
        return Refuse(kBadTransferEncoding), false;
      }
    }
    if (lengths > 0) {
      const std::string_view length = *headers.Get("Content-Length");
      if (lengths > 1 || length.empty() || !std::all_of(length.begin(), length.end(), azmon::base::IsDigit)) {
        return Refuse(kBadContentLength), false;
      }
    }

    const std::size_t hosts = headers.Count("Host");
    if (hosts > 1 || (hosts == 0 && !is_1_0) || (hosts == 1 && !IsAuthority(*headers.Get("Host")))) return Refuse(kBadHost), false;
    if (!CheckTarget()) return false;

    if (headers.Has("Expect") && !is_1_0) {
      if (!azmon::base::EqualsIgnoreCase(*headers.Get("Expect"), "100-continue")) return Refuse(kBadExpect), false;
      expects_continue_ = true;
    }
    return true;
  }

  /// Origin-form, "*" for OPTIONS, or an absolute-form that names the same authority as Host and is reduced to its origin-form.
  bool CheckTarget() {
    std::string& target = request_.target;
    if (target.size() > limits_.target_bytes_max) return Refuse(kTargetTooLong), false;
    const auto is_bad = [](char c) { return c <= 0x20 || c >= 0x7f || c == '#'; };
    if (target.empty() || std::any_of(target.begin(), target.end(), is_bad)) return Refuse(kBadTarget), false;
    if (target.front() == '/') return true;
    if (target == "*") {
      if (request_.method != "OPTIONS") return Refuse(kBadTarget), false;
      return true;
    }
    const std::size_t colon = target.find("://");
    if (colon == std::string::npos) return Refuse(kBadTarget), false;
    const std::string scheme = azmon::base::ToLower(std::string_view(target).substr(0, colon));
    if (scheme != "http" && scheme != "https") return Refuse(kBadTarget), false;
    const std::string_view rest = std::string_view(target).substr(colon + 3);
    const std::size_t end = rest.find_first_of("/?");
    const std::string_view authority = rest.substr(0, end);
    const std::string_view usual_port = scheme == "https" ? ":443" : ":80";
    const auto host = request_.headers.Get("Host");
    if (!IsAuthority(authority) || !host || Canonical(authority, usual_port) != Canonical(*host, usual_port)) {
      return Refuse(kForeignTarget), false;
    }
    std::string origin = end == std::string_view::npos || rest[end] == '?' ? "/" : "";
    if (end != std::string_view::npos) origin += rest.substr(end);
    target = std::move(origin);
    return true;
  }

  std::size_t FeedBody(std::string_view bytes) {
    std::size_t consumed = 0;
    while (consumed < bytes.size() && state_ == State::kBody) {
      if (chunked() && chunk_left_ == 0 && bytes.size() - consumed < kChunkRestMin) break;
      error_code error;
      const std::size_t taken = put(boost::asio::const_buffer(bytes.data() + consumed, bytes.size() - consumed), error);
      consumed += taken;
      if (state_ == State::kRefused) break;
      if (error && error != http::error::need_more) {
        Refuse(FromBeast(error, true));
      } else if (is_done()) {
        state_ = State::kDone;
      } else if (error == http::error::need_more || taken == 0) {
        // A chunk header or a trailer that does not end.
        if (bytes.size() - consumed >= limits_.header_bytes_max) Refuse(kBadChunk);
        break;
      }
    }
    return consumed;
  }

  std::size_t TakeBody(boost::beast::string_view bytes, error_code& error) {
    if (bytes.size() > body_bytes_max_ - request_.body.size()) {
      Refuse(kBodyTooLarge);
      error = http::error::body_limit;
      return 0;
    }
    request_.body.append(bytes.data(), bytes.size());
    error = {};
    return bytes.size();
  }

  void on_request_impl(http::verb, boost::beast::string_view method, boost::beast::string_view target, int version, error_code& error) override {
    request_.method.assign(method.data(), method.size());
    request_.target.assign(target.data(), target.size());
    request_.version_minor = version % 10;
    error = {};
  }
  void on_response_impl(int, boost::beast::string_view, int, error_code& error) override { error = http::error::bad_version; }
  void on_field_impl(http::field, boost::beast::string_view name, boost::beast::string_view value, error_code& error) override {
    error = {};
    // Trailers are read and dropped: a field that comes after the checks must not pass for one of the header.
    if (state_ == State::kBody) {
      if (++trailers_ <= limits_.header_fields_max) return;
    } else if (request_.headers.size() < limits_.header_fields_max) {
      request_.headers.Add({name.data(), name.size()}, {value.data(), value.size()});
      return;
    }
    Refuse(kTooManyFields);
    error = http::error::header_limit;
  }
  void on_header_impl(error_code& error) override { error = {}; }
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code& error) override {
    error = {};
    if (length) request_.body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*length, kBodyReserveMax)));
  }
  std::size_t on_body_impl(boost::beast::string_view bytes, error_code& error) override { return TakeBody(bytes, error); }
  void on_chunk_header_impl(std::uint64_t size, boost::beast::string_view, error_code& error) override {
    error = {};
    chunk_left_ = size;
    if (size <= body_bytes_max_ - request_.body.size()) return;
    Refuse(kBodyTooLarge);
    error = http::error::body_limit;
  }
  std::size_t on_chunk_body_impl(std::uint64_t left, boost::beast::string_view bytes, error_code& error) override {
    const std::size_t taken = TakeBody(bytes, error);
    chunk_left_ = left - taken;
    return taken;
  }
  void on_finish_impl(error_code& error) override { error = {}; }

  RequestLimits limits_;
  Request request_;
  State state_ = State::kHeader;
  Refusal refusal_;
  std::size_t scanned_ = 0;
  std::size_t trailers_ = 0;
  std::uint64_t chunk_left_ = 0;
  std::size_t body_bytes_max_ = 0;
  bool expects_continue_ = false;
};

RequestParser::RequestParser(RequestLimits limits) : sink_(std::make_unique<Sink>(limits)) {}
RequestParser::~RequestParser() = default;
std::size_t RequestParser::Feed(std::string_view bytes) { return sink_->Feed(bytes); }
RequestParser::State RequestParser::state() const { return sink_->state(); }
const Refusal& RequestParser::refusal() const { return sink_->refusal(); }
void RequestParser::LimitBody(std::size_t bytes_max) { sink_->LimitBody(bytes_max); }
Request& RequestParser::request() { return sink_->request(); }
bool RequestParser::keep_alive() const {
  const Headers& headers = sink_->request().headers;
  if (headers.HasToken("Connection", "close")) return false;
  return sink_->request().version_minor == 1 || headers.HasToken("Connection", "keep-alive");
}
bool RequestParser::expects_continue() const { return sink_->expects_continue(); }

}  // namespace net
