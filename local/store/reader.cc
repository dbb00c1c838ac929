// SPDX-License-Identifier: MIT
#include "local/store/reader.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

#include "base/json_writer.h"
#include "local/model/limits.h"
#include "local/model/time.h"
#include "local/query/time_steps.h"
#include "local/store/compress.h"
#include "local/store/rows.h"

namespace azmon::local {
namespace {

constexpr std::int64_t kAll = std::numeric_limits<std::int64_t>::max();

struct Start {
  std::int64_t time;
  bool success;
};

void MakeHistogram(const TransactionQuery& query, std::int64_t now, const std::vector<Start>& starts, TransactionList& list) {
  std::int64_t from = kAll;
  std::int64_t to = std::numeric_limits<std::int64_t>::min();
  for (const Start& start : starts) {
    from = std::min(from, start.time);
    to = std::max(to, start.time);
  }
  if (query.since) from = *query.since;
  if (query.since) to = query.until.value_or(std::max(now, to));
  else if (query.until) to = std::min(*query.until, std::max(to, from));
  if (from > to) return;
  const TimeSteps steps = MakeTimeSteps(from, to, limits::kHistogramBuckets);
  list.histogram_from = steps.from;
  list.histogram_step = steps.step;
  list.histogram.resize(steps.count);
  for (const Start& start : starts) {
    const std::size_t at = steps.At(start.time);
    if (at < steps.count) ++(start.success ? list.histogram[at].ok : list.histogram[at].failed);
  }
}

std::string Quoted(const std::string& text) {
  std::string out;
  base::AppendJsonString(text, out);
  return out;
}

using Found = std::unordered_map<std::string, std::uint64_t>;

struct SeqRange {
  std::int64_t first = 0, last = 0;
};

constexpr std::string_view kSearchedColumns =
    "op,id,parent,dimensions,measurements,name,url,data,message,target,result,kind,role,instance,exception,stack,app,type";

/// As FindInItem, on the row itself: nothing is copied, and ids are spelled out only if a term can be one.
std::uint64_t FindInRow(const Search& search, bool may_find_id, const Statement& row, std::string& scratch) {
  const std::uint64_t all = search.All();
  std::uint64_t found = 0;
  for (int column = 0; column < 3; ++column) {
    if (may_find_id || !row.IsBlob(column)) found |= search.Find(row.Id(column), scratch);
  }
  found |= search.FindInJson(row.Text(3), scratch) | search.FindInJson(row.Text(4), scratch);
  for (int column = 5; column < 17 && found != all; ++column) found |= search.Find(row.Text(column), scratch);
  return found | search.Find(Name(static_cast<ItemType>(row.Integer(17))), scratch);
}

/// Adds to `found` which terms of the search stand in which operations, of those with items in the range.
Result<void> FindTerms(Database& database, const Search& search, SeqRange range, Found& found) {
  auto rows = database.Prepare("SELECT " + std::string(kSearchedColumns) + " FROM items WHERE op IS NOT NULL AND seq BETWEEN ?1 AND ?2");
  if (!rows) return rows.error();
  rows->Bind(1, range.first).Bind(2, range.last);
  const bool may_find_id = search.MayFindId();
  std::string scratch;
  for (;;) {
    const auto row = rows->Step();
    if (!row) return row.error();
    if (!*row) break;
    if (const std::uint64_t terms = FindInRow(search, may_find_id, *rows, scratch); terms != 0) found[rows->Id(0)] |= terms;
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Reader>> Reader::Open(const std::string& path) {
  auto database = Database::Open(path, Database::Mode::kReadOnly);
  if (!database) return database.error();
  if (auto set = (*database)->Execute("PRAGMA query_only=ON; PRAGMA cache_size=-16384; PRAGMA mmap_size=268435456"); !set) return set.error();
  return std::unique_ptr<Reader>(new Reader(std::move(*database)));
}

Result<TransactionList> Reader::ListTransactions(const TransactionQuery& query, std::int64_t now) {
  database_->SetDeadline(std::chrono::steady_clock::now() + limits::kQueryTime);
  // One snapshot for the search and the list.
  if (auto begun = database_->Execute("BEGIN"); !begun) return begun.error();
  struct End {
    Database& database;
    ~End() {
      database.SetDeadline(std::chrono::steady_clock::time_point::max());
      (void)database.Execute("ROLLBACK");
    }
  } const end{*database_};

  const std::int64_t since = query.since.value_or(std::numeric_limits<std::int64_t>::min());
  const std::int64_t until = query.until.value_or(kAll);
  Found found;
  if (!query.search.IsEmpty()) {
    auto range = database_->Prepare("SELECT MIN(first_seq),MAX(last_seq) FROM operations WHERE start>=?1 AND start<?2");
    if (!range) return range.error();
    const auto row = range->Bind(1, since).Bind(2, until).Step();
    if (!row) return row.error();
    const auto searched = FindTerms(*database_, query.search, {range->Integer(0), range->Integer(1)}, found);
    if (!searched) return searched.error();
  }

  // Counting needs the index alone, unless a filter asks for more; the page's rows are read by their key afterwards.
  const bool needs_row = !query.role.empty() || !query.i_key.empty();
  auto rows = database_->Prepare(std::string("SELECT op,start,success,types") + (needs_row ? ",roles,apps" : "") +
                                 " FROM operations WHERE start>=?1 AND start<?2 ORDER BY start DESC,op DESC");
  if (!rows) return rows.error();
  rows->Bind(1, since).Bind(2, until);
  const std::string role = query.role.empty() ? std::string() : Quoted(query.role);
  const std::string application = query.i_key.empty() ? std::string() : Quoted(query.i_key);
  TransactionList list;
  std::vector<Start> starts;
  std::vector<std::string> page;
  bool is_after = !query.after.has_value();
  for (;;) {
    const auto row = rows->Step();
    if (!row) return row.error();
    if (!*row) break;
    const std::int64_t start = rows->Integer(1);
    const bool success = rows->Integer(2) != 0;
    if (query.success && *query.success != success) continue;
    if (query.item_type && (rows->Integer(3) >> static_cast<int>(*query.item_type) & 1) == 0) continue;
    if (!role.empty() && rows->Text(4).find(role) == std::string_view::npos) continue;
    if (!application.empty() && rows->Text(5).find(application) == std::string_view::npos) continue;
    if (!query.search.IsEmpty()) {
      const auto at = found.find(rows->Id(0));
      if (!query.search.Matches(at == found.end() ? 0 : at->second)) continue;
    }
    ++list.total;
    starts.push_back({start, success});
    if (!is_after) {
      // Rows of equal start are ordered by the id's bytes, which is the database's order, not that of the text: look for the row itself.
      if (start > query.after->start) continue;
      is_after = start < query.after->start || rows->Id(0) == query.after->operation_id;
      if (start == query.after->start) continue;
    }
    if (page.size() == query.limit) list.has_more = true;
    else page.push_back(rows->Id(0));
  }
  auto whole = database_->Prepare("SELECT " + std::string(kOperationColumns) + " FROM operations WHERE op=?1");
  if (!whole) return whole.error();
  for (const std::string& operation_id : page) {
    const auto row = whole->BindId(1, operation_id).Step();
    if (!row) return row.error();
    if (*row) ReadSummary(*whole, list.transactions.emplace_back());
    whole->Reset();
  }
  MakeHistogram(query, now, starts, list);
  return list;
}

Result<OperationItems> Reader::ReadOperation(std::string_view operation_id) {
  database_->SetDeadline(std::chrono::steady_clock::now() + limits::kQueryTime);
  auto rows = database_->Prepare("SELECT " + std::string(kItemColumns) + " FROM items WHERE op=?1 ORDER BY seq LIMIT " +
                                 std::to_string(limits::kOperationItemsMax));
  if (!rows) return rows.error();
  rows->BindId(1, operation_id);
  OperationItems result;
  Operation operation;
  for (;;) {
    const auto row = rows->Step();
    if (!row) return row.error();
    if (!*row) break;
    ReadItem(*rows, result.items.emplace_back());
    operation.Add(result.items.back());
  }
  if (result.items.empty()) return Error{ErrorCode::kNotFound, "no item has the operation id '" + std::string(operation_id) + "'"};
  std::stable_sort(result.items.begin(), result.items.end(), [](const Item& a, const Item& b) { return a.time < b.time; });
  result.summary = operation.Summarise(operation_id);
  return result;
}

Result<ItemList> Reader::ListItems(const ItemQuery& query) {
  database_->SetDeadline(std::chrono::steady_clock::now() + limits::kQueryTime);
  std::string sql = "SELECT " + std::string(kItemColumns) + " FROM items WHERE seq<?1";
  if (!query.operation_id.empty()) sql += " AND op=?2";
  if (query.item_type) sql += " AND type=" + std::to_string(static_cast<int>(*query.item_type));
  if (!query.role.empty()) sql += " AND role=?3";
  if (!query.i_key.empty()) sql += " AND app=?4";
  sql += " ORDER BY seq DESC";
  auto rows = database_->Prepare(sql);
  if (!rows) return rows.error();
  rows->Bind(1, query.before ? static_cast<std::int64_t>(std::min<std::uint64_t>(*query.before, kAll)) : kAll);
  if (!query.operation_id.empty()) rows->BindId(2, query.operation_id);
  if (!query.role.empty()) rows->BindText(3, query.role);
  if (!query.i_key.empty()) rows->BindText(4, query.i_key);
  ConditionMatcher where(query.where);
  ItemList list;
  Item item;
  std::string scratch;
  for (;;) {
    const auto row = rows->Step();
    if (!row) return row.error();
    if (!*row) break;
    ReadItem(*rows, item);
    if (!where.Matches(item)) continue;
    if (!query.search.IsEmpty() && !query.search.Matches(FindInItem(query.search, item, scratch))) continue;
    if (list.items.size() == query.limit) {
      list.has_more = true;
      break;
    }
    list.items.push_back(item);
  }
  return list;
}

Result<RawItem> Reader::ReadRaw(std::uint64_t seq) {
  database_->SetDeadline(std::chrono::steady_clock::now() + limits::kQueryTime);
  auto rows = database_->Prepare("SELECT b.kind,b.bytes,b.body,i.raw FROM items i JOIN batches b ON b.id=i.batch WHERE i.seq=?1");
  if (!rows) return rows.error();
  const auto row = rows->Bind(1, static_cast<std::int64_t>(std::min<std::uint64_t>(seq, kAll))).Step();
  if (!row) return row.error();
  if (!*row) return Error{ErrorCode::kNotFound, "there is no item " + std::to_string(seq)};
  auto body = Decompress(rows->Blob(2), static_cast<std::size_t>(rows->Integer(1)));
  if (!body) return body.error();
  RawItem raw{static_cast<RawKind>(rows->Integer(0)), ReadRawParts(rows->Blob(3)), std::move(*body)};
  for (const Slice slice : {raw.parts.item, raw.parts.resource, raw.parts.scope}) {
    if (std::uint64_t{slice.at} + slice.bytes > raw.body.size()) return Error{ErrorCode::kMalformed, "the place of a stored item is damaged"};
  }
  return raw;
}

}  // namespace azmon::local
