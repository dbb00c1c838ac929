// SPDX-License-Identifier: MIT
#include "deliver/otlp_destination.h"

#include <algorithm>
#include <optional>

#include "deliver/otlp_encode.h"

namespace azmon::deliver {

namespace {

using std::chrono::milliseconds;

/// Requests of one lane that were in flight together: their failures are one.
constexpr milliseconds kFailuresApart{500};
/// How often a batch is read past a lane that does not work, to find out whether others do.
constexpr milliseconds kReadAheadInterval{5000};
/// How often the cursor itself goes past, which copies what it passes: at most so many bytes a second while another lane works, and seldom
/// while nobody knows whether one does.
constexpr std::uint64_t kPassBytesPerSecond = 1U << 20;
constexpr milliseconds kPassIntervalMin{100};
constexpr milliseconds kPassIntervalMax{5000};
constexpr milliseconds kPassIntervalUnknown{60000};
/// A lane works if it succeeded within it: longer than the interval at which metrics are collected.
constexpr milliseconds kWorksWithin{120000};
/// A configuration error shows in so many refusals in a row; then what waits is kept for a while instead of being dropped as well.
constexpr std::uint32_t kBadRequestsMax = 5;
constexpr milliseconds kBadRequestsPause{300000};

std::optional<OtlpSignal> SignalOf(const otlp::RecordView& record) {
  switch (record.signal) {
    case otlp::Signal::kSpan: return OtlpSignal::kTraces;
    case otlp::Signal::kLog: return OtlpSignal::kLogs;
    case otlp::Signal::kMetric: return OtlpSignal::kMetrics;
    default: return std::nullopt;
  }
}

}  // namespace

/// What the endpoint counts: spans, log records, data points.
std::uint64_t ItemsOf(const journal::Batch& batch, const std::vector<std::uint32_t>& records) {
  std::uint64_t items = 0;
  for (const std::uint32_t index : records) {
    const otlp::RecordView& record = batch.entries[index].record;
    items += record.signal == otlp::Signal::kMetric ? CountDataPoints(record.message) : 1;
  }
  return items;
}

/// Records of one signal that make one request.
struct OtlpDestination::Part {
  OtlpSignal signal = OtlpSignal::kTraces;
  std::vector<std::uint32_t> records;  ///< indexes into the batch
  transport::Transport::Id request = 0;
  bool is_in_flight = false;
  bool is_answered = false;
  base::SteadyTime sent_at{};
  std::string token;  ///< that went with the request; empty: none

  bool Waits() const { return !is_in_flight && !is_answered; }
};

struct OtlpDestination::Flight {
  journal::Batch batch;
  std::deque<Part> parts;  ///< never moved: completions refer to them
  journal::Settlement settlement;

  bool IsAnswered() const { return std::ranges::all_of(parts, &Part::is_answered); }
  bool HasOpenPartOf(OtlpSignal signal) const {
    return std::ranges::any_of(parts, [&](const Part& part) { return part.signal == signal && !part.is_answered; });
  }
  /// The records of a part are to come again.
  void PutBack(Part& part) {
    for (const std::uint32_t record : part.records) settlement.again.push_back(batch.entries[record].record);
    part.is_answered = true;
  }
};

struct OtlpDestination::Lane {
  Lane(OtlpSignal of, LogLimiter& log)
      : signal(of), trouble("the OTLP endpoint for " + std::string(Name(of)), log), breaker(&OtlpDelay, kFailuresApart) {}

