// SPDX-License-Identifier: MIT
// What a finished span costs the thread that delivers it, without the network: ours against opentelemetry-cpp's own OTLP export.
//
//   export_bench STEP CASE ROUNDS      one line of JSON: CPU nanoseconds a span, bytes before and after
//
// STEP  otlp        records to an OTLP request
//       breeze      records to Application Insights items, not compressed
//       gzip        those items through the library's compressor
//       gzip-libdeflate, gzip-zlib    the same items through others, at their level 1
//       worker      all that the delivery thread does for both destinations: read the journal, OTLP request, items, gzip, settle
//       peer-otlp   opentelemetry-cpp: recordables to an OTLP request on an arena, as bytes, and the end of both
// CASE  span10      a server span with ten attributes
//       order       the seven spans of an order in two services
//
// Under callgrind, which counts what MeasuredStep() and MeasuredPeer() execute, reading the journal is counted with each step of ours.
// One round is 1,000 spans, made through the SDK outside the timing; ids, times and order numbers differ, as they decide how well items
// compress. `bench/export/run.py` runs the steps in turn.
#include <libdeflate.h>
#include <time.h>
#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/arena.h>
#include <opentelemetry/exporters/otlp/otlp_recordable.h>
#include <opentelemetry/exporters/otlp/otlp_recordable_utils.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>
#include <opentelemetry/sdk/trace/exporter.h>
#include <opentelemetry/sdk/trace/simple_processor_factory.h>
#include <opentelemetry/sdk/trace/tracer_provider.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>

#include "base/text.h"
#include "bench/spans.h"
#include "capture/span_processor.h"
#include "deliver/gzip.h"
#include "deliver/otlp_encode.h"
#include "envelope/envelope.h"
#include "journal/journal.h"

namespace {

namespace sdk = opentelemetry::sdk;
namespace trace = opentelemetry::trace;
namespace nostd = opentelemetry::nostd;
namespace proto = opentelemetry::proto;
namespace journal = azmon::journal;
namespace envelope = azmon::envelope;

constexpr std::size_t kSpansPerRound = 1000;  // as many as go into one POST

using Recordables = std::vector<std::unique_ptr<sdk::trace::Recordable>>;

/// Keeps what the SDK hands over for export.
class KeepingExporter final : public sdk::trace::SpanExporter {
 public:
  explicit KeepingExporter(Recordables& kept) : kept_(kept) {}
  std::unique_ptr<sdk::trace::Recordable> MakeRecordable() noexcept override {
    return std::make_unique<opentelemetry::exporter::otlp::OtlpRecordable>();
  }
  sdk::common::ExportResult Export(const nostd::span<std::unique_ptr<sdk::trace::Recordable>>& spans) noexcept override {
    for (auto& span : spans) kept_.push_back(std::move(span));
    return sdk::common::ExportResult::kSuccess;
  }
  bool ForceFlush(std::chrono::microseconds) noexcept override { return true; }
  bool Shutdown(std::chrono::microseconds) noexcept override { return true; }

 private:
  Recordables& kept_;
};

double ThreadSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// A round's spans in a journal, and what AzureDestination and OtlpDestination do with them.
class Ours {
 public:
  explicit Ours(bool is_order_case) : is_order_case_(is_order_case) {
    std::vector<std::unique_ptr<sdk::trace::SpanProcessor>> processors;
    processors.push_back(std::make_unique<azmon::capture::SpanProcessor>(
        journal_, azmon::capture::ProcessorOptions{.destinations = azmon::otlp::kForAzure | azmon::otlp::kForOtlp}));
    provider_ = sdk::trace::TracerProviderFactory::Create(std::move(processors), bench::Resource());
    tracer_ = provider_->GetTracer("azmon.http", "0.1.0");
    settings_.instrumentation_key = "00000000-0000-0000-0000-0000000000aa";
    settings_.sdk_version = "ulm_cpp20:otel1.19.0:dst0.1.0";
  }

