// SPDX-License-Identifier: MIT
// Contexts follow coroutines: checked by the parents that the SDK gives to spans.
#include "azmon/asio.h"

#include <chrono>
#include <cstdint>
#include <future>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>
#include <opentelemetry/exporters/memory/in_memory_span_data.h>
#include <opentelemetry/exporters/memory/in_memory_span_exporter_factory.h>
#include <opentelemetry/sdk/trace/simple_processor_factory.h>
#include <opentelemetry/sdk/trace/span_data.h>
#include <opentelemetry/sdk/trace/tracer_provider.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>
#include <opentelemetry/trace/scope.h>
#include <opentelemetry/trace/tracer.h>

namespace azmon::asio {
namespace {

namespace otel = opentelemetry;
using boost::asio::awaitable;
using boost::asio::use_awaitable;

class AsioContext : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_EQ(InstallContext(), Installed::kYes); }

  void Export(std::size_t spans_max) {
    provider_ = otel::sdk::trace::TracerProviderFactory::Create(otel::sdk::trace::SimpleSpanProcessorFactory::Create(
        otel::exporter::memory::InMemorySpanExporterFactory::Create(data_, spans_max)));
    tracer_ = provider_->GetTracer("test");
  }

  std::shared_ptr<otel::exporter::memory::InMemorySpanData> data_;
  std::unique_ptr<otel::trace::TracerProvider> provider_;
  otel::nostd::shared_ptr<otel::trace::Tracer> tracer_;
};

/// Nothing, through the executor's queue, or a timer: each may bring the coroutine to another thread.
awaitable<void> Hop(std::shared_ptr<std::mt19937> random) {
  const auto executor = co_await boost::asio::this_coro::executor;
  switch ((*random)() % 3) {
    case 0: co_await boost::asio::post(executor, use_awaitable); break;
    case 1: {
      boost::asio::steady_timer timer(executor);
      timer.expires_after(std::chrono::microseconds((*random)() % 200));
      co_await timer.async_wait(use_awaitable);
      break;
    }
    default: break;
  }
}

using Tracer = otel::nostd::shared_ptr<otel::trace::Tracer>;
using Random = std::shared_ptr<std::mt19937>;

/// A span named `name`, which the test expects to have the parent that is named in front of the last '/'.
awaitable<void> Nested(Tracer tracer, std::string name, int depth, Random random) {
  const auto span = tracer->StartSpan(name);
  const otel::trace::Scope scope(span);
  co_await Hop(random);
  if (depth > 0) co_await Nested(tracer, name + "/n", depth - 1, random);
  co_await Hop(random);
  EXPECT_TRUE(otel::trace::Tracer::GetCurrentSpan() == span) << name;
}

awaitable<void> Request(Tracer tracer, std::string name, std::uint32_t seed) {
  const Random random = std::make_shared<std::mt19937>(seed);
  const auto root = tracer->StartSpan(name);
  const otel::trace::Scope scope(root);
  for (int i = 0; i < 4; ++i) {
    co_await Hop(random);
    co_await Nested(tracer, name + "/" + std::to_string(i), 1, random);
  }
  // The branches have random numbers of their own: they run at once.
  co_await when_all(Nested(tracer, name + "/left", 1, std::make_shared<std::mt19937>(seed + 1)),
                    Nested(tracer, name + "/right", 1, std::make_shared<std::mt19937>(seed + 2)));
  co_await Hop(random);
  EXPECT_TRUE(otel::trace::Tracer::GetCurrentSpan() == root) << name;
}

#if defined(__SANITIZE_THREAD__)
constexpr int kRounds = 1;
#else
constexpr int kRounds = 5;
#endif
constexpr int kRequests = 1000;
constexpr int kSpansOfRequest = 1 + 4 * 2 + 2 * 2;

