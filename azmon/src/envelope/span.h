// SPDX-License-Identifier: MIT
// Spans: the record as read, and what becomes of it, as requests (SERVER, CONSUMER) and dependencies (all other kinds). Contract 3.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "envelope/attributes.h"
#include "envelope/envelope.h"
#include "envelope/inline_vector.h"
#include "envelope/text_arena.h"
#include "otlp/fields.h"

namespace azmon::envelope {

/// An OTLP Span; views into the record.
struct Span {
  std::string_view trace_id;
  std::string_view span_id;
  std::string_view parent_id;
  std::string_view name;
  std::uint32_t kind = otlp::span::kUnspecified;
  std::uint64_t start_nanos = 0;
  std::uint64_t end_nanos = 0;
  std::uint32_t status = otlp::status::kUnset;
  AttributeList attributes;
  InlineVector<std::string_view, 8> events;
  InlineVector<std::string_view, 8> links;

  /// SERVER and CONSUMER; kinds that do not exist are treated as INTERNAL. Contract 3.1.
  bool IsRequest() const { return kind == otlp::span::kServer || kind == otlp::span::kConsumer; }
  bool IsServer() const { return kind == otlp::span::kServer; }
  bool IsConsumer() const { return kind == otlp::span::kConsumer; }
  bool IsClient() const { return kind == otlp::span::kClient; }
  bool IsProducer() const { return kind == otlp::span::kProducer; }
  bool IsInternal() const { return !IsRequest() && !IsClient() && !IsProducer(); }
};

/// Reads a Span message into `span`, which is new. Throws protozero::exception on malformed bytes.
void ReadSpan(std::string_view message, Span& span);

/// The protocol that a dependency speaks, by priority. Contract 3.4.
enum class Family : std::uint8_t { kHttp, kDatabase, kRpc, kMessaging, kAzure, kGenAi, kGeneric };
Family FamilyOf(const AttributeList& attributes);

/// Fields of RequestData. Texts are not cut yet, empty ones are not sent; the name is always.
struct Request {
  std::string_view name;
  std::string_view operation_name;
  std::string_view url;
  std::string_view source;
  std::string_view code;
  bool success = true;
};
Request MapRequest(const Span& span, TextArena& arena);
/// Its code alone.
std::string_view RequestCode(const Span& span, TextArena& arena);

/// Fields of RemoteDependencyData, alike.
struct Dependency {
  std::string_view name;
  std::string_view type;
  std::string_view target;
  std::string_view data;
  std::string_view code;
  bool success = true;
  Family family = Family::kGeneric;
  /// `data` is the text of a query, so that the name of the operation is still a property (Δ44).
  bool data_is_query = false;
};
/// Which fields are wanted. What a name and data are made of, URLs, is the dearest part, and nobody measures by them.
enum class DependencyFields : std::uint8_t { kAll, kAllButNameAndData };
Dependency MapDependency(const Span& span, const Settings& settings, TextArena& arena, DependencyFields fields = DependencyFields::kAll);

/// HTTP method, "" if the span speaks no HTTP.
std::string_view MethodOf(const AttributeList& attributes, TextArena& arena);

/// responseCode of a request, resultCode of a dependency of the family. Contract 3.2.
std::string_view ResultCode(const AttributeList& attributes, bool has_method, bool may_be_rpc, TextArena& arena);

/// True if an HTTP status is given and is a number of 400 or more. Contract 3.2.
bool IsHttpError(const AttributeList& attributes);
/// True if a SERVER span with a method has no response status at all: it never answered. Contract 3.2, Δ43.
bool NeverAnswered(const Span& span);

/// The other side: host, with the port if that is not the default one; "" if unknown. Contract 3.5.
std::string_view PeerOf(const AttributeList& attributes, Family family, TextArena& arena);

/// `url` of a request, `data` of an HTTP dependency; "" if there is none. Contract 3.6.
std::string_view AssembleUrl(const Span& span, TextArena& arena);

/// "METHOD path" of a full URL; "" if that does not parse. Contract 3.3.
std::string_view NameFromUrl(std::string_view method, const AttributeList& attributes, TextArena& arena);

/// Target or source of a messaging span: peer/destination. Contract 3.6.
std::string_view MessagingAddress(const AttributeList& attributes, TextArena& arena);

/// The Azure resource provider that the Azure SDK names; "" if none.
std::string_view AzureNamespace(const AttributeList& attributes, TextArena& arena);

/// True for Event Hubs and Service Bus spans without HTTP method. Contract 3.7.
bool IsBrokerSpan(const AttributeList& attributes, TextArena& arena);
/// Target or source of such a span.
std::string_view BrokerAddress(const AttributeList& attributes, TextArena& arena);

/// The span's sampling rate in percent, 0 < rate <= 100. Contract 2.
double SampleRateOf(const AttributeList& attributes, std::optional<double> annotation);

}  // namespace azmon::envelope
