// SPDX-License-Identifier: MIT
#include "journal/journal.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "journal/core.h"

namespace azmon::journal {

std::string_view Name(Destination destination) {
  switch (destination) {
    case Destination::kAzure: return "azure";
    case Destination::kOtlp: return "otlp";
    case Destination::kConsole: return "console";
    case Destination::kMeter: break;
  }
  return "meter";
}

std::string_view Name(DropReason reason) {
  switch (reason) {
    using enum DropReason;
    case kStorageCapacity: return "CLIENT_PERSISTENCE_CAPACITY";
    case kRefused: return "REFUSED";
    case kSampledOut: return "SAMPLED_OUT";
    case kMalformed: return "MALFORMED";
    case kTooLarge: return "TOO_LARGE";
    case kNotDelivered: return "NOT_DELIVERED";
    case kThrottled: return "THROTTLED";
    case kUnsupported: return "UNSUPPORTED";
    case kNotFinite: return "NOT_FINITE";
    case kNoValue: return "NO_VALUE";
    case kBufferFull: return "BUFFER_FULL";
    case kStorageDisabled: return "CLIENT_STORAGE_DISABLED";
    case kStorageFailed: return "STORAGE_FAILED";
    case kExpired: return "EXPIRED";
    case kCount: break;
  }
  return "UNKNOWN";
}

std::uint64_t Ledger::DroppedTotal() const { return std::accumulate(dropped.begin(), dropped.end(), std::uint64_t{0}); }

std::uint64_t Ledger::LostWaiting() const {
  using enum DropReason;
  std::uint64_t lost = 0;
  for (const DropReason reason : {kStorageCapacity, kBufferFull, kStorageDisabled, kStorageFailed, kExpired}) lost += dropped[static_cast<std::size_t>(reason)];
  return lost;
}

const ScopeRef& Batch::ScopeOf(const otlp::RecordView& record) const {
  const auto found = scopes.find(record.owner);
  AZMON_CHECK(found != scopes.end());
  return found->second;
}

/// What owns a core. That of a parent process is left alone in a forked child: its locks may be held for ever, its memory is not here.
struct Journal::Owner {
  std::shared_ptr<Core> core;
};

Journal::Journal(JournalOptions options) : fork_word_(ForkWord::Instance()), owner_(new Owner{.core = std::make_shared<Core>(options, nullptr)}) {}

Journal::~Journal() {
  Owner* const owner = owner_.load();
  if (owner->core->Process() != ForkWord::Instance().Get()) return;
  owner->core->Close(owner->core->Now());
  delete owner;
}

Core& Journal::Get() const {
  Owner* owner = owner_.load(std::memory_order_acquire);
  if (owner->core->Process() == fork_word_.Get()) [[likely]] return *owner->core;
  return Renew(owner);
}

Core& Journal::Renew(Owner* parent) const {
  auto* const own = new Owner{.core = std::make_shared<Core>(parent->core->Options(), parent->core.get())};
  Owner* found = parent;
  if (!owner_.compare_exchange_strong(found, own)) {
    delete own;  // another thread of the child was faster
    return *found->core;
  }
  const auto& on_fork = own->core->Options().on_fork;
  if (on_fork) on_fork();
  if (parent->core->HasThread()) (void)own->core->Start();
  return *own->core;
}

Result<void> Journal::Start() { return Get().Start(); }

std::uint32_t Journal::AddResource(std::string_view message, std::string_view schema_url) { return Get().AddDefinition(0, message, schema_url, false); }

std::uint32_t Journal::AddScope(std::uint32_t resource_id, std::string_view message, std::string_view schema_url) {
  return Get().AddDefinition(resource_id, message, schema_url, true);
}

Result<void> Journal::Append(const otlp::RecordView& record) { return Get().Append(record); }
void Journal::SetListener(std::size_t bytes, std::function<void()> listener) { Get().SetListener(bytes, std::move(listener)); }
Batch Journal::Read(Destination destination, std::size_t records_max, std::size_t bytes_max, Position after) const {
  return Get().Read(destination, records_max, bytes_max, after);
}
void Journal::Settle(Destination destination, const Batch& batch, const Settlement& settlement) { Get().Settle(destination, batch, settlement); }
Journal::Backlog Journal::BacklogOf(Destination destination) const { return Get().BacklogOf(destination); }
Position Journal::End() const { return Get().End(); }
Position Journal::Settled(Destination destination) const { return Get().Settled(destination); }
Ledger Journal::LedgerOf(Destination destination) const { return Get().LedgerOf(destination); }
AdoptionCounts Journal::Adopted() const { return Get().Adopted(); }
void Journal::Abandon(Destination destination, DropReason reason) { Get().Abandon(destination, reason); }
base::SteadyTime Journal::Step(base::SteadyTime now) { return Get().Step(now); }
void Journal::Close(base::SteadyTime deadline) { Get().Close(deadline); }

}  // namespace azmon::journal