  void Make() { bench::MakeSpans(*tracer_, is_order_case_, kSpansPerRound, order_); }
  journal::Batch Read(journal::Destination destination) const { return journal_->Read(destination, kSpansPerRound, 1U << 30); }
  void Settle(journal::Destination destination, const journal::Batch& batch) {
    journal_->Settle(destination, batch, {.delivered = batch.entries.size()});
  }
  void Drain() {
    for (const auto destination : {journal::Destination::kAzure, journal::Destination::kOtlp}) Settle(destination, Read(destination));
  }

  static std::string Otlp(const journal::Batch& batch) {
    std::vector<std::uint32_t> records(batch.entries.size());
    std::iota(records.begin(), records.end(), 0U);
    std::string out;
    azmon::deliver::AppendExportRequest(batch, records, out);
    return out;
  }
  std::string Breeze(const journal::Batch& batch) {
    std::string out;
    out.reserve(3 * batch.bytes);  // as AzureDestination does
    const journal::ScopeRef& scope = batch.ScopeOf(batch.entries.front().record);
    if (!resource_) resource_ = envelope::ResourceContext::Make(scope.resource.message, settings_);
    const envelope::ScopeContext scope_context = envelope::ScopeContext::Parse(scope.scope.message);
    for (const auto& entry : batch.entries) envelope::AppendItems(entry.record, *resource_, scope_context, settings_, {}, out);
    return out;
  }

