// SPDX-License-Identifier: MIT
#include "services/shared/order.h"

#include <algorithm>
#include <array>

#include "base/json_writer.h"
#include "base/text.h"
#include "services/shared/limits.h"

namespace services {
namespace {

using azmon::base::ParseInteger;
using Kind = JsonValue::Kind;

constexpr std::array<std::string_view, 4> kOrderMembers = {"orderId", "customerReference", "currency", "lines"};
constexpr std::array<std::string_view, 3> kLineMembers = {"sku", "quantity", "unitPriceMinor"};

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

/// A number's value if it is an integer from `least` to `most`. Canonical form: 5.0 and 5 are the same text.
std::optional<std::int64_t> IntegerIn(const JsonValue& value, std::int64_t least, std::int64_t most) {
  if (value.kind != Kind::kNumber) return std::nullopt;
  const auto number = ParseInteger<std::int64_t>(value.text);
  if (!number || *number < least || *number > most) return std::nullopt;
  return number;
}

/// Fills an order from its document and collects what is wrong.
class OrderReader {
 public:
  explicit OrderReader(Order& order) : order_(order) {}

  std::vector<FieldProblem> Read() {
    if (order_.document.kind != Kind::kObject) {
      Add("", "an order must be a JSON object");
      return std::move(problems_);
    }
    ReadId();
    ReadText(order_.document, "customerReference", "", limits::kCustomerReferenceBytesMax, order_.customer_reference);
    ReadCurrency();
    ReadLines();
    return std::move(problems_);
  }

 private:
  void Add(std::string pointer, std::string detail) {
    if (problems_.size() < limits::kFieldProblemsMax) problems_.push_back({std::move(pointer), std::move(detail)});
  }

  void ReadId() {
    const JsonValue* const id = order_.document.Find("orderId");
    if (id == nullptr) return Add("/orderId", "is required");
    if (IntegerIn(*id, 1, limits::kSafeIntegerMax) || (id->kind == Kind::kString && IsOrderId(id->text))) {
      order_.id = id->text;
    } else {
      Add("/orderId", "must be an integer from 1 to 9007199254740991, or a string of 1 to 64 letters, digits and '-'");
    }
  }

  void ReadText(const JsonValue& object, std::string_view name, const std::string& parent, std::size_t bytes_max, std::string& out) {
    const JsonValue* const value = object.Find(name);
    if (value == nullptr) return;
    if (value->kind == Kind::kString && !value->text.empty() && value->text.size() <= bytes_max &&
        std::ranges::none_of(value->text, IsControl)) {
      out = value->text;
    } else {
      Add(parent + "/" + std::string(name),
          "must be a string of 1 to " + std::to_string(bytes_max) + " bytes without control characters");
    }
  }

  void ReadCurrency() {
    const JsonValue* const currency = order_.document.Find("currency");
    if (currency == nullptr) return;
    if (currency->kind == Kind::kString && currency->text.size() == 3 &&
        std::ranges::all_of(currency->text, [](char c) { return c >= 'A' && c <= 'Z'; })) {
      order_.currency = currency->text;
    } else {
      Add("/currency", "must be three capital letters, as in ISO 4217");
    }
  }

  void ReadLines() {
    const JsonValue* const lines = order_.document.Find("lines");
    if (lines == nullptr) return;
    if (lines->kind != Kind::kArray || lines->items.empty() || lines->items.size() > limits::kOrderLinesMax) {
      return Add("/lines", "must be an array of 1 to " + std::to_string(limits::kOrderLinesMax) + " lines");
    }
    if (order_.document.Find("currency") == nullptr) Add("/currency", "is required when there are lines");
    for (std::size_t i = 0; i < lines->items.size(); ++i) ReadLine(lines->items[i], "/lines/" + std::to_string(i));
  }

  void ReadLine(const JsonValue& value, const std::string& pointer) {
    if (value.kind != Kind::kObject) return Add(pointer, "must be an object");
    OrderLine line;
    ReadText(value, "sku", pointer, limits::kSkuBytesMax, line.sku);
    const bool has_quantity = ReadInteger(value, "quantity", pointer, 1, limits::kQuantityMax, line.quantity);
    const bool has_price = ReadInteger(value, "unitPriceMinor", pointer, 0, limits::kUnitPriceMinorMax, line.unit_price_minor);
    if (has_quantity && has_price) {
      // Each product is below 2^57 and the sum is stopped at 2^53, so neither overflows.
      const std::int64_t total = order_.total_minor + line.quantity * line.unit_price_minor;
      if (total <= limits::kSafeIntegerMax) {
        order_.total_minor = total;
      } else {
        Add(pointer, "takes the order's total above 9007199254740991");
      }
    }
    order_.lines.push_back(std::move(line));
  }

