// SPDX-License-Identifier: MIT
#include "net/loop.h"

#include <algorithm>

#include <boost/asio/executor_work_guard.hpp>

#include "net/codec/serializer.h"

namespace net {
namespace {

thread_local Loop* current_loop = nullptr;

}  // namespace

void DeadlineQueue::Link(DeadlineEntry& entry) {
  entry.next_ = head_;
  entry.link_ = &head_;
  if (head_ != nullptr) head_->link_ = &entry.next_;
  head_ = &entry;
}

void DeadlineQueue::Unlink(DeadlineEntry& entry) {
  if (entry.link_ == nullptr) return;
  *entry.link_ = entry.next_;
  if (entry.next_ != nullptr) entry.next_->link_ = entry.link_;
  entry.link_ = nullptr;
  entry.next_ = nullptr;
}

void DeadlineQueue::Arm(Deadline when) {
  if (when >= next_wake_ || timer_ == nullptr) return;
  next_wake_ = when;
  timer_->expires_at(when);
  timer_->async_wait([this](const boost::system::error_code& error) {
    if (!error) OnTimer();
  });
}

void DeadlineQueue::OnTimer() {
  const Deadline now = Now();
  next_wake_ = Deadline::max();
  Deadline next = Deadline::max();
  // on_expired may end other entries of the list, so the walk begins anew after each call; each call takes one entry out.
  for (DeadlineEntry* entry = head_; entry != nullptr;) {
    if (entry->when_ > now) {
      next = std::min(next, entry->when_);
      entry = entry->next_;
      continue;
    }
    Unlink(*entry);
    entry->has_expired_ = true;
    // A copy: the call may destroy the entry.
    const std::function<void()> on_expired = entry->on_expired_;
    if (on_expired) on_expired();
    entry = head_;
    next = Deadline::max();
  }
  if (next != Deadline::max()) Arm(next);
}

void DeadlineEntry::Set(Deadline when) {
  has_expired_ = false;
  when_ = when;
  if (link_ == nullptr) queue_.Link(*this);
  queue_.Arm(when);
}

void DeadlineEntry::Clear() {
  has_expired_ = false;
  DeadlineQueue::Unlink(*this);
}

Loop::Loop() : timer_(context_) { queue_.SetTimer(&timer_); }

Loop::~Loop() { queue_.SetTimer(nullptr); }

bool Loop::IsCurrent() const { return current_loop == this; }
Loop* Loop::Current() { return current_loop; }

std::string_view Loop::Date() {
  const std::int64_t second =
      std::chrono::duration_cast<std::chrono::seconds>(azmon::base::SystemClock().WallNow().time_since_epoch()).count();
  if (second != date_second_) {
    date_second_ = second;
    date_ = HttpDate(second);
  }
  return date_;
}

void Loop::Start() {
  thread_ = std::thread([this] {
    current_loop = this;
    const auto work = boost::asio::make_work_guard(context_);
    context_.run();
    current_loop = nullptr;
  });
}

void Loop::Join() {
  context_.stop();
  if (thread_.joinable()) thread_.join();
}

void Loop::Abandon() {
  queue_.SetTimer(nullptr);
  context_.Abandon();
}

}  // namespace net
