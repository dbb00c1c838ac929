// SPDX-License-Identifier: MIT
#include "net/codec/response_parser.h"

#include <algorithm>
#include <limits>

#include <boost/beast/http/basic_parser.hpp>

#include "base/text.h"

namespace net {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t kBodyReserveMax = 256 * 1024;
/// "0\r\n\r\n": no less can follow where a chunk's head is expected. Beast's parser asserts that it never sees the last chunk in smaller pieces.
constexpr std::size_t kChunkRestMin = 5;

Error FromBeast(const error_code& error) {
  if (error == http::error::header_limit) return {ErrorCode::kTooLarge, "the answer's header is too large"};
  if (error == http::error::body_limit) return {ErrorCode::kTooLarge, "the answer's body is too large"};
  return {ErrorCode::kMalformed, "the answer breaks HTTP: " + error.message()};
}

}  // namespace

class ResponseParser::Sink final : public http::basic_parser<false> {
 public:
  Sink(ResponseLimits limits, bool is_head) : body_bytes_max_(limits.body_bytes_max) {
    header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(limits.header_bytes_max, std::numeric_limits<std::uint32_t>::max())));
    body_limit(limits.body_bytes_max);
    skip(is_head);
  }
  Response& response() { return response_; }
  bool ExpectsChunkHead() const { return is_header_done() && chunked() && chunk_left_ == 0; }

 private:
  void on_request_impl(http::verb, boost::beast::string_view, boost::beast::string_view, int, error_code& error) override {
    error = http::error::bad_version;
  }
  void on_response_impl(int status, boost::beast::string_view, int, error_code& error) override {
    response_.status = status;
    error = {};
  }
  void on_field_impl(http::field field, boost::beast::string_view name, boost::beast::string_view value, error_code& error) override {
    error = {};
    if (is_body_) return;  // trailers
    const std::string_view text(value.data(), value.size());
    if (field == http::field::transfer_encoding && !azmon::base::EqualsIgnoreCase(text, "chunked")) has_foreign_coding_ = true;
    response_.headers.Add({name.data(), name.size()}, text);
  }
  void on_header_impl(error_code& error) override {
    // Its framing would be a guess.
    error = has_foreign_coding_ ? make_error_code(http::error::bad_transfer_encoding) : error_code{};
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code& error) override {
    error = {};
    is_body_ = true;
    if (length) response_body_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*length, kBodyReserveMax)));
  }
  std::size_t Take(boost::beast::string_view bytes, error_code& error) {
    error = {};
    if (bytes.size() > body_bytes_max_ - response_body_.size()) {
      error = http::error::body_limit;
      return 0;
    }
    response_body_.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  std::size_t on_body_impl(boost::beast::string_view bytes, error_code& error) override { return Take(bytes, error); }
  void on_chunk_header_impl(std::uint64_t size, boost::beast::string_view, error_code& error) override {
    error = {};
    chunk_left_ = size;
  }
  std::size_t on_chunk_body_impl(std::uint64_t left, boost::beast::string_view bytes, error_code& error) override {
    const std::size_t taken = Take(bytes, error);
    chunk_left_ = left - taken;
    return taken;
  }
  void on_finish_impl(error_code& error) override {
    error = {};
    response_.body = std::move(response_body_);
  }

  Response response_;
  std::string response_body_;
  std::size_t body_bytes_max_;
  std::uint64_t chunk_left_ = 0;
  bool is_body_ = false;
  bool has_foreign_coding_ = false;
};

ResponseParser::ResponseParser(ResponseLimits limits, bool is_head)
    : sink_(std::make_unique<Sink>(limits, is_head)), limits_(limits), is_head_(is_head) {}
ResponseParser::~ResponseParser() = default;

Result<std::size_t> ResponseParser::Feed(std::string_view bytes) {
  std::size_t consumed = 0;
  while (consumed < bytes.size() && !IsDone()) {
    if (sink_->ExpectsChunkHead() && bytes.size() - consumed < kChunkRestMin) break;
    error_code error;
    const std::size_t taken = sink_->put(boost::asio::const_buffer(bytes.data() + consumed, bytes.size() - consumed), error);
    consumed += taken;
    if (error && error != http::error::need_more) return FromBeast(error);
    if (sink_->is_done() && sink_->response().status / 100 == 1) {
      if (sink_->response().status == 101) return Error{ErrorCode::kMalformed, "the answer is an upgrade that nobody asked for"};
      if (++interim_ > limits::kInterimAnswersMax) return Error{ErrorCode::kMalformed, "too many interim answers"};
      sink_ = std::make_unique<Sink>(limits_, is_head_);
      continue;
    }
    if (error == http::error::need_more || taken == 0) {
      // A header, a chunk header or a trailer that does not end.
      if (bytes.size() - consumed >= limits_.header_bytes_max) return Error{ErrorCode::kTooLarge, "the answer's header is too large"};
      break;
    }
  }
  return consumed;
}

Result<void> ResponseParser::FeedEnd() {
  if (IsDone()) return {};
  error_code error;
  if (!sink_->got_some()) error = http::error::end_of_stream;
  if (!error) sink_->put_eof(error);
  if (error) return Error{ErrorCode::kMalformed, "the connection ended in the middle of the answer"};
  return {};
}

bool ResponseParser::IsDone() const { return sink_->is_done() && sink_->response().status / 100 != 1; }
bool ResponseParser::keep_alive() const { return sink_->keep_alive(); }
Response& ResponseParser::response() { return sink_->response(); }

}  // namespace net
