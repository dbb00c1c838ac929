// SPDX-License-Identifier: MIT
// OpenTelemetry's current context for Boost.Asio coroutines.
//
// OpenTelemetry keeps the current context in a stack of the thread. A coroutine that suspends leaves its scopes on that stack for whoever runs next, and
// may go on on another thread that knows nothing of them: most spans then get a wrong parent. Here each chain of coroutines has a stack of its
// own, and its executor makes that stack the current one for as long as the coroutine runs.
//
//   int main() {
//     azmon::asio::InstallContext();                        // before anything touches OpenTelemetry's context
//     boost::asio::io_context io;
//     azmon::asio::spawn(io.get_executor(), Serve(), boost::asio::detached);
//     io.run();
//   }
//
// Inside, `tracer->WithActiveSpan(span)` and trace::Scope may be held across co_await. Start coroutines with spawn(), run branches at once
// with when_all(); a bare co_spawn onto a plain executor has no stack of its own and is as wrong as before.
// Header only, C++20, Boost 1.81 and newer. Knows nothing of the rest of azmon.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <opentelemetry/context/context.h>
#include <opentelemetry/context/runtime_context.h>
#include <opentelemetry/nostd/shared_ptr.h>
#include <opentelemetry/nostd/unique_ptr.h>

namespace azmon::asio {

namespace otel_context = opentelemetry::context;

/// How the stacks' references are counted. Atomic is right everywhere. Confined may only be used where a coroutine never changes its
/// thread, for example with one io_context and one thread each; it saves about 40 ns a resume.
struct AtomicRefCount {
  std::atomic<std::size_t> count{0};
  void Increment() noexcept { count.fetch_add(1, std::memory_order_relaxed); }
  bool Decrement() noexcept { return count.fetch_sub(1, std::memory_order_acq_rel) == 1; }
};
struct ConfinedRefCount {
  std::size_t count = 0;
  void Increment() noexcept { ++count; }
  bool Decrement() noexcept { return --count == 0; }
};

/// The contexts that one chain of coroutines has attached, the current one last. Used by one thread at a time.
class ContextFrames {
 public:
  ContextFrames() = default;
  /// Begins with `base` as the current context, which cannot be detached.
  explicit ContextFrames(otel_context::Context base) : base_(1) { Attach(std::move(base)); }
  ContextFrames(const ContextFrames&) = delete;
  ContextFrames& operator=(const ContextFrames&) = delete;

  otel_context::Context Top() const noexcept { return size_ == 0 ? otel_context::Context() : At(size_ - 1); }
  void Attach(otel_context::Context context) {
    if (size_ < kInline) {
      inline_[size_] = std::move(context);
    } else {
      more_.push_back(std::move(context));
    }
    ++size_;
  }
  /// Removes the newest frame that equals `context` and everything above it; false if there is none.
  template <typename ContextOrToken>
  bool Detach(const ContextOrToken& context) noexcept {
    for (std::size_t index = size_; index > base_; --index) {
      if (!(context == At(index - 1))) continue;
      while (size_ >= index) Pop();
      return true;
    }
    return false;
  }
  /// Attached and not yet detached.
  std::size_t Size() const noexcept { return size_ - base_; }

 private:
  // A request has few scopes open at once; these need no allocation.
  static constexpr std::size_t kInline = 4;

  const otel_context::Context& At(std::size_t index) const noexcept { return index < kInline ? inline_[index] : more_[index - kInline]; }
  void Pop() noexcept {
    --size_;
    if (size_ < kInline) {
      inline_[size_] = otel_context::Context();
    } else {
      more_.pop_back();
    }
  }

  std::array<otel_context::Context, kInline> inline_;
  std::vector<otel_context::Context> more_;
  std::size_t size_ = 0;
  std::size_t base_ = 0;
};

/// ContextFrames with a reference count.
template <typename RefCount = AtomicRefCount>
class ContextStack final : public ContextFrames {
 public:
  using ContextFrames::ContextFrames;
  void AddReference() noexcept { references_.Increment(); }
  void Release() noexcept {
    if (references_.Decrement()) delete this;
  }

 private:
  ~ContextStack() = default;
  RefCount references_;
};

/// A counted reference to a ContextStack.
template <typename RefCount = AtomicRefCount>
class ContextStackPtr {
 public:
  /// A new stack that begins with `base` as its current context.
  explicit ContextStackPtr(otel_context::Context base) : stack_(new ContextStack<RefCount>(std::move(base))) { stack_->AddReference(); }
  ContextStackPtr(const ContextStackPtr& other) noexcept : stack_(other.stack_) { stack_->AddReference(); }
  /// Leaves `other` fit only to be destroyed or assigned to.
  ContextStackPtr(ContextStackPtr&& other) noexcept : stack_(std::exchange(other.stack_, nullptr)) {}
  ContextStackPtr& operator=(ContextStackPtr other) noexcept {
    std::swap(stack_, other.stack_);
    return *this;
  }
  ~ContextStackPtr() {
    if (stack_ != nullptr) stack_->Release();
  }
  ContextStack<RefCount>* get() const noexcept { return stack_; }
  friend bool operator==(const ContextStackPtr& a, const ContextStackPtr& b) noexcept { return a.stack_ == b.stack_; }
  friend bool operator!=(const ContextStackPtr& a, const ContextStackPtr& b) noexcept { return a.stack_ != b.stack_; }

