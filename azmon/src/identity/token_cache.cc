// SPDX-License-Identifier: MIT
#include "identity/token_cache.h"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "base/fork.h"
#include "base/thread.h"

namespace azmon::identity {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A fetch that failed while the old token still serves is tried again after it.
constexpr seconds kRefreshRetry{30};
/// Without a token: a second, doubled with each failure.
constexpr milliseconds kFetchRetryMin{1000};
constexpr milliseconds kFetchRetryMax{30000};
constexpr milliseconds kPermanentRetry{60000};
/// How long destruction waits for a fetch to notice that it was given up.
constexpr milliseconds kGoodbye{60};

/// Shared with the fetching thread, which may outlive the cache by a moment.
struct State {
  base::ForkMutex mutex;
  std::condition_variable_any changed;
  std::string token;  ///< empty: none
  base::SteadyTime usable_until{};
  base::SteadyTime refresh_at{};
  base::SteadyTime fetch_not_before{};
  TokenAnswer failure;  ///< of the last fetch; error is empty if it succeeded
  std::uint32_t failures = 0;
  bool is_fetching = false;
  pid_t fetching_process = 0;
  std::atomic<bool> is_cancelled{false};
  std::vector<TokenSource::Done> waiting;
};

/// @return false: no thread could be started
bool RunOnThread(std::function<void()> work) {
  auto thread = base::StartThread("azmon-token", std::move(work));
  if (thread.ok()) thread->detach();
  return thread.ok();
}

TokenAnswer TokenOf(const State& state, base::SteadyTime now) {
  return {.token = AccessToken{.token = state.token, .lifetime = std::chrono::duration_cast<seconds>(state.usable_until - now)}};
}

void Finish(State& state, const base::Clock& clock, TokenAnswer answer) {
  std::vector<TokenSource::Done> waiting;
  {
    const std::lock_guard lock(state.mutex);
    const base::SteadyTime now = clock.Now();
    state.is_fetching = false;
    if (answer.token) {
      const TokenTimes times = TimesOf(*answer.token);
      state.token = answer.token->token;
      state.usable_until = now + times.usable;
      state.refresh_at = now + times.fresh;
      state.fetch_not_before = {};
      state.failure = {};
      state.failures = 0;
    } else {
      const milliseconds doubled = kFetchRetryMin * (1 << std::min(state.failures, 5U));
      milliseconds wait = answer.is_permanent ? kPermanentRetry : answer.retry_in.value_or(std::min(doubled, kFetchRetryMax));
      if (!state.token.empty() && now < state.usable_until) wait = std::max<milliseconds>(wait, kRefreshRetry);
      ++state.failures;
      state.fetch_not_before = now + wait;
      state.failure = answer;
      if (state.failure.error.empty()) state.failure.error = "the credential gave neither a token nor a reason";
    }
    waiting.swap(state.waiting);
    state.changed.notify_all();
  }
  for (const auto& done : waiting) done(answer);
}

class TokenCache final : public TokenSource {
 public:
  TokenCache(std::shared_ptr<Credential> credential, std::string scope, TokenCacheOptions options)
      : credential_(std::move(credential)), scope_(std::move(scope)), clock_(*options.clock), run_(options.run ? std::move(options.run) : RunOnThread) {}
  TokenCache(const TokenCache&) = delete;
  TokenCache& operator=(const TokenCache&) = delete;

  ~TokenCache() override {
    state_->is_cancelled = true;
    std::vector<Done> waiting;
    {
      std::unique_lock lock(state_->mutex);
      waiting.swap(state_->waiting);
      if (state_->fetching_process == ::getpid()) state_->changed.wait_for(lock, kGoodbye, [this] { return !state_->is_fetching; });
    }
    for (const auto& done : waiting) done({.token = std::nullopt, .error = "the token is not needed any more"});
  }

  void Get(Done done) override {
    std::unique_lock lock(state_->mutex);
    const base::SteadyTime now = clock_.Now();
    // A fetch of the process that this one was forked from does not go on here.
    if (state_->is_fetching && state_->fetching_process != ::getpid()) {
      state_->is_fetching = false;
      state_->waiting.clear();  // nor do those who wait for it
    }
    const bool has_token = !state_->token.empty() && now < state_->usable_until;
    const bool may_fetch = !state_->is_fetching && now >= state_->fetch_not_before;
    const bool must_fetch = may_fetch && (!has_token || now >= state_->refresh_at);
    if (has_token || (!must_fetch && !state_->is_fetching)) {
      const TokenAnswer answer = has_token ? TokenOf(*state_, now) : state_->failure;
      if (must_fetch) Fetch(lock);
      if (lock.owns_lock()) lock.unlock();
      done(answer);
      return;
    }
    state_->waiting.push_back(std::move(done));
    if (must_fetch) Fetch(lock);
  }

  void Reject(const std::string& token) override {
    const std::lock_guard lock(state_->mutex);
    if (token != state_->token) return;
    state_->token.clear();
    state_->fetch_not_before = {};
  }

 private:
  /// Unlocks.
  void Fetch(std::unique_lock<base::ForkMutex>& lock) {
    state_->is_fetching = true;
    state_->fetching_process = ::getpid();
    lock.unlock();
    auto work = [state = state_, credential = credential_, scope = scope_, &clock = clock_] {
      TokenAnswer answer;
      try {
        answer = credential->GetToken({.scope = scope, .cancelled = &state->is_cancelled});
      } catch (...) {
        answer.error = "the credential threw an exception";
      }
      Finish(*state, clock, std::move(answer));
    };
    if (!run_(std::move(work))) Finish(*state_, clock_, {.token = std::nullopt, .error = "no thread could be started for a token request"});
  }

  const std::shared_ptr<Credential> credential_;
  const std::string scope_;
  const base::Clock& clock_;  ///< outlives every fetch
  const std::function<bool(std::function<void()>)> run_;
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace

TokenTimes TimesOf(const AccessToken& token) {
  using std::chrono::hours;
  using std::chrono::minutes;
  const seconds life = token.lifetime;
  const seconds usable = life - std::min<seconds>(minutes(2), life / 4);
  seconds fresh = life >= hours(2) ? life / 2 : life - std::min<seconds>(minutes(5), life / 2);
  if (token.refresh_in && *token.refresh_in < life) fresh = *token.refresh_in;
  return {.usable = usable, .fresh = std::min(fresh, usable)};
}

std::shared_ptr<TokenSource> MakeTokenCache(std::shared_ptr<Credential> credential, std::string scope, TokenCacheOptions options) {
  return std::make_shared<TokenCache>(std::move(credential), std::move(scope), std::move(options));
}

}  // namespace azmon::identity
