// SPDX-License-Identifier: MIT
// One connection of the server, and what all of them share. Inner header of net/.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "net/codec/request_parser.h"
#include "net/hooks.h"
#include "net/loop.h"
#include "net/router.h"
#include "net/server.h"
#include "net/stream.h"

namespace net {

class Connection;

/// Outlives the Server object for as long as a connection is open.
struct ServerShared {
  ServerOptions options;
  Router router;
  std::atomic<bool> draining{false};

  std::mutex mutex;
  std::shared_ptr<boost::asio::ssl::context> tls;  ///< guarded by mutex; Server::SetTls changes it
  std::shared_ptr<boost::asio::ssl::context> Tls() {
    const std::lock_guard lock(mutex);
    return tls;
  }

  std::condition_variable changed;
  std::atomic<std::size_t> open{0};  ///< falls to 0 under the mutex, for the waiter

  /// Connections by loop; each set belongs to its loop's thread.
  struct OfLoop {
    Loop* loop;
    std::unordered_set<Connection*> connections;
  };
  std::vector<OfLoop> loops;
};

class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  /// @param loop  index into shared->loops; the socket's context is that loop's
  Connection(std::shared_ptr<ServerShared> shared, std::size_t loop, Socket socket);
  ~Connection();

  /// Serves until the connection is over. `self` keeps it alive; on the connection's loop.
  static boost::asio::awaitable<void> Serve(std::shared_ptr<Connection> self);

  // On the connection's loop:
  /// Closes it if no request is under way; ends a stream.
  void Drain();
  /// Closes it, whatever it does.
  void CutOff();

 private:
  class Writer;
  struct Turn;
  enum class Phase { kIdle, kBusy };
  enum class ReadEnd { kData, kEof, kTimeout, kError };

  boost::asio::awaitable<bool> BeginStream();
  /// False: the connection is over.
  boost::asio::awaitable<bool> Exchange();
  // The steps of an exchange, in their order. False: there is nothing or nobody to answer.
  boost::asio::awaitable<bool> ReadHeader(Turn& turn);
  void Route(Turn& turn);
  /// Admission, body, handler; fills turn.response.
  boost::asio::awaitable<bool> Receive(Turn& turn);
  /// Decodes the body where the route wants it; the answer if that cannot be done.
  std::optional<Response> Inflate(Turn& turn) const;
  boost::asio::awaitable<void> Handle(Turn& turn);
  std::size_t BodyBytesMax(const Router::Match& match) const;
  boost::asio::awaitable<ReadEnd> ReadMore(std::size_t size_max);
  /// Reads the whole body into the parser; a refusal says what stopped it, status 0 that nobody is there to be answered.
  boost::asio::awaitable<std::optional<Refusal>> ReadBody(RequestParser& parser);
  boost::asio::awaitable<Result<void>> WriteAll(std::string_view first, std::string_view second);
  boost::asio::awaitable<void> Refuse(Refusal refusal);
  boost::asio::awaitable<void> Linger();
  /// Writes the answer; fills `end`. False: the connection cannot go on.
  boost::asio::awaitable<bool> Answer(const RequestContext& context, Response& response, bool keep_alive, ExchangeEnd& end);
  boost::asio::awaitable<bool> AnswerStream(Response& response, ExchangeEnd& end, bool is_chunked);
  std::string_view buffered() const { return std::string_view(buffer_).substr(begin_, end_ - begin_); }

  std::shared_ptr<ServerShared> shared_;
  std::size_t loop_index_;
  Loop& loop_;
  Stream stream_;
  DeadlineEntry deadline_;
  Phase phase_ = Phase::kIdle;
  bool is_cut_off_ = false;
  Writer* writer_ = nullptr;  ///< while a stream function runs
  Endpoint remote_, local_;
  std::shared_ptr<boost::asio::ssl::context> tls_;
  std::shared_ptr<const std::vector<std::string>> client_names_;

  std::string buffer_;  ///< bytes [begin_, end_) are read and not yet used
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace net
