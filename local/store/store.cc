// SPDX-License-Identifier: MIT
#include "local/store/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "local/store/compress.h"
#include "local/store/reader.h"
#include "local/store/writer.h"

namespace azmon::local {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFile = "azmon-local.db";
constexpr std::string_view kLock = "azmon-local.lock";

/// How often ages and sizes are looked at when nothing is written, and the log is copied into the file when something was.
constexpr std::chrono::milliseconds kHousekeeping{1000};

/// The log is emptied, for which the writer waits a moment, when readers have kept it from being reused for so long.
constexpr std::uintmax_t kLogBytesMax = 256u << 20;

/// When the store is full, this share of it is freed before new items count again.
constexpr std::uint64_t KeptWhenFull(std::uint64_t bytes_max) { return bytes_max - bytes_max / 20; }

/// Holds a directory for one process, by a lock that the kernel drops with the process.
class DirectoryLock {
 public:
  static Result<DirectoryLock> Take(const fs::path& directory) {
    const fs::path path = directory / kLock;
    DirectoryLock lock;
    lock.file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock.file_ < 0) return Error{ErrorCode::kUnavailable, "cannot write to " + directory.string(), errno};
    if (::flock(lock.file_, LOCK_EX | LOCK_NB) != 0) {
      return Error{ErrorCode::kUnavailable, "another azmon-local uses " + directory.string() + "; end it or choose another --location"};
    }
    return lock;
  }
  DirectoryLock(DirectoryLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  DirectoryLock& operator=(DirectoryLock&&) = delete;
  ~DirectoryLock() {
    if (file_ >= 0) ::close(file_);
  }

 private:
  DirectoryLock() = default;
  int file_ = -1;
};

}  // namespace

class Store::Impl {
 public:
  Impl(StoreOptions options, const base::Clock& clock, DirectoryLock lock, std::unique_ptr<Writer> writer, std::unique_ptr<Database> log)
      : options_(std::move(options)), clock_(clock), lock_(std::move(lock)), path_(fs::path(options_.directory) / kFile),
        writer_(std::move(writer)), log_(std::move(log)) {
    totals_ = writer_->totals();
    if (const auto bytes = writer_->BytesUsed(); bytes.ok()) bytes_ = *bytes;
    writer_thread_ = std::thread([this] { RunWriter(); });
    log_thread_ = std::thread([this] { RunLog(); });
  }

  ~Impl() {
    {
      const std::lock_guard guard(mutex_);
      stopping_ = true;
    }
    wake_writer_.notify_all();
    wake_log_.notify_all();
    writer_thread_.join();
    log_thread_.join();
    readers_.clear();
    (void)log_->CheckpointTruncate();
    log_.reset();
    writer_.reset();
    if (options_.is_temporary) {
      std::error_code ignored;
      fs::remove_all(options_.directory, ignored);
    }
  }

  Result<void> Submit(Batch batch, Committed done) {
    if (batch.items.empty()) {
      if (done) done({});
      return {};
    }
    Queued queued;
    queued.batch.kind = batch.kind;
    queued.batch.bytes_plain = batch.body.size();
    queued.batch.items = std::move(batch.items);
    queued.done = std::move(done);
    const std::size_t items = queued.batch.items.size();
    {
      const std::lock_guard guard(mutex_);
      // A request that is larger than the whole queue is taken when the queue is empty: it would never fit otherwise.
      const bool is_full = queue_items_ > 0 && (queue_items_ + items > options_.queue_items_max ||
                                                queue_bytes_ + queued.batch.bytes_plain > options_.queue_bytes_max);
      if (is_full || stopping_) {
        refused_queue_full_ += items;
        return Error{ErrorCode::kUnavailable, stopping_ ? "the store is closing" : "more arrives than can be written; send it again later"};
      }
      queue_items_ += items;
      queue_bytes_ += queued.batch.bytes_plain;
      queued.cost = queued.batch.bytes_plain;
    }
    queued.batch.body = Compress(batch.body);
    {
      const std::lock_guard guard(mutex_);
      queue_.push_back(std::move(queued));
    }
    wake_writer_.notify_one();
    return {};
  }

  Result<void> Reset() {
    std::unique_lock guard(mutex_);
    const std::uint64_t ticket = ++resets_asked_;
    wake_writer_.notify_one();
    reset_done_.wait(guard, [&] { return resets_done_ >= ticket || stopping_; });
    if (resets_done_ < ticket) return Error{ErrorCode::kCancelled, "the store is closing"};
    return reset_result_;
  }

  void OnChange(std::function<void(Change, std::uint64_t)> listener) {
    const std::lock_guard guard(mutex_);
    listener_ = std::move(listener);
  }

