// SPDX-License-Identifier: MIT
#include "deliver/connection_string.h"

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "base/text.h"
#include "transport/url.h"

namespace azmon::deliver {

namespace {

constexpr std::string_view kDefaultIngestion = "https://dc.services.visualstudio.com";
constexpr std::string_view kDefaultLive = "https://global.livediagnostics.monitor.azure.com";

/// The keys that mean something to some Application Insights SDK; others get a warning, since they are likely misspelt.
enum class Key : std::uint8_t {
  kInstrumentationKey, kIngestionEndpoint, kLiveEndpoint, kProfilerEndpoint, kSnapshotEndpoint, kEndpointSuffix, kLocation, kAuthorization,
  kAadAudience, kApplicationId, kCount
};
constexpr std::array<std::string_view, static_cast<std::size_t>(Key::kCount)> kKeys = {
    "InstrumentationKey", "IngestionEndpoint", "LiveEndpoint", "ProfilerEndpoint", "SnapshotEndpoint", "EndpointSuffix", "Location", "Authorization", "AADAudience", "ApplicationId"};

bool IsKeyCharacter(char c) { return base::IsAlpha(c) || base::IsDigit(c) || c == '-'; }

bool IsGuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char lower = base::ToLower(text[i]);
    const bool is_hyphen_place = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_hyphen_place ? lower != '-' : !base::IsDigit(lower) && (lower < 'a' || lower > 'f')) return false;
  }
  return true;
}

class Parser {
 public:
  explicit Parser(std::string_view setting) : setting_(setting) {}

  ConnectionStringReport Parse(std::string_view text) {
    if (text.size() > limits::kConnectionStringBytesMax) {
      Problem(Severity::kError, "the connection string is longer than " + std::to_string(limits::kConnectionStringBytesMax) + " characters");
      return std::move(report_);
    }
    ReadSegments(text);
    ConnectionString value;
    TakeInstrumentationKey(value);
    if (const auto authorization = Value(Key::kAuthorization); !authorization.empty() && !base::EqualsIgnoreCase(authorization, "ikey")) {
      Problem(Severity::kError, At(Key::kAuthorization) + " has an unknown value; leave it out, or write Authorization=ikey");
    }
    TakeEndpoints(value);
    value.aad_audience = Value(Key::kAadAudience);
    value.application_id = Value(Key::kApplicationId);
    if (std::ranges::none_of(report_.problems, [](const azmon::Problem& problem) { return problem.severity == Severity::kError; })) {
      report_.value = std::move(value);
    }
    return std::move(report_);
  }

 private:
  struct Seen {
    std::string_view value;
    std::size_t segment = 0;  ///< 1-based; 0: absent
  };

  void ReadSegments(std::string_view text) {
    std::size_t index = 0;
    for (const std::string_view piece : base::Split(text, ';')) {
      ++index;
      const std::string_view segment = base::Trim(piece);
      if (segment.empty()) continue;
      const std::size_t equals = segment.find('=');
      // The text of a segment is not shown: it may be a key that was pasted at the wrong place.
      if (equals == std::string_view::npos) {
        Problem(Severity::kError, "segment " + std::to_string(index) + " of the connection string has no '='; write Key=Value pairs joined by ';'");
        continue;
      }
      const std::string_view key = base::Trim(segment.substr(0, equals));
      const auto known = std::ranges::find_if(kKeys, [&](std::string_view name) { return base::EqualsIgnoreCase(name, key); });
      if (known == kKeys.end()) {
        Problem(Severity::kWarning, "segment " + std::to_string(index) + " of the connection string has an unknown key and is not used");
        continue;
      }
      Seen& seen = seen_[static_cast<std::size_t>(known - kKeys.begin())];
      if (seen.segment != 0) {
        Problem(Severity::kWarning, std::string(*known) + " stands in segments " + std::to_string(seen.segment) + " and " + std::to_string(index) +
                                        " of the connection string; the last is used");
      }
      seen = {.value = base::Trim(segment.substr(equals + 1)), .segment = index};
    }
  }

  void TakeInstrumentationKey(ConnectionString& value) {
    const std::string_view key = Value(Key::kInstrumentationKey);
    if (key.empty()) {
      Problem(Severity::kError,
              "the connection string has no InstrumentationKey; copy the whole string from the resource's overview in the portal "
              "(a bare key, as in APPINSIGHTS_INSTRUMENTATIONKEY, is not supported)");
      return;
    }
    if (key.size() > 40 || !std::ranges::all_of(key, IsKeyCharacter)) {
      Problem(Severity::kError, At(Key::kInstrumentationKey) + " must be 1 to 40 letters, digits and '-'");
      return;
    }
    if (!IsGuid(key)) Problem(Severity::kWarning, At(Key::kInstrumentationKey) + " does not look like a GUID");
    value.instrumentation_key = key;
  }

  void TakeEndpoints(ConnectionString& value) {
    const bool has_suffix = !Value(Key::kEndpointSuffix).empty();
    std::string_view suffix = Value(Key::kEndpointSuffix);
    while (!suffix.empty() && (suffix.front() == '.' || base::IsBlank(suffix.front()))) suffix.remove_prefix(1);
    while (!suffix.empty() && (suffix.back() == '.' || base::IsBlank(suffix.back()))) suffix.remove_suffix(1);
    if (has_suffix && (suffix.find_first_of("/:@?[]") != std::string_view::npos || !transport::ParseUrl("https://dc." + std::string(suffix)))) {
      Problem(Severity::kError, At(Key::kEndpointSuffix) + " is no DNS suffix");
      suffix = {};
    }
    const std::string_view location = Value(Key::kLocation);
    if (!std::ranges::all_of(location, [](char c) { return base::IsAlpha(c) || base::IsDigit(c); })) {
      Problem(Severity::kError, At(Key::kLocation) + " must be letters and digits");
    }
    const auto choose = [&](Key key, std::string_view prefix, std::string_view fallback) -> std::string {
      if (std::string_view endpoint = Value(key); !endpoint.empty()) {
        while (endpoint.ends_with('/')) endpoint.remove_suffix(1);
        const auto url = transport::ParseUrl(endpoint);
        if (!url || endpoint.find_first_of("?#") != std::string_view::npos || !url->userinfo.empty()) {
          Problem(Severity::kError, At(key) + " must be an http or https URL without user, query or fragment");
          return {};
        }
        return std::string(endpoint);
      }
      if (suffix.empty()) return std::string(fallback);
      return "https://" + (location.empty() ? std::string() : std::string(location) + ".") + std::string(prefix) + "." + std::string(suffix);
    };
    value.has_ingestion_endpoint = !Value(Key::kIngestionEndpoint).empty();
    value.ingestion_endpoint = choose(Key::kIngestionEndpoint, "dc", kDefaultIngestion);
    value.live_endpoint = choose(Key::kLiveEndpoint, "live", kDefaultLive);
  }

  std::string_view Value(Key key) const { return seen_[static_cast<std::size_t>(key)].value; }

  std::string At(Key key) const {
    const auto i = static_cast<std::size_t>(key);
    return std::string(kKeys[i]) + " (segment " + std::to_string(seen_[i].segment) + " of the connection string)";
  }

  void Problem(Severity severity, std::string text) {
    report_.problems.push_back({.severity = severity, .setting = std::string(setting_), .text = std::move(text)});
  }

  std::string_view setting_;
  std::array<Seen, kKeys.size()> seen_{};
  ConnectionStringReport report_;
};

}  // namespace

ConnectionStringReport ParseConnectionString(std::string_view text, std::string_view setting) { return Parser(setting).Parse(text); }

}  // namespace azmon::deliver
