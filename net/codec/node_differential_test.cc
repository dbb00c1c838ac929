// SPDX-License-Identifier: MIT
// The same bytes for our parser and for Node's: what ours takes, Node takes for the same requests with the same bodies, or refuses. Two
// servers that read one connection differently are how requests are smuggled past the first of them.
#include <gtest/gtest.h>

#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "base/text.h"
#include "net/codec/hostile_requests.h"
#include "net/codec/read_requests.h"

namespace net {
namespace {

namespace base = azmon::base;
using Json = nlohmann::json;

constexpr std::size_t kRequestsMax = 20;
constexpr std::size_t kBodyMax = 1 << 20;
constexpr int kMutants = 3000;
/// Follows every request: a parser that ends the one before elsewhere does not find it.
const std::string kMarker = "GET /marker HTTP/1.1\r\nHost: a\r\n\r\n";

struct Case {
  std::string name;
  std::string bytes;
};

struct Reading {
  std::vector<std::string> requests;  ///< a text for each
  bool is_refused = false;
};

/// Origin-form of an absolute-form, as ours gives it.
std::string OriginForm(const std::string& target) {
  const std::size_t scheme = target.find("://");
  if (target.starts_with('/') || scheme == std::string::npos) return target;
  const std::size_t path = target.find_first_of("/?", scheme + 3);
  if (path == std::string::npos) return "/";
  return (target[path] == '?' ? "/" : "") + target.substr(path);
}

std::string Describe(const std::string& method, const std::string& target, int minor, std::vector<std::pair<std::string, std::string>> fields,
                     const std::string& body) {
  std::string text = method + " " + OriginForm(target) + " 1." + std::to_string(minor) + "\n";
  for (const auto& [name, value] : fields) text += base::ToLower(name) + ": " + std::string(base::Trim(value)) + "\n";
  return text + "\n" + body;
}

Reading Ours(const std::string& bytes) {
  Reading reading;
  const auto refusal = testing::ReadRequests(bytes, bytes.size(), kBodyMax, kRequestsMax, [&](RequestParser& parser) {
    const Request& request = parser.request();
    std::vector<std::pair<std::string, std::string>> fields;
    for (const Header field : request.headers) fields.emplace_back(field.name, field.value);
    reading.requests.push_back(Describe(request.method, request.target, request.version_minor, fields, request.body));
    return parser.keep_alive();
  });
  reading.is_refused = refusal.has_value();
  return reading;
}

/// Bytes of a JSON string that Node made of them as Latin-1.
std::string Latin1(const Json& text) {
  std::string bytes;
  const std::string utf8 = text.get<std::string>();
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    if (lead < 0x80) {
      bytes.push_back(utf8[i]);
    } else {
      bytes.push_back(static_cast<char>((lead & 3U) << 6U | (static_cast<unsigned char>(utf8.at(++i)) & 0x3FU)));
    }
  }
  return bytes;
}

/// Node's readings of all cases, in order; empty where Node did not run to its end.
std::vector<Reading> NodesReadings(const std::vector<Case>& cases) {
  std::array<char, 32> input{"/tmp/azmon-requests-XXXXXX"};
  const int file = mkstemp(input.data());
  EXPECT_GE(file, 0);
  std::string lines;
  for (const Case& one : cases) lines += base::Base64(one.bytes) + "\n";
  EXPECT_EQ(write(file, lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
  close(file);
  const std::string command = std::string("node '") + AZMON_SOURCE_DIR + "/net/codec/node_parser.mjs' < " + input.data();
  FILE* const pipe = popen(command.c_str(), "r");
  std::string output;
  std::array<char, 65536> piece{};
  while (const std::size_t bytes = std::fread(piece.data(), 1, piece.size(), pipe)) output.append(piece.data(), bytes);
  EXPECT_EQ(pclose(pipe), 0);
  unlink(input.data());
  std::vector<Reading> readings;
  for (const std::string_view line : base::Split(output, '\n')) {
    if (line.empty()) continue;
    const Json json = Json::parse(line);
    Reading& reading = readings.emplace_back();
    reading.is_refused = json["refused"].get<bool>();
    for (const Json& request : json["requests"]) {
      std::vector<std::pair<std::string, std::string>> fields;
      for (const Json& field : request["fields"]) fields.emplace_back(Latin1(field[0]), Latin1(field[1]));
      reading.requests.push_back(
          Describe(Latin1(request["method"]), Latin1(request["target"]), request["minor"].get<int>(), fields, Latin1(request["body"])));
    }
  }
  return readings;
}

std::vector<Case> TableCases() {
  std::vector<Case> cases;
  for (const auto& hostile : testing::HostileRequests()) cases.push_back({hostile.name, hostile.bytes + kMarker});
  for (const auto& [name, bytes] : testing::UnusualRequests()) cases.push_back({name, bytes + kMarker});
  return cases;
}

/// A request of the table with one to four bytes changed, doubled, dropped or replaced by what parsers stumble over.
std::vector<Case> Mutants(std::mt19937& random) {
  static const std::vector<std::string> kPieces{"\r\n", "\n", "\r", " ", "\t", ":", ",", ";", "0", "1", "f", "x", std::string(1, '\0'), "\x0b", "\x7f", "\xff",
                                                "chunked", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "HTTP/1.1", "\r\n\r\n", "+", "-", "\""};
  const auto below = [&](std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random); };
  std::vector<Case> from;
  for (const Case& one : TableCases()) {
    if (one.bytes.size() < 2000) from.push_back(one);
  }
  std::vector<Case> cases;
  for (int i = 0; i < kMutants; ++i) {
    Case mutant = from[below(from.size())];
    for (std::size_t change = 0; change <= below(4); ++change) {
      const std::size_t at = below(mutant.bytes.size() - kMarker.size() + 1);
      switch (below(3)) {
        case 0: mutant.bytes.insert(at, kPieces[below(kPieces.size())]); break;
        case 1: mutant.bytes.erase(at, 1 + below(3)); break;
        default: mutant.bytes.replace(at, 1, kPieces[below(kPieces.size())]);
      }
    }
    cases.push_back({mutant.name + ", changed (" + std::to_string(i) + ")", mutant.bytes});
  }
  return cases;
}

/// @return how many requests both took
std::size_t Compare(const std::vector<Case>& cases) {
  const std::vector<Reading> node = NodesReadings(cases);
  EXPECT_EQ(node.size(), cases.size());
  std::size_t taken = 0;
  for (std::size_t i = 0; i < std::min(node.size(), cases.size()); ++i) {
    SCOPED_TRACE(cases[i].name + ", base64 " + base::Base64(cases[i].bytes.substr(0, 1500)));
    const Reading ours = Ours(cases[i].bytes);
    const std::size_t both = std::min(ours.requests.size(), node[i].requests.size());
    taken += both;
    for (std::size_t request = 0; request < both; ++request) EXPECT_EQ(ours.requests[request], node[i].requests[request]) << "request " << request;
    // Either may be the stricter one, but the one that sees fewer requests must have refused the next.
    EXPECT_TRUE(ours.requests.size() <= both || node[i].is_refused) << "ours takes a request that Node does not see: " << ours.requests[both];
    EXPECT_TRUE(node[i].requests.size() <= both || ours.is_refused) << "Node takes a request that ours does not see: " << node[i].requests[both];
  }
  return taken;
}

class NodeDifferential : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("node --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no node in PATH";
  }
};

TEST_F(NodeDifferential, HostileAndUnusualRequestsAreReadAlikeOrRefused) {
  const auto cases = TableCases();
  ASSERT_GT(cases.size(), 90U);
  EXPECT_GT(Compare(cases), 10U);
}

TEST_F(NodeDifferential, RandomlyChangedRequestsAreReadAlikeOrRefused) {
  const char* const seed = std::getenv("AZMON_TEST_SEED");
  const auto number = static_cast<unsigned>(seed != nullptr ? std::atoi(seed) : std::random_device{}());
  std::printf("seed=%u\n", number);
  std::mt19937 random(number);
  EXPECT_GT(Compare(Mutants(random)), 100U);
}

}  // namespace
}  // namespace net