  /// Calls `ask` with a reader of its own; readers are kept for the next one.
  template <typename Ask>
  auto Read(Ask ask) -> decltype(ask(std::declval<Reader&>())) {
    std::unique_ptr<Reader> reader;
    {
      const std::lock_guard guard(readers_mutex_);
      if (!readers_.empty()) {
        reader = std::move(readers_.back());
        readers_.pop_back();
      }
    }
    if (reader == nullptr) {
      auto opened = Reader::Open(path_);
      if (!opened) return opened.error();
      reader = std::move(*opened);
    }
    auto result = ask(*reader);
    const std::lock_guard guard(readers_mutex_);
    if (readers_.size() < kIdleReadersMax) readers_.push_back(std::move(reader));
    return result;
  }

  std::int64_t Now() const { return clock_.WallNow().time_since_epoch().count() / 100; }

  StoreStats stats() const {
    const std::lock_guard guard(mutex_);
    StoreStats stats;
    stats.breeze = totals_.breeze;
    stats.otlp = totals_.otlp;
    stats.items = totals_.breeze + totals_.otlp;
    stats.transactions = totals_.transactions;
    stats.last_seq = totals_.last_seq;
    stats.bytes = bytes_;
    stats.expired_by_size = expired_by_size_;
    stats.expired_by_age = expired_by_age_;
    stats.refused_queue_full = refused_queue_full_;
    stats.refused_write_error = refused_write_error_;
    stats.queue_items = queue_items_;
    for (const auto& [name, counts] : totals_.applications) {
      if (const auto items = counts.first + counts.second; items > 0) stats.applications.emplace_back(name, items);
    }
    return stats;
  }

 private:
  static constexpr std::size_t kIdleReadersMax = 4;

  struct Queued {
    PackedBatch batch;
    Committed done;
    std::uint64_t cost = 0;
  };

  void RunWriter() {
    auto next_look = std::chrono::steady_clock::now();
    for (;;) {
      std::deque<Queued> group;
      std::uint64_t resets = 0;
      bool is_last = false;
      {
        std::unique_lock guard(mutex_);
        wake_writer_.wait_until(guard, next_look, [&] { return stopping_ || !queue_.empty() || resets_asked_ > resets_done_; });
        for (std::size_t items = 0; !queue_.empty() && (items == 0 || items + queue_.front().batch.items.size() <= limits::kCommitItemsMax);) {
          items += queue_.front().batch.items.size();
          group.push_back(std::move(queue_.front()));
          queue_.pop_front();
        }
        is_last = stopping_ && queue_.empty();
        resets = resets_asked_;
      }
      if (!group.empty()) WriteGroup(group);
      if (resets > resets_done_) DoReset(resets);
      if (is_last) return;
      const auto now = std::chrono::steady_clock::now();
      if (!group.empty() || now >= next_look) {
        const bool has_more = KeepWithinLimits();
        next_look = has_more ? now : now + kHousekeeping;
      }
    }
  }

  void WriteGroup(std::deque<Queued>& group) {
    std::vector<PackedBatch*> batches;
    for (Queued& queued : group) batches.push_back(&queued.batch);
    const Result<void> result = writer_->Write(batches);
    std::function<void(Change, std::uint64_t)> listener;
    std::uint64_t last_seq = 0;
    {
      const std::lock_guard guard(mutex_);
      for (const Queued& queued : group) {
        queue_items_ -= queued.batch.items.size();
        queue_bytes_ -= queued.cost;
        if (!result.ok()) refused_write_error_ += queued.batch.items.size();
      }
      if (result.ok()) {
        totals_ = writer_->totals();
        log_dirty_ = true;
      }
      last_seq = totals_.last_seq;
      listener = listener_;
    }
    for (const Queued& queued : group) {
      if (queued.done) queued.done(result);
    }
    if (result.ok() && listener) listener(Change::kItems, last_seq);
  }

  void DoReset(std::uint64_t ticket) {
    const Result<void> result = writer_->Reset();
    std::function<void(Change, std::uint64_t)> listener;
    std::uint64_t last_seq = 0;
    {
      const std::lock_guard guard(mutex_);
      if (result.ok()) {
        totals_ = writer_->totals();
        expired_by_size_ = expired_by_age_ = refused_queue_full_ = refused_write_error_ = 0;
        log_dirty_ = true;
      }
      last_seq = totals_.last_seq;
      listener = listener_;
    }
    if (result.ok() && listener) listener(Change::kReset, last_seq);
    {
      const std::lock_guard guard(mutex_);
      resets_done_ = ticket;
      reset_result_ = result;
    }
    reset_done_.notify_all();
  }