 private:
  ContextStack<RefCount>* stack_;
};

/// Which stack GetCurrent, Attach and Detach of this thread work on.
class CurrentFrames {
 public:
  /// The stack of the coroutine that runs now, or the thread's own.
  static ContextFrames& Get() noexcept {
    ContextFrames* frames = Slot();
    return frames != nullptr ? *frames : OfThread();
  }

  /// Makes a stack the current one until the guard is destroyed.
  class Guard {
   public:
    explicit Guard(ContextFrames* frames) noexcept : former_(std::exchange(Slot(), frames)) {}
    ~Guard() { Slot() = former_; }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    ContextFrames* former_;
  };

 private:
  static ContextFrames*& Slot() noexcept {
    static thread_local ContextFrames* slot = nullptr;
    return slot;
  }
  static ContextFrames& OfThread() noexcept {
    static thread_local ContextFrames frames;
    return frames;
  }
};

/// The storage behind opentelemetry::context::RuntimeContext; InstallContext() puts it there.
class CoroContextStorage final : public otel_context::RuntimeContextStorage {
 public:
  otel_context::Context GetCurrent() noexcept override { return CurrentFrames::Get().Top(); }
  opentelemetry::nostd::unique_ptr<otel_context::Token> Attach(const otel_context::Context& context) noexcept override {
    CurrentFrames::Get().Attach(context);
    return CreateToken(context);
  }
  /// False, and nothing happens, for a token whose context is not on the current stack: it belongs to another coroutine.
  bool Detach(otel_context::Token& token) noexcept override { return CurrentFrames::Get().Detach(token); }
};

enum class Installed {
  kYes,
  kLate,     ///< yes, but a context was already attached: it stays current on this thread, those of other threads are lost
  kForeign,  ///< no: another library has put its storage there; coroutines share contexts by thread
};

/// Puts CoroContextStorage behind OpenTelemetry's context. The first line of main, before other threads and before any span: the storage
/// can only be swapped safely before its first use. Says on stderr if that is not so. May be called again (kYes).
inline Installed InstallContext() {
  const auto former = otel_context::RuntimeContext::GetConstRuntimeContextStorage();
  if (dynamic_cast<const CoroContextStorage*>(former.get()) != nullptr) return Installed::kYes;
  if (dynamic_cast<const otel_context::ThreadLocalContextStorage*>(former.get()) == nullptr) {
    std::fputs("azmon: InstallContext() came too late: another context storage is installed and stays; spans in coroutines will have wrong parents\n",
               stderr);
    return Installed::kForeign;
  }
  const otel_context::Context current = otel_context::RuntimeContext::GetCurrent();
  otel_context::RuntimeContext::SetRuntimeContextStorage(
      opentelemetry::nostd::shared_ptr<otel_context::RuntimeContextStorage>(new CoroContextStorage));
  if (current == otel_context::Context()) return Installed::kYes;
  // The token of the open scope will look for it here.
  CurrentFrames::Get().Attach(current);
  std::fputs("azmon: InstallContext() came late: contexts were in use already; call it first in main\n", stderr);
  return Installed::kLate;
}

/// An executor that makes a context stack the current one around everything it runs, whichever thread runs it.
template <typename Inner, typename RefCount = AtomicRefCount>
class ContextExecutor {
 public:
  ContextExecutor(Inner inner, ContextStackPtr<RefCount> stack) noexcept : inner_(std::move(inner)), stack_(std::move(stack)) {}
  ContextExecutor(const ContextExecutor&) noexcept = default;
  ContextExecutor(ContextExecutor&&) noexcept = default;
  ContextExecutor& operator=(const ContextExecutor&) noexcept = default;
  ContextExecutor& operator=(ContextExecutor&&) noexcept = default;

  const Inner& inner() const noexcept { return inner_; }

  template <typename Function>
  void execute(Function&& function) const {
    inner_.execute(Run<std::decay_t<Function>>{stack_, std::forward<Function>(function)});
  }

  template <typename Property, typename = std::enable_if_t<boost::asio::can_query<const Inner&, Property>::value>>
  decltype(auto) query(const Property& property) const noexcept(boost::asio::is_nothrow_query<const Inner&, Property>::value) {
    return boost::asio::query(inner_, property);
  }
  template <typename Property, typename = std::enable_if_t<boost::asio::can_require<const Inner&, Property>::value>>
  auto require(const Property& property) const {
    return Wrap(boost::asio::require(inner_, property));
  }
  template <typename Property, typename = std::enable_if_t<boost::asio::can_prefer<const Inner&, Property>::value>>
  auto prefer(const Property& property) const {
    return Wrap(boost::asio::prefer(inner_, property));
  }

