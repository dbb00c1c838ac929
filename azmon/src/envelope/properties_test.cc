// SPDX-License-Identifier: MIT
// Property texts and limits: what the corpus does not show.
#include "envelope/properties.h"

#include <gtest/gtest.h>

#include <limits>

#include "envelope/json_numbers.h"
#include "envelope/test_records.h"
#include "envelope/value_text.h"

namespace azmon::envelope::testing {
namespace {

Json PropertiesOf(const Attributes& attributes) {
  return DataOf(TestSpan{.kind = otlp::span::kInternal, .attributes = attributes}).value("properties", Json::object());
}

TEST(Properties, TextsAreThoseOfEcmaScriptWithExactIntegers) {
  EXPECT_EQ(PropertiesOf({{"min", std::numeric_limits<std::int64_t>::min()},
                          {"max", std::numeric_limits<std::int64_t>::max()},
                          {"d", 1e21},
                          {"nan", std::numeric_limits<double>::quiet_NaN()},
                          {"array", Any::Array({"a", 1, std::numeric_limits<double>::infinity(), Any(), Any::Bytes("\x01\x02"), Any::Array({})})},
                          {"map", Any::Map({{"k", Any::Map({{"x", -0.0}})}, {"j", false}})},
                          {"bytes", Any::Bytes(std::string("\0\xff", 2))},
                          {"null", Any()},
                          {"empty", ""}}),
            (Json{{"min", "-9223372036854775808"},
                  {"max", "9223372036854775807"},
                  {"d", "1e+21"},
                  {"nan", "NaN"},
                  {"array", "[\"a\",1,null,null,\"AQI=\",[]]"},
                  {"map", "{\"k\":{\"x\":0},\"j\":false}"},
                  {"bytes", "AP8="},
                  {"empty", ""}}));
}

TEST(Properties, LastOfEqualKeysWinsAlsoInMaps) {
  Attributes attributes{{"k", 1}, {"http.route", "/a"}, {"other", 2}, {"k", "last"}, {"map", Any::Map({{"a", 1}, {"b", 2}, {"a", 3}})}};
  EXPECT_EQ(PropertiesOf(attributes), (Json{{"k", "last"}, {"other", "2"}, {"map", "{\"a\":3,\"b\":2}"}}));
}

TEST(Properties, ManyKeysAreKeptApart) {
  Attributes attributes;
  for (int i = 0; i < 500; ++i) attributes.emplace_back("key" + std::to_string(i % 400), i);
  const Json properties = PropertiesOf(attributes);
  EXPECT_EQ(properties.size(), 400U);
  EXPECT_EQ(properties["key7"], "407");
  EXPECT_EQ(properties["key399"], "399");
}

TEST(Properties, KeysOverTheLimitAreDroppedInUtf16Units) {
  const std::string units_150 = std::string(148, 'k') + "\xF0\x9F\x98\x80";
  EXPECT_TRUE(PropertiesOf({{units_150, 1}}).contains(units_150));
  EXPECT_TRUE(PropertiesOf({{units_150 + "k", 1}}).empty());
}

TEST(Properties, ValuesAreCutBetweenCharacters) {
  EXPECT_EQ(PropertiesOf({{"k", std::string(8191, 'a') + "\xC3\xA9"}})["k"], std::string(8191, 'a'));
  EXPECT_EQ(PropertiesOf({{"k", std::string(8190, 'a') + "\xC3\xA9z"}})["k"], std::string(8190, 'a') + "\xC3\xA9");
  // What is no UTF-8 takes three bytes once it is U+FFFD.
  EXPECT_EQ(PropertiesOf({{"k", std::string(8190, 'a') + "\xFFz"}})["k"], std::string(8190, 'a'));
  EXPECT_EQ(PropertiesOf({{"gen_ai.tool.call.result", std::string(262145, 'a')}})["gen_ai.tool.call.result"].get<std::string>().size(), 262144U);
}

TEST(Properties, DeepNestingEndsInNull) {
  Any value = 1;
  for (int i = 0; i < 5000; ++i) value = Any::Array({value});
  const std::string text = PropertiesOf({{"k", value}})["k"];
  EXPECT_EQ(text, std::string(kNestingMax + 1, '[') + "null" + std::string(kNestingMax + 1, ']'));
}

TEST(Properties, InternalKeysAreDropped) {
  EXPECT_EQ(PropertiesOf({{"_MS.x", 1}, {"microsoft.x", 1}, {"microsoft_x", 1}, {"microsoft.gen_ai.main_agent.id", "a"}, {"ai.operation.name", "n"}, {"ai.x", 2}}),
            (Json{{"microsoft_x", "1"}, {"microsoft.gen_ai.main_agent.id", "a"}, {"ai.x", "2"}}));
}

TEST(Properties, EveryKnownKeyIsFound) {
  for (std::size_t i = 0; i < kKeyCount; ++i) {
    EXPECT_EQ(FindKey(kKeyRows[i].key, HashKey(kKeyRows[i].key)), static_cast<Key>(i)) << kKeyRows[i].key;
    const std::string other = std::string(kKeyRows[i].key) + "x";
    EXPECT_EQ(FindKey(other, HashKey(other)), Key::kUnknown) << other;
  }
  EXPECT_EQ(FindKey("", HashKey("")), Key::kUnknown);
}

TEST(JsonNumbers, TakesTheFiniteNumbersOfAnObject) {
  const auto read = [](std::string_view text) {
    Json numbers = Json::array();
    for (const JsonNumber& number : ReadJsonNumbers(text)) numbers.push_back({number.name, number.value});
    return numbers;
  };
  EXPECT_EQ(read(R"( {"a":1,"b":-0.5e1,"c":"1","d":[1,{"x":2}],"\u00e9\ud83d\ude00\n":3,"e":1e999} )"),
            Json::parse(R"([["a",1],["b",-5],["é😀\n",3]])"));
  for (const char* text : {"", "{", "{}x", "[1]", "1", "{\"a\":01}", "{\"a\":1.}", "{\"a\":1,}", "{a:1}", "{\"a\":NaN}", "{\"a\":+1}", "{\"a\":.5}",
                           "{\"a\":1e}", "{\"a\":\"\\x\"}", "{\"a\":\"\n\"}", "{\"a\":tru}", "{\"a\" 1}", "{\"\\u12\":1}", "{\"a\":[1,]}"}) {
    EXPECT_EQ(read(text), Json::array()) << text;
  }
  EXPECT_EQ(read("{\"\\ud800\":1}"), Json::parse(R"([["\ufffd",1]])"));
  EXPECT_EQ(read("{\"a\":1,\"x\":" + std::string(100'000, '[') + "}"), Json::array());
}

TEST(Measurements, LongKeysAreCutAndTheLastOfEqualOnesWins) {
  const std::string key(160, 'k');
  const Json data = DataOf(TestSpan{.attributes = {{"microsoft.custom_measurements", "{\"" + key + "\":1,\"" + key + "2\":2,\"\":3}"}}});
  EXPECT_EQ(data["measurements"], (Json{{std::string(150, 'k'), 2}}));
}

TEST(TimeText, HasTheFewestExactDecimals) {
  TimeText text;
  EXPECT_EQ(text.Format(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(text.Format(951'782'400'000'000'000), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(text.Format(1'704'164'645'678'123'099), "2024-01-02T03:04:05.678123Z");
  EXPECT_EQ(text.Format(1'704'164'645'678'123'499), "2024-01-02T03:04:05.6781234Z");
  EXPECT_EQ(text.Format(~0ULL), "2554-07-21T23:34:33.7095516Z");
}

TEST(DurationText, StripsAtMostFourZeros) {
  DurationText text;
  EXPECT_EQ(text.FormatTicks(0), "00:00:00.000");
  EXPECT_EQ(text.FormatTicks(10), "00:00:00.000001");
  EXPECT_EQ(text.FormatTicks(1), "00:00:00.0000001");
  EXPECT_EQ(text.FormatTicks(900'611'234'568), "1.01:01:01.1234568");
  EXPECT_EQ(text.FormatSpan(0, ~0ULL), "999.23:59:59.9999999");
}

}  // namespace
}  // namespace azmon::envelope::testing
