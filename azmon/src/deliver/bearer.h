// SPDX-License-Identifier: MIT
// The access token of a destination, asked for from the delivery thread, which never waits for it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "azmon/credential.h"

namespace azmon::deliver {

/// Delivery thread only, but for what the TokenSource calls.
class Bearer {
 public:
  enum class State { kReady, kWaiting, kFailed };

  /// @param tokens  not null
  /// @param wake    called on any thread when a token or a failure is there, after Ask() said kWaiting; must not block
  Bearer(std::shared_ptr<TokenSource> tokens, std::function<void()> wake);
  Bearer(const Bearer&) = delete;
  Bearer& operator=(const Bearer&) = delete;
  ~Bearer();

  /// kReady: Token() may be sent. kFailed: Failure() says why there is none; the next call asks again.
  State Ask();
  const std::string& Token() const { return token_; }
  const TokenAnswer& Failure() const { return failure_; }
  /// The receiver did not accept the token of a request. Requests that were in flight with the same one are no news.
  /// @return true: the next Ask() gives another one, to be tried at once. False: that has been done since the last success already, so
  ///         something else is wrong; the next Ask() gives another one all the same
  bool Replace(const std::string& token);
  /// The receiver accepted a token.
  void Accepted() { is_replaced_ = false; }

 private:
  struct Mail;
  const std::shared_ptr<TokenSource> tokens_;
  const std::shared_ptr<Mail> mail_;
  std::string token_;         ///< empty: none, or it was rejected
  bool is_replaced_ = false;  ///< since the last success
  TokenAnswer failure_;
};

}  // namespace azmon::deliver
