// SPDX-License-Identifier: MIT
#include "capture/record_writer.h"

#include <string>

#include "otlp/annotations.h"

namespace azmon::capture {

RecordWriter::RecordWriter(std::shared_ptr<journal::Journal> journal, ProcessorOptions options)
    : journal_(std::move(journal)), options_(std::move(options)), scopes_(journal_, options_.late_resource) {}

void RecordWriter::Append(otlp::Signal signal, bool is_sampled, const LocalSpans::Inheritance& inherited, std::uint32_t owner,
                          std::string_view message) {
  const std::uint8_t destinations = DestinationsOf(is_sampled);
  std::string annotations;
  // Nobody else reads them.
  if ((destinations & otlp::kForAzure) != 0) {
    const std::string operation = inherited.operation ? inherited.operation->Name() : std::string();
    otlp::AppendAnnotations({.operation_name = operation, .sample_rate = inherited.sample_rate, .processed_by_metric_extractors = options_.marks_measured},
                            annotations);
  }
  (void)journal_->Append({.signal = signal,
                          .flags = static_cast<std::uint8_t>(destinations | (is_sampled ? otlp::kSampled : 0)),
                          .owner = owner,
                          .annotations = annotations,
                          .message = message});
}

}  // namespace azmon::capture
