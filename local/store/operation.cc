// SPDX-License-Identifier: MIT
#include "local/store/operation.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

namespace azmon::local {
namespace {

constexpr std::uint32_t kNoRole = std::numeric_limits<std::uint32_t>::max();

/// Equal for the two ways in which one item comes.
std::string KeyOf(const Item& item) {
  if (IsSpan(item.type) && !item.id.empty()) return item.id;
  std::string key;
  key.push_back('\0');
  key.push_back(static_cast<char>('0' + static_cast<int>(item.type)));
  for (const std::string* part : {&item.parent_id, &item.name, &item.exception_type}) key.append(*part).push_back('\0');
  key.append(std::to_string(item.time)).push_back('\0');
  key.append(std::to_string(std::hash<std::string>{}(item.message)));
  return key;
}

const std::string& LabelOf(const Item& item) {
  if (!item.name.empty()) return item.name;
  if (!item.message.empty()) return item.message;
  return item.exception_type;
}

/// A name in the list, not a place for whole log messages.
constexpr std::size_t kLabelBytesMax = 1024;

}  // namespace

std::uint32_t Operation::RoleNumber(const std::string& role) {
  if (role.empty()) return kNoRole;
  const auto at = std::find(roles_.begin(), roles_.end(), role);
  if (at != roles_.end()) return static_cast<std::uint32_t>(at - roles_.begin());
  roles_.push_back(role);
  return static_cast<std::uint32_t>(roles_.size() - 1);
}

void Operation::Add(const Item& item) {
  const std::int64_t end = item.time + std::max<std::int64_t>(item.duration, 0);
  if (nodes_.empty()) {
    start_ = item.time;
    end_ = end;
    first_seq_ = last_seq_ = item.seq;
  }
  start_ = std::min(start_, item.time);
  end_ = std::max(end_, end);
  first_seq_ = std::min(first_seq_, item.seq);
  last_seq_ = std::max(last_seq_, item.seq);
  sources_ |= 1U << static_cast<unsigned>(item.source);
  types_ |= 1U << static_cast<unsigned>(item.type);
  if (std::find(applications_.begin(), applications_.end(), item.i_key) == applications_.end() && applications_.size() < 16) {
    applications_.push_back(item.i_key);
  }
  const bool is_error = item.success == 0 || item.type == ItemType::kException;
  const auto [at, is_new] = by_key_.emplace(KeyOf(item), static_cast<std::uint32_t>(nodes_.size()));
  if (!is_new) {
    nodes_[at->second].is_error |= is_error;
    return;
  }
  Node node;
  node.id = item.id;
  node.parent = item.parent_id;
  node.label = LabelOf(item).substr(0, kLabelBytesMax);
  node.time = item.time;
  node.role = RoleNumber(item.role);
  node.is_span = IsSpan(item.type);
  node.is_error = is_error;
  node.success = item.success;
  nodes_.push_back(std::move(node));
}

std::vector<std::uint32_t> Operation::RolesByTime() const {
  std::vector<std::int64_t> first(roles_.size(), std::numeric_limits<std::int64_t>::max());
  for (const Node& node : nodes_) {
    if (node.role != kNoRole) first[node.role] = std::min(first[node.role], node.time);
  }
  std::vector<std::uint32_t> order(roles_.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return first[a] < first[b]; });
  return order;
}

std::vector<std::uint32_t> Operation::RolesByCalls() const {
  constexpr std::uint32_t kRoot = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::pair<std::uint32_t, std::uint32_t>> children;  // parent's number, own number
  children.reserve(nodes_.size());
  std::unordered_map<std::string_view, std::uint32_t> spans;
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].is_span) spans.emplace(nodes_[i].id, i);
  }
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    const auto parent = nodes_[i].parent.empty() ? spans.end() : spans.find(nodes_[i].parent);
    children.emplace_back(parent == spans.end() || parent->second == i ? kRoot : parent->second, i);
  }
  std::sort(children.begin(), children.end(), [&](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    return nodes_[a.second].time != nodes_[b.second].time ? nodes_[a.second].time < nodes_[b.second].time : a.second < b.second;
  });
  const auto range = [&](std::uint32_t parent) {
    return std::equal_range(children.begin(), children.end(), std::pair(parent, std::uint32_t{0}),
                            [](const auto& a, const auto& b) { return a.first < b.first; });
  };
  std::vector<std::uint32_t> order;
  std::vector<bool> seen(roles_.size()), visited(nodes_.size());
  std::vector<std::uint32_t> stack;
  const auto push = [&](std::uint32_t parent) {
    const auto [from, to] = range(parent);
    for (auto at = to; at != from; --at) stack.push_back((at - 1)->second);
  };
  push(kRoot);
  while (!stack.empty()) {
    const std::uint32_t at = stack.back();
    stack.pop_back();
    if (visited[at]) continue;
    visited[at] = true;
    if (const std::uint32_t role = nodes_[at].role; role != kNoRole && !seen[role]) {
      seen[role] = true;
      order.push_back(role);
    }
    if (nodes_[at].is_span) push(at);
  }
  // Spans that are each other's parents hang on no root.
  for (const std::uint32_t role : RolesByTime()) {
    if (!seen[role]) order.push_back(role);
  }
  return order;
}

OperationSummary Operation::Summarise(std::string_view operation_id) const {
  OperationSummary summary;
  summary.operation_id = operation_id;
  summary.start = start_;
  summary.end = end_;
  summary.items = nodes_.size();
  summary.sources = sources_;
  summary.types = types_;
  summary.applications = applications_;
  summary.first_seq = first_seq_;
  summary.last_seq = last_seq_;

  const Node* root = nullptr;    // the earliest span whose parent is not here
  const Node* any_span = nullptr;  // the earliest span, for spans in a circle
  const Node* first = nullptr;
  for (const Node& node : nodes_) {
    summary.errors += node.is_error ? 1 : 0;
    const auto earlier = [&](const Node* other) { return other == nullptr || node.time < other->time; };
    if (earlier(first)) first = &node;
    if (!node.is_span) continue;
    if (earlier(any_span)) any_span = &node;
    if (earlier(root) && (node.parent.empty() || node.parent == node.id || !by_key_.contains(node.parent))) root = &node;
  }
  if (root == nullptr) root = any_span;
  if (root != nullptr) {
    summary.name = root->label;
    summary.success = root->success != 0;
  } else if (first != nullptr) {
    summary.name = first->label;
    summary.success = summary.errors == 0;
  }
  for (const std::uint32_t role : nodes_.size() <= kWalkItemsMax ? RolesByCalls() : RolesByTime()) summary.roles.push_back(roles_[role]);
  return summary;
}

}  // namespace azmon::local
