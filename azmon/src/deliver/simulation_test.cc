// SPDX-License-Identifier: MIT
// Delivery in a simulated world: the real journal and destinations, a clock, a network and servers drawn from a seed.
//
// A world runs ten simulated minutes of appends and faults, then every fault ends and what waits must arrive. Checked at each step: the
// sum of each ledger. At the end: nothing is lost that no counter names, and nothing came twice but what an ambiguous fault explains (the
// server took it, the answer did not arrive). `./dev test --seed N` replays the run that printed N.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>
#include <sstream>

#include "deliver/azure_destination.h"
#include "deliver/deliver_test_support.h"
#include "deliver/otlp_destination.h"

namespace azmon::deliver {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kWorldsPerShard = 500;
constexpr minutes kFaultsFor{10};
/// Back-off ends within an hour, and a last detour after it.
constexpr minutes kDrainFor{180};

/// The numbers of the records in a body: names are "#N;" in both encodings.
std::vector<int> IdsIn(std::string_view body) {
  std::vector<int> ids;
  for (std::size_t at = body.find('#'); at != std::string_view::npos; at = body.find('#', at + 1)) {
    const std::size_t end = body.find(';', at);
    if (end == std::string_view::npos) break;
    if (const auto id = base::ParseInteger<int>(body.substr(at + 1, end - at - 1))) ids.push_back(*id);
  }
  return ids;
}

/// What one side of the network knows: which records arrived how often, and for which of them nobody can know.
struct Receiver {
  std::map<int, int> times;
  std::set<int> ambiguous;
};

/// How likely each fault is in this world, in percent of requests.
struct Weather {
  explicit Weather(base::Random& random) {
    const auto draw = [&](std::uint64_t top) { return random.Below(3) == 0 ? random.Below(top + 1) : 0; };
    refused = draw(40);
    broken_before = draw(20);
    broken_after = draw(20);
    server_error = draw(50);
    throttled = draw(40);
    partial = draw(60);
    unreadable = draw(10);
    bad_request = draw(5);
    too_large = draw(40);
    slow = draw(30);
    token_ends = draw(10);
    redirect = draw(10);
  }
  std::uint64_t refused, broken_before, broken_after, server_error, throttled, partial, unreadable, bad_request, too_large, slow, token_ends, redirect;
};

/// Tokens that take a while; the servers know the current one.
class SimulatedTokens final : public TokenSource {
 public:
  SimulatedTokens(base::FakeClock& clock, base::Random& random) : clock_(clock), random_(random) {}

  void Get(Done done) override {
    if (known_ == current && !must_fetch_) return done({.token = AccessToken{.token = "t" + std::to_string(known_)}});
    waiting_.push_back(std::move(done));
    if (waiting_.size() == 1) due_at_ = clock_.Now() + milliseconds(random_.Below(3000));
  }
  void Reject(const std::string& token) override { must_fetch_ |= token == "t" + std::to_string(known_); }
  void Run() {
    if (waiting_.empty() || clock_.Now() < due_at_) return;
    const bool is_down = random_.Below(5) == 0;
    if (!is_down) {
      known_ = current;
      must_fetch_ = false;
    }
    const TokenAnswer answer = is_down ? TokenAnswer{.token = std::nullopt, .error = "down"} : TokenAnswer{.token = AccessToken{.token = "t" + std::to_string(known_)}};
    for (const auto& done : std::exchange(waiting_, {})) done(answer);
  }
  base::SteadyTime DueAt() const { return waiting_.empty() ? base::SteadyTime::max() : due_at_; }

  int current = 0;

 private:
  base::FakeClock& clock_;
  base::Random& random_;
  int known_ = -1;
  bool must_fetch_ = false;
  std::vector<Done> waiting_;
  base::SteadyTime due_at_{};
};

/// The network and the servers behind it. What a request does is decided when it starts; the answer comes later.
class SimulatedNetwork final : public transport::Transport {
 public:
  SimulatedNetwork(base::FakeClock& clock, base::Random& random, const Weather& weather, SimulatedTokens& tokens, std::ostringstream& trace)
      : clock_(clock), random_(random), weather_(weather), tokens_(tokens), trace_(trace) {}

