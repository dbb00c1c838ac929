// SPDX-License-Identifier: MIT
// The other side of a span and the URL that it names. Contract 3.5 and 3.6.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "envelope/span.h"
#include "envelope/url.h"
#include "envelope/value_text.h"

namespace azmon::envelope {
namespace {

struct DatabasePort {
  std::string_view system;
  std::uint16_t port;
};

/// Contract 3.5, last line, by old and stable spelling.
constexpr std::array<DatabasePort, 18> kDatabasePorts{{
    {"postgresql", 5432},  {"mysql", 3306},     {"mariadb", 3306}, {"mssql", 1433},   {"microsoft.sql_server", 1433},
    {"oracle", 1521},      {"oracle.db", 1521}, {"db2", 50000},    {"ibm.db2", 50000}, {"mongodb", 27017},
    {"redis", 6379},       {"cassandra", 9042}, {"memcached", 11211}, {"h2", 8082},    {"h2database", 8082},
    {"derby", 1527},       {"couchdb", 5984},   {"elasticsearch", 9200},
}};

std::optional<std::uint16_t> DatabaseDefaultPort(std::string_view system) {
  const auto found = std::find_if(kDatabasePorts.begin(), kDatabasePorts.end(), [&](const DatabasePort& row) { return row.system == system; });
  return found == kDatabasePorts.end() ? std::nullopt : std::optional(found->port);
}

std::string_view WithPort(std::string_view host, std::uint16_t port, TextArena& arena) {
  NumberText text;
  return arena.Join({BracketIpv6(host, arena), ":", text.Unsigned(port)});
}

struct HostAndPort {
  std::string_view host;
  std::optional<std::uint16_t> port;
};

/// `http.host`, which may hold a port. What stands behind the last colon and is no number belongs to the host.
HostAndPort SplitHost(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return {text, std::nullopt};
  const std::string_view host = text.substr(0, colon);
  const bool is_bare_ipv6 = host.front() != '[' && host.find(':') != std::string_view::npos;
  const bool is_inside_brackets = host.front() == '[' && host.back() != ']';
  const std::string_view digits = text.substr(colon + 1);
  if (is_bare_ipv6 || is_inside_brackets || !std::all_of(digits.begin(), digits.end(), base::IsDigit)) return {text, std::nullopt};
  const std::uint64_t port = base::ParseInteger<std::uint64_t>(digits).value_or(0);
  if (port == 0 || port > 65535) return {host, std::nullopt};
  return {host, static_cast<std::uint16_t>(port)};
}

/// Which ports a target leaves out.
class DefaultPorts {
 public:
  DefaultPorts(const AttributeList& attributes, Family family, TextArena& arena) {
    scheme_ = SchemeOf(attributes.Text(Key::kUrlFull, Key::kHttpUrl, arena));
    if (scheme_.empty()) scheme_ = attributes.Text(Key::kUrlScheme, Key::kHttpScheme, arena);
    if (family == Family::kDatabase) database_ = DatabaseDefaultPort(attributes.Text(Key::kDbSystemName, Key::kDbSystem, arena));
  }

  bool Has(std::uint16_t port) const {
    if (database_ == port) return true;
    return scheme_.empty() ? port == 80 || port == 443 : DefaultPort(scheme_) == port;
  }

