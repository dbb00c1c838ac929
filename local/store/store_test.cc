// SPDX-License-Identifier: MIT
#include "local/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "local/model/time.h"
#include "local/store/sqlite.h"

namespace azmon::local {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

/// A directory that ends with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (fs::temp_directory_path() / "azmon-local-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryDirectory() { fs::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class TestClock final : public base::Clock {
 public:
  base::SteadyTime Now() const override { return std::chrono::steady_clock::now(); }
  base::WallTime WallNow() const override { return base::WallTime(std::chrono::nanoseconds(now_ns.load())); }
  std::atomic<std::int64_t> now_ns{1'800'000'000'000'000'000};
};

std::string OperationId(int number) {
  char text[33];
  std::snprintf(text, sizeof text, "%032x", number + 1);
  return text;
}

std::string SpanId(int number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016x", number + 1);
  return text;
}

Item Request(int number) {
  Item item;
  item.type = ItemType::kRequest;
  item.time = 1'000'000LL * (number + 1);
  item.duration = 1000;
  item.success = number % 3 == 0 ? 0 : 1;
  item.name = "GET /" + std::to_string(number);
  item.operation_id = OperationId(number);
  item.id = SpanId(number);
  item.role = number % 2 == 0 ? "even" : "odd";
  item.i_key = "key";
  item.dimensions = "{\"number\":\"" + std::to_string(number) + "\"}";
  item.raw.item = {0, 2};
  return item;
}

Batch BatchOf(std::vector<Item> items) {
  Batch batch;
  batch.body = "{}";
  batch.items = std::move(items);
  return batch;
}

/// Submits and waits for the commit.
Result<void> Put(Store& store, std::vector<Item> items) {
  std::promise<Result<void>> promise;
  auto done = promise.get_future();
  auto submitted = store.Submit(BatchOf(std::move(items)), [&](Result<void> result) { promise.set_value(std::move(result)); });
  if (!submitted) return submitted;
  return done.get();
}

std::unique_ptr<Store> Open(const TemporaryDirectory& directory, StoreOptions options = {}, const base::Clock& clock = base::SystemClock()) {
  options.directory = directory.path();
  auto store = Store::Open(options, clock);
  EXPECT_TRUE(store.ok()) << store.error().ToString();
  return std::move(*store);
}

std::vector<std::string> Names(const TransactionList& list) {
  std::vector<std::string> names;
  for (const auto& transaction : list.transactions) names.push_back(transaction.name);
  return names;
}

TEST(Store, WhatWasCommittedIsReadBackWhole) {
  const TemporaryDirectory directory;
  const auto store = Open(directory);
  Item item = Request(1);
  item.parent_id = "not hexadecimal";
  item.links = R"([{"operation_Id":"1","id":"2"}])";
  item.severity = 3;
  item.item_count = 20;
  item.exception_type = "E";
  item.stack = "at f\nat g";
  ASSERT_TRUE(Put(*store, {item}).ok());
  const auto read = store->ReadOperation(OperationId(1));
  ASSERT_TRUE(read.ok());
  ASSERT_EQ(read->items.size(), 1U);
  const Item& back = read->items[0];
  EXPECT_EQ(back.seq, 1U);
  EXPECT_EQ(back.id, item.id);
  EXPECT_EQ(back.parent_id, item.parent_id);
  EXPECT_EQ(back.links, item.links);
  EXPECT_EQ(back.severity, 3);
  EXPECT_EQ(back.item_count, 20);
  EXPECT_EQ(back.stack, item.stack);
  EXPECT_EQ(back.dimensions, item.dimensions);
  EXPECT_EQ(back.time, item.time);
  EXPECT_EQ(read->summary.name, "GET /1");
}

TEST(Store, OpeningAgainFindsEverything) {
  const TemporaryDirectory directory;
  {
    const auto store = Open(directory);
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(Put(*store, {Request(i)}).ok());
  }
  const auto store = Open(directory);
  EXPECT_EQ(store->stats().items, 10U);
  EXPECT_EQ(store->stats().transactions, 10U);
  EXPECT_THAT(store->stats().applications, ElementsAre(std::pair(std::string("key"), std::uint64_t{10})));
  // A later item of an old operation joins it.
  Item child = Request(3);
  child.id = "00000000000000ff";
  child.parent_id = SpanId(3);
  child.role = "third";
  ASSERT_TRUE(Put(*store, {child}).ok());
  EXPECT_EQ(store->stats().transactions, 10U);
  TransactionQuery query;
  query.role = "third";
  const auto list = store->ListTransactions(query);
  ASSERT_TRUE(list.ok());
  ASSERT_EQ(list->transactions.size(), 1U);
  EXPECT_EQ(list->transactions[0].items, 2U);
  EXPECT_THAT(list->transactions[0].roles, ElementsAre("odd", "third"));
}

