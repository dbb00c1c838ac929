// SPDX-License-Identifier: MIT
// azmon::Configure(): reads the settings, wires capture, journal and delivery, and hands out the handle.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>

#include <opentelemetry/baggage/propagation/baggage_propagator.h>
#include <opentelemetry/context/propagation/composite_propagator.h>
#include <opentelemetry/context/propagation/global_propagator.h>
#include <opentelemetry/context/propagation/noop_propagator.h>
#include <opentelemetry/context/runtime_context.h>
#include <opentelemetry/logs/noop.h>
#include <opentelemetry/logs/provider.h>
#include <opentelemetry/metrics/noop.h>
#include <opentelemetry/metrics/provider.h>
#include <opentelemetry/sdk/logs/logger_provider.h>
#include <opentelemetry/sdk/logs/logger_provider_factory.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>
#include <opentelemetry/trace/noop.h>
#include <opentelemetry/trace/propagation/b3_propagator.h>
#include <opentelemetry/trace/propagation/http_trace_context.h>
#include <opentelemetry/trace/propagation/jaeger.h>
#include <opentelemetry/trace/provider.h>

#include "azmon/azmon.h"
#include "azmon/sdk.h"
#include "base/fork.h"
#include "base/standard_error.h"
#include "capture/log_processor.h"
#include "capture/span_processor.h"
#include "deliver/delivery.h"
#include "distro/machine.h"
#include "distro/metrics.h"
#include "distro/own_log.h"
#include "distro/settings.h"
#include "journal/journal.h"
#include "meter/standard_reader.h"

namespace azmon {
namespace {

namespace nostd = opentelemetry::nostd;
namespace trace = opentelemetry::trace;
namespace logs = opentelemetry::logs;
namespace metrics = opentelemetry::metrics;
namespace sdk = opentelemetry::sdk;
namespace propagation = opentelemetry::context::propagation;

DestinationHealth HealthOf(const journal::Journal& journal, journal::Destination destination) {
  const journal::Ledger ledger = journal.LedgerOf(destination);
  DestinationHealth health{.accepted = ledger.accepted, .delivered = ledger.delivered, .in_journal = ledger.in_journal};
  for (std::size_t i = 0; i < ledger.dropped.size(); ++i) {
    const std::string reason(journal::Name(static_cast<journal::DropReason>(i)));
    if (ledger.dropped[i] != 0) health.dropped[reason] = ledger.dropped[i];
    if (ledger.dropped_items[i] != 0) health.dropped_items[reason] = ledger.dropped_items[i];
  }
  return health;
}

std::unique_ptr<propagation::TextMapPropagator> MakePropagator(const std::vector<distro::Propagator>& names) {
  std::vector<std::unique_ptr<propagation::TextMapPropagator>> propagators;
  for (const distro::Propagator name : names) {
    switch (name) {
      case distro::Propagator::kTraceContext: propagators.push_back(std::make_unique<trace::propagation::HttpTraceContext>()); break;
      case distro::Propagator::kBaggage: propagators.push_back(std::make_unique<opentelemetry::baggage::propagation::BaggagePropagator>()); break;
      case distro::Propagator::kB3: propagators.push_back(std::make_unique<trace::propagation::B3Propagator>()); break;
      case distro::Propagator::kB3Multi: propagators.push_back(std::make_unique<trace::propagation::B3PropagatorMultiHeader>()); break;
      case distro::Propagator::kJaeger: propagators.push_back(std::make_unique<trace::propagation::JaegerPropagator>()); break;
    }
  }
  return std::make_unique<propagation::CompositePropagator>(std::move(propagators));
}

/// Providers outlive everything: telemetry may be made while statics are destroyed, and the SDK's meter provider complains on stderr when
/// its destructor finds it shut down.
template <typename Shared>
void KeepForever(const Shared& shared) {
  static auto* const mutex = new base::ForkMutex;
  static auto* const kept = new std::vector<Shared>;
  const std::lock_guard lock(*mutex);
  kept->push_back(shared);
}

/// The SDK's library has a trace state as a static, and every span looks into it. A context that is never destroyed keeps it.
void KeepStaticsOfSdk() {
  [[maybe_unused]] static const auto* const kept = new nostd::shared_ptr<trace::Span>(
      sdk::trace::TracerProviderFactory::Create(std::vector<std::unique_ptr<sdk::trace::SpanProcessor>>{})->GetTracer("azmon")->StartSpan(""));
}

std::string Join(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined.append(joined.empty() ? "" : "; ").append(text);
  return joined;
}

}  // namespace

class TelemetryImpl : public std::enable_shared_from_this<TelemetryImpl> {
 public:
  TelemetryImpl(Options options, const distro::Machine& machine, distro::Settings settings, std::shared_ptr<distro::OwnLog> log)
      : environment_(*machine.environment),
        options_(std::move(options)),
        settings_(std::move(settings)),
        log_(std::move(log)),
        problems_(settings_.problems) {
    if (settings_.resource.may_be_virtual_machine) question_.emplace(machine.metadata_origin, machine.metadata_time, base::SystemClock());
  }

