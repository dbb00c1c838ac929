// SPDX-License-Identifier: MIT
#include "journal/definitions.h"

#include "otlp/annotations.h"

namespace azmon::journal {

std::string DefinitionRecord(std::uint32_t id, std::uint32_t resource_id, std::string_view message, std::string_view schema_url) {
  std::string annotations;
  otlp::Annotations annotation{.schema_url = schema_url};
  if (resource_id != 0) annotation.resource_id = resource_id;
  otlp::AppendAnnotations(annotation, annotations);
  std::string bytes;
  otlp::AppendRecord({.signal = resource_id == 0 ? otlp::Signal::kResource : otlp::Signal::kScope,
                      .owner = id,
                      .annotations = annotations,
                      .message = message},
                     bytes);
  return bytes;
}

Definitions::~Definitions() {
  for (const auto& chunk : chunks_) delete chunk.load(std::memory_order_relaxed);
}

std::uint32_t Definitions::Add(std::uint32_t resource_id, std::string_view message, std::string_view schema_url) {
  const std::uint32_t id = count_.load(std::memory_order_relaxed);
  if (id >= limits::kDefinitionsMax) return 0;
  Put({.bytes = DefinitionRecord(id, resource_id, message, schema_url), .resource_id = resource_id});
  return id;
}

void Definitions::CopyFrom(const Definitions& other) {
  for (std::uint32_t id = 1; const Definition* const definition = other.Find(id); ++id) Put(*definition);
}

void Definitions::Put(Definition definition) {
  const std::uint32_t id = count_.load(std::memory_order_relaxed);
  auto& chunk = chunks_[id / kChunk];
  if (chunk.load(std::memory_order_relaxed) == nullptr) chunk.store(new Chunk, std::memory_order_release);
  (*chunk.load(std::memory_order_relaxed))[id % kChunk] = std::move(definition);
  count_.store(id + 1, std::memory_order_release);
}

}  // namespace azmon::journal
