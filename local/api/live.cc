// SPDX-License-Identifier: MIT
#include "local/api/live.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "local/model/limits.h"

namespace azmon::local {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// A comment line now and then: proxies and browsers close streams that say nothing.
constexpr milliseconds kKeepAlive{15'000};

}  // namespace

void LiveHub::Notify(Store::Change change, std::uint64_t last_seq) {
  last_seq_ = last_seq;
  if (change == Store::Change::kReset) ++resets_;
  const std::lock_guard guard(mutex_);
  for (const auto& [id, listener] : listeners_) {
    if (listener->is_waiting.exchange(false) && listener->wake) listener->wake();
  }
}

std::size_t LiveHub::listeners() const {
  const std::lock_guard guard(mutex_);
  return listeners_.size();
}

net::Response LiveHub::Open() {
  std::uint64_t id = 0;
  {
    const std::lock_guard guard(mutex_);
    if (listeners_.size() >= limits::kLiveMax) {
      net::Response response = net::Response::Problem(503, "too many pages listen already; close some");
      response.headers.Set("Retry-After", "5");
      return response;
    }
    id = next_id_++;
    listeners_.emplace(id, std::make_shared<Listener>());
  }
  // The place is given back when the stream function goes, whether it ran or not.
  struct Place {
    Place(std::shared_ptr<LiveHub> owner, std::uint64_t number) : hub(std::move(owner)), id(number) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      const std::lock_guard guard(hub->mutex_);
      hub->listeners_.erase(id);
    }
    std::shared_ptr<LiveHub> hub;
    std::uint64_t id;
  };
  auto place = std::make_shared<Place>(shared_from_this(), id);
  return net::Response::Events([place](net::BodyWriter& writer) { return Stream(place->hub, place->id, writer); });
}

boost::asio::awaitable<void> LiveHub::Stream(std::shared_ptr<LiveHub> hub, std::uint64_t id, net::BodyWriter& writer) {
  std::shared_ptr<Listener> listener;
  {
    const std::lock_guard guard(hub->mutex_);
    listener = hub->listeners_.at(id);
    listener->wake = writer.Waker();
  }
  std::uint64_t seq = hub->last_seq_;
  std::uint64_t resets = hub->resets_;
  const auto greeted = co_await writer.Write("retry: 1000\n: azmon-local\n\n");
  if (!greeted) co_return;
  auto last_sent = steady_clock::now() - limits::kLiveInterval;
  while (writer.IsOpen()) {
    listener->is_waiting = true;
    if (hub->last_seq_ == seq && hub->resets_ == resets) {
      co_await writer.Wait(kKeepAlive);
      if (!writer.IsOpen()) co_return;
    }
    listener->is_waiting = false;
    // A change that comes soon after the last one is told together with those that follow it.
    for (auto now = steady_clock::now(); now < last_sent + limits::kLiveInterval && writer.IsOpen(); now = steady_clock::now()) {
      co_await writer.Wait(std::chrono::ceil<milliseconds>(last_sent + limits::kLiveInterval - now));
    }
    std::string text;
    if (const std::uint64_t now = hub->resets_; now != resets) {
      resets = now;
      text += "event: reset\ndata: {}\n\n";
    }
    if (const std::uint64_t now = hub->last_seq_; now != seq) {
      seq = now;
      text += "event: change\ndata: {\"seq\":" + std::to_string(now) + "}\n\n";
    }
    if (text.empty()) text = ": still here\n\n";
    last_sent = steady_clock::now();
    const auto written = co_await writer.Write(text);
    if (!written) co_return;
  }
}

}  // namespace azmon::local
