// SPDX-License-Identifier: MIT
#include "services/receipt/write_receipt.h"

#include <gtest/gtest.h>

#include <deque>

#include "services/shared/test_support.h"

namespace receipt {
namespace {

using namespace std::chrono_literals;
using boost::asio::awaitable;
using services::BlobAnswer;
using services::BlobStatus;
using services::Problem;
using services::test::Await;
using services::test::In;

/// A store whose every answer is set, to reach the ones that a real one gives rarely.
class ScriptedStore final : public services::ReceiptStore {
 public:
  awaitable<BlobAnswer> Create(std::string name, std::string bytes, net::Deadline) override {
    created_name = std::move(name);
    created_bytes = std::move(bytes);
    co_return create;
  }
  awaitable<BlobAnswer> Read(std::string, net::Deadline) override {
    ++reads;
    co_return read;
  }

  BlobAnswer create, read;
  std::string created_name, created_bytes;
  int reads = 0;
};

class WriteReceiptTest : public testing::Test {
 protected:
  /// The status that is answered; 200 for success.
  int Write(std::string_view body) {
    const auto problem = Await<std::optional<Problem>>(runtime_, [&] {
      return WriteReceipt(*services::ParseOrder(body).order, store_, In(1s));
    });
    return problem ? problem->status : 200;
  }

  net::Runtime runtime_{{.threads = 1, .handle_signals = false, .bind_executor = {}}};
  ScriptedStore store_;
};

TEST_F(WriteReceiptTest, WritesTheCanonicalBytesUnderTheOrdersName) {
  store_.create.status = BlobStatus::kDone;
  EXPECT_EQ(Write(R"({"b":1,"orderId":"7","a":2})"), 200);
  EXPECT_EQ(store_.created_name, "order-7.json");
  EXPECT_EQ(store_.created_bytes, R"({"orderId":7,"a":2,"b":1})");
  EXPECT_EQ(store_.reads, 0);
}

TEST_F(WriteReceiptTest, SameOrderAgainIsSuccess) {
  store_.create.status = BlobStatus::kExists;
  store_.read = {.status = BlobStatus::kDone, .body = R"({"orderId":7,"a":2})", .detail = {}};
  EXPECT_EQ(Write(R"({"a":2,"orderId":7})"), 200);
}

TEST_F(WriteReceiptTest, SameIdWithOtherContentIsAConflict) {
  store_.create.status = BlobStatus::kExists;
  for (const char* bytes : {R"({"orderId":7,"a":2})", R"({"orderId":7} )", ""}) {
    store_.read = {.status = BlobStatus::kDone, .body = bytes, .detail = {}};
    EXPECT_EQ(Write(R"({"orderId":7})"), 409) << bytes;
  }
}

TEST_F(WriteReceiptTest, WithoutAReceiptThereIsNoSuccess) {
  const struct {
    BlobStatus create, read;
    int status;
  } rows[] = {
      {BlobStatus::kUnavailable, BlobStatus::kDone, 503}, {BlobStatus::kTimeout, BlobStatus::kDone, 504},
      {BlobStatus::kRefused, BlobStatus::kDone, 503},     {BlobStatus::kNotFound, BlobStatus::kDone, 503},
      {BlobStatus::kExists, BlobStatus::kTimeout, 504},   {BlobStatus::kExists, BlobStatus::kUnavailable, 503},
      {BlobStatus::kExists, BlobStatus::kRefused, 503},   {BlobStatus::kExists, BlobStatus::kNotFound, 503},
  };
  for (const auto& row : rows) {
    store_.create.status = row.create;
    store_.read = {.status = row.read, .body = R"({"orderId":7})", .detail = {}};
    EXPECT_EQ(Write(R"({"orderId":7})"), row.status) << Name(row.create) << " " << Name(row.read);
  }
}

TEST_F(WriteReceiptTest, StoresWordsAreNotToldToTheCaller) {
  store_.create = {.status = BlobStatus::kRefused, .body = {}, .detail = "account secret-name"};
  const auto problem = Await<std::optional<Problem>>(runtime_, [&] {
    return WriteReceipt(*services::ParseOrder(R"({"orderId":7})").order, store_, In(1s));
  });
  EXPECT_EQ(services::ToJson(*problem).find("secret-name"), std::string::npos);
}

TEST_F(WriteReceiptTest, ReadingGivesTheBytesOrSaysThatThereAreNone) {
  const auto read = [&] {
    return Await<std::variant<std::string, Problem>>(runtime_, [&] { return ReadReceipt("7", store_, In(1s)); });
  };
  store_.read = {.status = BlobStatus::kDone, .body = "bytes", .detail = {}};
  EXPECT_EQ(std::get<std::string>(read()), "bytes");
  store_.read.status = BlobStatus::kNotFound;
  EXPECT_EQ(std::get<Problem>(read()).status, 404);
  store_.read.status = BlobStatus::kUnavailable;
  EXPECT_EQ(std::get<Problem>(read()).status, 503);
  store_.read.status = BlobStatus::kTimeout;
  EXPECT_EQ(std::get<Problem>(read()).status, 504);
}

}  // namespace
}  // namespace receipt
