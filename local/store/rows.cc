// SPDX-License-Identifier: MIT
#include "local/store/rows.h"

#include <array>
#include <bit>
#include <cstring>

#include <simdjson.h>

#include "base/json_writer.h"

namespace azmon::local {

// Operations hold what the list shows, so that it never has to group items; their index has what is needed to count them. Batches are in the order of their items: expiry deletes from
// the low end of all three tables.
const char* const kSchema = R"(
CREATE TABLE items(
  seq INTEGER PRIMARY KEY, source INTEGER NOT NULL, type INTEGER NOT NULL, time INTEGER NOT NULL, duration INTEGER NOT NULL,
  success INTEGER NOT NULL, severity INTEGER NOT NULL, count INTEGER NOT NULL, app TEXT, op, id, parent, role TEXT, instance TEXT, name TEXT,
  result TEXT, kind TEXT, target TEXT, data TEXT, url TEXT, message TEXT, exception TEXT, stack TEXT, dimensions TEXT, measurements TEXT,
  links TEXT, batch INTEGER NOT NULL, raw BLOB NOT NULL);
CREATE INDEX items_by_op ON items(op) WHERE op IS NOT NULL;
CREATE TABLE operations(
  op PRIMARY KEY, start INTEGER NOT NULL, "end" INTEGER NOT NULL, name TEXT, success INTEGER NOT NULL, roles TEXT NOT NULL,
  items INTEGER NOT NULL, errors INTEGER NOT NULL, sources INTEGER NOT NULL, types INTEGER NOT NULL, apps TEXT NOT NULL,
  first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX operations_by_start ON operations(start, success, types);
CREATE TABLE batches(id INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, received INTEGER NOT NULL, kind INTEGER NOT NULL, bytes INTEGER NOT NULL,
  body BLOB NOT NULL);
CREATE TABLE apps(app TEXT PRIMARY KEY, breeze INTEGER NOT NULL, otlp INTEGER NOT NULL) WITHOUT ROWID;
)";

// The index has all that the list of metrics and the choice of a chart's points ask for; other items pay nothing for it.
const char* const kSchemaOfVersion2 = R"(
ALTER TABLE items ADD COLUMN point TEXT;
CREATE INDEX items_by_metric ON items(name, source, target, kind, role, time, app) WHERE type=5;
)";
static_assert(static_cast<int>(ItemType::kMetric) == 5, "the index names the type by its number");

const std::string_view kItemColumns =
    "seq,source,type,time,duration,success,severity,count,app,op,id,parent,role,instance,name,result,kind,target,data,url,message,exception,"
    "stack,dimensions,measurements,links,point";
const std::string_view kOperationColumns = R"(op,start,"end",name,success,roles,items,errors,sources,types,apps,first_seq,last_seq)";

void WriteList(const std::vector<std::string>& list, std::string& out) {
  base::JsonWriter json(out);
  json.OpenArray();
  for (const std::string& entry : list) json.String(entry);
  json.CloseArray();
}

std::vector<std::string> ReadList(std::string_view text) {
  std::vector<std::string> list;
  thread_local simdjson::dom::parser parser;
  simdjson::dom::array array;
  if (parser.parse(text.data(), text.size()).get(array) != simdjson::SUCCESS) return list;
  for (const simdjson::dom::element entry : array) {
    if (std::string_view value; entry.get(value) == simdjson::SUCCESS) list.emplace_back(value);
  }
  return list;
}

RawParts ReadRawParts(std::string_view blob) {
  static_assert(std::endian::native == std::endian::little && sizeof(RawParts) == 24, "the blob is the struct, little endian");
  RawParts parts;
  if (blob.size() == sizeof parts) std::memcpy(&parts, blob.data(), sizeof parts);
  return parts;
}

void BindItem(const Item& item, std::int64_t batch, std::string& raw_scratch, Statement& statement) {
  raw_scratch.assign(reinterpret_cast<const char*>(&item.raw), sizeof item.raw);
  statement.Bind(1, static_cast<std::int64_t>(item.seq)).Bind(2, static_cast<std::int64_t>(item.source));
  statement.Bind(3, static_cast<std::int64_t>(item.type)).Bind(4, item.time).Bind(5, item.duration);
  statement.Bind(6, item.success).Bind(7, item.severity).Bind(8, item.item_count);
  statement.BindText(9, item.i_key).BindId(10, item.operation_id).BindId(11, item.id).BindId(12, item.parent_id);
  int at = 13;
  for (const std::string* text : {&item.role, &item.role_instance, &item.name, &item.result_code, &item.kind, &item.target, &item.data,
                                  &item.url, &item.message, &item.exception_type, &item.stack, &item.dimensions, &item.measurements,
                                  &item.links}) {
    statement.BindText(at++, *text);
  }
  statement.Bind(27, batch).BindBlob(28, raw_scratch).BindText(29, item.point);
}

void ReadItem(const Statement& row, Item& item) {
  item.seq = static_cast<std::uint64_t>(row.Integer(0));
  item.source = static_cast<Source>(row.Integer(1));
  item.type = static_cast<ItemType>(row.Integer(2));
  item.time = row.Integer(3);
  item.duration = row.Integer(4);
  item.success = static_cast<std::int8_t>(row.Integer(5));
  item.severity = static_cast<std::int8_t>(row.Integer(6));
  item.item_count = row.Integer(7);
  item.i_key = row.Text(8);
  item.operation_id = row.Id(9);
  item.id = row.Id(10);
  item.parent_id = row.Id(11);
  int at = 12;
  for (std::string* text : {&item.role, &item.role_instance, &item.name, &item.result_code, &item.kind, &item.target, &item.data, &item.url,
                            &item.message, &item.exception_type, &item.stack, &item.dimensions, &item.measurements, &item.links, &item.point}) {
    *text = row.Text(at++);
  }
}

void BindSummary(const OperationSummary& summary, SummaryScratch& scratch, Statement& statement) {
  scratch.roles.clear();
  scratch.applications.clear();
  WriteList(summary.roles, scratch.roles);
  WriteList(summary.applications, scratch.applications);
  statement.BindId(1, summary.operation_id).Bind(2, summary.start).Bind(3, summary.end).BindText(4, summary.name);
  statement.Bind(5, summary.success ? 1 : 0).BindText(6, scratch.roles).Bind(7, static_cast<std::int64_t>(summary.items));
  statement.Bind(8, static_cast<std::int64_t>(summary.errors)).Bind(9, summary.sources).Bind(10, summary.types);
  statement.BindText(11, scratch.applications);
  statement.Bind(12, static_cast<std::int64_t>(summary.first_seq)).Bind(13, static_cast<std::int64_t>(summary.last_seq));
}

void ReadSummary(const Statement& row, OperationSummary& summary) {
  summary.operation_id = row.Id(0);
  summary.start = row.Integer(1);
  summary.end = row.Integer(2);
  summary.name = row.Text(3);
  summary.success = row.Integer(4) != 0;
  summary.roles = ReadList(row.Text(5));
  summary.items = static_cast<std::uint64_t>(row.Integer(6));
  summary.errors = static_cast<std::uint64_t>(row.Integer(7));
  summary.sources = static_cast<std::uint32_t>(row.Integer(8));
  summary.types = static_cast<std::uint32_t>(row.Integer(9));
  summary.applications = ReadList(row.Text(10));
  summary.first_seq = static_cast<std::uint64_t>(row.Integer(11));
  summary.last_seq = static_cast<std::uint64_t>(row.Integer(12));
}

}  // namespace azmon::local