  bool ReadInteger(const JsonValue& object, std::string_view name, const std::string& parent, std::int64_t least, std::int64_t most,
                   std::int64_t& out) {
    const JsonValue* const value = object.Find(name);
    const auto number = value == nullptr ? std::nullopt : IntegerIn(*value, least, most);
    if (!number) {
      Add(parent + "/" + std::string(name),
          value == nullptr ? "is required" : "must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
      return false;
    }
    out = *number;
    return true;
  }

  Order& order_;
  std::vector<FieldProblem> problems_;
};

/// Writes one object: the known members in their order, then the others by name.
class ReceiptWriter {
 public:
  ReceiptWriter(const JsonValue& object, std::string& out) : object_(object), out_(out) { out_ += '{'; }

  /// Starts a member; the caller appends its value.
  void Name(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    azmon::base::AppendJsonString(name, out_);
    out_ += ':';
  }

  /// The member as it is in the object, if it is there.
  void Copy(std::string_view name) {
    const JsonValue* const value = object_.Find(name);
    if (value == nullptr) return;
    Name(name);
    AppendCanonicalJson(*value, out_);
  }

  template <std::size_t n>
  void CopyOthersAndClose(const std::array<std::string_view, n>& known) {
    std::vector<std::string_view> others;
    for (const JsonMember& member : object_.members) {
      if (std::ranges::find(known, member.name) == known.end()) others.push_back(member.name);
    }
    std::ranges::sort(others);
    for (const std::string_view name : others) Copy(name);
    out_ += '}';
  }

 private:
  const JsonValue& object_;
  std::string& out_;
  bool first_ = true;
};

}  // namespace

bool IsOrderId(std::string_view text) {
  return !text.empty() && text.size() <= limits::kOrderIdCharsMax &&
         std::ranges::all_of(text, [](char c) { return azmon::base::IsAlpha(c) || azmon::base::IsDigit(c) || c == '-'; });
}

OrderParse ParseOrder(std::string_view body) {
  if (body.size() > limits::kOrderBodyBytesMax) return {.order = {}, .problems = {{"", "is larger than 65536 bytes"}}};
  auto json = ParseJson(body);
  if (!json.ok()) return {.order = {}, .problems = {{"", "is not JSON that can be read: " + json.error().detail}}};
  Order order;
  order.document = std::move(*json);
  auto problems = OrderReader(order).Read();
  if (!problems.empty()) return {.order = {}, .problems = std::move(problems)};
  return {.order = std::move(order), .problems = {}};
}

std::string ReceiptOf(const Order& order) {
  std::string out;
  ReceiptWriter receipt(order.document, out);
  receipt.Name("orderId");
  out += OrderIdJson(order.id);
  receipt.Copy("customerReference");
  receipt.Copy("currency");
  if (const JsonValue* const lines = order.document.Find("lines")) {
    receipt.Name("lines");
    char separator = '[';
    for (const JsonValue& line : lines->items) {
      out += separator;
      ReceiptWriter writer(line, out);
      for (const std::string_view name : kLineMembers) writer.Copy(name);
      writer.CopyOthersAndClose(kLineMembers);
      separator = ',';
    }
    out += ']';
  }
  receipt.CopyOthersAndClose(kOrderMembers);
  return out;
}

std::string OrderIdJson(std::string_view order_id) {
  const auto number = ParseInteger<std::int64_t>(order_id);
  if (number && *number >= 1 && *number <= limits::kSafeIntegerMax && order_id == std::to_string(*number)) return std::string(order_id);
  std::string out;
  azmon::base::AppendJsonString(order_id, out);
  return out;
}

std::string ReceiptName(std::string_view order_id) { return "order-" + std::string(order_id) + ".json"; }

Problem InvalidOrder(std::vector<FieldProblem> problems) {
  std::string detail = "The order was not taken: ";
  const FieldProblem& first = problems.front();
  detail += first.pointer.empty() ? std::string("the body") : first.pointer.substr(1);
  detail += " " + first.detail;
  if (problems.size() > 1) detail += "; " + std::to_string(problems.size() - 1) + " more in errors";
  detail += ".";
  return {.status = 400, .code = "invalid_order", .detail = std::move(detail), .fields = std::move(problems), .retry_after = {}};
}

}  // namespace services