 private:
  const bool is_order_case_;
  const std::shared_ptr<journal::Journal> journal_ = std::make_shared<journal::Journal>();
  std::unique_ptr<trace::TracerProvider> provider_;
  nostd::shared_ptr<trace::Tracer> tracer_;
  envelope::Settings settings_;
  std::optional<envelope::ResourceContext> resource_;
  std::uint64_t order_ = 100'000;
};

using Compress = std::function<std::size_t(std::string_view)>;

Compress LibraryGzip() {
  return [gzip = std::make_shared<azmon::deliver::Gzip>(), out = std::string()](std::string_view bytes) mutable {
    out.clear();
    return gzip->Append(bytes, out).ok() ? out.size() : 0;
  };
}

Compress LibdeflateGzip() {
  const std::shared_ptr<libdeflate_compressor> compressor(libdeflate_alloc_compressor(1), libdeflate_free_compressor);
  return [compressor, out = std::string()](std::string_view bytes) mutable {
    out.resize(libdeflate_gzip_compress_bound(compressor.get(), bytes.size()));
    return libdeflate_gzip_compress(compressor.get(), bytes.data(), bytes.size(), out.data(), out.size());
  };
}

Compress ZlibGzip() {
  return [out = std::string()](std::string_view bytes) mutable {
    z_stream stream{};
    deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    out.resize(deflateBound(&stream, bytes.size()));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    const std::size_t size = stream.total_out;
    deflateEnd(&stream);
    return size;
  };
}

struct Measured {
  double seconds = 0;
  std::size_t bytes_in = 0;
  std::size_t bytes_out = 0;
};

/// Runs a step of ours once. callgrind counts what this function executes.
__attribute__((noinline)) Measured MeasuredStep(Ours& ours, std::string_view step, const Compress& compress) {
  Measured measured;
  if (step == "worker") {
    const double begin = ThreadSeconds();
    const journal::Batch azure = ours.Read(journal::Destination::kAzure);
    const std::string lines = ours.Breeze(azure);
    measured.bytes_in = lines.size();
    measured.bytes_out = compress(lines);
    ours.Settle(journal::Destination::kAzure, azure);
    const journal::Batch otlp = ours.Read(journal::Destination::kOtlp);
    measured.bytes_out += Ours::Otlp(otlp).size();
    ours.Settle(journal::Destination::kOtlp, otlp);
    measured.seconds = ThreadSeconds() - begin;
    return measured;
  }
  const journal::Batch batch = ours.Read(journal::Destination::kAzure);
  measured.bytes_in = batch.bytes;
  if (step == "otlp" || step == "breeze") {
    const double begin = ThreadSeconds();
    measured.bytes_out = step == "otlp" ? Ours::Otlp(batch).size() : ours.Breeze(batch).size();
    measured.seconds = ThreadSeconds() - begin;
    return measured;
  }
  const std::string lines = ours.Breeze(batch);
  measured.bytes_in = lines.size();
  const double begin = ThreadSeconds();
  measured.bytes_out = compress(lines);
  measured.seconds = ThreadSeconds() - begin;
  return measured;
}

/// What the official exporters do with a batch before they send it.
__attribute__((noinline)) Measured MeasuredPeer(Recordables& recordables) {
  namespace otlp = opentelemetry::exporter::otlp;
  Measured measured;
  const double begin = ThreadSeconds();
  {
    google::protobuf::ArenaOptions options;
    options.initial_block_size = 1024;  // both as in its exporters
    options.max_block_size = 65536;
    google::protobuf::Arena arena(options);
    auto* const request = google::protobuf::Arena::CreateMessage<proto::collector::trace::v1::ExportTraceServiceRequest>(&arena);
    otlp::OtlpRecordableUtils::PopulateRequest({recordables.data(), recordables.size()}, request);
    std::string out;
    request->SerializeToString(&out);
    measured.bytes_out = out.size();
  }
  recordables.clear();
  measured.seconds = ThreadSeconds() - begin;
  return measured;
}

int Usage() {
  std::fprintf(stderr, "usage: export_bench otlp|breeze|gzip|gzip-libdeflate|gzip-zlib|worker|peer-otlp span10|order ROUNDS\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return Usage();
  const std::string_view step = argv[1];
  const std::string_view scenario = argv[2];
  const auto rounds = azmon::base::ParseInteger<int>(argv[3]);
  if ((scenario != "span10" && scenario != "order") || !rounds || *rounds < 1) return Usage();
  const bool is_order_case = scenario == "order";

  Compress compress = LibraryGzip();
  if (step == "gzip-libdeflate") compress = LibdeflateGzip();
  if (step == "gzip-zlib") compress = ZlibGzip();

  std::function<Measured()> round;
  if (step == "peer-otlp") {
    const auto kept = std::make_shared<Recordables>();
    const std::shared_ptr<sdk::trace::TracerProvider> provider = sdk::trace::TracerProviderFactory::Create(
        sdk::trace::SimpleSpanProcessorFactory::Create(std::make_unique<KeepingExporter>(*kept)), bench::Resource());
    round = [=, order = std::uint64_t{100'000}]() mutable {
      bench::MakeSpans(*provider->GetTracer("azmon.http", "0.1.0"), is_order_case, kSpansPerRound, order);
      return MeasuredPeer(*kept);
    };
  } else if (step == "otlp" || step == "breeze" || step == "worker" || step.substr(0, 4) == "gzip") {
    const auto ours = std::make_shared<Ours>(is_order_case);
    round = [=] {
      ours->Make();
      const Measured measured = MeasuredStep(*ours, step, compress);
      ours->Drain();
      return measured;
    };
  } else {
    return Usage();
  }

  round();  // fills caches and pools; under callgrind, --toggle-collect counts this one too
  std::vector<double> nanoseconds;
  Measured last;
  for (int i = 0; i < *rounds; ++i) {
    last = round();
    if (last.bytes_out == 0) {
      std::fprintf(stderr, "export_bench: the step gave no bytes\n");
      return 1;
    }
    nanoseconds.push_back(last.seconds * 1e9 / static_cast<double>(kSpansPerRound));
  }
  std::ranges::sort(nanoseconds);
  std::printf("{\"step\":\"%s\",\"case\":\"%s\",\"ns\":%.1f,\"ns_min\":%.1f,\"bytes_in\":%.1f,\"bytes_out\":%.1f}\n", argv[1], argv[2],
              nanoseconds[nanoseconds.size() / 2], nanoseconds.front(), static_cast<double>(last.bytes_in) / kSpansPerRound,
              static_cast<double>(last.bytes_out) / kSpansPerRound);
  return 0;
}
