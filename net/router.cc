// SPDX-License-Identifier: MIT
#include "net/router.h"

#include <map>

#include "base/check.h"
#include "base/text.h"

namespace net {

/// One segment of the paths. Depth is bounded by the patterns, not by the request.
struct Router::Node {
  struct Endpoint {
    Handler handler;
    RouteOptions options;
    std::vector<std::string> names;  ///< of the parameters, in the order of the path
  };
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> parameter;
  std::unique_ptr<Node> rest;  ///< holds endpoints only
  std::map<std::string, Endpoint, std::less<>> methods;
  std::string pattern;

  /// The node whose pattern matches the remaining path ("/a/b" or "") and that has methods; fills the raw parameter texts.
  const Node* Find(std::string_view path, std::vector<std::string_view>& values) const;
};

const Router::Node* Router::Node::Find(std::string_view path, std::vector<std::string_view>& values) const {
  if (path.empty()) {
    if (!methods.empty()) return this;
  } else {
    const std::size_t end = path.find('/', 1);
    const std::string_view segment = path.substr(1, end == std::string_view::npos ? end : end - 1);
    const std::string_view remaining = end == std::string_view::npos ? std::string_view() : path.substr(end);
    if (const auto literal = literals.find(segment); literal != literals.end()) {
      if (const Node* found = literal->second->Find(remaining, values)) return found;
    }
    if (parameter && !segment.empty()) {
      values.push_back(segment);
      if (const Node* found = parameter->Find(remaining, values)) return found;
      values.pop_back();
    }
  }
  if (rest && !path.empty()) {
    values.push_back(path.substr(1));
    return rest.get();
  }
  return nullptr;
}

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::Add(std::string_view method, std::string_view pattern, Handler handler, RouteOptions options) {
  AZMON_CHECK(!pattern.empty() && pattern.front() == '/');
  Node* node = root_.get();
  std::vector<std::string> names;
  std::string_view path = pattern;
  while (!path.empty()) {
    const std::size_t end = path.find('/', 1);
    const std::string_view segment = path.substr(1, end == std::string_view::npos ? end : end - 1);
    path = end == std::string_view::npos ? std::string_view() : path.substr(end);
    std::unique_ptr<Node>* next = nullptr;
    if (segment.size() > 2 && segment.front() == '{' && segment.back() == '}') {
      std::string_view name = segment.substr(1, segment.size() - 2);
      next = &node->parameter;
      if (name.back() == '*') {
        AZMON_CHECK(path.empty());
        name.remove_suffix(1);
        next = &node->rest;
      }
      names.emplace_back(name);
    } else {
      AZMON_CHECK(segment.find_first_of("{}") == std::string_view::npos);
      next = &node->literals[std::string(segment)];
    }
    if (!*next) *next = std::make_unique<Node>();
    node = next->get();
  }
  node->pattern = std::string(pattern);
  const bool is_new = node->methods.emplace(std::string(method), Node::Endpoint{std::move(handler), options, std::move(names)}).second;
  AZMON_CHECK(is_new);
}

Router::Match Router::Find(std::string_view method, std::string_view path) const {
  Match match;
  std::vector<std::string_view> values;
  const Node* node = path.empty() || path.front() != '/' ? nullptr : root_->Find(path, values);
  if (node == nullptr) {
    match.status = 404;
    return match;
  }
  match.route = node->pattern;
  auto found = node->methods.find(method);
  if (found == node->methods.end() && method == "HEAD") found = node->methods.find("GET");
  if (found == node->methods.end()) {
    match.status = 405;
    for (const auto& [name, endpoint] : node->methods) {
      if (!match.allow.empty()) match.allow += ", ";
      match.allow += name;
      if (name == "GET" && node->methods.count("HEAD") == 0) match.allow += ", HEAD";
    }
    return match;
  }
  const Node::Endpoint& endpoint = found->second;
  for (std::size_t index = 0; index < values.size(); ++index) {
    auto decoded = azmon::base::PercentDecode(values[index]);
    if (!decoded) {
      match.status = 400;
      return match;
    }
    match.params.emplace_back(endpoint.names[index], std::move(*decoded));
  }
  match.handler = &endpoint.handler;
  match.options = endpoint.options;
  return match;
}

std::string_view RequestContext::Param(std::string_view name) const {
  for (const auto& [key, value] : params) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace net
