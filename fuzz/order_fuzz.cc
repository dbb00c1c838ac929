// SPDX-License-Identifier: MIT
// Orders and the problems of peers are untrusted JSON.
//
// Oracle: an order that is taken gives a receipt that is an order again with the same receipt, and its id follows its grammar; JSON that is
// read is written as JSON that reads the same.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "services/shared/json.h"
#include "services/shared/order.h"
#include "services/shared/problem.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  const services::OrderParse parsed = services::ParseOrder(text);
  AZMON_CHECK(parsed.order.has_value() == parsed.problems.empty());
  if (parsed.order) {
    AZMON_CHECK(services::IsOrderId(parsed.order->id));
    const std::string receipt = services::ReceiptOf(*parsed.order);
    const services::OrderParse again = services::ParseOrder(receipt);
    // A receipt may be longer than what an order may be: numbers and escapes grow.
    if (again.order) {
      AZMON_CHECK(again.order->id == parsed.order->id);
      AZMON_CHECK(services::ReceiptOf(*again.order) == receipt);
    } else {
      AZMON_CHECK(receipt.size() > text.size());
    }
  }

  const auto json = services::ParseJson(text);
  if (json.ok()) {
    std::string once;
    services::AppendCanonicalJson(*json, once);
    const auto reread = services::ParseJson(once);
    AZMON_CHECK(reread.ok());
    std::string twice;
    services::AppendCanonicalJson(*reread, twice);
    AZMON_CHECK(once == twice);
  }

  const services::Problem problem = services::ParseProblem(400, text);
  AZMON_CHECK(services::ParseJson(services::ToJson(problem)).ok());
  return 0;
}
