// SPDX-License-Identifier: MIT
#include "deliver/otlp_destination.h"

#include <algorithm>
#include <optional>

#include "deliver/otlp_encode.h"

namespace azmon::deliver {

namespace {

using std::chrono::milliseconds;

/// The signals of a batch go out together: their failures are one.
constexpr milliseconds kFailuresApart{500};

std::optional<OtlpSignal> SignalOf(const otlp::RecordView& record) {
  switch (record.signal) {
    case otlp::Signal::kSpan: return OtlpSignal::kTraces;
    case otlp::Signal::kLog: return OtlpSignal::kLogs;
    case otlp::Signal::kMetric: return OtlpSignal::kMetrics;
    default: return std::nullopt;
  }
}

}  // namespace

/// Records of one signal that make one request.
struct OtlpDestination::Part {
  OtlpSignal signal = OtlpSignal::kTraces;
  std::vector<std::uint32_t> records;  ///< indexes into the batch
  transport::Transport::Id request = 0;
  bool is_in_flight = false;
  bool is_answered = false;
  base::SteadyTime sent_at{};
};

struct OtlpDestination::Flight {
  journal::Batch batch;
  std::deque<Part> parts;  ///< never moved: completions refer to them
  journal::Settlement settlement;
};

OtlpDestination::OtlpDestination(journal::Journal& journal, transport::Transport& transport, const base::Clock& clock, OtlpSettings settings,
                                 milliseconds export_interval, LogLimiter& log, base::Random random)
    : journal_(journal),
      transport_(transport),
      clock_(clock),
      settings_(std::move(settings)),
      random_(random),
      trouble_("the OTLP endpoint", log),
      breaker_(&OtlpDelay, kFailuresApart),
      departure_(export_interval),
      flush_(journal, journal::Destination::kOtlp) {}

OtlpDestination::~OtlpDestination() { Stop(); }

base::SteadyTime OtlpDestination::Step(base::SteadyTime now) {
  SettleAnswered();
  if (!flight_) {
    const journal::Journal::Backlog backlog = journal_.BacklogOf(journal::Destination::kOtlp);
    const bool is_due = departure_.IsDue(now, backlog.records, backlog.bytes >= limits::kBatchFullBytes || !flush_.IsReached());
    if (!breaker_.MayAsk(now) || !is_due) {
      if (departure_.DueAt() == base::SteadyTime::max()) return base::SteadyTime::max();
      return breaker_.IsOpen() ? std::max(breaker_.RetryAt(), is_due ? base::SteadyTime::min() : departure_.DueAt()) : departure_.DueAt();
    }
    departure_.Left();
    auto flight = ReadFlight();
    if (flight->batch.entries.empty()) return base::SteadyTime::max();
    flight_ = std::move(flight);
    SettleAnswered();  // no signal of it has an endpoint
    if (!flight_) return now;
  }
  std::size_t in_flight = static_cast<std::size_t>(std::ranges::count_if(flight_->parts, &Part::is_in_flight));
  // A part that turns out too large is halved while it is encoded: the halves stand at the end and are met by this loop.
  for (std::size_t i = 0; i < flight_->parts.size(); ++i) {
    Part& part = flight_->parts[i];
    if (part.is_in_flight || part.is_answered) continue;
    if (!breaker_.MayAsk(now)) return in_flight > 0 ? base::SteadyTime::max() : breaker_.RetryAt();
    if (breaker_.IsOpen() && in_flight > 0) return base::SteadyTime::max();
    Send(part, now);
    in_flight += part.is_in_flight ? 1 : 0;
  }
  return base::SteadyTime::max();
}

std::unique_ptr<OtlpDestination::Flight> OtlpDestination::ReadFlight() {
  auto flight = std::make_unique<Flight>();
  flight->batch = journal_.Read(journal::Destination::kOtlp, limits::kOtlpRecordsMax, limits::kOtlpBodyBytesMax);
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
    if (!records[i].empty()) flight->parts.push_back({.signal = static_cast<OtlpSignal>(i), .records = std::move(records[i])});
  }
  return flight;
}

