// SPDX-License-Identifier: MIT
#include "deliver/otlp_encode.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include <protozero/pbf_reader.hpp>

#include "otlp/annotations.h"
#include "otlp/fields.h"
#include "otlp/wire.h"

namespace azmon::deliver {

namespace {

struct Scope {
  std::string_view message;
  std::string_view schema_url;
  std::vector<std::string_view> signals;
  std::size_t signal_bytes = 0;  ///< their fields, with tags and lengths

  std::size_t Bytes() const {
    return otlp::FieldBytes(otlp::scope_signals::kScope, message.size()) + signal_bytes +
           (schema_url.empty() ? 0 : otlp::FieldBytes(otlp::scope_signals::kSchemaUrl, schema_url.size()));
  }
};

struct Resource {
  std::uint32_t id = 0;
  std::string_view message;
  std::string_view schema_url;
  std::vector<std::uint32_t> scopes;  ///< indexes

  std::size_t Bytes(const std::vector<Scope>& all) const {
    std::size_t bytes = otlp::FieldBytes(otlp::resource_signals::kResource, message.size()) +
                        (schema_url.empty() ? 0 : otlp::FieldBytes(otlp::resource_signals::kSchemaUrl, schema_url.size()));
    for (const std::uint32_t scope : scopes) bytes += otlp::FieldBytes(otlp::resource_signals::kScopeSignals, all[scope].Bytes());
    return bytes;
  }
};

}  // namespace

void AppendExportRequest(const journal::Batch& batch, std::span<const std::uint32_t> records, std::string& out) {
  std::vector<Scope> scopes;
  std::vector<Resource> resources;
  std::unordered_map<std::uint32_t, std::uint32_t> scope_of_owner;
  std::uint32_t last_owner = 0;
  std::uint32_t last_scope = 0;
  for (const std::uint32_t index : records) {
    const otlp::RecordView& record = batch.entries[index].record;
    if (scopes.empty() || record.owner != last_owner) {
      const auto [found, is_new] = scope_of_owner.try_emplace(record.owner, static_cast<std::uint32_t>(scopes.size()));
      if (is_new) {
        const journal::ScopeRef& ref = batch.ScopeOf(record);
        scopes.push_back({.message = ref.scope.message, .schema_url = otlp::ReadAnnotations(ref.scope.annotations).schema_url, .signals = {}});
        auto resource = std::ranges::find(resources, ref.resource.owner, &Resource::id);
        if (resource == resources.end()) {
          resources.push_back({.id = ref.resource.owner, .message = ref.resource.message,
                               .schema_url = otlp::ReadAnnotations(ref.resource.annotations).schema_url, .scopes = {}});
          resource = std::prev(resources.end());
        }
        resource->scopes.push_back(found->second);
      }
      last_owner = record.owner;
      last_scope = found->second;
    }
    Scope& scope = scopes[last_scope];
    scope.signals.push_back(record.message);
    scope.signal_bytes += otlp::FieldBytes(otlp::scope_signals::kSignals, record.message.size());
  }
  std::size_t bytes = 0;
  for (const Resource& resource : resources) bytes += otlp::FieldBytes(otlp::request::kResourceSignals, resource.Bytes(scopes));
  out.reserve(out.size() + bytes);
  for (const Resource& resource : resources) {
    otlp::AppendFieldHead(otlp::request::kResourceSignals, resource.Bytes(scopes), out);
    otlp::AppendBytesField(otlp::resource_signals::kResource, resource.message, out);
    for (const std::uint32_t index : resource.scopes) {
      const Scope& scope = scopes[index];
      otlp::AppendFieldHead(otlp::resource_signals::kScopeSignals, scope.Bytes(), out);
      otlp::AppendBytesField(otlp::scope_signals::kScope, scope.message, out);
      for (const std::string_view signal : scope.signals) otlp::AppendBytesField(otlp::scope_signals::kSignals, signal, out);
      if (!scope.schema_url.empty()) otlp::AppendBytesField(otlp::scope_signals::kSchemaUrl, scope.schema_url, out);
    }
    if (!resource.schema_url.empty()) otlp::AppendBytesField(otlp::resource_signals::kSchemaUrl, resource.schema_url, out);
  }
}

std::uint64_t CountDataPoints(std::string_view metric_message) {
  // Field 1 in each kind of data.
  constexpr std::uint32_t kDataPoints = otlp::gauge::kDataPoints;
  std::uint64_t points = 0;
  try {
    protozero::pbf_reader metric(metric_message.data(), metric_message.size());
    while (metric.next()) {
      const bool is_data = metric.wire_type() == protozero::pbf_wire_type::length_delimited &&
                           (metric.tag() == otlp::metric::kGauge || metric.tag() == otlp::metric::kSum || metric.tag() == otlp::metric::kHistogram ||
                            metric.tag() == otlp::metric::kExponentialHistogram || metric.tag() == otlp::metric::kSummary);
      if (!is_data) {
        metric.skip();
        continue;
      }
      protozero::pbf_reader data = metric.get_message();
      while (data.next(kDataPoints, protozero::pbf_wire_type::length_delimited)) {
        data.skip();
        ++points;
      }
    }
  } catch (const protozero::exception&) {
    // What stands before the damage is counted.
  }
  return points;
}

void AppendGrpcPrefix(bool is_compressed, std::uint32_t message_bytes, std::string& out) {
  out.push_back(is_compressed ? '\1' : '\0');
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(message_bytes >> shift));
}

}  // namespace azmon::deliver