 private:
  std::string_view scheme_;
  std::optional<std::uint16_t> database_;
};

/// Steps 5 and 6: pairs of address and port, in order.
struct PeerKeys {
  Key host;
  Key port;
};
constexpr std::array<PeerKeys, 5> kPeerKeys{{
    {Key::kNetPeerName, Key::kNetPeerPort},
    {Key::kNetworkPeerAddress, Key::kNetworkPeerPort},
    {Key::kNetSockPeerName, Key::kNetSockPeerPort},
    {Key::kNetSockPeerAddr, Key::kNetSockPeerPort},
    {Key::kNetPeerIp, Key::kNetPeerPort},
}};

/// Steps 2 to 6.
HostAndPort FindPeer(const AttributeList& attributes, TextArena& arena) {
  if (const auto host = attributes.Text(Key::kServerAddress, arena); !host.empty()) return {host, PortOf(attributes.Find(Key::kServerPort))};
  if (const auto host = attributes.Text(Key::kHttpHost, arena); !host.empty()) return SplitHost(host);
  if (const auto text = attributes.Text(Key::kUrlFull, Key::kHttpUrl, arena); !text.empty()) {
    if (const auto url = ParseHttpUrl(text, arena)) return {url->host, url->port == 0 ? std::nullopt : url->port};
  }
  for (const PeerKeys& keys : kPeerKeys) {
    if (const auto host = attributes.Text(keys.host, arena); !host.empty()) return {host, PortOf(attributes.Find(keys.port))};
  }
  return {};
}

/// Host and port of rules 2 and 3 of a URL; `as_is`: of `http.host`, which is not touched.
struct UrlHost {
  std::string_view host;
  std::optional<std::uint16_t> port;
  bool as_is = false;
};

UrlHost FindUrlHost(const Span& span, TextArena& arena) {
  const AttributeList& attributes = span.attributes;
  if (const auto host = attributes.Text(Key::kServerAddress, arena); !host.empty()) return {host, PortOf(attributes.Find(Key::kServerPort))};
  if (const auto host = attributes.Text(Key::kHttpHost, arena); !host.empty()) return {host, std::nullopt, true};
  if (span.IsServer()) {
    if (const auto host = attributes.Text(Key::kHttpServerName, Key::kNetHostName, arena); !host.empty()) {
      return {host, PortOf(attributes.Find(Key::kNetHostPort))};
    }
  }
  if (const auto host = attributes.Text(Key::kNetPeerName, arena); !host.empty()) return {host, PortOf(attributes.Find(Key::kNetPeerPort))};
  if (const auto host = attributes.Text(Key::kNetworkPeerAddress, arena); !host.empty()) {
    return {host, PortOf(attributes.Find(Key::kNetworkPeerPort))};
  }
  if (const auto host = attributes.Text(Key::kNetPeerIp, arena); !host.empty()) return {host, PortOf(attributes.Find(Key::kNetPeerPort))};
  return {};
}

/// What stands behind the host, as given; "" if there is nothing.
std::string_view PathAndQuery(const AttributeList& attributes, TextArena& arena) {
  const auto path = attributes.Text(Key::kUrlPath, arena);
  const auto query = attributes.Text(Key::kUrlQuery, arena);
  const std::string_view mark = query.empty() || query.front() == '?' ? "" : "?";
  if (!path.empty()) return query.empty() ? path : arena.Join({path, mark, query});
  if (const auto target = attributes.Text(Key::kHttpTarget, arena); !target.empty()) return target;
  return query.empty() ? std::string_view{} : arena.Join({"/", mark, query});
}

}  // namespace

std::string_view PeerOf(const AttributeList& attributes, Family family, TextArena& arena) {
  if (const auto service = attributes.Text(Key::kPeerService, arena); !service.empty()) return service;
  const HostAndPort peer = FindPeer(attributes, arena);
  if (peer.host.empty() || !peer.port || DefaultPorts(attributes, family, arena).Has(*peer.port)) return peer.host;
  return WithPort(peer.host, *peer.port, arena);
}

std::string_view AssembleUrl(const Span& span, TextArena& arena) {
  const AttributeList& attributes = span.attributes;
  if (const auto url = attributes.Text(Key::kUrlFull, Key::kHttpUrl, arena); !url.empty()) return RemoveUserInfo(url, arena);
  const auto rest = PathAndQuery(attributes, arena);
  if (rest.empty()) return {};
  const auto scheme = attributes.Text(Key::kUrlScheme, Key::kHttpScheme, arena);
  const UrlHost host = scheme.empty() ? UrlHost{} : FindUrlHost(span, arena);
  if (host.host.empty()) return span.IsRequest() ? rest : std::string_view{};
  std::string_view authority = host.as_is ? host.host : BracketIpv6(host.host, arena);
  if (host.port && host.port != DefaultPort(scheme)) authority = WithPort(host.host, *host.port, arena);
  return arena.Join({scheme, "://", authority, rest.front() == '/' ? "" : "/", rest});
}

std::string_view NameFromUrl(std::string_view method, const AttributeList& attributes, TextArena& arena) {
  const auto text = attributes.Text(Key::kUrlFull, Key::kHttpUrl, arena);
  if (text.empty()) return {};
  const auto url = ParseHttpUrl(text, arena);
  return url ? arena.Join({method, " ", NormalisePath(url->path, arena)}) : std::string_view{};
}

}  // namespace azmon::envelope