TEST_F(AsioContext, EverySpanOfManyHoppingCoroutinesHasItsParent) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed=" + std::to_string(seed));
  std::size_t spans = 0;
  std::size_t wrong = 0;
  for (int round = 0; round < kRounds; ++round) {
    Export(kRequests * kSpansOfRequest);
    boost::asio::io_context io(2);
    for (int i = 0; i < kRequests; ++i) {
      spawn(io, Request(tracer_, std::to_string(i), seed + static_cast<std::uint32_t>(i) * 3), boost::asio::detached);
    }
    std::thread other([&] { io.run(); });
    io.run();
    other.join();
    EXPECT_EQ(CurrentFrames::Get().Size(), 0u);

    std::map<std::string, std::pair<otel::trace::SpanId, otel::trace::TraceId>> ids;
    const auto data = data_->GetSpans();
    for (const auto& span : data) ids[std::string(span->GetName())] = {span->GetSpanId(), span->GetTraceId()};
    ASSERT_EQ(ids.size(), static_cast<std::size_t>(kRequests * kSpansOfRequest));
    for (const auto& span : data) {
      const std::string name(span->GetName());
      const std::size_t slash = name.rfind('/');
      const auto parent = slash == std::string::npos ? otel::trace::SpanId() : ids[name.substr(0, slash)].first;
      const auto trace = ids[name.substr(0, name.find('/'))].second;
      if (!(span->GetParentSpanId() == parent) || !(span->GetTraceId() == trace)) ++wrong;
      ++spans;
    }
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(spans, static_cast<std::size_t>(kRounds * kRequests * kSpansOfRequest));
  std::printf("%zu spans, %zu with a wrong parent\n", spans, wrong);
}

TEST_F(AsioContext, WithoutOurExecutorTheSameCoroutinesGetWrongParents) {
  // The negative control: the check above would see it if contexts leaked.
  Export(kRequests * kSpansOfRequest);
  boost::asio::io_context io(1);
  for (int i = 0; i < 20; ++i) {
    const std::string name = std::to_string(i);
    boost::asio::co_spawn(
        io,
        [tracer = tracer_, name, i]() -> awaitable<void> {
          const auto root = tracer->StartSpan(name);
          const otel::trace::Scope scope(root);
          boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
          timer.expires_after(std::chrono::microseconds(100 + i));
          co_await timer.async_wait(use_awaitable);
          tracer->StartSpan(name + "/child")->End();
        },
        boost::asio::detached);
  }
  io.run();
  std::map<std::string, otel::trace::SpanId> ids;
  std::size_t wrong = 0;
  const auto data = data_->GetSpans();
  for (const auto& span : data) ids[std::string(span->GetName())] = span->GetSpanId();
  for (const auto& span : data) {
    const std::string name(span->GetName());
    if (name.find('/') != std::string::npos && !(span->GetParentSpanId() == ids[name.substr(0, name.find('/'))])) ++wrong;
  }
  EXPECT_GT(wrong, 10u);
}

TEST_F(AsioContext, ASpawnedCoroutineBeginsWithTheSpawnersContextAndLeavesItAlone) {
  Export(100);
  boost::asio::io_context io;
  std::vector<bool> same;
  {
    const auto outer = tracer_->StartSpan("outer");
    const otel::trace::Scope scope(outer);
    const Tracer tracer = tracer_;
    spawn(
        io,
        [&same, outer, tracer]() -> awaitable<void> {
          same.push_back(otel::trace::Tracer::GetCurrentSpan() == outer);
          const auto inner = tracer->StartSpan("inner");
          const otel::trace::Scope inner_scope(inner);
          const auto executor = co_await boost::asio::this_coro::executor;
          co_await boost::asio::post(executor, use_awaitable);
          same.push_back(otel::trace::Tracer::GetCurrentSpan() == inner);
        },
        boost::asio::detached);
    io.run_one();
    same.push_back(otel::trace::Tracer::GetCurrentSpan() == outer);
  }
  EXPECT_FALSE(otel::trace::Tracer::GetCurrentSpan()->GetContext().IsValid());
  io.run();
  EXPECT_EQ(same.size(), 3u);
  for (const bool is_same : same) EXPECT_TRUE(is_same);
}

TEST_F(AsioContext, AWorkOnAnotherPoolComesBackToItsContext) {
  Export(100);
  boost::asio::io_context io;
  boost::asio::thread_pool pool(1);
  const Tracer tracer = tracer_;
  auto done = spawn(
      io,
      [&pool, tracer]() -> awaitable<bool> {
        const auto span = tracer->StartSpan("request");
        const otel::trace::Scope scope(span);
        auto seen_there = co_await spawn(
            pool, [span]() -> awaitable<bool> { co_return otel::trace::Tracer::GetCurrentSpan() == span; }, use_awaitable);
        co_return seen_there && otel::trace::Tracer::GetCurrentSpan() == span;
      },
      boost::asio::use_future);
  io.run();
  EXPECT_TRUE(done.get());
  pool.join();
}