  /// Starts everything; what fails becomes a problem and the rest runs.
  void Start() {
    journal_ = std::make_shared<journal::Journal>(JournalOptions());
    if (settings_.sdk_disabled) {
      provider_ = nostd::shared_ptr<trace::TracerProvider>(new trace::NoopTracerProvider);
      logger_provider_ = nostd::shared_ptr<logs::LoggerProvider>(new logs::NoopLoggerProvider);
      meter_provider_ = nostd::shared_ptr<metrics::MeterProvider>(new metrics::NoopMeterProvider);
    } else {
      StartDelivery();
      has_delivery_ = delivery_.load() != nullptr;
      if (has_delivery_) StartJournal();
      const sdk::resource::Resource resource = MakeResource();
      StartTracing(resource);
      StartLogging(resource);
      StartMetrics(resource);
      KeepForever(provider_);
      KeepForever(logger_provider_);
      KeepForever(meter_provider_);
      InstallGlobals();
    }
    std::string line = Join(settings_.notes);
    if (!problems_.empty()) line.append(line.empty() ? "" : "; ").append("problems: ").append(distro::Describe(problems_));
    const bool is_news = !problems_.empty() || (settings_.sampling_is_default && settings_.azure);
    log_->Write(is_news ? distro::LogLevel::kWarn : distro::LogLevel::kInfo, line);
  }

  ~TelemetryImpl() { delete delivery_.load(); }
  TelemetryImpl(const TelemetryImpl&) = delete;
  TelemetryImpl& operator=(const TelemetryImpl&) = delete;

  void AddProblem(Problem problem) {
    const std::lock_guard lock(mutex_);
    problems_.push_back(std::move(problem));
  }

  std::function<void(std::string)> Warning() {
    return [weak = weak_from_this()](std::string text) {
      if (const auto self = weak.lock()) self->AddProblem({.severity = Severity::kWarning, .setting = "", .text = std::move(text)});
    };
  }

  std::vector<Problem> Problems() const {
    const std::lock_guard lock(mutex_);
    return problems_;
  }

  bool ForceFlush(std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    if (sdk_meter_provider_ != nullptr && !IsForked()) sdk_meter_provider_->ForceFlush(ShareOfMetrics(deadline));
    if (HasNothingToSend()) return true;
    deliver::Delivery* const delivery = delivery_.load();
    return delivery != nullptr && delivery->Flush(Remaining(deadline));
  }

  bool Shutdown(std::chrono::milliseconds timeout) {
    *is_stopped_ = true;
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    // In a forked child the readers' threads are not here, and their end would be waited for in vain.
    if (!is_shut_down_.exchange(true) && sdk_meter_provider_ != nullptr && !IsForked()) {
      sdk_meter_provider_->ForceFlush(ShareOfMetrics(deadline));  // the last interval, which the SDK's Shutdown leaves out
      sdk_meter_provider_->Shutdown(ShareOfMetrics(deadline));    // ends the readers' threads
    }
    if (HasNothingToSend()) return true;
    deliver::Delivery* const delivery = delivery_.load();
    return delivery != nullptr && delivery->Shutdown(Remaining(deadline));
  }

  bool HasDelivery() const { return has_delivery_; }
  bool IsShutDown() const { return is_shut_down_.load(); }

  Health GetHealth() const {
    Health health;
    if (settings_.azure) health.azure = HealthOf(*journal_, journal::Destination::kAzure);
    if (settings_.otlp) health.otlp = HealthOf(*journal_, journal::Destination::kOtlp);
    if (settings_.HasConsole()) health.console = HealthOf(*journal_, journal::Destination::kConsole);
    return health;
  }

