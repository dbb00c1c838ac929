// SPDX-License-Identifier: MIT
#include "local/ingest/otlp_attributes.h"

#include <cmath>

#include "base/text.h"
#include "local/ingest/wire_reader.h"
#include "local/model/limits.h"
#include "otlp/fields.h"

namespace azmon::local {
namespace {

/// Inside arrays and maps: strings quoted, the rest as JSON knows it.
void WriteNested(std::string_view bytes, int depth, base::JsonWriter& json) {
  WireReader value(bytes);
  while (value.Next()) {
    switch (value.Tag()) {
      case otlp::any_value::kString: json.String(value.Bytes()); return;
      case otlp::any_value::kBool: json.Bool(value.Varint() != 0); return;
      case otlp::any_value::kInt: json.Integer(static_cast<std::int64_t>(value.Varint())); return;
      case otlp::any_value::kDouble: {
        const double number = value.Double();
        if (std::isfinite(number)) {
          json.Double(number);
        } else {
          std::string text;
          base::AppendEcmaNumber(number, text);
          json.String(text);
        }
        return;
      }
      case otlp::any_value::kBytes: json.String(base::Base64(value.Bytes())); return;
      case otlp::any_value::kArray: {
        WireReader array(value.Bytes());
        json.OpenArray();
        while (depth > 0 && array.Next()) {
          if (array.Tag() == otlp::array_value::kValues) WriteNested(array.Bytes(), depth - 1, json);
          else array.Skip();
        }
        json.CloseArray();
        return;
      }
      case otlp::any_value::kKeyValueList: {
        WireReader list(value.Bytes());
        json.OpenObject();
        while (depth > 0 && list.Next()) {
          if (list.Tag() != otlp::key_value_list::kValues) {
            list.Skip();
            continue;
          }
          WireReader entry(list.Bytes());
          std::string_view key;
          std::string_view member;
          while (entry.Next()) {
            if (entry.Tag() == otlp::key_value::kKey) key = entry.Bytes();
            else if (entry.Tag() == otlp::key_value::kValue) member = entry.Bytes();
            else entry.Skip();
          }
          json.Key(key);
          WriteNested(member, depth - 1, json);
        }
        json.CloseObject();
        return;
      }
      default: value.Skip();
    }
  }
  json.Null();
}

}  // namespace

std::string OtlpValueText(std::string_view bytes) {
  std::string text;
  WireReader value(bytes);
  while (value.Next()) {
    switch (value.Tag()) {
      case otlp::any_value::kString: return std::string(value.Bytes());
      case otlp::any_value::kBool: return value.Varint() != 0 ? "true" : "false";
      case otlp::any_value::kInt: return std::to_string(static_cast<std::int64_t>(value.Varint()));
      case otlp::any_value::kDouble: base::AppendEcmaNumber(value.Double(), text); return text;
      case otlp::any_value::kBytes: base::AppendBase64(value.Bytes(), text); return text;
      case otlp::any_value::kArray:
      case otlp::any_value::kKeyValueList: {
        base::JsonWriter json(text);
        WriteNested(bytes, limits::kValueDepthMax, json);
        return text;
      }
      default: value.Skip();
    }
  }
  return text;
}

void OtlpAttributes::Add(std::string_view key_value) {
  WireReader reader(key_value);
  Entry entry;
  while (reader.Next()) {
    switch (reader.Tag()) {
      case otlp::key_value::kKey: entry.key = reader.Bytes(); break;
      case otlp::key_value::kValue: entry.value = reader.Bytes(); break;
      default: reader.Skip();
    }
  }
  if (!entry.key.empty()) entries_.push_back(entry);
}

const OtlpAttributes::Entry* OtlpAttributes::Find(std::string_view key) const {
  for (auto at = entries_.rbegin(); at != entries_.rend(); ++at) {
    if (at->key == key) return &*at;
  }
  return nullptr;
}

std::string OtlpAttributes::Text(std::initializer_list<std::string_view> keys) const {
  for (const std::string_view key : keys) {
    if (const Entry* entry = Find(key)) {
      if (std::string text = OtlpValueText(entry->value); !text.empty()) return text;
    }
  }
  return {};
}

std::optional<std::int64_t> OtlpAttributes::Integer(std::initializer_list<std::string_view> keys) const {
  return base::ParseInteger<std::int64_t>(Text(keys));
}

bool OtlpAttributes::Has(std::string_view key) const { return Find(key) != nullptr; }

std::string OtlpAttributes::Json() const {
  std::string out;
  if (entries_.empty()) return out;
  base::JsonWriter json(out);
  json.OpenObject();
  for (const Entry& entry : entries_) {
    if (Find(entry.key) == &entry) json.Key(entry.key).String(OtlpValueText(entry.value));
  }
  json.CloseObject();
  return out;
}

}  // namespace azmon::local