  friend bool operator==(const ContextExecutor& a, const ContextExecutor& b) noexcept { return a.stack_ == b.stack_ && a.inner_ == b.inner_; }
  friend bool operator!=(const ContextExecutor& a, const ContextExecutor& b) noexcept { return !(a == b); }

 private:
  template <typename Function>
  struct Run {
    ContextStackPtr<RefCount> stack;
    Function function;
    void operator()() {
      // What it runs may destroy the coroutine and with it the last other reference, so the stack is held until after.
      const CurrentFrames::Guard guard(stack.get());
      std::move(function)();
    }
  };
  template <typename Other>
  ContextExecutor<std::decay_t<Other>, RefCount> Wrap(Other&& other) const {
    return {std::forward<Other>(other), stack_};
  }

  Inner inner_;
  ContextStackPtr<RefCount> stack_;
};

/// `executor` with a context stack of its own that begins with the current context: what a new chain of coroutines runs on.
template <typename RefCount = AtomicRefCount>
boost::asio::any_io_executor ForkExecutor(boost::asio::any_io_executor executor) {
  // An io_context's executor is wrapped as what it is: so small a wrapping lies inside any_io_executor, every other costs each
  // operation several allocations.
  using OfIoContext = ContextExecutor<boost::asio::io_context::executor_type, RefCount>;
  using OfAny = ContextExecutor<boost::asio::any_io_executor, RefCount>;
  ContextStackPtr<RefCount> stack(otel_context::RuntimeContext::GetCurrent());
  if (const auto* io_context = executor.target<boost::asio::io_context::executor_type>()) return OfIoContext(*io_context, std::move(stack));
  // From a coroutine that has a stack: its wrapping is exchanged, not wrapped again.
  if (const auto* wrapped = executor.target<OfIoContext>()) return OfIoContext(wrapped->inner(), std::move(stack));
  if (const auto* wrapped = executor.target<OfAny>()) return OfAny(wrapped->inner(), std::move(stack));
  return OfAny(std::move(executor), std::move(stack));
}

/// co_spawn with a context stack of its own: the coroutine begins with the spawner's current context and what it attaches is seen by nobody else.
/// @param awaitable  an awaitable, or a function that returns one
template <typename RefCount = AtomicRefCount, typename Awaitable, typename CompletionToken>
auto spawn(boost::asio::any_io_executor executor, Awaitable&& awaitable, CompletionToken&& token) {
  return boost::asio::co_spawn(ForkExecutor<RefCount>(std::move(executor)), std::forward<Awaitable>(awaitable),
                               std::forward<CompletionToken>(token));
}
template <typename RefCount = AtomicRefCount, typename ExecutionContext, typename Awaitable, typename CompletionToken,
          typename = std::enable_if_t<std::is_convertible_v<ExecutionContext&, boost::asio::execution_context&>>>
auto spawn(ExecutionContext& context, Awaitable&& awaitable, CompletionToken&& token) {
  return spawn<RefCount>(boost::asio::any_io_executor(context.get_executor()), std::forward<Awaitable>(awaitable),
                         std::forward<CompletionToken>(token));
}

namespace detail {

/// What a branch leaves behind; void becomes monostate.
template <typename T>
using BranchValue = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <typename T>
boost::asio::awaitable<void> Keep(boost::asio::awaitable<T> branch, std::shared_ptr<std::optional<BranchValue<T>>> out) {
  if constexpr (std::is_void_v<T>) {
    co_await std::move(branch);
    out->emplace();
  } else {
    auto value = co_await std::move(branch);
    out->emplace(std::move(value));
  }
}

inline void RethrowFirst(std::initializer_list<std::exception_ptr> exceptions) {
  for (const std::exception_ptr& exception : exceptions) {
    if (exception) std::rethrow_exception(exception);
  }
}

}  // namespace detail

/// Runs the branches at once, each with a context stack of its own, and waits for all of them.
///
/// On one stack the branches would end each other's scopes. They run on the caller's executor; cancelling the caller cancels them.
/// @return their values in order, std::monostate for void. The first exception in order is rethrown when all have ended.
template <typename... Ts>
boost::asio::awaitable<std::tuple<detail::BranchValue<Ts>...>> when_all(boost::asio::awaitable<Ts>... branches) {
  static_assert(sizeof...(Ts) > 0);
  const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
  const std::tuple<std::shared_ptr<std::optional<detail::BranchValue<Ts>>>...> values{
      std::make_shared<std::optional<detail::BranchValue<Ts>>>()...};
  auto group = std::apply(
      [&](const auto&... value) {
        return boost::asio::experimental::make_parallel_group(
            boost::asio::co_spawn(ForkExecutor(executor), detail::Keep(std::move(branches), value), boost::asio::deferred)...);
      },
      values);
  auto ends = co_await group.async_wait(boost::asio::experimental::wait_for_all(), boost::asio::use_awaitable);
  std::apply([](const auto&, const auto&... exceptions) { detail::RethrowFirst({exceptions...}); }, ends);
  co_return std::apply([](const auto&... value) { return std::tuple<detail::BranchValue<Ts>...>(std::move(**value)...); }, values);
}

}  // namespace azmon::asio