  const OtlpSignal signal;
  TroubleLog trouble;
  Breaker breaker;
  std::size_t in_flight = 0;
  bool is_used = false;            ///< a record of this signal came by
  bool waits_for_token = false;
  std::uint32_t bad_requests = 0;  ///< in a row
  std::optional<base::SteadyTime> succeeded_at;
};

OtlpDestination::OtlpDestination(const Workshop& workshop, OtlpSettings settings)
    : journal_(workshop.journal),
      transport_(workshop.transport),
      clock_(workshop.clock),
      settings_(std::move(settings)),
      random_(workshop.random),
      departure_(workshop.export_interval),
      flush_(workshop.journal, journal::Destination::kOtlp),
      export_interval_(workshop.export_interval) {
  if (settings_.tokens) bearer_ = std::make_unique<Bearer>(settings_.tokens, [this] { transport_.Wake(); });
  for (std::size_t i = 0; i < kOtlpSignals; ++i) lanes_[i] = std::make_unique<Lane>(static_cast<OtlpSignal>(i), workshop.log);
}

OtlpDestination::~OtlpDestination() { Stop(); }

base::SteadyTime OtlpDestination::Step(base::SteadyTime now) {
  SettleAnswered();
  SendDue(now);
  // What was answered behind a blocked record is settled soon, so that a crash does not repeat it.
  if (HasOpenLane() && HasAnsweredParts() && now >= PassAt(now)) PassBlocked(now);
  while (MustRead(now)) {
    auto flight = ReadFlight();
    departure_.Left();
    if (flight->batch.entries.empty()) break;
    flights_.push_back(std::move(flight));
    SettleAnswered();  // no signal of it has an endpoint
    SendDue(now);
  }
  return NextWake(now);
}

void OtlpDestination::Hurry(base::SteadyTime now) {
  for (const auto& lane : lanes_) lane->breaker.Hurry(now);
}

std::uint64_t OtlpDestination::Unread(std::uint64_t* bytes) const {
  const journal::Journal::Backlog backlog = journal_.BacklogOf(journal::Destination::kOtlp);
  std::uint64_t read_records = 0;
  std::uint64_t read_bytes = 0;
  for (const auto& flight : flights_) {
    read_records += flight->batch.entries.size();
    read_bytes += flight->batch.bytes;
  }
  // Records may have been recycled at the cap while they were in flight.
  if (bytes != nullptr) *bytes = backlog.bytes - std::min(backlog.bytes, read_bytes);
  return backlog.records - std::min(backlog.records, read_records);
}

bool OtlpDestination::HasOpenLane() const {
  return std::ranges::any_of(lanes_, [](const auto& lane) { return lane->breaker.IsOpen(); });
}

/// A lane that would send at once what is read for it.
bool OtlpDestination::IsFree(const Lane& lane, base::SteadyTime now) const {
  return lane.is_used && lane.breaker.MayAsk(now) && lane.in_flight == 0 && !lane.waits_for_token &&
         std::ranges::none_of(flights_, [&](const auto& flight) { return flight->HasOpenPartOf(lane.signal); });
}

bool OtlpDestination::HasAnsweredParts() const {
  return std::ranges::any_of(flights_, [](const auto& flight) { return std::ranges::any_of(flight->parts, &Part::is_answered); });
}

/// When the cursor may go past what blocks the first batch.
base::SteadyTime OtlpDestination::PassAt(base::SteadyTime now) const {
  if (flights_.empty()) return now;
  const bool has_working = std::ranges::any_of(
      lanes_, [&](const auto& lane) { return !lane->breaker.IsOpen() && lane->succeeded_at && now - *lane->succeeded_at < kWorksWithin; });
  if (!has_working) return passed_at_ + kPassIntervalUnknown;
  std::uint64_t bytes = 0;
  for (const Part& part : flights_.front()->parts) {
    if (part.is_answered) continue;
    for (const std::uint32_t record : part.records) bytes += flights_.front()->batch.entries[record].record.Bytes();
  }
  return passed_at_ + std::clamp(milliseconds(bytes * 1000 / kPassBytesPerSecond), kPassIntervalMin, kPassIntervalMax);
}

/// Gives the records that block the first batch back to the journal. @return false: they are on their way
bool OtlpDestination::PassBlocked(base::SteadyTime now) {
  if (flights_.empty()) return false;
  Flight& first = *flights_.front();
  for (const Part& part : first.parts) {
    if (part.is_in_flight || (part.Waits() && LaneOf(part.signal).breaker.MayAsk(now))) return false;
  }
  for (Part& part : first.parts) {
    if (part.Waits()) first.PutBack(part);
  }
  passed_at_ = now;
  SettleAnswered();
  return true;
}

bool OtlpDestination::MustRead(base::SteadyTime now) {
  std::uint64_t bytes = 0;
  const std::uint64_t unread = Unread(&bytes);
  if (!departure_.IsDue(now, unread, bytes >= limits::kBatchFullBytes || !flush_.IsReached())) return false;
  const bool is_blocked = HasOpenLane();
  if (!is_blocked && flights_.empty()) return true;
  if (flights_.size() >= limits::kOtlpFlightsMax && !(is_blocked && now >= PassAt(now) && PassBlocked(now))) return false;
  if (std::ranges::any_of(lanes_, [&](const auto& lane) { return IsFree(*lane, now); })) return true;
  // Nobody is known to be free: now and then somebody new is looked for behind what is blocked.
  if (!is_blocked || now < ahead_at_ + kReadAheadInterval) return false;
  ahead_at_ = now;
  return true;
}

std::unique_ptr<OtlpDestination::Flight> OtlpDestination::ReadFlight() {
  auto flight = std::make_unique<Flight>();
  flight->batch = journal_.Read(journal::Destination::kOtlp, limits::kOtlpRecordsMax, limits::kOtlpBodyBytesMax,
                                flights_.empty() ? 0 : flights_.back()->batch.end);
  std::array<std::vector<std::uint32_t>, kOtlpSignals> records;
  for (std::uint32_t i = 0; i < flight->batch.entries.size(); ++i) {
    const auto signal = SignalOf(flight->batch.entries[i].record);
    if (!signal || !settings_.Of(*signal)) {
      flight->settlement.Drop(signal ? journal::DropReason::kNotDelivered : journal::DropReason::kMalformed);
      continue;
    }
    records[static_cast<std::size_t>(*signal)].push_back(i);
  }
  for (std::size_t i = 0; i < kOtlpSignals; ++i) {
    if (records[i].empty()) continue;
    lanes_[i]->is_used = true;
    flight->parts.push_back({.signal = static_cast<OtlpSignal>(i), .records = std::move(records[i])});
  }
  return flight;
}

void OtlpDestination::SendDue(base::SteadyTime now) {
  for (const auto& lane : lanes_) SendDue(*lane, now);
}

void OtlpDestination::SendDue(Lane& lane, base::SteadyTime now) {
  lane.waits_for_token = false;
  // The order of a signal is kept: what is behind a batch with open parts waits.
  const auto found = std::ranges::find_if(flights_, [&](const auto& flight) { return flight->HasOpenPartOf(lane.signal); });
  if (found == flights_.end()) return;
  Flight& flight = **found;
  // A part that turns out too large is halved while it is encoded: the halves stand at the end and are met by this loop.
  for (std::size_t i = 0; i < flight.parts.size(); ++i) {
    if (flight.parts[i].signal != lane.signal || !flight.parts[i].Waits()) continue;
    if (!MaySend(lane, now)) return;
    Send(lane, flight, i, now);
    if (lane.waits_for_token) return;
  }
}

bool OtlpDestination::MaySend(Lane& lane, base::SteadyTime now) {
  return lane.breaker.MayAsk(now) && lane.in_flight < (lane.breaker.IsOpen() ? 1 : limits::kOtlpRequestsMax);
}

void OtlpDestination::Send(Lane& lane, Flight& flight, std::size_t index, base::SteadyTime now) {
  Part& part = flight.parts[index];
  const OtlpEndpoint& endpoint = *settings_.Of(part.signal);
  std::string message;
  AppendExportRequest(flight.batch, part.records, message);
  if (message.size() > (endpoint.is_azure ? limits::kOtlpAzureBodyBytesMax : limits::kOtlpBodyBytesMax) && part.records.size() > 1) {
    Split(lane, flight, part, now, {});
    return;
  }
  transport::HttpRequest request{.url = endpoint.url, .headers = endpoint.headers, .http2 = endpoint.protocol == OtlpProtocol::kGrpc,
                                 .timeout = endpoint.timeout, .answer_bytes_max = limits::kOtlpAnswerBytesMax, .tls = endpoint.tls};
  if (!Authorize(lane, part, request, now)) return;
  const bool is_grpc = request.http2;
  auto body = std::make_shared<std::string>();
  if (is_grpc) AppendGrpcPrefix(false, static_cast<std::uint32_t>(message.size()), *body);
  const std::size_t head = body->size();
  const bool is_compressed = endpoint.gzip && gzip_.Append(message, *body).ok();
  if (!is_compressed) body->append(message);
  if (is_grpc && is_compressed) {
    std::string prefix;
    AppendGrpcPrefix(true, static_cast<std::uint32_t>(body->size() - head), prefix);
    body->replace(0, head, prefix);
  }
  request.body = std::move(body);
  request.headers.emplace_back("content-type", is_grpc ? "application/grpc" : "application/x-protobuf");
  request.headers.emplace_back("user-agent", "OTel-OTLP-Exporter-azmon/" AZMON_VERSION);
  if (is_grpc) {
    request.headers.emplace_back("te", "trailers");
    request.headers.emplace_back("grpc-timeout", std::to_string(endpoint.timeout.count()) + "m");
    request.headers.emplace_back("grpc-accept-encoding", "identity");
    if (is_compressed) request.headers.emplace_back("grpc-encoding", "gzip");
  } else if (is_compressed) {
    request.headers.emplace_back("content-encoding", "gzip");
  }
  part.is_in_flight = true;
  part.sent_at = now;
  ++lane.in_flight;
  part.request = transport_.Start(std::move(request), [this, &flight, &part](transport::HttpResponse response) { OnAnswer(flight, part, response); });
}

/// Adds the access token where one is due. @return false: not now; the lane waits or has failed
bool OtlpDestination::Authorize(Lane& lane, Part& part, transport::HttpRequest& request, base::SteadyTime now) {
  part.token.clear();
  if (!bearer_ || !settings_.Of(lane.signal)->is_azure || !MayHaveToken(request.url)) return true;
  switch (bearer_->Ask()) {
    case Bearer::State::kReady:
      part.token = bearer_->Token();
      request.headers.emplace_back("authorization", "Bearer " + part.token);
      return true;
    case Bearer::State::kWaiting: lane.waits_for_token = true; return false;
    case Bearer::State::kFailed: break;
  }
  OtlpVerdict verdict;
  verdict.wait = bearer_->Failure().retry_in;
  verdict.cause = "no access token: " + bearer_->Failure().error;
  verdict.advice = "check the identity";
  Fail(lane, verdict, now);
  return false;
}

void OtlpDestination::Fail(Lane& lane, const OtlpVerdict& verdict, base::SteadyTime now) {
  if (!lane.breaker.IsOpen()) passed_at_ = ahead_at_ = now;
  lane.breaker.Fail(now, verdict.wait, random_, verdict.is_configuration ? &ConfigurationDelay : nullptr);
  lane.trouble.Fails(now, verdict.cause, verdict.advice, std::chrono::duration_cast<milliseconds>(lane.breaker.RetryAt() - now));
}

void OtlpDestination::OnAnswer(Flight& flight, Part& part, const transport::HttpResponse& response) {
  const base::SteadyTime now = clock_.Now();
  Lane& lane = LaneOf(part.signal);
  part.is_in_flight = false;
  --lane.in_flight;
  const OtlpEndpoint& endpoint = *settings_.Of(part.signal);
  const auto classify = endpoint.is_azure ? &ClassifyOtlpAzure : endpoint.protocol == OtlpProtocol::kGrpc ? &ClassifyOtlpGrpc : &ClassifyOtlpHttp;
  const OtlpVerdict verdict = classify(response, clock_.WallNow());
  const std::uint64_t count = part.records.size();
  if (verdict.action == OtlpAction::kRetry) {
    // A token may have ended early: another one is tried at once.
    if (!verdict.needs_token || part.token.empty() || !bearer_->Replace(part.token)) Fail(lane, verdict, now);
    return;
  }
  // An answer to what was sent before the failure does not end the back-off.
  if (!lane.breaker.IsOpen() || part.sent_at >= lane.breaker.RetryAt()) {
    lane.breaker.Succeed();
    lane.trouble.Works(now);
    if (bearer_) bearer_->Accepted();
    lane.succeeded_at = now;
  }
  lane.bad_requests = verdict.is_configuration ? lane.bad_requests + 1 : 0;
  switch (verdict.action) {
    case OtlpAction::kAccepted: {
      const std::uint64_t rejected = std::min(verdict.rejected, count);
      flight.settlement.delivered += count - rejected;
      flight.settlement.Drop(journal::DropReason::kRefused, rejected);
      // Which records they belong to is not said: of a metric with several points one may be refused or all, so that the records are at
      // most so many and the items are counted exactly.
      flight.settlement.DropItems(journal::DropReason::kRefused, std::min(verdict.rejected, ItemsOf(flight.batch, part.records)));
      if (rejected > 0) lane.trouble.Loses(now, verdict.cause, verdict.advice, rejected);
      break;
    }
    case OtlpAction::kSplit: Split(lane, flight, part, now, verdict); return;
    case OtlpAction::kDrop:
      flight.settlement.Drop(journal::DropReason::kRefused, count);
      flight.settlement.DropItems(journal::DropReason::kRefused, ItemsOf(flight.batch, part.records));
      lane.trouble.Loses(now, verdict.cause, verdict.advice, count);
      if (lane.bad_requests >= kBadRequestsMax) {
        passed_at_ = ahead_at_ = now;
        lane.breaker.Pause(now, kBadRequestsPause);
      }
      break;
    case OtlpAction::kRetry: break;
  }
  part.is_answered = true;
}

void OtlpDestination::Split(Lane& lane, Flight& flight, Part& part, base::SteadyTime now, const OtlpVerdict& verdict) {
  part.is_answered = true;
  if (part.records.size() == 1) {
    flight.settlement.Drop(journal::DropReason::kTooLarge);
    flight.settlement.DropItems(journal::DropReason::kTooLarge, ItemsOf(flight.batch, part.records));
    lane.trouble.Loses(now, verdict.cause, verdict.advice, 1);
    return;
  }
  const auto middle = part.records.begin() + static_cast<std::ptrdiff_t>(part.records.size() / 2);
  flight.parts.push_back({.signal = part.signal, .records = {part.records.begin(), middle}});
  flight.parts.push_back({.signal = part.signal, .records = {middle, part.records.end()}});
}

void OtlpDestination::SettleAnswered() {
  while (!flights_.empty() && flights_.front()->IsAnswered()) {
    Settle(*flights_.front());
    flights_.pop_front();
  }
}

void OtlpDestination::Settle(Flight& flight) {
  journal_.Settle(journal::Destination::kOtlp, flight.batch, flight.settlement);
  if (!flight.settlement.again.empty()) flush_.Again(flight.batch);
}

base::SteadyTime OtlpDestination::NextWake(base::SteadyTime now) const {
  base::SteadyTime wake = base::SteadyTime::max();
  const auto at = [&](base::SteadyTime time) {
    if (time > now) wake = std::min(wake, time);
  };
  bool has_free = false;
  bool has_unknown = false;
  for (const auto& lane : lanes_) {
    const bool is_open = lane->breaker.IsOpen();
    const bool waits = std::ranges::any_of(flights_, [&](const auto& flight) { return flight->HasOpenPartOf(lane->signal); });
    if (is_open && waits && lane->in_flight == 0 && !lane->waits_for_token) wake = std::min(wake, lane->breaker.RetryAt());
    has_free |= IsFree(*lane, now);
    has_unknown |= !is_open && !lane->is_used && settings_.Of(lane->signal).has_value();
  }
  const bool is_blocked = HasOpenLane();
  if (is_blocked && HasAnsweredParts()) at(PassAt(now));
  const base::SteadyTime due_at = departure_.DueAt();
  if (due_at == base::SteadyTime::max()) {
    // Nothing is unread. What comes now does not wake the thread, because records wait already.
    if (has_free && !flights_.empty()) at(now + export_interval_);
    if (is_blocked && has_unknown && !flights_.empty()) at(now + kReadAheadInterval);
    return wake;
  }
  // Something is unread. It leaves when it is due, unless no lane is free: then the end of a back-off, of a request or of a wait before the
  // next look decides.
  if (!is_blocked && flights_.empty()) return std::min(wake, due_at);
  at(due_at);
  if (!is_blocked) return wake;
  for (const auto& lane : lanes_) {
    if (lane->breaker.IsOpen()) at(lane->breaker.RetryAt());
  }
  at(ahead_at_ + kReadAheadInterval);
  if (flights_.size() >= limits::kOtlpFlightsMax) at(PassAt(now));
  return wake;
}

void OtlpDestination::Stop() {
  std::size_t settled = 0;
  for (std::size_t i = 0; i < flights_.size(); ++i) {
    for (const Part& part : flights_[i]->parts) {
      if (part.is_in_flight) transport_.Cancel(part.request);
      if (part.is_answered) settled = i + 1;
    }
  }
  // What was answered is settled; what it leaves open is appended again. Behind the last answer everything simply stays.
  for (std::size_t i = 0; i < settled; ++i) {
    Flight& flight = *flights_[i];
    for (Part& part : flight.parts) {
      if (!part.is_answered) flight.PutBack(part);
    }
    Settle(flight);
  }
  flights_.clear();
}

}  // namespace azmon::deliver