TEST(Store, ASecondProcessIsToldThatTheDirectoryIsTaken) {
  const TemporaryDirectory directory;
  const auto store = Open(directory);
  StoreOptions options;
  options.directory = directory.path();
  const auto second = Store::Open(options);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
}

TEST(Store, RefusesNewerAndForeignFiles) {
  const TemporaryDirectory newer;
  { Open(newer); }
  {
    auto database = Database::Open(newer.path() + "/azmon-local.db", Database::Mode::kReadWrite);
    ASSERT_TRUE((*database)->Execute("PRAGMA user_version=99").ok());
  }
  StoreOptions options;
  options.directory = newer.path();
  EXPECT_EQ(Store::Open(options).error().code, ErrorCode::kUnsupported);

  const TemporaryDirectory foreign;
  {
    auto database = Database::Open(foreign.path() + "/azmon-local.db", Database::Mode::kReadWrite);
    ASSERT_TRUE((*database)->Execute("CREATE TABLE recipes(x)").ok());
  }
  options.directory = foreign.path();
  EXPECT_EQ(Store::Open(options).error().code, ErrorCode::kMalformed);
}

TEST(Store, ListsNewestFirstAndPagesWithoutGapsOrRepeats) {
  const TemporaryDirectory directory;
  const auto store = Open(directory);
  std::vector<Item> items;
  for (int i = 0; i < 57; ++i) {
    items.push_back(Request(i));
    items.back().time = 1'000'000 * (i / 5);  // five of equal start
  }
  ASSERT_TRUE(Put(*store, items).ok());
  TransactionQuery query;
  query.limit = 10;
  std::set<std::string> seen;
  std::int64_t last = std::numeric_limits<std::int64_t>::max();
  for (int page = 0; page < 6; ++page) {
    const auto list = store->ListTransactions(query);
    ASSERT_TRUE(list.ok());
    EXPECT_EQ(list->total, 57U);
    EXPECT_EQ(list->has_more, page < 5);
    for (const auto& transaction : list->transactions) {
      EXPECT_LE(transaction.start, last);
      last = transaction.start;
      EXPECT_TRUE(seen.insert(transaction.operation_id).second) << transaction.operation_id;
    }
    query.after = {list->transactions.back().start, list->transactions.back().operation_id};
  }
  EXPECT_EQ(seen.size(), 57U);
}

TEST(Store, FiltersTransactions) {
  const TemporaryDirectory directory;
  const auto store = Open(directory);
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(Put(*store, {Request(i)}).ok());
  Item log;
  log.type = ItemType::kTrace;
  log.message = "Card was declined";
  log.operation_id = OperationId(4);
  log.parent_id = SpanId(4);
  log.time = 5'000'100;
  log.i_key = "other";
  ASSERT_TRUE(Put(*store, {log}).ok());

  const auto ask = [&](auto set) {
    TransactionQuery query;
    set(query);
    const auto list = store->ListTransactions(query);
    EXPECT_TRUE(list.ok());
    return Names(*list);
  };
  EXPECT_THAT(ask([](auto& q) { q.success = false; }), ElementsAre("GET /3", "GET /0"));
  EXPECT_THAT(ask([](auto& q) { q.role = "odd"; }), ElementsAre("GET /5", "GET /3", "GET /1"));
  EXPECT_THAT(ask([](auto& q) { q.item_type = ItemType::kTrace; }), ElementsAre("GET /4"));
  EXPECT_THAT(ask([](auto& q) { q.i_key = "other"; }), ElementsAre("GET /4"));
  EXPECT_THAT(ask([](auto& q) { q.since = 3'000'000; q.until = 5'000'000; }), ElementsAre("GET /3", "GET /2"));
  EXPECT_THAT(ask([](auto& q) { q.search = *Search::Parse("declined"); }), ElementsAre("GET /4"));
  // Terms may stand in different items of the transaction.
  EXPECT_THAT(ask([](auto& q) { q.search = *Search::Parse("declined GET"); }), ElementsAre("GET /4"));
  EXPECT_THAT(ask([](auto& q) { q.search = *Search::Parse("NOT declined NOT odd"); }), ElementsAre("GET /2", "GET /0"));
  EXPECT_THAT(ask([](auto& q) { q.search = *Search::Parse(OperationId(2)); }), ElementsAre("GET /2"));
}

