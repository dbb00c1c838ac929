// SPDX-License-Identifier: MIT
#include "local/ingest/span_names.h"

#include <array>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "otlp/fields.h"

namespace azmon::local {
namespace {

/// The parts of an absolute URL that names need.
struct UrlParts {
  std::string_view scheme, authority, path;  ///< authority without user information; path without query, "/" if empty
};

UrlParts Split(std::string_view url) {
  UrlParts parts;
  const auto colon = url.find("://");
  if (colon == std::string_view::npos) return parts;
  parts.scheme = url.substr(0, colon);
  url.remove_prefix(colon + 3);
  const auto end = url.find_first_of("/?#");
  parts.authority = url.substr(0, end);
  if (const auto at = parts.authority.rfind('@'); at != std::string_view::npos) parts.authority.remove_prefix(at + 1);
  const auto rest = end == std::string_view::npos ? std::string_view() : url.substr(end);
  parts.path = rest.substr(0, rest.find_first_of("?#"));
  if (parts.path.empty()) parts.path = "/";
  return parts;
}

std::string WithoutUser(const std::string& url) {
  const UrlParts parts = Split(url);
  if (parts.authority.empty()) return url;
  const auto begin = url.find("://") + 3;
  return url.substr(0, begin) + std::string(parts.authority) +
         url.substr(static_cast<std::size_t>(parts.authority.data() + parts.authority.size() - url.data()));
}

struct DefaultPort {
  std::string_view system;
  std::int64_t port;
};
constexpr std::array<DefaultPort, 10> kDefaultPorts = {{{"http", 80}, {"https", 443}, {"postgresql", 5432}, {"mysql", 3306}, {"mariadb", 3306},
                                                        {"mssql", 1433}, {"microsoft.sql_server", 1433}, {"mongodb", 27017}, {"redis", 6379},
                                                        {"cassandra", 9042}}};

bool IsDefaultPort(std::string_view system, std::int64_t port) {
  if (system.empty() && (port == 80 || port == 443)) return true;
  for (const DefaultPort& at : kDefaultPorts) {
    if (at.system == system && at.port == port) return true;
  }
  return false;
}

std::string WithPort(std::string host, std::optional<std::int64_t> port, std::string_view system) {
  if (host.empty() || !port || *port <= 0 || *port > 65535 || IsDefaultPort(system, *port)) return host;
  if (host.find(':') != std::string::npos && host.front() != '[') host = "[" + host + "]";
  return host + ":" + std::to_string(*port);
}

/// The other side, "host" or "host:port" without a port that goes without saying.
std::string Peer(const OtlpAttributes& attributes, std::string_view system) {
  if (std::string peer = attributes.Text({"peer.service"}); !peer.empty()) return peer;
  if (std::string host = attributes.Text({"server.address"}); !host.empty()) {
    return WithPort(std::move(host), attributes.Integer({"server.port"}), system);
  }
  if (std::string host = attributes.Text({"http.host"}); !host.empty()) return host;
  const std::string url = attributes.Text({"url.full", "http.url"});
  if (const UrlParts parts = Split(url); !parts.authority.empty()) {
    std::string_view authority = parts.authority;
    if (const auto colon = authority.rfind(':'); colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
      const auto port = base::ParseInteger<std::int64_t>(authority.substr(colon + 1));
      if (port && IsDefaultPort(parts.scheme, *port)) authority = authority.substr(0, colon);
    }
    return base::ToLower(authority);
  }
  if (std::string host = attributes.Text({"net.peer.name"}); !host.empty()) {
    return WithPort(std::move(host), attributes.Integer({"net.peer.port"}), system);
  }
  if (std::string host = attributes.Text({"network.peer.address", "net.sock.peer.addr", "net.peer.ip"}); !host.empty()) {
    return WithPort(std::move(host), attributes.Integer({"network.peer.port", "net.sock.peer.port", "net.peer.port"}), system);
  }
  return {};
}

std::string Url(const OtlpAttributes& attributes) {
  if (const std::string url = attributes.Text({"url.full", "http.url"}); !url.empty()) return WithoutUser(url);
  std::string path = attributes.Text({"url.path"});
  if (path.empty()) {
    path = attributes.Text({"http.target"});
  } else if (std::string query = attributes.Text({"url.query"}); !query.empty()) {
    path += (query.front() == '?' ? "" : "?") + query;
  }
  const std::string scheme = attributes.Text({"url.scheme", "http.scheme"});
  std::string host = WithPort(attributes.Text({"server.address"}), attributes.Integer({"server.port"}), scheme);
  if (host.empty()) host = attributes.Text({"http.host"});
  if (host.empty()) host = WithPort(attributes.Text({"net.host.name", "net.peer.name"}), attributes.Integer({"net.host.port", "net.peer.port"}), scheme);
  if (scheme.empty() || host.empty() || path.empty()) return path;
  if (path.front() != '/') path.insert(0, "/");
  return scheme + "://" + host + path;
}

/// The path of the request without query, for names.
std::string Path(const OtlpAttributes& attributes) {
  const std::string url = attributes.Text({"url.full", "http.url"});
  if (const UrlParts parts = Split(url); !parts.authority.empty()) return std::string(parts.path);
  const std::string target = attributes.Text({"url.path", "http.target"});
  return target.starts_with('/') ? target.substr(0, target.find_first_of("?#")) : std::string();
}

/// The strings that the portal knows icons for.
std::string DatabaseType(const std::string& system) {
  for (const std::string_view sql : {"db2", "ibm.db2", "derby", "mariadb", "mssql", "microsoft.sql_server", "oracle", "oracle.db", "sqlite",
                                     "other_sql", "hsqldb", "h2", "h2database"}) {
    if (system == sql) return "SQL";
  }
  return system;
}

void DescribeRequest(const OtlpAttributes& attributes, SpanNature nature, const std::string& method, Item& item) {
  const std::string status = attributes.Text({"http.response.status_code", "http.status_code"});
  if (nature.kind == otlp::span::kServer && !method.empty()) {
    std::string where = attributes.Text({"http.route"});
    if (where.empty()) where = Path(attributes);
    if (!where.empty()) item.name = method + " " + where;
  }
  item.url = Url(attributes);
  item.result_code = !method.empty() ? status : attributes.Text({"rpc.grpc.status_code", "rpc.response.status_code"});
  if (item.result_code.empty()) item.result_code = "0";
  if (nature.status == otlp::status::kUnset) {
    const auto code = base::ParseInteger<std::int64_t>(status);
    item.success = code && *code >= 400 ? 0 : 1;
    // A server that never answered.
    if (nature.kind == otlp::span::kServer && !method.empty() && status.empty()) item.success = 0;
  } else {
    item.success = nature.status == otlp::status::kError ? 0 : 1;
  }
  if (nature.kind == otlp::span::kConsumer) {
    item.target = attributes.Text({"messaging.destination.name", "messaging.destination", "message_bus.destination"});
  }
}

void DescribeDependency(const OtlpAttributes& attributes, SpanNature nature, const std::string& method, Item& item) {
  item.success = nature.status == otlp::status::kError ? 0 : 1;
  item.result_code = "0";
  const std::string database = attributes.Text({"db.system.name", "db.system"});
  const std::string rpc = attributes.Text({"rpc.system.name", "rpc.system"});
  const std::string messaging = attributes.Text({"messaging.system"});
  const std::string azure = attributes.Text({"az.namespace", "azure.resource_provider.namespace"});
  const std::string scheme = attributes.Text({"url.scheme", "http.scheme"});
  item.kind = nature.kind == otlp::span::kProducer ? "Queue Message" : nature.kind == otlp::span::kClient ? "Dependency" : "InProc";
  if (!method.empty()) {
    item.kind = "Http";
    const std::string status = attributes.Text({"http.response.status_code", "http.status_code"});
    if (!status.empty()) item.result_code = status;
    item.data = Url(attributes);
    item.target = Peer(attributes, scheme.empty() ? std::string(Split(item.data).scheme) : scheme);
    std::string where = attributes.Text({"url.template"});
    if (where.empty()) where = Split(item.data).path;
    if (!where.empty()) item.name = method + " " + where;
  } else if (!database.empty()) {
    item.kind = DatabaseType(database);
    item.data = attributes.Text({"db.query.text", "db.statement", "db.operation.name", "db.operation"});
    const std::string name = attributes.Text({"db.namespace", "db.name"});
    item.target = Peer(attributes, database);
    if (!name.empty()) item.target += (item.target.empty() ? "" : "|") + name;
    if (item.target.empty()) item.target = database;
  } else if (!rpc.empty()) {
    item.kind = rpc == "grpc" ? "GRPC" : rpc;
    const std::string status = attributes.Text({"rpc.grpc.status_code", "rpc.response.status_code"});
    if (!status.empty()) item.result_code = status;
    item.target = Peer(attributes, scheme);
    if (item.target.empty()) item.target = rpc;
  } else if (!messaging.empty()) {
    if (nature.kind == otlp::span::kProducer) item.kind = "Queue Message | " + messaging;
    else if (nature.kind == otlp::span::kClient) item.kind = messaging;
    item.target = Peer(attributes, messaging);
    const std::string destination = attributes.Text({"messaging.destination.name", "messaging.destination", "message_bus.destination"});
    if (!destination.empty()) item.target += (item.target.empty() ? "" : "/") + destination;
    if (item.target.empty()) item.target = messaging;
  } else if (azure.empty() && (nature.kind == otlp::span::kClient || nature.kind == otlp::span::kProducer)) {
    item.target = Peer(attributes, scheme);
  }
  if (azure.empty()) return;
  if (item.kind == "InProc") item.kind = "InProc | " + azure;
  else if (item.kind == "Queue Message") item.kind = "Queue Message | " + azure;
  else if (item.kind == "Dependency") item.kind = azure;
}

}  // namespace

void DescribeSpan(const OtlpAttributes& attributes, SpanNature nature, Item& item) {
  const std::string method = attributes.Text({"http.request.method", "http.method"});
  if (item.type == ItemType::kRequest) DescribeRequest(attributes, nature, method, item);
  else DescribeDependency(attributes, nature, method, item);
}

std::string RoleName(const OtlpAttributes& resource) {
  const std::string service = resource.Text({"service.name"});
  if (service.empty() || service.starts_with("unknown_service")) {
    std::string workload = resource.Text({"k8s.deployment.name", "k8s.replicaset.name", "k8s.statefulset.name", "k8s.job.name",
                                          "k8s.cronjob.name", "k8s.daemonset.name"});
    if (!workload.empty()) return workload;
  }
  const std::string prefix = resource.Text({"service.namespace"});
  return prefix.empty() || service.empty() ? service : prefix + "." + service;
}

std::string RoleInstance(const OtlpAttributes& resource) {
  return resource.Text({"service.instance.id", "k8s.pod.name", "host.name"});
}

}  // namespace azmon::local