  /// Exactly the settings' attributes and those that came late: the SDK's own factory would add defaults and read the environment a second time.
  sdk::resource::Resource MakeResource() const {
    sdk::resource::ResourceAttributes attributes;
    for (const auto& [key, value] : settings_.resource.attributes) {
      if (const auto* const text = std::get_if<std::string>(&value)) {
        attributes.SetAttribute(key, nostd::string_view(*text));
      } else {
        attributes.SetAttribute(key, std::get<std::int64_t>(value));
      }
    }
    if (late_resource_->IsKnown()) {
      for (const auto& change : late_resource_->Changes()) attributes.SetAttribute(change.key, nostd::string_view(change.value));
    }
    class OnlyThese : public sdk::resource::Resource {
     public:
      explicit OnlyThese(const sdk::resource::ResourceAttributes& values) : Resource(values, "") {}
    };
    return OnlyThese(attributes);
  }

  std::unique_ptr<capture::SpanProcessor> MakeSpanProcessor() {
    const std::uint8_t destinations = DestinationsOf(deliver::OtlpSignal::kTraces, settings_.traces);
    const std::uint8_t meter = settings_.traces.is_enabled ? MeterFlag() : std::uint8_t{0};
    const std::uint8_t unsampled = settings_.otlp_sampling == OtlpSampling::kAll ? destinations & otlp::kForOtlp : 0;
    return std::make_unique<capture::SpanProcessor>(
        journal_, capture::ProcessorOptions{.destinations = static_cast<std::uint8_t>(destinations | meter),
                                            .unsampled_destinations = static_cast<std::uint8_t>(unsampled | meter),
                                            .marks_measured = settings_.standard_metrics,
                                            .spans = LocalSpansOfAzure(),
                                            .force_flush = ForceFlushCall(),
                                            .is_stopped = is_stopped_,
                                            .late_resource = late_resource_});
  }

  std::unique_ptr<capture::LogProcessor> MakeLogProcessor() {
    const std::uint8_t meter = settings_.logs.is_enabled ? MeterFlag() : std::uint8_t{0};
    return std::make_unique<capture::LogProcessor>(
        journal_,
        capture::LogProcessorOptions{
            .common = {.destinations = static_cast<std::uint8_t>(DestinationsOf(deliver::OtlpSignal::kLogs, settings_.logs) | meter),
                       .unsampled_destinations = meter,
                       .marks_measured = settings_.standard_metrics,
                       .spans = LocalSpansOfAzure(),
                       .force_flush = ForceFlushCall(),
                       .is_stopped = is_stopped_,
                       .late_resource = late_resource_},
            .severity_min = options_.log_severity_min,
            .trace_based_sampling = options_.enable_trace_based_log_sampling});
  }

  std::unique_ptr<sdk::trace::Sampler> MakeSampler() const { return std::make_unique<capture::Sampler>(settings_.sampler, spans_, base::SystemClock()); }

  std::vector<std::shared_ptr<sdk::metrics::MetricReader>> MakeMetricReaders() {
    std::vector<std::shared_ptr<sdk::metrics::MetricReader>> readers;
    for (const distro::MetricReader& reader : MetricDestinations()) {
      readers.push_back(distro::MakeMetricReader(journal_, reader, settings_.metric_interval, Warning()));
    }
    return readers;
  }

  nostd::shared_ptr<trace::TracerProvider> Provider() const { return provider_; }
  nostd::shared_ptr<logs::LoggerProvider> LoggerProvider() const { return logger_provider_; }
  nostd::shared_ptr<metrics::MeterProvider> MeterProvider() const { return meter_provider_; }
  std::chrono::milliseconds ShutdownTimeout() const { return options_.shutdown_timeout; }

 private:
  static std::chrono::milliseconds Remaining(std::chrono::steady_clock::time_point deadline) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    return std::max(left, std::chrono::milliseconds(0));
  }

  /// Collecting takes next to nothing, unless the reader's thread gets no helper: it must not use up the time that sending needs. To the
  /// SDK no time means all the time of the world.
  static std::chrono::milliseconds ShareOfMetrics(std::chrono::steady_clock::time_point deadline) {
    return std::max(Remaining(deadline) / 2, std::chrono::milliseconds(1));
  }

