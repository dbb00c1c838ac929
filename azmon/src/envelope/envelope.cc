// SPDX-License-Identifier: MIT
#include "envelope/envelope.h"

#include <protozero/exception.hpp>

#include "envelope/item.h"
#include "otlp/annotations.h"

namespace azmon::envelope {

std::string_view Name(DropReason reason) {
  switch (reason) {
    case DropReason::kMalformed: return "malformed";
    case DropReason::kUnsupported: return "unsupported";
    case DropReason::kNotFinite: return "not_finite";
    case DropReason::kNoValue: return "no_value";
    case DropReason::kTooMany: return "too_many";
  }
  return "unknown";
}

Appended AppendItems(const otlp::RecordView& record, const ResourceContext& resource, const ScopeContext& scope, const Settings& settings,
                     base::WallTime now, std::string& out) {
  const otlp::Annotations annotations = otlp::ReadAnnotations(record.annotations);
  const RecordContext record_context{.operation_name = annotations.operation_name,
                                     .sample_rate = annotations.sample_rate,
                                     .is_measured = annotations.processed_by_metric_extractors};
  const ItemContext context{.resource = resource,
                            .scope = scope,
                            .settings = settings,
                            .now_nanos = static_cast<std::uint64_t>(now.time_since_epoch().count())};
  const std::size_t before_bytes = out.size();
  ItemCounter counter(annotations.items_left);
  ItemWriter writer(out);
  try {
    switch (record.signal) {
      case otlp::Signal::kSpan: AppendSpan(record.message, record_context, context, counter, writer); break;
      case otlp::Signal::kLog: AppendLog(record.message, record_context, context, counter, writer); break;
      case otlp::Signal::kMetric: AppendMetric(record.message, context, counter, writer); break;
      case otlp::Signal::kScope:
      case otlp::Signal::kResource: counter.Drop(DropReason::kUnsupported); break;
    }
  } catch (const protozero::exception&) {
    writer.Discard();
    out.resize(before_bytes);
    Appended malformed;
    malformed.Drop(DropReason::kMalformed);
    return malformed;
  }
  writer.Flush();
  return counter.appended();
}

}  // namespace azmon::envelope