TEST(Store, TheHistogramCountsTheWholeWindow) {
  const TemporaryDirectory directory;
  const auto store = Open(directory);
  std::vector<Item> items;
  for (int i = 0; i < 30; ++i) items.push_back(Request(i));
  ASSERT_TRUE(Put(*store, items).ok());
  TransactionQuery query;
  query.limit = 1;
  const auto list = store->ListTransactions(query);
  ASSERT_TRUE(list.ok());
  std::uint64_t ok = 0;
  std::uint64_t failed = 0;
  for (const auto& bucket : list->histogram) {
    ok += bucket.ok;
    failed += bucket.failed;
  }
  EXPECT_EQ(ok, 20U);
  EXPECT_EQ(failed, 10U);
  EXPECT_LE(list->histogram.size(), limits::kHistogramBuckets + 2);
  // Absurd times do not break it.
  Item far = Request(99);
  far.time = kTimeMin;
  Item late = Request(98);
  late.time = kTimeMax;
  ASSERT_TRUE(Put(*store, {far, late}).ok());
  const auto wide = store->ListTransactions(query);
  ASSERT_TRUE(wide.ok());
  EXPECT_EQ(wide->total, 32U);
}

TEST(Store, ListsItemsByConditions) {
  const TemporaryDirectory directory;
  const auto store = Open(directory);
  std::vector<Item> items;
  for (int i = 0; i < 20; ++i) items.push_back(Request(i));
  ASSERT_TRUE(Put(*store, items).ok());
  ItemQuery query;
  query.where.push_back(*Condition::Parse("customDimensions.number=7"));
  auto list = store->ListItems(query);
  ASSERT_TRUE(list.ok());
  ASSERT_EQ(list->items.size(), 1U);
  EXPECT_EQ(list->items[0].name, "GET /7");
  query = {};
  query.role = "odd";
  query.limit = 4;
  list = store->ListItems(query);
  EXPECT_EQ(list->items.size(), 4U);
  EXPECT_TRUE(list->has_more);
  EXPECT_EQ(list->items[0].seq, 20U);
  query.before = list->items.back().seq;
  EXPECT_EQ(store->ListItems(query)->items[0].seq, 12U);
}

TEST(Store, KeepsTheBytesOfEachRequest) {
  const TemporaryDirectory directory;
  const auto store = Open(directory);
  Batch batch = BatchOf({Request(0), Request(1)});
  batch.body = R"([{"a":1},{"b":2}])";
  batch.items[0].raw.item = {1, 7};
  batch.items[1].raw.item = {9, 7};
  std::promise<void> done;
  ASSERT_TRUE(store->Submit(std::move(batch), [&](Result<void>) { done.set_value(); }).ok());
  done.get_future().wait();
  const auto raw = store->ReadRaw(2);
  ASSERT_TRUE(raw.ok());
  EXPECT_EQ(raw->body.substr(raw->parts.item.at, raw->parts.item.bytes), R"({"b":2})");
  EXPECT_EQ(store->ReadRaw(3).error().code, ErrorCode::kNotFound);
}

