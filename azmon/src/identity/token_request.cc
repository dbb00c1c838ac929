// SPDX-License-Identifier: MIT
#include "identity/token_request.h"

#include <simdjson.h>

#include <algorithm>

#include "base/text.h"
#include "transport/url.h"

namespace azmon::identity {

namespace {

constexpr std::string_view kDefaultAuthority = "https://login.microsoftonline.com";
constexpr std::string_view kMetadataAuthority = "http://169.254.169.254";
/// Answers are a few KB; tokens of identities with many groups up to 20.
constexpr std::size_t kAnswerBytesMax = 64 * 1024;
constexpr std::size_t kErrorTextMax = 200;
/// No token lives longer than a day or so; bounds the arithmetic with what an answer says.
constexpr std::int64_t kLifeMax = 30 * 24 * 3600;

void AppendPercentEncoded(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (base::IsAlpha(c) || base::IsDigit(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += '%';
      base::AppendHex(std::string_view(&c, 1), out);
    }
  }
}

std::string PercentEncoded(std::string_view text) {
  std::string out;
  AppendPercentEncoded(text, out);
  return out;
}

/// Managed identities are asked for a resource, not for a scope.
std::string_view ResourceOf(std::string_view scope) {
  constexpr std::string_view kSuffix = "/.default";
  return scope.ends_with(kSuffix) ? scope.substr(0, scope.size() - kSuffix.size()) : scope;
}

void AppendResource(std::string_view scope, std::string_view client_id, std::string& url) {
  url.append("&resource=");
  AppendPercentEncoded(ResourceOf(scope), url);
  if (client_id.empty()) return;
  url.append("&client_id=");
  AppendPercentEncoded(client_id, url);
}

/// Seconds in a JSON number, or in a string of digits as App Service writes them.
std::optional<std::int64_t> Seconds(const simdjson::dom::element& object, const char* name) {
  const auto member = object[name];
  std::int64_t number = 0;
  if (member.get(number) == simdjson::SUCCESS) return number;
  std::string_view text;
  if (member.get(text) == simdjson::SUCCESS) return base::ParseInteger<std::int64_t>(base::Trim(text));
  return std::nullopt;
}

std::string Text(const simdjson::dom::element& object, const char* name) {
  std::string_view text;
  if (object[name].get(text) != simdjson::SUCCESS) return {};
  std::string out(text.substr(0, kErrorTextMax));
  for (char& c : out) {
    if (c < ' ' || c > '~') c = ' ';
  }
  return out;
}

/// The issuer's own words: they name what is wrong, and hold ids but no secrets.
std::string ErrorText(const simdjson::dom::element& object) {
  std::string text = Text(object, "error_description");
  if (text.empty()) text = Text(object, "message");
  const std::string code = Text(object, "error");
  if (code.empty() || text.starts_with(code)) return text;
  return text.empty() ? code : code + ": " + text;
}

bool IsTokenText(std::string_view token) {
  return !token.empty() && token.size() <= kAnswerBytesMax && std::ranges::all_of(token, [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

bool IsLocalEndpoint(std::string_view host) {
  const bool is_address = std::ranges::all_of(host, [](char c) { return base::IsDigit(c) || c == '.'; });
  return transport::IsLoopback(host) || (is_address && host.starts_with("169.254."));
}

Result<transport::HttpRequest> AppServiceRequest(std::string_view endpoint, std::string_view header, std::string_view client_id, std::string_view scope) {
  const auto url = transport::ParseUrl(endpoint);
  if (!url || !url->userinfo.empty() || (url->scheme != "https" && !IsLocalEndpoint(url->host))) {
    return Error{.code = ErrorCode::kBadSetting, .detail = "IDENTITY_ENDPOINT must be a URL of this machine or https"};
  }
  std::string target(endpoint);
  target.append(url->path.find('?') == std::string::npos ? "?" : "&").append("api-version=2019-08-01");
  AppendResource(scope, client_id, target);
  return transport::HttpRequest{.url = std::move(target),
                                .headers = {{"X-IDENTITY-HEADER", std::string(header)}, {"Accept", "application/json"}},
                                .answer_bytes_max = kAnswerBytesMax,
                                .may_use_proxy = false};
}

Result<transport::HttpRequest> MetadataRequest(std::string_view authority, std::string_view client_id, std::string_view scope) {
  if (authority.empty()) authority = kMetadataAuthority;
  const auto url = transport::ParseUrl(authority);
  if (!url || !url->userinfo.empty() || (url->scheme != "https" && !IsLocalEndpoint(url->host))) {
    return Error{.code = ErrorCode::kBadSetting, .detail = "AZURE_POD_IDENTITY_AUTHORITY_HOST must be a URL of this machine or https"};
  }
  std::string target = url->Origin() + "/metadata/identity/oauth2/token?api-version=2018-02-01";
  AppendResource(scope, client_id, target);
  return transport::HttpRequest{
      .url = std::move(target), .headers = {{"Metadata", "true"}, {"Accept", "application/json"}}, .answer_bytes_max = kAnswerBytesMax, .may_use_proxy = false};
}

Result<transport::HttpRequest> EntraRequest(const ClientCredentials& credentials, std::string_view scope) {
  const auto bad = [](std::string text) { return Error{.code = ErrorCode::kBadSetting, .detail = std::move(text)}; };
  const bool is_tenant = !credentials.tenant_id.empty() && std::ranges::all_of(credentials.tenant_id, [](char c) {
    return base::IsAlpha(c) || base::IsDigit(c) || c == '.' || c == '-';
  });
  if (!is_tenant) return bad("AZURE_TENANT_ID must be the tenant's id or domain name");
  if (credentials.client_id.empty()) return bad("AZURE_CLIENT_ID must be the application's id");
  if (credentials.secret.empty() && credentials.assertion.empty()) return bad("there is neither a client secret nor a federated token");
  const auto url = transport::ParseUrl(credentials.authority.empty() ? kDefaultAuthority : std::string_view(credentials.authority));
  if (!url || !url->userinfo.empty() || url->scheme != "https") return bad("AZURE_AUTHORITY_HOST must be an https URL");
  std::string body = "grant_type=client_credentials&client_id=" + PercentEncoded(credentials.client_id) + "&scope=" + PercentEncoded(scope);
  if (!credentials.assertion.empty()) {
    body += "&client_assertion_type=" + PercentEncoded("urn:ietf:params:oauth:client-assertion-type:jwt-bearer") +
            "&client_assertion=" + PercentEncoded(credentials.assertion);
  } else {
    body += "&client_secret=" + PercentEncoded(credentials.secret);
  }
  return transport::HttpRequest{.url = url->Origin() + "/" + credentials.tenant_id + "/oauth2/v2.0/token",
                                .headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}},
                                .body = std::make_shared<const std::string>(std::move(body)),
                                .answer_bytes_max = kAnswerBytesMax};
}

TokenAnswer ReadTokenAnswer(const transport::HttpResponse& response, std::string_view who, base::WallTime now) {
  TokenAnswer answer;
  const std::string head(who);
  if (response.error != transport::TransportError::kNone) {
    answer.error = head + ": " + std::string(Name(response.error)) + (response.error_text.empty() ? "" : " (" + response.error_text + ")");
    return answer;
  }
  simdjson::dom::parser parser;
  simdjson::dom::element object;
  const bool is_object = parser.parse(response.body).get(object) == simdjson::SUCCESS && object.is_object();
  if (response.status != 200) {
    const int status = response.status;
    answer.is_permanent = status < 500 && status != 404 && status != 408 && status != 410 && status != 429;
    if (const auto seconds = base::ParseInteger<std::int64_t>(base::Trim(response.Header("retry-after").value_or(""))); seconds && *seconds > 0) {
      answer.retry_in = std::chrono::seconds(std::min<std::int64_t>(*seconds, 3600));
    }
    const std::string text = is_object ? ErrorText(object) : std::string();
    answer.error = head + " answered " + std::to_string(status) + (text.empty() ? "" : ": " + text);
    return answer;
  }
  std::string_view token;
  if (!is_object || object["access_token"].get(token) != simdjson::SUCCESS || !IsTokenText(token)) {
    answer.error = head + " answered 200 without a token";
    return answer;
  }
  std::optional<std::int64_t> life = Seconds(object, "expires_in");
  if (const auto until = Seconds(object, "expires_on"); !life && until && *until > 0) {
    life = *until - std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  }
  if (!life || *life <= 0) {
    answer.error = head + (life ? " answered a token that has ended; is the clock right?" : " answered a token without its end");
    return answer;
  }
  life = std::min(*life, kLifeMax);
  answer.token = AccessToken{.token = std::string(token), .lifetime = std::chrono::seconds(*life)};
  if (const auto refresh = Seconds(object, "refresh_in"); refresh && *refresh > 0 && *refresh < *life) {
    answer.token->refresh_in = std::chrono::seconds(*refresh);
  }
  return answer;
}

}  // namespace azmon::identity