  journal::JournalOptions JournalOptions() {
    journal::JournalOptions options{.bytes_max = options_.storage_bytes_max};
    // Without a destination nothing is kept, so nothing needs a place.
    if (!settings_.azure && !settings_.otlp) return options;
    options.ring_directories = settings_.ring_directories;
    options.storage_directories = settings_.storage_directories;
    if (settings_.azure) {
      options.identities[0] = settings_.azure->connection.ingestion_endpoint + "\n" + settings_.azure->connection.instrumentation_key;
    }
    if (settings_.otlp) {
      for (const auto& endpoint : settings_.otlp->endpoints) {
        if (!endpoint) continue;
        options.identities[1].append(endpoint->url).append("\n");
        for (const auto& [name, value] : endpoint->headers) options.identities[1].append(name).append("=").append(value).append("\n");
      }
    }
    options.adopting = static_cast<std::uint8_t>((settings_.azure ? otlp::kForAzure : 0) | (settings_.otlp ? otlp::kForOtlp : 0));
    options.warn = [log = log_](std::string_view line) { log->Write(distro::LogLevel::kWarn, line); };
    options.on_fork = [weak = weak_from_this()] {
      if (const auto self = weak.lock(); self != nullptr) self->GoOnInChild();
    };
    return options;
  }

  void StartDelivery() {
    if (!settings_.azure && !settings_.otlp && !settings_.HasConsole()) return;
    const auto interval = options_.export_interval && options_.export_interval->count() > 0 ? *options_.export_interval : limits::kExportInterval;
    deliver::DeliveryOptions options{.export_interval = interval, .log = [log = log_](Severity severity, std::string_view line) {
                                       log->Write(severity == Severity::kError ? distro::LogLevel::kError : distro::LogLevel::kWarn, line);
                                     }};
    options.environment = &environment_;
    if (settings_.HasConsole()) options.console = &base::StandardError();
    if (options_.on_health) options.on_loss = [this] { options_.on_health(GetHealth()); };
    if (settings_.standard_metrics) {
      const auto reader =
          std::make_shared<meter::StandardReader>(*journal_, settings_.azure->envelope, base::SystemClock(), limits::kStandardMetricsInterval);
      options.meter = [reader](base::SteadyTime now, bool must_finish) { return reader->Step(now, must_finish); };
    }
    std::optional<deliver::AzureSettings> azure = settings_.azure;
    if (question_ && azure) azure->sdk_stats.is_virtual_machine = [late = late_resource_] { return late->IsKnown(); };
    // A forked child knows what its parent had learnt, and asks only while it is as young.
    if (question_ && !late_resource_->IsKnown() && !question_->IsOver()) {
      options.errand = {.request = question_->Request(), .done = [this](const transport::HttpResponse& response) { TakeMachineAnswer(response); }};
    }
    auto delivery = deliver::Delivery::Start(*journal_, std::move(azure), settings_.otlp, std::move(options));
    if (!delivery.ok()) {
      AddProblem({.severity = Severity::kError, .setting = "", .text = "telemetry cannot be sent: " + delivery.error().ToString()});
      return;
    }
    // That of a parent process is left where it is: its locks may be held for ever.
    delivery_ = std::move(*delivery).release();
  }

  /// The metadata service has answered, or not: what it says goes into the resource, but for what the user has set. On the delivery thread.
  void TakeMachineAnswer(const transport::HttpResponse& response) {
    const auto machine = question_->Take(response);
    if (!machine) {
      log_->Write(distro::LogLevel::kDebug, "the metadata service of a virtual machine gave no usable answer in time");
      return;
    }
    std::vector<capture::LateResource::Change> changes;
    for (const auto& [key, value] : *machine) {
      if (settings_.resource.configured.contains(key)) continue;
      capture::LateResource::Change change{.key = key, .value = value, .instead_of = {}};
      if (const auto before = settings_.resource.attributes.find(key); before != settings_.resource.attributes.end()) {
        if (const auto* const text = std::get_if<std::string>(&before->second)) change.instead_of = *text;
      }
      changes.push_back(std::move(change));
    }
    late_resource_->Set(std::move(changes));
  }

  void StartJournal() {
    if (const auto started = journal_->Start(); !started.ok()) {
      AddProblem({.severity = Severity::kWarning, .setting = "", .text = started.error().ToString() + "; threads that end spans do its work"});
    }
  }