  Id Start(transport::HttpRequest request, Completion done) override {
    Exchange exchange{.done = std::move(done), .receiver = &(request.url.find("track") != std::string::npos ? azure : otlp), .ids = IdsIn(*request.body)};
    exchange.response = Serve(request, exchange);
    milliseconds delay(1 + random_.Below(200));
    if (Happens(weather_.slow)) delay = milliseconds(random_.Below(60'000));
    if (delay >= request.timeout) {
      exchange.is_lost = true;
      exchange.response = {.error = transport::TransportError::kTimeout};
      delay = request.timeout;
    }
    exchange.answer_at = clock_.Now() + delay;
    waiting_.emplace(++last_id_, std::move(exchange));
    return last_id_;
  }
  void Cancel(Id id) override {
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return;
    Doubt(found->second);
    waiting_.erase(found);
  }
  void Poll(base::SteadyTime) override {}
  void Wake() override { is_woken = true; }

  /// Ends what is due. @return whether something ended
  bool Run() {
    for (auto found = waiting_.begin(); found != waiting_.end(); ++found) {
      if (found->second.answer_at > clock_.Now()) continue;
      Exchange exchange = std::move(found->second);
      waiting_.erase(found);
      if (exchange.is_lost) Doubt(exchange);
      trace_ << clock_.Now().time_since_epoch().count() << ' ' << exchange.response.status << ' ' << static_cast<int>(exchange.response.error) << ' '
             << exchange.ids.size() << '\n';
      exchange.done(std::move(exchange.response));
      return true;
    }
    return false;
  }
  base::SteadyTime NextAt() const {
    base::SteadyTime next = base::SteadyTime::max();
    for (const auto& [id, exchange] : waiting_) next = std::min(next, exchange.answer_at);
    return next;
  }
  void Heal() { is_healed_ = true; }
  /// Nobody answers until then.
  void GoDown(base::SteadyTime until) { down_until_ = until; }

  Receiver azure;
  Receiver otlp;
  bool is_woken = false;

 private:
  struct Exchange {
    Completion done;
    Receiver* receiver = nullptr;
    std::vector<int> ids;
    std::set<int> taken;  ///< what the server kept
    transport::HttpResponse response;
    base::SteadyTime answer_at{};
    bool is_lost = false;  ///< the answer does not arrive
  };

  bool Happens(std::uint64_t percent) { return !is_healed_ && random_.Below(100) < percent; }
  static void Doubt(const Exchange& exchange) { exchange.receiver->ambiguous.insert(exchange.taken.begin(), exchange.taken.end()); }
  static void Take(Exchange& exchange, int id) {
    if (exchange.taken.insert(id).second) ++exchange.receiver->times[id];
  }

  transport::HttpResponse Serve(const transport::HttpRequest& request, Exchange& exchange) {
    using transport::TransportError;
    if (!is_healed_ && clock_.Now() < down_until_) return {.error = TransportError::kConnect};
    if (Happens(weather_.refused)) return {.error = random_.Below(2) == 0 ? TransportError::kConnect : TransportError::kResolve};
    if (Happens(weather_.broken_before)) return {.error = TransportError::kBroken};
    if (Happens(weather_.token_ends)) ++tokens_.current;
    if (const auto token = RequestHeader(request, "authorization"); token && *token != "Bearer t" + std::to_string(tokens_.current)) return {.status = 401};
    transport::HttpResponse response = exchange.receiver == &azure ? Track(request, exchange) : request.http2 ? Grpc(exchange) : Otlp(request, exchange);
    if (!exchange.taken.empty() && Happens(weather_.broken_after)) {
      exchange.is_lost = true;
      return {.error = TransportError::kBroken, .status = static_cast<int>(random_.Below(2)) * 200};
    }
    return response;
  }

  std::vector<std::pair<std::string, std::string>> Wait() {
    switch (random_.Below(6)) {
      case 0: return {{"retry-after", std::to_string(random_.Below(120))}};
      case 1: return {{"retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"}};
      case 2: return {{"retry-after", "-1"}};
      case 3: return {{"retry-after", "soon"}};
      default: return {};
    }
  }

  transport::HttpResponse Track(const transport::HttpRequest& request, Exchange& exchange) {
    constexpr std::array kErrors = {500, 502, 503, 504, 408, 439, 403};
    if (Happens(weather_.redirect)) return {.status = 308, .headers = {{"location", "https://other.services.visualstudio.com/v2.1/track"}, {"cache-control", "max-age=60"}}};
    if (Happens(weather_.server_error)) return {.status = kErrors[random_.Below(kErrors.size())], .headers = Wait()};
    if (Happens(weather_.throttled)) return {.status = 429, .headers = Wait()};
    if (Happens(weather_.bad_request)) return {.status = 400};
    const std::vector<std::string_view> lines = base::Split(*request.body, '\n');
    const std::size_t items = lines.size() - 1;
    if (items > 3 && Happens(weather_.too_large)) return {.status = 413};
    if (!Happens(weather_.partial)) {
      for (const int id : exchange.ids) Take(exchange, id);
      return {.status = 200};
    }
    constexpr std::array kItemErrors = {500, 503, 429, 400, 439, 206};
    std::string errors;
    for (std::size_t i = 0; i < items; ++i) {
      const auto ids = IdsIn(lines[i]);
      if (random_.Below(2) == 0 || ids.empty()) {
        for (const int id : ids) Take(exchange, id);
        continue;
      }
      errors += (errors.empty() ? "" : ",") + std::string("{\"index\":") + std::to_string(i) + ",\"statusCode\":" + std::to_string(kItemErrors[random_.Below(kItemErrors.size())]) +
                ",\"message\":\"x\"}";
    }
    if (Happens(weather_.unreadable)) {
      exchange.is_lost = true;
      return {.status = 206, .body = "{\"itemsRec"};
    }
    return {.status = 206, .headers = Happens(30) ? Wait() : std::vector<std::pair<std::string, std::string>>(), .body = "{\"itemsReceived\":1,\"itemsAccepted\":0,\"errors\":[" + errors + "]}"};
  }

  /// Takes all but a few, which it reports as rejected.
  std::string TakeSome(Exchange& exchange) {
    std::uint64_t rejected = 0;
    for (const int id : exchange.ids) {
      if (Happens(weather_.partial / 4)) {
        ++rejected;
      } else {
        Take(exchange, id);
      }
    }
    if (rejected == 0) return {};
    std::string inner;
    otlp::AppendVarintField(otlp::partial_success::kRejected, rejected, inner);
    std::string out;
    otlp::AppendBytesField(otlp::response::kPartialSuccess, inner, out);
    return out;
  }

  transport::HttpResponse Otlp(const transport::HttpRequest& request, Exchange& exchange) {
    const bool is_azure = request.url.find("ingest.monitor") != std::string::npos;
    if (Happens(weather_.server_error)) {
      constexpr std::array kErrors = {502, 503, 504, 429};
      constexpr std::array kAzureErrors = {500, 503, 504, 403, 404, 408};
      return {.status = is_azure ? kAzureErrors[random_.Below(kAzureErrors.size())] : kErrors[random_.Below(kErrors.size())], .headers = Wait()};
    }
    if (Happens(weather_.throttled)) return {.status = 429, .headers = Wait()};
    if (Happens(weather_.bad_request)) return {.status = 400};
    if (exchange.ids.size() > 3 && Happens(weather_.too_large)) return {.status = 413};
    std::string body = TakeSome(exchange);
    return {.status = is_azure ? 204 : 200, .headers = {{"content-type", "application/x-protobuf"}}, .body = std::move(body)};
  }

  transport::HttpResponse Grpc(Exchange& exchange) {
    const auto status = [](int code, std::string message = {}) {
      return transport::HttpResponse{.status = 200, .headers = {{"grpc-status", std::to_string(code)}, {"grpc-message", std::move(message)}}};
    };
    if (Happens(weather_.server_error)) return random_.Below(2) == 0 ? status(14) : transport::HttpResponse{.status = 503, .headers = Wait()};
    if (Happens(weather_.throttled)) return status(4);
    if (Happens(weather_.bad_request)) return status(3);
    if (exchange.ids.size() > 3 && Happens(weather_.too_large)) return status(8, "larger than max");
    const std::string message = TakeSome(exchange);
    transport::HttpResponse response = status(0);
    response.body = std::string(5, '\0') + message;
    if (Happens(weather_.unreadable)) {
      exchange.is_lost = true;
      response.headers.clear();  // the trailers were swallowed
    }
    return response;
  }

  base::FakeClock& clock_;
  base::Random& random_;
  const Weather& weather_;
  SimulatedTokens& tokens_;
  std::ostringstream& trace_;
  std::map<Id, Exchange> waiting_;
  Id last_id_ = 0;
  bool is_healed_ = false;
  base::SteadyTime down_until_{};
};

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed), weather_(random_), journal_(JournalOptions(random_)) {
    const std::uint32_t resource = journal_.AddResource(ResourceMessage("service.name", "sim"), "");
    scope_ = journal_.AddScope(resource, ScopeMessage("sim"), "");
    kind_ = random_.Below(3);
    journal_.SetListener(limits::kBatchFullBytes, [this] { network_.is_woken = true; });
    MakeDestinations();
  }

