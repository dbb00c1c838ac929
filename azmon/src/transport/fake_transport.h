// SPDX-License-Identifier: MIT
// A transport without a network, for tests and the simulator: requests wait until somebody answers them. One thread.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>

#include "base/check.h"
#include "transport/transport.h"

namespace azmon::transport {

class FakeTransport final : public Transport {
 public:
  /// A request that waits for its answer.
  struct Waiting {
    HttpRequest request;
    Completion done;
  };

  Id Start(HttpRequest request, Completion done) override {
    ++started_;
    waiting_.emplace(++last_id_, Waiting{.request = std::move(request), .done = std::move(done)});
    return last_id_;
  }
  void Cancel(Id id) override { waiting_.erase(id); }
  void Poll(base::SteadyTime) override {}
  void Wake() override { ++wakes_; }

  /// Requests in flight, in the order of their start.
  std::size_t InFlight() const { return waiting_.size(); }
  const HttpRequest& Request(std::size_t index = 0) const { return At(index)->second.request; }
  std::uint64_t Started() const { return started_; }
  std::uint64_t Wakes() const { return wakes_; }

  /// Ends a request.
  void Answer(HttpResponse response, std::size_t index = 0) {
    const auto found = At(index);
    const Completion done = found->second.done;
    waiting_.erase(found);
    done(std::move(response));
  }

 private:
  std::map<Id, Waiting>::const_iterator At(std::size_t index) const {
    AZMON_CHECK(index < waiting_.size());
    return std::next(waiting_.begin(), static_cast<std::ptrdiff_t>(index));
  }

  std::map<Id, Waiting> waiting_;
  Id last_id_ = 0;
  std::uint64_t started_ = 0;
  std::uint64_t wakes_ = 0;
};

}  // namespace azmon::transport
