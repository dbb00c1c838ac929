// SPDX-License-Identifier: MIT
#include "deliver/delivery.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "base/thread.h"
#include "deliver/azure_destination.h"
#include "deliver/console_destination.h"
#include "deliver/destination.h"
#include "deliver/ingestion_answer.h"
#include "deliver/log_limiter.h"
#include "deliver/otlp_destination.h"
#include "transport/curl_transport.h"
#include "transport/transport.h"

namespace azmon::deliver {

using std::chrono::milliseconds;

class Delivery::Impl {
 public:
  Impl(journal::Journal& journal, std::optional<AzureSettings> azure, std::optional<OtlpSettings> otlp, DeliveryOptions options,
       std::shared_ptr<transport::Transport> transport)
      : journal_(journal), clock_(*options.clock), transport_(std::move(transport)), log_(std::move(options.log)), meter_(std::move(options.meter)), on_loss_(std::move(options.on_loss)), errand_(std::move(options.errand)), process_(::getpid()) {
    const Workshop workshop{.journal = journal, .transport = *transport_, .clock = clock_, .log = log_, .export_interval = options.export_interval, .random = base::Random()};
    if (azure) {
      destinations_.push_back({journal::Destination::kAzure, std::make_unique<AzureDestination>(workshop, std::move(*azure))});
    }
    if (otlp) {
      destinations_.push_back({journal::Destination::kOtlp, std::make_unique<OtlpDestination>(workshop, std::move(*otlp))});
    }
    if (options.console != nullptr) {
      destinations_.push_back({journal::Destination::kConsole, std::make_unique<ConsoleDestination>(journal, *options.console)});
    }
    // It may be called once more while this ends.
    journal_.SetListener(limits::kBatchFullBytes, [wakes = transport_] { wakes->Wake(); });
  }

  Result<void> Run() {
    auto thread = base::StartThread("azmon-deliver", [this] { Loop(); });
    if (!thread.ok()) return thread.error();
    thread_ = std::move(*thread);
    return {};
  }

  bool IsOfThisProcess() const { return ::getpid() == process_; }
  /// Its thread is here and somewhere else than the caller.
  bool CanBeWaitedFor() const { return IsOfThisProcess() && loop_of_this_thread != this; }

  bool Flush(milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    const auto recycled_before = Recycled();
    std::unique_lock lock(mutex_);
    if (is_shut_down_) return was_flushed_;
    return FlushLocked(lock, deadline, false) && Recycled() == recycled_before;
  }

  bool Shutdown(milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    const auto recycled_before = Recycled();
    std::unique_lock lock(mutex_);
    if (!std::exchange(is_shutting_down_, true)) {
      was_flushed_ = FlushLocked(lock, deadline, true) && Recycled() == recycled_before;
      if (was_flushed_) FinishLocked(lock, deadline);
      must_stop_ = true;
      transport_->Wake();
      lock.unlock();
      thread_.join();
      journal_.Close(deadline);
      if (on_loss_ && Losses() != told_losses_) on_loss_();
      lock.lock();
      is_shut_down_ = true;
      changed_.notify_all();
      return was_flushed_;
    }
    changed_.wait_until(lock, deadline, [this] { return is_shut_down_; });
    return is_shut_down_ && was_flushed_;
  }

 private:
  static constinit thread_local const Impl* loop_of_this_thread;

  struct Reader {
    journal::Destination destination;
    std::unique_ptr<Destination> steps;
  };

  std::array<std::uint64_t, journal::kDestinations> Recycled() const {
    std::array<std::uint64_t, journal::kDestinations> counts{};
    for (const Reader& reader : destinations_) {
      counts[static_cast<std::size_t>(reader.destination)] = journal_.LedgerOf(reader.destination).LostWaiting();
    }
    return counts;
  }

  std::uint64_t Losses() const {
    std::uint64_t losses = 0;
    for (const Reader& reader : destinations_) losses += journal_.LedgerOf(reader.destination).DroppedTotal();
    return losses;
  }

  /// @return when to call again
  base::SteadyTime TellLosses(base::SteadyTime now) {
    if (!on_loss_) return base::SteadyTime::max();
    const std::uint64_t losses = Losses();
    if (losses == told_losses_) return base::SteadyTime::max();
    if (now < tell_not_before_) return tell_not_before_;
    told_losses_ = losses;
    tell_not_before_ = now + std::chrono::seconds(1);
    on_loss_();
    return base::SteadyTime::max();
  }

  bool FlushLocked(std::unique_lock<std::mutex>& lock, std::chrono::steady_clock::time_point deadline, bool may_hurry) {
    const std::uint64_t ticket = ++flush_asked_;
    flush_end_ = std::max(flush_end_, journal_.End());
    must_hurry_ |= may_hurry;
    transport_->Wake();
    return changed_.wait_until(lock, deadline, [&] { return flush_done_ >= ticket || has_stopped_; }) && flush_done_ >= ticket;
  }

  /// What the destinations have to say themselves, now that everything else is there. Whether it arrives changes nothing of the answer.
  void FinishLocked(std::unique_lock<std::mutex>& lock, std::chrono::steady_clock::time_point deadline) {
    is_finishing_ = true;
    transport_->Wake();
    changed_.wait_until(lock, deadline, [this] { return has_finished_ || has_stopped_; });
  }

