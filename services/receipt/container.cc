// SPDX-License-Identifier: MIT
#include "services/receipt/container.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

#include "net/client.h"
#include "services/shared/blob_client.h"
#include "services/shared/log.h"

namespace receipt {
namespace {

using boost::asio::awaitable;
using services::BlobStatus;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kRetry{250};
constexpr milliseconds kTryTimeout{2000};

/// Until the container exists, the storage refuses for good, or the time is over.
awaitable<BlobStatus> MakeContainer(std::shared_ptr<services::BlobClient> storage, steady_clock::time_point until) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  for (;;) {
    const auto answer = co_await storage->CreateContainer(steady_clock::now() + kTryTimeout);
    if (answer.status == BlobStatus::kDone) co_return answer.status;
    if (answer.status == BlobStatus::kRefused) {
      services::Log(services::LogLevel::kError, "the container cannot be made", {{"detail", answer.detail}});
      co_return answer.status;
    }
    if (steady_clock::now() + kRetry >= until) co_return answer.status;
    timer.expires_after(kRetry);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
}

awaitable<void> MakeContainerInTheEnd(std::shared_ptr<services::BlobClient> storage) {
  // An hour is for ever here: whoever starts the emulator later starts this service again.
  co_await MakeContainer(std::move(storage), steady_clock::now() + std::chrono::hours(1));
}

}  // namespace

void PrepareContainer(net::Runtime& runtime, const services::StorageSettings& settings, milliseconds patience) {
  if (!settings.is_emulator) return;
  // A client without hooks, so without spans.
  const auto storage = std::make_shared<services::BlobClient>(std::make_shared<net::Client>(runtime), settings);
  BlobStatus status = BlobStatus::kUnavailable;
  // Lambdas with captures must outlive their coroutines; these only call one that owns what it needs.
  runtime.Run([&]() -> awaitable<void> { status = co_await MakeContainer(storage, steady_clock::now() + patience); });
  if (status == BlobStatus::kDone || status == BlobStatus::kRefused) return;
  services::Log(services::LogLevel::kWarn, "the emulator does not answer yet; its container will be made as soon as it does");
  runtime.Spawn([storage]() { return MakeContainerInTheEnd(storage); });
}

}  // namespace receipt
