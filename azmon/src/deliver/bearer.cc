// SPDX-License-Identifier: MIT
#include "deliver/bearer.h"

#include <mutex>
#include <optional>
#include <utility>

namespace azmon::deliver {

/// Shared with the call that waits in the TokenSource and may come after the Bearer's end.
struct Bearer::Mail {
  std::mutex mutex;
  std::function<void()> wake;  ///< empty: nobody is there any more
  std::optional<TokenAnswer> answer;
  bool is_asked = false;
  bool is_asleep = false;  ///< Ask() returned kWaiting
};

Bearer::Bearer(std::shared_ptr<TokenSource> tokens, std::function<void()> wake) : tokens_(std::move(tokens)), mail_(std::make_shared<Mail>()) {
  mail_->wake = std::move(wake);
}

Bearer::~Bearer() {
  const std::lock_guard lock(mail_->mutex);
  mail_->wake = nullptr;
}

bool Bearer::Replace(const std::string& token) {
  if (token != token_) return true;
  tokens_->Reject(token);
  token_.clear();
  return !std::exchange(is_replaced_, true);
}

Bearer::State Bearer::Ask() {
  std::unique_lock lock(mail_->mutex);
  if (!mail_->is_asked) {
    mail_->is_asked = true;
    mail_->is_asleep = false;
    lock.unlock();
    tokens_->Get([mail = mail_](const TokenAnswer& got) {
      const std::lock_guard inner(mail->mutex);
      mail->answer = got;
      if (mail->is_asleep && mail->wake) mail->wake();
    });
    lock.lock();
  }
  if (!mail_->answer) {
    mail_->is_asleep = true;
    return State::kWaiting;
  }
  TokenAnswer answer = *std::exchange(mail_->answer, std::nullopt);
  mail_->is_asked = false;
  if (!answer.token) {
    failure_ = std::move(answer);
    return State::kFailed;
  }
  token_ = std::move(answer.token->token);
  return State::kReady;
}

}  // namespace azmon::deliver