  /// In a forked child that makes telemetry, before its first record: the threads of its parent are not here.
  void GoOnInChild() {
    if (!has_delivery_ || is_shut_down_.load()) return;
    delivery_ = nullptr;
    journal_process_ = ::getpid();
    StartDelivery();
  }

  bool IsForked() const { return ::getpid() != process_; }
  /// Nothing was accepted in this process: there is no destination, or it was forked and has made no telemetry.
  bool HasNothingToSend() const { return !has_delivery_ || journal_process_.load() != ::getpid(); }

  /// Who gets a signal, as flags of otlp::RecordFlags.
  std::uint8_t DestinationsOf(deliver::OtlpSignal signal, const distro::Settings::Signal& setting) const {
    if (!setting.is_enabled || delivery_.load() == nullptr) return 0;
    std::uint8_t destinations = 0;
    if (settings_.azure) destinations |= otlp::kForAzure;
    if (settings_.otlp && settings_.otlp->Of(signal)) destinations |= otlp::kForOtlp;
    if (setting.to_console) destinations |= otlp::kForConsole;
    return destinations;
  }

  /// What spans pass on concerns Application Insights alone.
  std::shared_ptr<capture::LocalSpans> LocalSpansOfAzure() const { return settings_.azure ? spans_ : nullptr; }

  std::uint8_t MeterFlag() const {
    if (!settings_.standard_metrics || delivery_.load() == nullptr) return 0;
    return otlp::kForMeter;
  }

  std::function<bool(std::chrono::microseconds)> ForceFlushCall() {
    return [weak = weak_from_this()](std::chrono::microseconds timeout) {
      const auto self = weak.lock();
      // The SDK's "no limit" would overflow a deadline.
      const auto limit = std::min<std::chrono::microseconds>(timeout, std::chrono::minutes(1));
      return self == nullptr || self->ForceFlush(std::chrono::duration_cast<std::chrono::milliseconds>(limit));
    };
  }

  void StartTracing(const sdk::resource::Resource& resource) {
    provider_ = nostd::shared_ptr<trace::TracerProvider>(sdk::trace::TracerProviderFactory::Create(MakeSpanProcessor(), resource, MakeSampler()).release());
  }

  void StartLogging(const sdk::resource::Resource& resource) {
    logger_provider_ = nostd::shared_ptr<logs::LoggerProvider>(sdk::logs::LoggerProviderFactory::Create(MakeLogProcessor(), resource).release());
  }

  std::vector<distro::MetricReader> MetricDestinations() const {
    const std::uint8_t destinations = DestinationsOf(deliver::OtlpSignal::kMetrics, settings_.metrics);
    std::vector<distro::MetricReader> readers;
    if ((destinations & otlp::kForAzure) != 0) readers.push_back({journal::Destination::kAzure, capture::Temporality::kDelta, late_resource_});
    if ((destinations & otlp::kForOtlp) != 0) readers.push_back({journal::Destination::kOtlp, settings_.otlp_temporality, late_resource_});
    if ((destinations & otlp::kForConsole) != 0) readers.push_back({journal::Destination::kConsole, capture::Temporality::kDelta, late_resource_});
    return readers;
  }

  void StartMetrics(const sdk::resource::Resource& resource) {
    auto provider = distro::MakeMeterProvider(resource, journal_, MetricDestinations(), settings_.metric_interval, Warning());
    sdk_meter_provider_ = provider.get();
    meter_provider_ = nostd::shared_ptr<metrics::MeterProvider>(provider.release());
  }

  void InstallGlobals() {
    if (options_.globals == Globals::kLeave) return;
    const bool replaces = options_.globals == Globals::kReplace;
    if (replaces || dynamic_cast<trace::NoopTracerProvider*>(trace::Provider::GetTracerProvider().get()) != nullptr) {
      trace::Provider::SetTracerProvider(provider_);
    } else {
      ReportProviderThatStays("tracer", "spans");
    }
    if (replaces || dynamic_cast<logs::NoopLoggerProvider*>(logs::Provider::GetLoggerProvider().get()) != nullptr) {
      logs::Provider::SetLoggerProvider(logger_provider_);
    } else {
      ReportProviderThatStays("logger", "records");
    }
    if (replaces || dynamic_cast<metrics::NoopMeterProvider*>(metrics::Provider::GetMeterProvider().get()) != nullptr) {
      metrics::Provider::SetMeterProvider(meter_provider_);
    } else {
      ReportProviderThatStays("meter", "metrics");
    }
    const auto propagator = propagation::GlobalTextMapPropagator::GetGlobalPropagator();
    if (replaces || dynamic_cast<propagation::NoOpPropagator*>(propagator.get()) != nullptr) {
      propagation::GlobalTextMapPropagator::SetGlobalPropagator(
          nostd::shared_ptr<propagation::TextMapPropagator>(MakePropagator(settings_.propagators).release()));
    }
  }