  void Loop() {
    loop_of_this_thread = this;
    if (errand_) transport_->Start(std::move(errand_->request), [done = std::move(errand_->done)](const transport::HttpResponse& response) { done(response); });
    for (;;) {
      std::uint64_t ticket = 0;
      bool is_flushing = false;
      bool must_hurry = false;
      bool is_finishing = false;
      {
        const std::lock_guard lock(mutex_);
        if (must_stop_) break;
        ticket = flush_asked_;
        must_hurry = std::exchange(must_hurry_, false);
        is_flushing = flush_done_ < ticket;
        is_finishing = is_finishing_ && !has_finished_;
      }
      const base::SteadyTime now = clock_.Now();
      base::SteadyTime wake = log_.Step(now);
      if (meter_) wake = std::min(wake, meter_(now, is_flushing && metered_ < ticket));
      if (is_flushing) {
        // What the meter has just appended belongs to the flush.
        const std::lock_guard lock(mutex_);
        if (meter_ && metered_ < ticket) flush_end_ = std::max(flush_end_, journal_.End());
        metered_ = ticket;
        for (const Reader& reader : destinations_) reader.steps->Flush(flush_end_);
      }
      bool is_flushed = true;
      for (const Reader& reader : destinations_) {
        if (must_hurry) reader.steps->Hurry(now);
        wake = std::min(wake, reader.steps->Step(now));
        is_flushed &= reader.steps->IsFlushed();
      }
      if (is_flushed) {
        const std::lock_guard lock(mutex_);
        if (flush_done_ < ticket) {
          flush_done_ = ticket;
          changed_.notify_all();
        }
      }
      if (is_finishing && std::ranges::all_of(destinations_, [&](const Reader& reader) { return reader.steps->Finish(now); })) {
        const std::lock_guard lock(mutex_);
        has_finished_ = true;
        changed_.notify_all();
      }
      transport_->Poll(std::min(wake, TellLosses(now)));
    }
    for (const Reader& reader : destinations_) reader.steps->Stop();
    const std::lock_guard lock(mutex_);
    has_stopped_ = true;
    changed_.notify_all();
  }

  journal::Journal& journal_;
  const base::Clock& clock_;
  const std::shared_ptr<transport::Transport> transport_;
  LogLimiter log_;
  const std::function<base::SteadyTime(base::SteadyTime, bool)> meter_;
  const std::function<void()> on_loss_;
  std::optional<DeliveryOptions::Errand> errand_;  ///< delivery thread only
  std::uint64_t told_losses_ = 0;  ///< when on_loss was last called; delivery thread only
  base::SteadyTime tell_not_before_{};
  std::uint64_t metered_ = 0;  ///< the newest flush that the meter has finished for; delivery thread only
  const pid_t process_;
  std::vector<Reader> destinations_;
  std::thread thread_;

  std::mutex mutex_;
  std::condition_variable changed_;
  journal::Position flush_end_ = 0;
  std::uint64_t flush_asked_ = 0;  ///< tickets: a flush is done when one at or behind its own is
  std::uint64_t flush_done_ = 0;
  bool must_hurry_ = false;
  bool is_finishing_ = false;
  bool has_finished_ = false;
  bool must_stop_ = false;
  bool has_stopped_ = false;
  bool is_shutting_down_ = false;
  bool is_shut_down_ = false;
  bool was_flushed_ = false;
};

constinit thread_local const Delivery::Impl* Delivery::Impl::loop_of_this_thread = nullptr;

Result<std::unique_ptr<Delivery>> Delivery::Start(journal::Journal& journal, std::optional<AzureSettings> azure, std::optional<OtlpSettings> otlp,
                                                  DeliveryOptions options) {
  std::shared_ptr<transport::Transport> transport = options.transport;
  if (!transport) {
    auto made = transport::MakeCurlTransport(transport::CurlOptions::FromEnvironment(*options.environment), *options.clock);
    if (!made.ok()) return made.error();
    transport = std::move(made).value();
  }
  // simdjson's statics are made at its first use, and destroyed at exit() in reverse order: they have to be older than whatever shuts this
  // down then.
  (void)ParseIngestionAnswer("{}");
  auto impl = std::make_unique<Impl>(journal, std::move(azure), std::move(otlp), std::move(options), std::move(transport));
  if (auto started = impl->Run(); !started.ok()) return started.error();
  return std::unique_ptr<Delivery>(new Delivery(std::move(impl)));
}

Delivery::Delivery(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Delivery::~Delivery() {
  if (!impl_->CanBeWaitedFor()) {
    // In a forked child the thread is not here and its lock may be held for ever; only the memory is.
    static_cast<void>(impl_.release());
    return;
  }
  Shutdown(milliseconds(0));
}

bool Delivery::Flush(milliseconds timeout) { return impl_->CanBeWaitedFor() && impl_->Flush(timeout); }

bool Delivery::Shutdown(milliseconds timeout) { return impl_->CanBeWaitedFor() && impl_->Shutdown(timeout); }

bool Delivery::IsOfThisProcess() const { return impl_->IsOfThisProcess(); }

}  // namespace azmon::deliver
