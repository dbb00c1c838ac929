// SPDX-License-Identifier: MIT
#include "local/ingest/live_metrics.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <simdjson.h>

#include "base/json_writer.h"
#include "base/text.h"
#include "local/model/limits.h"
#include "local/model/time.h"

namespace azmon::local {
namespace {

namespace dom = simdjson::dom;

std::string_view Text(dom::object object, const char* name) {
  std::string_view text;
  if (object.at_key(name).get(text) != simdjson::SUCCESS) return {};
  return text.substr(0, limits::kLiveTextBytesMax);
}

double Number(dom::object object, const char* name) {
  double number = 0;
  if (object.at_key(name).get(number) != simdjson::SUCCESS || !std::isfinite(number)) return 0;
  return number;
}

/// "PT0.0276S", the form of all current SDKs, or a TimeSpan; milliseconds, -1 if it is neither.
double DurationMs(std::string_view text) {
  if (text.starts_with("PT") && text.ends_with('S')) {
    const auto seconds = base::ParseDouble(text.substr(2, text.size() - 3));
    return seconds ? *seconds * 1000 : -1;
  }
  const auto ticks = ParseTimeSpan(text);
  return ticks ? TicksToMs(*ticks) : -1;
}

/// Adds a mean of `count` values to a mean of `before`.
double JoinMeans(double mean, double before, double other, double count) {
  return before + count > 0 ? (mean * before + other * count) / (before + count) : 0;
}

}  // namespace

const std::string_view kLiveConfigurationEtag = "azmon-local-1";
const std::string_view kLiveConfiguration =
    R"({"ETag":"azmon-local-1","Metrics":[],"DocumentStreams":[{"Id":"all","DocumentFilterGroups":[)"
    R"({"TelemetryType":"Request","Filters":{"Filters":[]}},{"TelemetryType":"Dependency","Filters":{"Filters":[]}},)"
    R"({"TelemetryType":"Exception","Filters":{"Filters":[]}},{"TelemetryType":"Trace","Filters":{"Filters":[]}}]}],"QuotaInfo":null})";
const std::string_view kNoLiveConfiguration = R"({"ETag":"","Metrics":[],"DocumentStreams":[],"QuotaInfo":null})";

LiveMetrics::Second& LiveMetrics::Server::At(std::int64_t second) {
  Second& slot = seconds[static_cast<std::size_t>(second % kSeconds)];
  if (slot.at != second) {
    slot = Second{};
    slot.at = second;
  }
  return slot;
}

void LiveMetrics::Watch(std::int64_t now) {
  const std::lock_guard guard(mutex_);
  watched_until_ = now + limits::kLiveWatch.count() * kTicksPerSecond;
  Forget(now);
}

bool LiveMetrics::IsWatched(std::int64_t now) const {
  const std::lock_guard guard(mutex_);
  return now < watched_until_;
}

void LiveMetrics::Forget(std::int64_t now) {
  const std::int64_t oldest = now - kSeconds * kTicksPerSecond;
  for (auto at = servers_.begin(); at != servers_.end();) at = at->second.last < oldest ? servers_.erase(at) : std::next(at);
}

LiveMetrics::Server* LiveMetrics::Find(std::string key, std::int64_t now) {
  auto at = servers_.find(key);
  if (at == servers_.end()) {
    if (servers_.size() >= limits::kLiveServersMax) Forget(now);
    if (servers_.size() >= limits::kLiveServersMax) return nullptr;
    at = servers_.emplace(std::move(key), Server{}).first;
  }
  at->second.last = now;
  return &at->second;
}

Result<void> LiveMetrics::Post(std::string_view body, std::int64_t now) {
  dom::parser parser;
  dom::array points;
  if (parser.parse(body.data(), body.size()).get(points) != simdjson::SUCCESS) return Error{ErrorCode::kMalformed, "a JSON array of points is expected"};
  const std::lock_guard guard(mutex_);
  for (const dom::element element : points) {
    dom::object point;
    if (element.get(point) != simdjson::SUCCESS) return Error{ErrorCode::kMalformed, "a point is an object"};
    const std::string role(Text(point, "RoleName"));
    Server* server = Find("live\n" + std::string(Text(point, "StreamId")) + "\n" + role + "\n" + std::string(Text(point, "Instance")), now);
    if (server == nullptr) return {};
    server->source = "live";
    server->role = role;
    server->instance = Text(point, "Instance");
    server->machine = Text(point, "MachineName");
    server->version = Text(point, "Version");
    // By this machine's clock: a server's may be wrong, and a post is sent as soon as its second is over.
    Second& second = server->At(now / kTicksPerSecond);
    dom::array metrics;
    if (point.at_key("Metrics").get(metrics) == simdjson::SUCCESS) {
      for (const dom::element entry : metrics) {
        dom::object metric;
        if (entry.get(metric) != simdjson::SUCCESS) continue;
        const std::string_view name = Text(metric, "Name");
        const double value = Number(metric, "Value");
        if (name == "\\ApplicationInsights\\Requests/Sec") second.requests = value;
        else if (name == "\\ApplicationInsights\\Requests Failed/Sec") second.requests_failed = value;
        else if (name == "\\ApplicationInsights\\Request Duration") second.request_ms = value;
        else if (name == "\\ApplicationInsights\\Dependency Calls/Sec") second.dependencies = value;
        else if (name == "\\ApplicationInsights\\Dependency Calls Failed/Sec") second.dependencies_failed = value;
        else if (name == "\\ApplicationInsights\\Dependency Call Duration") second.dependency_ms = value;
        else if (name == "\\ApplicationInsights\\Exceptions/Sec") second.exceptions = value;
        // Each is sent under its name and under the one that it had before.
        else if (name == "\\Process\\Physical Bytes" || name == "\\Memory\\Committed Bytes") second.memory = value;
        else if (name == "\\% Process\\Processor Time Normalized" || name == "\\Processor(_Total)\\% Processor Time") second.cpu = value;
      }
    }
    dom::array documents;
    if (point.at_key("Documents").get(documents) != simdjson::SUCCESS) continue;
    for (const dom::element entry : documents) {
      dom::object object;
      if (entry.get(object) != simdjson::SUCCESS) continue;
      Document document;
      document.number = next_document_++;
      document.at = now;
      document.role = role;
      document.type = Text(object, "DocumentType");
      const bool is_exception = document.type == "Exception";
      document.name = is_exception ? Text(object, "ExceptionType") : document.type == "Trace" ? Text(object, "Message") : Text(object, "Name");
      document.detail = is_exception ? Text(object, "ExceptionMessage") : document.type == "Request" ? Text(object, "Url") : Text(object, "CommandName");
      document.result = document.type == "Request" ? Text(object, "ResponseCode") : Text(object, "ResultCode");
      document.duration = DurationMs(Text(object, "Duration"));
      documents_.push_back(std::move(document));
      if (documents_.size() > limits::kLiveDocumentsMax) documents_.pop_front();
    }
  }
  return {};
}

void LiveMetrics::Count(const std::vector<Item>& items, std::int64_t now) {
  const std::lock_guard guard(mutex_);
  if (now >= watched_until_) return;
  for (const Item& item : items) {
    const bool is_request = item.type == ItemType::kRequest;
    const bool is_dependency = item.type == ItemType::kDependency;
    if (!is_request && !is_dependency && item.type != ItemType::kException) continue;
    Server* server = Find(std::string(Name(item.source)) + "\n" + item.role + "\n" + item.role_instance, now);
    if (server == nullptr) return;
    server->source = Name(item.source);
    server->role = item.role;
    server->instance = item.role_instance;
    // In the second in which it ended, if that is one of those shown; a wrong clock must not make it vanish.
    const std::int64_t end = item.time + std::max<std::int64_t>(item.duration, 0);
    const bool is_shown = end <= now + kTicksPerSecond && end > now - kSeconds * kTicksPerSecond;
    Second& second = server->At((is_shown ? end : now) / kTicksPerSecond);
    const auto count = static_cast<double>(item.item_count);
    const double ms = item.duration > 0 ? TicksToMs(item.duration) : 0;
    if (is_request) {
      second.request_ms = JoinMeans(second.request_ms, second.requests, ms, count);
      second.requests += count;
      if (item.success == 0) second.requests_failed += count;
    } else if (is_dependency) {
      second.dependency_ms = JoinMeans(second.dependency_ms, second.dependencies, ms, count);
      second.dependencies += count;
      if (item.success == 0) second.dependencies_failed += count;
    } else {
      second.exceptions += count;
    }
  }
}

std::string LiveMetrics::Snapshot(std::int64_t now) const {
  const std::lock_guard guard(mutex_);
  std::string text;
  base::JsonWriter json(text);
  const std::int64_t last = now / kTicksPerSecond;
  json.OpenObject().Member("now", FormatTime(now)).Member("seconds", kSeconds).Key("servers").OpenArray();
  for (const auto& [key, server] : servers_) {
    if (server.last < now - kSeconds * kTicksPerSecond) continue;
    json.OpenObject().Member("source", server.source).Member("role", server.role).Member("instance", server.instance);
    json.Member("machine", server.machine).Member("version", server.version).Member("last", FormatTime(server.last)).Key("points").OpenArray();
    for (std::int64_t at = last - kSeconds + 1; at <= last; ++at) {
      const Second& second = server.seconds[static_cast<std::size_t>(at % kSeconds)];
      if (second.at != at) continue;
      json.OpenObject().Member("ago", last - at).Member("requests", second.requests).Member("requestsFailed", second.requests_failed);
      json.Member("requestMs", second.request_ms).Member("dependencies", second.dependencies).Member("dependenciesFailed", second.dependencies_failed);
      json.Member("dependencyMs", second.dependency_ms).Member("exceptions", second.exceptions);
      if (second.cpu) json.Member("cpu", *second.cpu);
      if (second.memory) json.Member("memory", *second.memory);
      json.CloseObject();
    }
    json.CloseArray().CloseObject();
  }
  json.CloseArray().Key("documents").OpenArray();
  for (auto document = documents_.rbegin(); document != documents_.rend(); ++document) {
    json.OpenObject().Member("number", document->number).Member("time", FormatTime(document->at)).Member("type", document->type);
    json.Member("role", document->role).Member("name", document->name).Member("detail", document->detail).Member("result", document->result);
    if (document->duration >= 0) json.Member("duration", document->duration);
    json.CloseObject();
  }
  json.CloseArray().CloseObject();
  return text;
}

void LiveMetrics::Reset() {
  const std::lock_guard guard(mutex_);
  servers_.clear();
  documents_.clear();
}

}  // namespace azmon::local