  void ReportProviderThatStays(const std::string& kind, const std::string& items) {
    problems_.push_back({.severity = Severity::kWarning,
                         .setting = "Options::globals",
                         .text = "the program had set a " + kind + " provider already; it stays, and its " + items + " do not come here: use Telemetry::" +
                                 kind + "_provider(), or Globals::kReplace"});
  }

  const base::Environment& environment_;
  const Options options_;
  const distro::Settings settings_;
  const std::shared_ptr<distro::OwnLog> log_;
  mutable base::ForkMutex mutex_;
  std::vector<Problem> problems_;
  std::atomic<bool> is_shut_down_{false};
  const std::shared_ptr<std::atomic<bool>> is_stopped_ = std::make_shared<std::atomic<bool>>(false);  ///< processors take nothing any more
  const std::shared_ptr<capture::LateResource> late_resource_ = std::make_shared<capture::LateResource>();
  std::optional<resource::MachineQuestion> question_;  ///< absent: nobody is asked
  const std::shared_ptr<capture::LocalSpans> spans_ = std::make_shared<capture::LocalSpans>();
  std::shared_ptr<journal::Journal> journal_;
  const pid_t process_ = ::getpid();
  /// Owned; null: nothing can be sent. In a forked child that of its parent, until it makes telemetry.
  std::atomic<deliver::Delivery*> delivery_{nullptr};
  bool has_delivery_ = false;                           ///< in the process that called Configure()
  std::atomic<pid_t> journal_process_ = process_;       ///< the last one, here or above, that came to use the journal
  nostd::shared_ptr<trace::TracerProvider> provider_;
  nostd::shared_ptr<logs::LoggerProvider> logger_provider_;
  sdk::metrics::MeterProvider* sdk_meter_provider_ = nullptr;  ///< meter_provider_, if it is the SDK's
  nostd::shared_ptr<metrics::MeterProvider> meter_provider_;
};

namespace {

/// The distro that runs in this process, if one does. Leaked: telemetry may be configured while statics are destroyed.
struct Running {
  base::ForkMutex mutex;
  std::weak_ptr<TelemetryImpl> impl;
};
Running& TheRunning() {
  static auto* const running = new Running;
  return *running;
}

}  // namespace

Telemetry::Telemetry(std::shared_ptr<TelemetryImpl> impl) noexcept : impl_(std::move(impl)) {}
Telemetry::Telemetry(Telemetry&&) noexcept = default;

Telemetry& Telemetry::operator=(Telemetry&& other) noexcept {
  if (this != &other) {
    Telemetry old(std::move(impl_));
    impl_ = std::move(other.impl_);
  }
  return *this;
}

Telemetry::~Telemetry() {
  // The last handle ends it; a moved-from handle holds nothing.
  if (impl_ != nullptr && impl_.use_count() == 1) impl_->Shutdown(impl_->ShutdownTimeout());
}

bool Telemetry::ok() const noexcept {
  const auto all = problems();
  return std::ranges::none_of(all, [](const Problem& problem) { return problem.severity == Severity::kError; });
}

std::vector<Problem> Telemetry::problems() const { return impl_ == nullptr ? std::vector<Problem>{} : impl_->Problems(); }

bool Telemetry::ForceFlush(std::chrono::milliseconds timeout) noexcept { return impl_ == nullptr || impl_->ForceFlush(timeout); }

bool Telemetry::Shutdown(std::chrono::milliseconds timeout) noexcept { return impl_ == nullptr || impl_->Shutdown(timeout); }

Health Telemetry::health() const { return impl_ == nullptr ? Health{} : impl_->GetHealth(); }