  /// @return a text of everything that happened, for comparing two runs of one seed
  std::string Run() {
    const base::SteadyTime end = clock_.Now() + kFaultsFor;
    base::SteadyTime next_append = clock_.Now();
    base::SteadyTime next_event = clock_.Now() + seconds(random_.Below(120));
    while (clock_.Now() < end && !testing::Test::HasFailure()) {
      if (clock_.Now() >= next_append) {
        AppendSome();
        next_append = clock_.Now() + milliseconds(random_.Below(20'000));
      }
      if (clock_.Now() >= next_event) {
        HaveAnEvent();
        network_.is_woken = true;
        next_event = clock_.Now() + seconds(1 + random_.Below(180));
      }
      Turn(std::min({next_append, next_event, end}));
    }
    network_.Heal();
    const base::SteadyTime drained = clock_.Now() + kDrainFor;
    while (clock_.Now() < drained && Waiting() > 0 && !testing::Test::HasFailure()) Turn(drained);
    CheckEnd(journal::Destination::kAzure, network_.azure);
    CheckEnd(journal::Destination::kOtlp, network_.otlp);
    return trace_.str();
  }

 private:
  static journal::JournalOptions JournalOptions(base::Random& random) {
    if (random.Below(4) != 0) return {};
    return {.bytes_max = 64 * 1024 + random.Below(64 * 1024), .segment_bytes = 16 * 1024};
  }

  void MakeDestinations() {
    azure_.reset();
    otlp_.reset();
    const Workshop workshop{.journal = journal_, .transport = network_, .clock = clock_, .log = log_, .export_interval = milliseconds(1000), .random = base::Random(random_())};
    AzureSettings azure;
    azure.connection.instrumentation_key = "key";
    azure.connection.ingestion_endpoint = "https://one.services.visualstudio.com";
    azure.envelope.resource_metric = false;
    azure.gzip = false;
    if (kind_ == 1) azure.tokens = tokens_;
    azure_ = std::make_unique<AzureDestination>(workshop, azure);
    OtlpSettings otlp;
    const std::string base = kind_ == 0 ? "http://collector:4318/" : "https://x.ingest.monitor.azure.com/";
    for (std::size_t i = 0; i < kOtlpSignals; ++i) {
      otlp.endpoints[i] = OtlpEndpoint{.url = base + std::to_string(i), .protocol = kind_ == 2 ? OtlpProtocol::kGrpc : OtlpProtocol::kHttpProtobuf, .is_azure = kind_ == 1};
    }
    if (kind_ == 1) otlp.tokens = tokens_;
    otlp_ = std::make_unique<OtlpDestination>(workshop, otlp);
  }

  void AppendSome() {
    const std::uint64_t count = random_.Below(random_.Below(8) == 0 ? 40 : 5);
    for (std::uint64_t i = 0; i < count; ++i) {
      // Logs and metrics go to OTLP alone: what a record means is not simulated, its way is.
      const std::uint64_t kind = random_.Below(4);
      const otlp::Signal signal = kind == 0 ? otlp::Signal::kMetric : kind == 1 ? otlp::Signal::kLog : otlp::Signal::kSpan;
      const bool is_span = signal == otlp::Signal::kSpan;
      const std::uint8_t flags = is_span ? kForBoth : static_cast<std::uint8_t>(otlp::kSampled | otlp::kForOtlp);
      const int id = ++last_id_;
      EXPECT_TRUE(journal_.Append({.signal = signal, .flags = flags, .owner = scope_, .message = SpanMessage("#" + std::to_string(id) + ";")}).ok());
      otlp_ids_.insert(id);
      if (is_span) azure_ids_.insert(id);
    }
  }

  void HaveAnEvent() {
    switch (random_.Below(5)) {
      case 0: network_.GoDown(clock_.Now() + seconds(random_.Below(240))); break;
      case 1:
        azure_->Flush(journal_.End());
        otlp_->Flush(journal_.End());
        break;
      case 2:
        azure_->Hurry(clock_.Now());
        otlp_->Hurry(clock_.Now());
        break;
      case 3:
        azure_->Stop();
        otlp_->Stop();
        CheckSums();
        MakeDestinations();
        break;
      default: ++tokens_->current;
    }
  }

  /// One turn of the delivery thread's loop, if something woke it, then the time until something happens.
  void Turn(base::SteadyTime until) {
    if (std::exchange(network_.is_woken, false) || clock_.Now() >= wake_) wake_ = Step();
    tokens_->Run();
    if (network_.Run()) {
      network_.is_woken = true;  // a completion ends the poll
      return;
    }
    if (network_.is_woken) return;
    const base::SteadyTime wake = std::min({until, wake_, network_.NextAt(), tokens_->DueAt()});
    const auto wait = std::chrono::ceil<milliseconds>(wake - clock_.Now());
    clock_.Advance(std::clamp(wait, milliseconds(0), milliseconds(60'000)));
    spins_ = wait <= milliseconds(0) ? spins_ + 1 : 0;
    EXPECT_LT(spins_, 1000) << "the destinations spin";
  }

  base::SteadyTime Step() {
    const base::SteadyTime wake = std::min(azure_->Step(clock_.Now()), otlp_->Step(clock_.Now()));
    CheckSums();
    return wake;
  }

  std::uint64_t Waiting() const { return journal_.LedgerOf(journal::Destination::kAzure).in_journal + journal_.LedgerOf(journal::Destination::kOtlp).in_journal; }

  void CheckSums() { ExpectSumHolds(journal_); }

  void CheckEnd(journal::Destination destination, const Receiver& receiver) {
    const journal::Ledger ledger = journal_.LedgerOf(destination);
    const std::set<int>& appended = destination == journal::Destination::kAzure ? azure_ids_ : otlp_ids_;
    EXPECT_EQ(ledger.in_journal, 0U) << Name(destination) << ": not drained";
    EXPECT_EQ(ledger.accepted, appended.size());
    std::uint64_t never = 0;
    for (const int id : appended) never += receiver.times.contains(id) ? 0 : 1;
    EXPECT_LE(never, ledger.DroppedTotal()) << Name(destination) << ": lost without a counter";
    EXPECT_LE(ledger.delivered, appended.size() - never) << Name(destination) << ": counted as delivered but never received";
    for (const auto& [id, times] : receiver.times) {
      EXPECT_TRUE(appended.contains(id)) << id;
      EXPECT_TRUE(times == 1 || receiver.ambiguous.contains(id)) << Name(destination) << ": record " << id << " came " << times << " times without a reason";
    }
  }

  base::FakeClock clock_;
  base::Random random_;
  Weather weather_;
  std::ostringstream trace_;
  journal::Journal journal_;
  std::shared_ptr<SimulatedTokens> tokens_ = std::make_shared<SimulatedTokens>(clock_, random_);
  SimulatedNetwork network_{clock_, random_, weather_, *tokens_, trace_};
  LogLimiter log_{nullptr};
  std::unique_ptr<AzureDestination> azure_;
  std::unique_ptr<OtlpDestination> otlp_;
  std::uint64_t kind_ = 0;  ///< 0: a collector by HTTP, 1: Azure Monitor by OTLP, 2: a collector by gRPC
  std::uint32_t scope_ = 0;
  int last_id_ = 0;
  std::set<int> azure_ids_;
  std::set<int> otlp_ids_;
  int spins_ = 0;
  base::SteadyTime wake_{};  ///< when the destinations asked to be called
};

std::uint64_t SeedOfTheRun() {
  const char* const text = std::getenv("AZMON_TEST_SEED");
  return text == nullptr ? 1 : base::ParseInteger<std::uint64_t>(text).value_or(1);
}

class Simulation : public testing::TestWithParam<int> {};

TEST_P(Simulation, NothingIsLostOrCountedWronglyUnderAnyFaults) {
  const std::uint64_t first = SeedOfTheRun() * 1'000'000 + static_cast<std::uint64_t>(GetParam()) * kWorldsPerShard;
  std::printf("seed=%llu\n", static_cast<unsigned long long>(SeedOfTheRun()));
  for (std::uint64_t world = first; world < first + kWorldsPerShard; ++world) {
    SCOPED_TRACE("seed=" + std::to_string(SeedOfTheRun()) + " world=" + std::to_string(world));
    const std::string trace = World(world).Run();
    if (HasFailure()) return;
    if (world % 100 == 0) {
      EXPECT_EQ(World(world).Run(), trace) << "the same seed went another way";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(TwoThousandWorlds, Simulation, testing::Range(0, 4));

}  // namespace
}  // namespace azmon::deliver