  /// Expires one portion at most, so that new items never wait long.
  /// @return whether there is more to expire
  bool KeepWithinLimits() {
    const auto bytes = writer_->BytesUsed();
    if (!bytes) return false;
    if (*bytes > options_.bytes_max) is_shrinking_ = true;
    if (*bytes <= KeptWhenFull(options_.bytes_max)) is_shrinking_ = false;
    std::uint64_t by_size = 0;
    std::uint64_t by_age = 0;
    if (is_shrinking_) {
      if (const auto expired = writer_->Expire(std::nullopt); expired.ok()) by_size = *expired;
    } else {
      const std::int64_t oldest = Now() - std::chrono::duration_cast<std::chrono::seconds>(options_.retention).count() * 10'000'000;
      if (const auto expired = writer_->Expire(oldest); expired.ok()) by_age = *expired;
    }
    const std::lock_guard guard(mutex_);
    bytes_ = *bytes;
    expired_by_size_ += by_size;
    expired_by_age_ += by_age;
    if (by_size + by_age > 0) {
      totals_ = writer_->totals();
      log_dirty_ = true;
    }
    return by_size + by_age > 0;
  }

  /// Copies the log into the file beside the writer, which otherwise would stop for 50 ms now and then.
  void RunLog() {
    std::unique_lock guard(mutex_);
    while (!stopping_) {
      wake_log_.wait_for(guard, kHousekeeping, [&] { return stopping_; });
      if (stopping_ || !std::exchange(log_dirty_, false)) continue;
      guard.unlock();
      (void)log_->CheckpointPassive();
      std::error_code ignored;
      if (const auto size = fs::file_size(path_ + "-wal", ignored); !ignored && size > kLogBytesMax) (void)log_->CheckpointTruncate();
      guard.lock();
    }
  }

  const StoreOptions options_;
  const base::Clock& clock_;
  const DirectoryLock lock_;
  const std::string path_;

  std::unique_ptr<Writer> writer_;  ///< writer thread only
  std::unique_ptr<Database> log_;   ///< log thread only
  bool is_shrinking_ = false;       ///< writer thread only

  mutable std::mutex mutex_;  ///< guards what follows, up to readers_mutex_
  std::condition_variable wake_writer_, wake_log_, reset_done_;
  std::deque<Queued> queue_;
  std::size_t queue_items_ = 0, queue_bytes_ = 0;
  bool stopping_ = false, log_dirty_ = false;
  std::uint64_t resets_asked_ = 0;
  std::atomic<std::uint64_t> resets_done_ = 0;
  Result<void> reset_result_;
  std::function<void(Change, std::uint64_t)> listener_;
  Writer::Totals totals_;
  std::uint64_t bytes_ = 0, expired_by_size_ = 0, expired_by_age_ = 0, refused_queue_full_ = 0, refused_write_error_ = 0;

  std::mutex readers_mutex_;
  std::vector<std::unique_ptr<Reader>> readers_;

  std::thread writer_thread_, log_thread_;
};

Result<std::unique_ptr<Store>> Store::Open(StoreOptions options, const base::Clock& clock) {
  std::error_code failure;
  fs::create_directories(options.directory, failure);
  if (failure) return Error{ErrorCode::kUnavailable, "cannot make " + options.directory, failure.value()};
  // Telemetry may hold personal data: for the user alone.
  fs::permissions(options.directory, fs::perms::owner_all, failure);
  auto lock = DirectoryLock::Take(options.directory);
  if (!lock) return lock.error();
  const std::string path = fs::path(options.directory) / kFile;
  auto writer = Writer::Open(path, clock);
  if (!writer) return writer.error();
  auto log = Database::Open(path, Database::Mode::kReadWrite);
  if (!log) return log.error();
  return std::unique_ptr<Store>(
      new Store(std::make_unique<Impl>(std::move(options), clock, std::move(*lock), std::move(*writer), std::move(*log))));
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

Result<void> Store::Submit(Batch batch, Committed done) { return impl_->Submit(std::move(batch), std::move(done)); }
Result<void> Store::Reset() { return impl_->Reset(); }
void Store::OnChange(std::function<void(Change, std::uint64_t)> listener) { impl_->OnChange(std::move(listener)); }

Result<TransactionList> Store::ListTransactions(const TransactionQuery& query) const {
  return impl_->Read([&](Reader& reader) { return reader.ListTransactions(query, impl_->Now()); });
}

Result<OperationItems> Store::ReadOperation(std::string_view operation_id) const {
  return impl_->Read([&](Reader& reader) { return reader.ReadOperation(operation_id); });
}

Result<ItemList> Store::ListItems(const ItemQuery& query) const {
  return impl_->Read([&](Reader& reader) { return reader.ListItems(query); });
}

Result<MetricList> Store::ListMetrics(const MetricQuery& query) const {
  return impl_->Read([&](Reader& reader) { return reader.ListMetrics(query); });
}

Result<Chart> Store::ReadChart(const ChartQuery& query) const {
  return impl_->Read([&](Reader& reader) { return reader.ReadChart(query, impl_->Now()); });
}

Result<RawItem> Store::ReadRaw(std::uint64_t seq) const {
  return impl_->Read([&](Reader& reader) { return reader.ReadRaw(seq); });
}

StoreStats Store::stats() const { return impl_->stats(); }

}  // namespace azmon::local
