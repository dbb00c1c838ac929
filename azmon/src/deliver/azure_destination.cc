// SPDX-License-Identifier: MIT
#include "deliver/azure_destination.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <optional>

#include "base/text.h"
#include "deliver/redirect.h"
#include "transport/url.h"
#include "otlp/annotations.h"

namespace azmon::deliver {

namespace {

using std::chrono::milliseconds;

/// What becomes of an item; kept for each item of a flight.
enum class Outcome : std::uint8_t { kAccepted, kAgain, kRefused, kSampledOut, kTooLarge };

constexpr int kRedirectsMax = 10;
/// Failures of requests that were in flight together are one (exporter spec section 6.6).
constexpr milliseconds kFailuresApart{20000};

Outcome OutcomeOf(journal::DropReason reason) {
  switch (reason) {
    case journal::DropReason::kSampledOut: return Outcome::kSampledOut;
    case journal::DropReason::kTooLarge: return Outcome::kTooLarge;
    default: return Outcome::kRefused;
  }
}

journal::DropReason ReasonOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kSampledOut: return journal::DropReason::kSampledOut;
    case Outcome::kTooLarge: return journal::DropReason::kTooLarge;
    default: return journal::DropReason::kRefused;
  }
}

using ItemsNotMade = std::array<std::uint32_t, envelope::kDropReasons>;

/// Calls back with each reason for which the mapping left items out, and their number; what weighs most comes first.
template <typename Callback>
void ForEachReason(const ItemsNotMade& not_made, const Callback& callback) {
  using From = envelope::DropReason;
  using To = journal::DropReason;
  constexpr std::pair<From, To> kReasons[] = {
      {From::kMalformed, To::kMalformed}, {From::kNotFinite, To::kNotFinite}, {From::kNoValue, To::kNoValue},
      {From::kTooMany, To::kTooLarge},    {From::kUnsupported, To::kUnsupported}};
  static_assert(std::size(kReasons) == envelope::kDropReasons);
  for (const auto& [from, to] : kReasons) {
    if (const std::uint32_t count = not_made[static_cast<std::size_t>(from)]; count > 0) callback(to, count);
  }
}

/// Why a record gave no item: the first reason that the mapping had.
journal::DropReason ReasonOf(const ItemsNotMade& not_made) {
  std::optional<journal::DropReason> first;
  ForEachReason(not_made, [&](journal::DropReason reason, std::uint32_t) {
    if (!first) first = reason;
  });
  return first.value_or(journal::DropReason::kUnsupported);
}

bool IsMeasuredOnly(const otlp::RecordView& record) {
  return record.signal != otlp::Signal::kMetric && (record.flags & otlp::kSampled) == 0;
}

std::string Uuid(base::Random& random) {
  std::array<std::uint64_t, 2> words{random(), random()};
  std::string bytes(reinterpret_cast<const char*>(words.data()), sizeof words);
  bytes[6] = static_cast<char>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3F) | 0x80);
  std::string text = base::Hex(bytes);
  for (const std::size_t place : {20U, 16U, 12U, 8U}) text.insert(place, 1, '-');
  return text;
}

/// The bit of otlp::Annotations::items_left for the `n`-th item that a record gave.
unsigned BitOf(std::optional<std::uint64_t> items_left, std::size_t n) {
  if (!items_left) return static_cast<unsigned>(std::min<std::size_t>(n, 63));
  std::uint64_t mask = *items_left;
  while (n > 0 && std::popcount(mask) > 1) {
    mask &= mask - 1;
    --n;
  }
  return mask == 0 ? 63 : static_cast<unsigned>(std::countr_zero(mask));
}

}  // namespace

/// A batch on its way. Its items are lines of JSON; items before the first record's are resource metrics, which are counted nowhere.
struct AzureDestination::Flight {
  struct Record {
    std::uint32_t first_item = 0;
    std::uint32_t items = 0;  ///< 0: given up when it was read, for `reason`
    journal::DropReason reason = journal::DropReason::kMalformed;
    ItemsNotMade not_made{};
  };
  struct Range {
    std::uint32_t begin = 0, end = 0;  ///< items
  };