TEST(Store, ResetForgetsEverythingAndIsTold) {
  const TemporaryDirectory directory;
  std::atomic<int> resets = 0;
  const auto store = Open(directory);
  store->OnChange([&](Store::Change change, std::uint64_t) { resets += change == Store::Change::kReset ? 1 : 0; });
  ASSERT_TRUE(Put(*store, {Request(0), Request(1)}).ok());
  ASSERT_TRUE(store->Reset().ok());
  EXPECT_EQ(resets, 1);
  EXPECT_EQ(store->stats().items, 0U);
  EXPECT_EQ(store->stats().transactions, 0U);
  EXPECT_EQ(store->ReadOperation(OperationId(0)).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(Put(*store, {Request(0)}).ok());
  EXPECT_EQ(store->ReadOperation(OperationId(0))->items[0].seq, 3U);
}

TEST(Store, ExpiresTheOldestWhenFull) {
  const TemporaryDirectory directory;
  StoreOptions options;
  options.bytes_max = limits::kStoreBytesLeast;
  const auto store = Open(directory, options);
  std::vector<Item> items;
  for (int i = 0; i < 20'000; ++i) {
    items.push_back(Request(i));
    if (items.size() == 1000) {
      ASSERT_TRUE(Put(*store, std::move(items)).ok());
      items.clear();
    }
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (store->stats().bytes > options.bytes_max && std::chrono::steady_clock::now() < deadline) {
    ASSERT_TRUE(Put(*store, {Request(0)}).ok());
  }
  const auto stats = store->stats();
  EXPECT_LE(stats.bytes, options.bytes_max);
  EXPECT_GT(stats.expired_by_size, 0U);
  EXPECT_EQ(stats.items + stats.expired_by_size, stats.last_seq);
  // The newest ones are here, and the numbers agree with the tables.
  TransactionQuery query;
  query.limit = 1;
  const auto list = store->ListTransactions(query);
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->transactions[0].name, "GET /19999") << list->total << " of " << stats.items << ", " << stats.bytes << " bytes, " << stats.expired_by_size;
  EXPECT_EQ(list->total, stats.transactions);
}

TEST(Store, ExpiresByAgeAndKeepsTheRestOfAnOperation) {
  const TemporaryDirectory directory;
  TestClock clock;
  StoreOptions options;
  options.retention = std::chrono::hours(1);
  const auto store = Open(directory, options, clock);
  Item child = Request(0);
  child.id = "00000000000000aa";
  child.parent_id = SpanId(0);
  child.name = "child";
  ASSERT_TRUE(Put(*store, {Request(0), Request(1)}).ok());
  clock.now_ns += 50LL * 60 * 1'000'000'000;
  ASSERT_TRUE(Put(*store, {child}).ok());
  EXPECT_EQ(store->stats().items, 3U);
  clock.now_ns += 20LL * 60 * 1'000'000'000;
  ASSERT_TRUE(Put(*store, {Request(2)}).ok());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (store->stats().expired_by_age < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  const auto stats = store->stats();
  EXPECT_EQ(stats.expired_by_age, 2U);
  EXPECT_EQ(stats.items, 2U);
  EXPECT_EQ(stats.transactions, 2U);
  const auto rest = store->ReadOperation(OperationId(0));
  ASSERT_TRUE(rest.ok());
  EXPECT_EQ(rest->items.size(), 1U);
  EXPECT_EQ(rest->items[0].name, "child");
  EXPECT_EQ(store->ReadRaw(1).error().code, ErrorCode::kNotFound);
}

TEST(Store, AFullQueueRefusesAndLosesNothingThatItTook) {
  const TemporaryDirectory directory;
  StoreOptions options;
  options.queue_items_max = 10;
  // Before the store, whose listener uses them to its end.
  std::mutex mutex;
  std::condition_variable wake;
  bool held = false;
  bool release = false;
  std::atomic<int> committed = 0;
  const auto store = Open(directory, options);
  // Hold the writer in the listener, so that the queue fills.
  store->OnChange([&](Store::Change, std::uint64_t) {
    std::unique_lock guard(mutex);
    held = true;
    wake.notify_all();
    wake.wait(guard, [&] { return release; });
  });
  const auto submit = [&](int i) { return store->Submit(BatchOf({Request(i)}), [&](Result<void> result) { committed += result.ok() ? 1 : 0; }); };
  ASSERT_TRUE(submit(0).ok());
  {
    std::unique_lock guard(mutex);
    wake.wait(guard, [&] { return held; });
  }
  int taken = 1;
  int refused = 0;
  for (int i = 1; i < 30; ++i) ++(submit(i).ok() ? taken : refused);
  EXPECT_EQ(taken, 11);
  EXPECT_EQ(refused, 19);
  EXPECT_EQ(store->stats().refused_queue_full, 19U);
  {
    const std::lock_guard guard(mutex);
    release = true;
  }
  wake.notify_all();
  ASSERT_TRUE(Put(*store, {}).ok());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (committed < taken && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(committed, taken);
  EXPECT_EQ(store->stats().items, 11U);
}

TEST(Store, ReadersAndTheWriterWorkAtTheSameTime) {
  const TemporaryDirectory directory;
  const auto store = Open(directory);
  std::atomic<bool> stop = false;
  std::vector<std::thread> readers;
  std::atomic<int> reads = 0;
  for (int reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&] {
      TransactionQuery query;
      query.search = *Search::Parse("GET OR POST");
      while (!stop) {
        const auto list = store->ListTransactions(query);
        EXPECT_TRUE(list.ok()) << list.error().ToString();
        ++reads;
      }
    });
  }
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(Put(*store, {Request(i)}).ok());
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_GT(reads, 0);
  EXPECT_EQ(store->stats().items, 300U);
}

TEST(Store, ATemporaryStoreLeavesNothing) {
  const TemporaryDirectory directory;
  StoreOptions options;
  options.directory = directory.path() + "/memory";
  options.is_temporary = true;
  {
    auto store = Store::Open(options);
    ASSERT_TRUE(store.ok());
    ASSERT_TRUE(Put(**store, {Request(0)}).ok());
    EXPECT_TRUE(fs::exists(options.directory));
  }
  EXPECT_FALSE(fs::exists(options.directory));
}

}  // namespace
}  // namespace azmon::local