TEST_F(AsioContext, WhenAllGivesAllValuesAndRethrowsWhenAllHaveEnded) {
  boost::asio::io_context io;
  const auto later = [](int value, std::chrono::milliseconds delay) -> awaitable<std::unique_ptr<int>> {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    timer.expires_after(delay);
    co_await timer.async_wait(use_awaitable);
    co_return std::make_unique<int>(value);
  };
  bool has_slow_ended = false;
  spawn(
      io,
      [&]() -> awaitable<void> {
        auto nothing = []() -> awaitable<void> { co_return; };
        auto values = co_await when_all(later(1, std::chrono::milliseconds(3)), nothing(), later(2, std::chrono::milliseconds(1)));
        EXPECT_EQ(*std::get<0>(values), 1);
        EXPECT_EQ(*std::get<2>(values), 2);

        auto fails = []() -> awaitable<int> {
          throw std::runtime_error("first");
          co_return 0;
        };
        auto slow = [&]() -> awaitable<void> {
          boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
          timer.expires_after(std::chrono::milliseconds(5));
          co_await timer.async_wait(use_awaitable);
          has_slow_ended = true;
        };
        std::string what;
        try {
          co_await when_all(slow(), fails());
        } catch (const std::runtime_error& error) {
          what = error.what();
        }
        EXPECT_EQ(what, "first");
        EXPECT_TRUE(has_slow_ended);
      },
      [](std::exception_ptr exception) { EXPECT_FALSE(exception); });
  io.run();
  EXPECT_TRUE(has_slow_ended);
}

TEST_F(AsioContext, ForksOfForksDoNotPileUp) {
  boost::asio::io_context io;
  boost::asio::any_io_executor executor = io.get_executor();
  for (int i = 0; i < 10; ++i) executor = ForkExecutor(executor);
  using Wrapped = ContextExecutor<boost::asio::io_context::executor_type>;
  ASSERT_NE(executor.target<Wrapped>(), nullptr);
  EXPECT_EQ(executor.target<Wrapped>()->inner(), io.get_executor());
  EXPECT_NE(ForkExecutor(executor), executor) << "another stack is another executor";
}

TEST_F(AsioContext, ForksOfForksOfOtherExecutorsDoNotPileUp) {
  boost::asio::thread_pool pool(1);
  boost::asio::any_io_executor executor = pool.get_executor();
  for (int i = 0; i < 10; ++i) executor = ForkExecutor(executor);
  using Wrapped = ContextExecutor<boost::asio::any_io_executor>;
  ASSERT_NE(executor.target<Wrapped>(), nullptr);
  EXPECT_EQ(executor.target<Wrapped>()->inner(), boost::asio::any_io_executor(pool.get_executor()));
}

TEST(ContextExecutor, OfAnIoContextLiesInsideAnyIoExecutor) {
  using Wrapped = ContextExecutor<boost::asio::io_context::executor_type>;
  // What any_executor keeps without an allocation (boost/asio/execution/any_executor.hpp).
  EXPECT_LE(sizeof(Wrapped), sizeof(std::shared_ptr<void>) + sizeof(void*));
  EXPECT_TRUE(std::is_nothrow_move_constructible_v<Wrapped>);
}

TEST_F(AsioContext, ScopesBeyondTheInlineOnesNestRight) {
  Export(100);
  std::vector<otel::nostd::shared_ptr<otel::trace::Span>> spans;
  std::vector<std::unique_ptr<otel::trace::Scope>> scopes;
  for (int i = 0; i < 9; ++i) {
    spans.push_back(tracer_->StartSpan("x"));
    scopes.push_back(std::make_unique<otel::trace::Scope>(spans.back()));
  }
  for (int i = 8; i >= 0; --i) {
    EXPECT_TRUE(otel::trace::Tracer::GetCurrentSpan() == spans[static_cast<std::size_t>(i)]) << i;
    scopes.pop_back();
  }
  EXPECT_EQ(CurrentFrames::Get().Size(), 0u);
  // Out of order: the outer scope takes the inner ones with it, as the standard storage does.
  auto outer = std::make_unique<otel::trace::Scope>(spans[0]);
  auto inner = std::make_unique<otel::trace::Scope>(spans[1]);
  outer.reset();
  EXPECT_EQ(CurrentFrames::Get().Size(), 0u);
  inner.reset();
  EXPECT_EQ(CurrentFrames::Get().Size(), 0u);
}

TEST_F(AsioContext, InstallingAgainIsFine) { EXPECT_EQ(InstallContext(), Installed::kYes); }

}  // namespace
}  // namespace azmon::asio