void OtlpDestination::Send(Part& part, base::SteadyTime now) {
  const OtlpEndpoint& endpoint = *settings_.Of(part.signal);
  std::string message;
  AppendExportRequest(flight_->batch, part.records, message);
  if (message.size() > limits::kOtlpBodyBytesMax && part.records.size() > 1) {
    Split(part, now, {});
    return;
  }
  const bool is_grpc = endpoint.protocol == OtlpProtocol::kGrpc;
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
  transport::HttpRequest request{.url = endpoint.url, .headers = endpoint.headers, .body = std::move(body), .http2 = is_grpc, .timeout = endpoint.timeout,
                      .answer_bytes_max = limits::kOtlpAnswerBytesMax, .tls = endpoint.tls};
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
  part.request = transport_.Start(std::move(request), [this, &part](transport::HttpResponse response) { OnAnswer(part, response); });
}

void OtlpDestination::OnAnswer(Part& part, const transport::HttpResponse& response) {
  const base::SteadyTime now = clock_.Now();
  part.is_in_flight = false;
  const bool is_grpc = settings_.Of(part.signal)->protocol == OtlpProtocol::kGrpc;
  const OtlpVerdict verdict = is_grpc ? ClassifyOtlpGrpc(response, clock_.WallNow()) : ClassifyOtlpHttp(response, clock_.WallNow());
  const std::uint64_t count = part.records.size();
  if (verdict.action == OtlpAction::kRetry) {
    breaker_.Fail(now, verdict.wait, random_);
    trouble_.Fails(now, verdict.cause, verdict.advice, std::chrono::duration_cast<milliseconds>(breaker_.RetryAt() - now));
    return;
  }
  // An answer to what was sent before the failure does not end the back-off.
  if (!breaker_.IsOpen() || part.sent_at >= breaker_.RetryAt()) {
    breaker_.Succeed();
    trouble_.Works(now);
  }
  switch (verdict.action) {
    case OtlpAction::kAccepted: {
      const std::uint64_t rejected = std::min(verdict.rejected, count);
      flight_->settlement.delivered += count - rejected;
      flight_->settlement.Drop(journal::DropReason::kRefused, rejected);
      if (rejected > 0) trouble_.Loses(now, verdict.cause, verdict.advice, rejected);
      break;
    }
    case OtlpAction::kSplit: Split(part, now, verdict); return;
    case OtlpAction::kDrop:
      flight_->settlement.Drop(journal::DropReason::kRefused, count);
      trouble_.Loses(now, verdict.cause, verdict.advice, count);
      break;
    case OtlpAction::kRetry: break;
  }
  part.is_answered = true;
}

void OtlpDestination::Split(Part& part, base::SteadyTime now, const OtlpVerdict& verdict) {
  part.is_answered = true;
  if (part.records.size() == 1) {
    flight_->settlement.Drop(journal::DropReason::kTooLarge);
    trouble_.Loses(now, verdict.cause, verdict.advice, 1);
    return;
  }
  const auto middle = part.records.begin() + static_cast<std::ptrdiff_t>(part.records.size() / 2);
  flight_->parts.push_back({.signal = part.signal, .records = {part.records.begin(), middle}});
  flight_->parts.push_back({.signal = part.signal, .records = {middle, part.records.end()}});
}

void OtlpDestination::SettleAnswered() {
  if (!flight_ || !std::ranges::all_of(flight_->parts, &Part::is_answered)) return;
  journal_.Settle(journal::Destination::kOtlp, flight_->batch, flight_->settlement);
  flight_.reset();
}

void OtlpDestination::Stop() {
  if (!flight_) return;
  bool has_answer = false;
  for (const Part& part : flight_->parts) {
    if (part.is_in_flight) transport_.Cancel(part.request);
    has_answer |= part.is_answered;
  }
  // What was answered is settled; the rest is appended again. Without any answer the batch simply stays.
  if (has_answer) {
    for (const Part& part : flight_->parts) {
      if (part.is_answered) continue;
      for (const std::uint32_t record : part.records) flight_->settlement.again.push_back(flight_->batch.entries[record].record);
    }
    journal_.Settle(journal::Destination::kOtlp, flight_->batch, flight_->settlement);
    if (!flight_->settlement.again.empty()) flush_.Again(flight_->batch);
  }
  flight_.reset();
}

}  // namespace azmon::deliver