nostd::shared_ptr<trace::TracerProvider> Telemetry::tracer_provider() const {
  if (impl_ == nullptr) return nostd::shared_ptr<trace::TracerProvider>(new trace::NoopTracerProvider);
  return impl_->Provider();
}

nostd::shared_ptr<logs::LoggerProvider> Telemetry::logger_provider() const {
  if (impl_ == nullptr) return nostd::shared_ptr<logs::LoggerProvider>(new logs::NoopLoggerProvider);
  return impl_->LoggerProvider();
}

nostd::shared_ptr<metrics::MeterProvider> Telemetry::meter_provider() const {
  if (impl_ == nullptr) return nostd::shared_ptr<metrics::MeterProvider>(new metrics::NoopMeterProvider);
  return impl_->MeterProvider();
}

namespace internal {

struct Access {
  static TelemetryImpl* Of(const Telemetry& telemetry) { return telemetry.impl_.get(); }
  static Telemetry Make(std::shared_ptr<TelemetryImpl> impl) { return Telemetry(std::move(impl)); }
};

}  // namespace internal

std::unique_ptr<sdk::trace::SpanProcessor> MakeSpanProcessor(const Telemetry& telemetry) { return internal::Access::Of(telemetry)->MakeSpanProcessor(); }

std::unique_ptr<sdk::logs::LogRecordProcessor> MakeLogRecordProcessor(const Telemetry& telemetry) {
  return internal::Access::Of(telemetry)->MakeLogProcessor();
}

std::unique_ptr<sdk::trace::Sampler> MakeSampler(const Telemetry& telemetry) { return internal::Access::Of(telemetry)->MakeSampler(); }

std::vector<std::shared_ptr<sdk::metrics::MetricReader>> MakeMetricReaders(const Telemetry& telemetry) {
  return internal::Access::Of(telemetry)->MakeMetricReaders();
}

sdk::resource::Resource ResourceOf(const Telemetry& telemetry) { return internal::Access::Of(telemetry)->MakeResource(); }

namespace {

/// exit() from anywhere ends the distro as the destructor of the last handle does. Its threads are then gone when the libraries below it
/// take themselves down, such as OpenSSL, whose handler was registered before this one and so runs behind it.
void EndAtExit() {
  Running& running = TheRunning();
  // Somebody is in Configure(), perhaps this very thread in a callback of the host.
  if (!running.mutex.try_lock()) return;
  const auto impl = running.impl.lock();
  running.mutex.unlock();
  if (impl != nullptr) impl->Shutdown(impl->ShutdownTimeout());
}

}  // namespace

namespace internal {

void AZMON_ABI_SYMBOL() noexcept {}

Telemetry StartOn(Options options, const distro::Machine& machine) noexcept {
  // OpenTelemetry's context storage is a static of an inline function. Naming it here puts it among this library's symbols, so that a
  // program that links only this library shares it with the SDK; else InstallContext() of asio.h would change a copy of the program's own.
  // And it is kept: what traces while statics are destroyed looks into it.
  KeepForever(opentelemetry::context::RuntimeContext::GetConstRuntimeContextStorage());
  KeepStaticsOfSdk();
  Running& running = TheRunning();
  const std::lock_guard lock(running.mutex);
  if (auto impl = running.impl.lock(); impl != nullptr && !impl->IsShutDown()) {
    impl->AddProblem({.severity = Severity::kWarning, .setting = "", .text = "Configure() was called while a distro runs; the running one is returned and the new options are ignored"});
    return Access::Make(std::move(impl));
  }
  distro::Settings settings = distro::ReadSettings(options, *machine.environment, machine.host, base::IsStandardErrorATerminal());
  const distro::LogLevel level = distro::ReadLogLevel(*machine.environment, settings.problems);
  auto log = std::make_shared<distro::OwnLog>(level, options.on_log, base::SystemClock());
  auto impl = std::make_shared<TelemetryImpl>(std::move(options), machine, std::move(settings), std::move(log));
  impl->Start();
  running.impl = impl;
  if (impl->HasDelivery()) [[maybe_unused]] static const int is_registered = std::atexit(&EndAtExit);
  return Access::Make(std::move(impl));
}

Telemetry Start(Options options) noexcept { return StartOn(std::move(options), {.host = resource::ReadHost()}); }

}  // namespace internal
}  // namespace azmon
