// SPDX-License-Identifier: MIT
// Tells browsers that something changed, by server-sent events.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include <boost/asio/awaitable.hpp>

#include "local/store/store.h"
#include "net/http.h"

namespace azmon::local {

class LiveHub : public std::enable_shared_from_this<LiveHub> {
 public:
  /// Any thread; wakes the streams that wait.
  void Notify(Store::Change change, std::uint64_t last_seq);

  /// The answer to `GET live`: a stream, or 503 when limits::kLiveMax are open.
  net::Response Open();

  std::size_t listeners() const;

 private:
  struct Listener {
    std::function<void()> wake;
    std::atomic<bool> is_waiting = false;
  };
  static boost::asio::awaitable<void> Stream(std::shared_ptr<LiveHub> hub, std::uint64_t id, net::BodyWriter& writer);

  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::shared_ptr<Listener>> listeners_;
  std::uint64_t next_id_ = 1;
  std::atomic<std::uint64_t> last_seq_ = 0, resets_ = 0;
};

}  // namespace azmon::local
