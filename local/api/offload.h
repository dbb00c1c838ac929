// SPDX-License-Identifier: MIT
// Waits, in a coroutine, for something that another thread finishes.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace azmon::local {

/// Calls `start` with a function that completes the wait; it may be called once, from any thread. The coroutine goes on on its own executor.
template <typename T, typename Start>
boost::asio::awaitable<T> AwaitCall(Start start) {
  namespace asio = boost::asio;
  return asio::async_initiate<const asio::use_awaitable_t<>, void(T)>(
      [](auto handler, auto begin) {
        auto executor = asio::get_associated_executor(handler);
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        begin(std::function<void(T)>([shared, executor](T value) {
          auto boxed = std::make_shared<T>(std::move(value));
          asio::post(executor, [shared, boxed] { (*shared)(std::move(*boxed)); });
        }));
      },
      asio::use_awaitable, std::move(start));
}

/// Runs `work` on a thread of the pool.
template <typename T>
boost::asio::awaitable<T> Offload(boost::asio::thread_pool& pool, std::function<T()> work) {
  return AwaitCall<T>([&pool, work = std::move(work)](std::function<void(T)> done) {
    boost::asio::post(pool, [work, done = std::move(done)] { done(work()); });
  });
}

}  // namespace azmon::local