  journal::Batch batch;
  std::vector<Record> records;  ///< one for each entry of the batch
  std::string lines;
  std::uint32_t items = 0;
  std::uint32_t stats_items = 0;  ///< the first of them: they do not count themselves
  std::vector<Outcome> outcomes;
  std::deque<Range> to_send;  ///< the first is in flight or the next to go
  transport::Transport::Id request = 0;
  bool is_in_flight = false;
  base::SteadyTime sent_at{};
  std::string token;  ///< that went with the request; empty: none
  std::vector<std::string> urls;  ///< asked for the present range, to end loops of redirects

  bool IsAnswered() const { return to_send.empty(); }
  bool IsStatsAlone() const { return records.empty(); }

  std::string_view Lines(Range range) const {
    const auto end_of = [&](std::uint32_t count) {
      if (count == items) return lines.size();
      std::size_t at = 0;
      for (std::uint32_t i = 0; i < count; ++i) at = lines.find('\n', at) + 1;
      return at;
    };
    const std::size_t begin = end_of(range.begin);
    return std::string_view(lines).substr(begin, end_of(range.end) - begin);
  }
  /// Calls back for each item of the range that statistics count, with its line.
  template <typename Callback>
  void ForEach(Range range, const Callback& callback) const {
    std::string_view rest = Lines(range);
    for (std::uint32_t item = range.begin; item < range.end; ++item) {
      const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
      if (item >= stats_items) callback(item, rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
  }
  void Set(Range range, Outcome outcome) { std::fill(outcomes.begin() + range.begin, outcomes.begin() + range.end, outcome); }
  /// Records of which the range holds an item.
  std::uint64_t RecordsIn(Range range) const {
    return static_cast<std::uint64_t>(std::ranges::count_if(records, [&](const Record& record) {
      return record.items > 0 && record.first_item < range.end && record.first_item + record.items > range.begin;
    }));
  }
};

AzureDestination::AzureDestination(const Workshop& workshop, AzureSettings settings)
    : journal_(workshop.journal),
      transport_(workshop.transport),
      clock_(workshop.clock),
      settings_([&] {
        settings.envelope.instrumentation_key = settings.connection.instrumentation_key;
        settings.envelope.application_id = settings.connection.application_id;
        return std::move(settings);
      }()),
      base_url_(settings_.connection.ingestion_endpoint + "/v2.1/track"),
      is_trusted_with_token_(settings_.connection.has_ingestion_endpoint || IsTrustedHost(base_url_)),
      random_(workshop.random),
      trouble_("Application Insights", workshop.log),
      breaker_(&AzureDelay, kFailuresApart),
      departure_(workshop.export_interval),
      flush_(workshop.journal, journal::Destination::kAzure),
      stats_(settings_.sdk_stats) {
  if (settings_.tokens) bearer_ = std::make_unique<Bearer>(settings_.tokens, [this] { transport_.Wake(); });
}

AzureDestination::~AzureDestination() { Stop(); }

base::SteadyTime AzureDestination::Step(base::SteadyTime now) {
  SettleAnswered();
  waits_for_token_ = false;
  std::size_t in_flight = 0;
  std::uint64_t read_records = 0;
  std::uint64_t read_bytes = 0;
  for (const auto& flight : flights_) {
    in_flight += flight->is_in_flight ? 1 : 0;
    read_records += flight->batch.entries.size();
    read_bytes += flight->batch.bytes;
  }
  const auto may_send = [&] { return breaker_.MayAsk(now) && in_flight < (breaker_.IsOpen() ? 1 : limits::kAzureFlightsMax); };
  for (const auto& flight : flights_) {
    if (flight->is_in_flight || flight->IsAnswered() || !may_send()) continue;
    Send(*flight, now);
    in_flight += flight->is_in_flight ? 1 : 0;
  }
  for (;;) {
    const journal::Journal::Backlog backlog = journal_.BacklogOf(journal::Destination::kAzure);
    // Records may have been recycled at the cap while they were in flight.
    const std::uint64_t unread = backlog.records - std::min(backlog.records, read_records);
    const std::uint64_t unread_bytes = backlog.bytes - std::min(backlog.bytes, read_bytes);
    const bool is_full = unread >= limits::kTrackItemsMax || unread_bytes >= limits::kBatchFullBytes;
    const bool is_due = departure_.IsDue(now, unread, is_full || !flush_.IsReached());
    if (!is_due || !may_send() || flights_.size() >= limits::kAzureFlightsMax) break;
    auto flight = ReadFlight();
    departure_.Left();
    if (flight->batch.entries.empty()) break;
    read_records += flight->batch.entries.size();
    read_bytes += flight->batch.bytes;
    flights_.push_back(std::move(flight));
    if (flights_.back()->IsAnswered()) continue;  // no record gave an item
    Send(*flights_.back(), now);
    in_flight += flights_.back()->is_in_flight ? 1 : 0;
  }
  const bool is_idle = flights_.empty() && departure_.DueAt() == base::SteadyTime::max();
  if (is_idle && now >= stats_.DueAt() && may_send()) SendStats(now, false);
  // Batches without an item need no answer.
  if (!flights_.empty() && flights_.front()->IsAnswered()) {
    SettleAnswered();
    return now;
  }
  if (waits_for_token_) return base::SteadyTime::max();  // its arrival wakes
  const bool has_waiting = std::ranges::any_of(flights_, [](const auto& flight) { return !flight->is_in_flight && !flight->IsAnswered(); });
  const base::SteadyTime due_at = is_idle && flights_.empty() ? stats_.DueAt() : departure_.DueAt();
  if (breaker_.IsOpen()) {
    if (in_flight > 0 || (!has_waiting && due_at == base::SteadyTime::max())) return base::SteadyTime::max();
    return std::max(breaker_.RetryAt(), has_waiting ? base::SteadyTime::min() : due_at);
  }
  // With all flights in the air the next completion decides.
  return flights_.size() >= limits::kAzureFlightsMax ? base::SteadyTime::max() : due_at;
}

std::unique_ptr<AzureDestination::Flight> AzureDestination::ReadFlight() {
  auto flight = std::make_unique<Flight>();
  flight->batch = journal_.Read(journal::Destination::kAzure, limits::kTrackItemsMax, limits::kTrackBodyBytesMax,
                                flights_.empty() ? 0 : flights_.back()->batch.end);
  auto& entries = flight->batch.entries;
  // An item has about three times the bytes of its record; growing step by step would copy what is there each time.
  flight->lines.reserve(std::min(3 * flight->batch.bytes + 4096, limits::kTrackBodyBytesMax + limits::kTrackBodyBytesMax / 4));
  const base::WallTime now = clock_.WallNow();
  std::unordered_map<std::uint32_t, std::pair<const envelope::ResourceContext*, envelope::ScopeContext>> scopes;
  std::vector<std::uint32_t> span_resources;
  for (const auto& [id, scope] : flight->batch.scopes) {
    scopes.emplace(id, std::pair(&ContextOf(scope.resource), envelope::ScopeContext::Parse(scope.scope.message)));
  }
  if (!scopes.empty()) {
    stats_resource_ = flight->batch.scopes.begin()->second.resource.owner;
    AppendStats(*flight, false);
  }
  for (const auto& entry : entries) {
    if (entry.record.signal != otlp::Signal::kSpan || IsMeasuredOnly(entry.record)) continue;
    const std::uint32_t resource = flight->batch.ScopeOf(entry.record).resource.owner;
    if (!span_resources.empty() && span_resources.back() == resource) continue;
    if (std::ranges::find(span_resources, resource) != span_resources.end()) continue;
    span_resources.push_back(resource);
    if (envelope::AppendResourceMetric(resources_.at(resource).context, settings_.envelope, now, flight->lines)) ++flight->items;
  }
  const std::uint32_t head_items = flight->items;
  std::size_t bytes = 0;
  for (const auto& entry : entries) {
    Flight::Record record{.first_item = flight->items};
    const std::size_t before = flight->lines.size();
    if (IsMeasuredOnly(entry.record)) {
      record.reason = journal::DropReason::kSampledOut;
    } else {
      const auto& [resource, scope] = scopes.at(entry.record.owner);
      const envelope::Appended appended = envelope::AppendItems(entry.record, *resource, scope, settings_.envelope, now, flight->lines);
      record.items = appended.items;
      record.not_made = appended.dropped_by_reason;
      if (record.items == 0) record.reason = ReasonOf(record.not_made);
    }
    const bool is_over = flight->items + record.items > limits::kTrackItemsMax || flight->lines.size() > limits::kTrackBodyBytesMax;
    // A record that is over the limits alone goes alone; the service decides.
    if (is_over && flight->items > head_items) {
      flight->lines.resize(before);
      break;
    }
    flight->items += record.items;
    bytes += entry.record.Bytes();
    flight->records.push_back(record);
  }
  if (flight->records.size() < entries.size()) {
    entries.resize(flight->records.size());
    flight->batch.end = entries.back().position;
    flight->batch.bytes = bytes;
  }
  if (flight->items == head_items && flight->stats_items == 0) {
    flight->items = 0;
    flight->lines.clear();
  } else {
    flight->to_send.push_back({.begin = 0, .end = flight->items});
  }
  flight->outcomes.assign(flight->items, Outcome::kAccepted);
  return flight;
}

void AzureDestination::AppendStats(Flight& flight, bool is_last) {
  const auto resource = resources_.find(stats_resource_);
  if (resource == resources_.end()) return;
  stats_.Recycled(journal_.LedgerOf(journal::Destination::kAzure).dropped[static_cast<std::size_t>(journal::DropReason::kStorageCapacity)]);
  flight.stats_items = stats_.Append(clock_.Now(), clock_.WallNow(), resource->second.context, settings_.envelope, is_last, flight.lines);
  flight.items = flight.stats_items;
}

void AzureDestination::SendStats(base::SteadyTime now, bool is_last) {
  auto flight = std::make_unique<Flight>();
  AppendStats(*flight, is_last);
  if (flight->items == 0) return;
  flight->to_send.push_back({.begin = 0, .end = flight->items});
  flight->outcomes.assign(flight->items, Outcome::kAccepted);
  flights_.push_back(std::move(flight));
  Send(*flights_.back(), now);
}

bool AzureDestination::Finish(base::SteadyTime now) {
  if (!std::exchange(is_finishing_, true) && flights_.empty() && breaker_.MayAsk(now)) SendStats(now, true);
  return !waits_for_token_ && std::ranges::none_of(flights_, &Flight::is_in_flight);
}

const envelope::ResourceContext& AzureDestination::ContextOf(const otlp::RecordView& resource) {
  const auto found = resources_.find(resource.owner);
  if (found != resources_.end() && found->second.message == resource.message) return found->second.context;
  return resources_
      .insert_or_assign(resource.owner, CachedResource{.message = std::string(resource.message),
                                                       .context = envelope::ResourceContext::Make(resource.message, settings_.envelope)})
      .first->second.context;
}

std::string AzureDestination::TrackUrl(base::SteadyTime now) const {
  return !redirected_url_.empty() && now < redirected_until_ ? redirected_url_ : base_url_;
}

void AzureDestination::Send(Flight& flight, base::SteadyTime now) {
  const Flight::Range range = flight.to_send.front();
  if (flight.urls.empty()) flight.urls.push_back(TrackUrl(now));
  transport::HttpRequest request{.url = flight.urls.back(), .tls = settings_.tls};
  request.headers = {{"Content-Type", "application/x-json-stream"},
                     {"Accept", "application/json"},
                     {"x-ms-client-request-id", Uuid(random_)},
                     {"User-Agent", "azsdk-cpp-monitor-opentelemetry-exporter/" AZMON_VERSION " (Linux)"}};
  auto body = std::make_shared<std::string>();
  if (!Authorize(flight, request, now)) return;
  if (settings_.gzip && gzip_.Append(flight.Lines(range), *body).ok()) {
    request.headers.emplace_back("Content-Encoding", "gzip");
  } else {
    body->assign(flight.Lines(range));
  }
  request.body = std::move(body);
  flight.is_in_flight = true;
  flight.sent_at = now;
  flight.request = transport_.Start(std::move(request), [this, &flight](transport::HttpResponse response) { OnAnswer(flight, response); });
}

bool AzureDestination::Authorize(Flight& flight, transport::HttpRequest& request, base::SteadyTime now) {
  flight.token.clear();
  const auto parts = transport::ParseUrl(request.url);
  const bool is_safe = parts && (parts->scheme == "https" || (settings_.allows_token_on_loopback_http && transport::IsLoopback(parts->host)));
  if (!bearer_ || !is_safe || !is_trusted_with_token_) return true;
  switch (bearer_->Ask()) {
    case Bearer::State::kReady:
      flight.token = bearer_->Token();
      request.headers.emplace_back("Authorization", "Bearer " + flight.token);
      return true;
    case Bearer::State::kWaiting: waits_for_token_ = true; return false;
    case Bearer::State::kFailed: break;
  }
  TrackVerdict verdict;
  verdict.wait = bearer_->Failure().retry_in;
  verdict.cause = "no access token: " + Excerpt(bearer_->Failure().error);
  verdict.advice = "check the identity";
  Fail(verdict, now);
  return false;
}

void AzureDestination::OnAnswer(Flight& flight, const transport::HttpResponse& response) {
  flight.is_in_flight = false;
  TrackVerdict verdict = ClassifyTrack(response, clock_.WallNow());
  if (verdict.action == TrackAction::kRedirect && Follow(flight, response, verdict)) return;
  flight.urls.clear();
  // A token may have ended early: another one is tried at once.
  if (response.status == 401 && !flight.token.empty() && bearer_->Replace(flight.token)) return;
  // A host that a redirect named may be gone.
  if (verdict.is_transport) redirected_url_.clear();
  Apply(flight, verdict, StatsCode::Of(response));
}

bool AzureDestination::Follow(Flight& flight, const transport::HttpResponse& response, TrackVerdict& verdict) {
  const base::SteadyTime now = clock_.Now();
  const auto refuse = [&](std::string why) {
    redirected_url_.clear();
    verdict.action = TrackAction::kRetry;
    verdict.cause += ": " + std::move(why);
    verdict.advice = "check IngestionEndpoint of the connection string and the proxy";
    return false;
  };
  auto target = RedirectTarget(flight.urls.back(), base_url_, response.Header("location").value_or(""));
  if (!target.ok()) return refuse(target.error().detail);
  if (std::ranges::find(flight.urls, *target) != flight.urls.end()) return refuse("redirects lead in a circle");
  if (flight.urls.size() > kRedirectsMax) return refuse("too many redirects");
  redirected_url_ = *target;
  redirected_until_ = now + RedirectLifetime(response.Header("cache-control").value_or(""));
  flight.urls.push_back(std::move(*target));
  Send(flight, now);
  return true;
}

void AzureDestination::Apply(Flight& flight, const TrackVerdict& verdict, StatsCode code) {
  const base::SteadyTime now = clock_.Now();
  const Flight::Range range = flight.to_send.front();
  // An answer to what was sent before the failure does not end the back-off.
  const auto works = [&] {
    if (breaker_.IsOpen() && flight.sent_at < breaker_.RetryAt()) return;
    breaker_.Succeed();
    if (bearer_) bearer_->Accepted();
    trouble_.Works(now);
  };
  switch (verdict.action) {
    case TrackAction::kAccepted:
      if (stats_.IsOn()) flight.ForEach(range, [&](std::uint32_t, std::string_view line) { stats_.Succeeded(line); });
      works();
      flight.to_send.pop_front();
      break;
    case TrackAction::kPartial:
      ApplyPartial(flight, verdict);
      break;
    case TrackAction::kRedirect:  // became kRetry where it is not followed
    case TrackAction::kRetry:
      if (stats_.IsOn()) flight.ForEach(range, [&](std::uint32_t, std::string_view line) { stats_.Retried(line, code); });
      Fail(verdict, now);
      if (is_finishing_ && flight.IsStatsAlone()) flight.to_send.clear();
      break;
    case TrackAction::kSplit:
      flight.to_send.pop_front();
      if (range.end - range.begin > 1) {
        const std::uint32_t middle = range.begin + (range.end - range.begin) / 2;
        flight.to_send.push_front({.begin = middle, .end = range.end});
        flight.to_send.push_front({.begin = range.begin, .end = middle});
      } else {
        flight.Set(range, Outcome::kTooLarge);
        flight.ForEach(range, [&](std::uint32_t, std::string_view line) { stats_.Dropped(line, code); });
        trouble_.Loses(now, verdict.cause, "an item of this size is not taken; shorten its attributes", 1);
      }
      works();
      break;
    case TrackAction::kDrop:
      flight.Set(range, OutcomeOf(verdict.reason));
      flight.ForEach(range, [&](std::uint32_t, std::string_view line) { stats_.Dropped(line, code); });
      flight.to_send.pop_front();
      if (!flight.IsStatsAlone()) trouble_.Loses(now, verdict.cause, verdict.advice, flight.RecordsIn(range));
      works();
      break;
  }
}

void AzureDestination::ApplyPartial(Flight& flight, const TrackVerdict& verdict) {
  const base::SteadyTime now = clock_.Now();
  const Flight::Range range = flight.to_send.front();
  flight.to_send.pop_front();
  std::size_t refused = 0;
  std::size_t again = 0;
  const ItemError* first_refused = nullptr;
  const ItemError* first_again = nullptr;
  for (const ItemError& error : verdict.errors) {
    if (error.index >= range.end - range.begin) continue;
    Outcome& outcome = flight.outcomes[range.begin + error.index];
    if (outcome != Outcome::kAccepted) continue;  // named twice
    if (IsRetryable(error)) {
      outcome = Outcome::kAgain;
      ++again;
      if (first_again == nullptr) first_again = &error;
    } else {
      outcome = OutcomeOf(DropReasonOf(error));
      if (outcome == Outcome::kSampledOut) continue;  // the service's own choice
      ++refused;
      if (first_refused == nullptr) first_refused = &error;
    }
  }
  if (stats_.IsOn()) {
    std::map<std::uint32_t, int> status;
    for (const ItemError& error : verdict.errors) {
      if (error.index < range.end - range.begin) status.emplace(range.begin + static_cast<std::uint32_t>(error.index), error.status);
    }
    flight.ForEach(range, [&](std::uint32_t item, std::string_view line) {
      const auto found = status.find(item);
      if (found == status.end()) {
        stats_.Succeeded(line);
      } else if (flight.outcomes[item] == Outcome::kAgain) {
        stats_.Retried(line, {found->second});
      } else {
        stats_.Dropped(line, {found->second});
      }
    });
  }
  const auto text = [](const ItemError& error) { return "HTTP " + std::to_string(error.status) + " for items: " + Excerpt(error.message); };
  if (refused > 0) trouble_.Loses(now, text(*first_refused), "", refused);
  // Items that nobody takes would go round without a pause.
  if (again > 0 && (verdict.wait || again == range.end - range.begin)) {
    if (again == range.end - range.begin) {
      breaker_.Fail(now, verdict.wait, random_);
    } else {
      breaker_.Pause(now, *verdict.wait);
    }
    trouble_.Fails(now, text(*first_again), "it is tried again", std::chrono::duration_cast<milliseconds>(breaker_.RetryAt() - now));
    return;
  }
  if (breaker_.IsOpen() && flight.sent_at < breaker_.RetryAt()) return;
  breaker_.Succeed();
  trouble_.Works(now);
}

void AzureDestination::Fail(const TrackVerdict& verdict, base::SteadyTime now) {
  breaker_.Fail(now, verdict.wait, random_);
  trouble_.Fails(now, verdict.cause, verdict.advice, std::chrono::duration_cast<milliseconds>(breaker_.RetryAt() - now));
}

void AzureDestination::SettleAnswered() {
  while (!flights_.empty() && flights_.front()->IsAnswered()) {
    Settle(*flights_.front());
    flights_.pop_front();
  }
}

void AzureDestination::Settle(Flight& flight) {
  if (flight.IsStatsAlone()) return;
  journal::Settlement settlement;
  std::deque<std::string> annotations;  // own the bytes that `again` points to
  for (std::size_t i = 0; i < flight.records.size(); ++i) {
    const Flight::Record& record = flight.records[i];
    const otlp::RecordView& view = flight.batch.entries[i].record;
    const auto first = flight.outcomes.begin() + record.first_item;
    const auto last = first + record.items;
    std::optional<journal::DropReason> lost;
    for (auto outcome = first; outcome != last; ++outcome) {
      if (*outcome == Outcome::kAccepted || *outcome == Outcome::kAgain) continue;
      settlement.DropItems(ReasonOf(*outcome), 1);
      if (!lost) lost = ReasonOf(*outcome);
    }
    if (std::find(first, last, Outcome::kAgain) != last) {
      otlp::Annotations annotation = otlp::ReadAnnotations(view.annotations);
      const std::optional<std::uint64_t> left_before = annotation.items_left;
      if (lost && !annotation.lost_item) annotation.lost_item = static_cast<std::uint8_t>(*lost);
      std::uint64_t left = 0;
      for (std::uint32_t n = 0; n < record.items; ++n) {
        if (first[n] == Outcome::kAgain) left |= std::uint64_t{1} << BitOf(left_before, n);
      }
      otlp::RecordView again = view;
      if (std::find_if(first, last, [](Outcome outcome) { return outcome != Outcome::kAgain; }) != last) {
        annotation.items_left = left;
        otlp::AppendAnnotations(annotation, annotations.emplace_back());
        again.annotations = annotations.back();
      }
      settlement.again.push_back(again);
      continue;
    }
    // Those are counted when nothing of the record comes again, since each reading leaves them out anew.
    ForEachReason(record.not_made, [&](journal::DropReason reason, std::uint32_t items) { settlement.DropItems(reason, items); });
    if (record.items == 0) {
      settlement.Drop(record.reason);
      continue;
    }
    // A record of which an item was refused, now or earlier, is a lost record, even if its other items are there.
    const auto earlier = otlp::ReadAnnotations(view.annotations).lost_item;
    if (earlier && *earlier < journal::DropCounts{}.size()) lost = static_cast<journal::DropReason>(*earlier);
    if (lost) {
      settlement.Drop(*lost);
    } else {
      ++settlement.delivered;
    }
  }
  journal_.Settle(journal::Destination::kAzure, flight.batch, settlement);
  if (!settlement.again.empty()) flush_.Again(flight.batch);
}

void AzureDestination::Stop() {
  for (const auto& flight : flights_) {
    if (flight->is_in_flight) transport_.Cancel(flight->request);
  }
  // What was not answered is appended again rather than left, because batches behind it may have been answered.
  while (!flights_.empty()) {
    Flight& flight = *flights_.front();
    const bool is_untouched = flights_.size() == 1 && flight.to_send.size() == 1 && flight.to_send.front().begin == 0 && flight.to_send.front().end == flight.items;
    if (!is_untouched) {
      for (const Flight::Range range : flight.to_send) flight.Set(range, Outcome::kAgain);
      flight.to_send.clear();
      Settle(flight);
    }
    flights_.pop_front();
  }
}

}  // namespace azmon::deliver
