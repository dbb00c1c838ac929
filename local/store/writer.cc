// SPDX-License-Identifier: MIT
#include "local/store/writer.h"

#include <algorithm>
#include <utility>

#include "local/model/limits.h"
#include "local/model/time.h"

namespace azmon::local {
namespace {

constexpr std::string_view kOtherApplications = "(other)";
constexpr std::string_view kNoApplication = "(none)";

std::int64_t NowTicks(const base::Clock& clock) { return clock.WallNow().time_since_epoch().count() / 100; }

void Count(const Item& item, Writer::Totals& totals) {
  ++(item.source == Source::kBreeze ? totals.breeze : totals.otlp);
  const std::string_view key = item.i_key.empty() ? kNoApplication : std::string_view(item.i_key);
  auto at = totals.applications.find(key);
  if (at == totals.applications.end()) {
    const bool has_room = totals.applications.size() < limits::kApplicationsMax;
    at = totals.applications.try_emplace(std::string(has_room ? key : kOtherApplications)).first;
  }
  ++(item.source == Source::kBreeze ? at->second.first : at->second.second);
}

}  // namespace

Result<std::unique_ptr<Writer>> Writer::Open(const std::string& path, const base::Clock& clock) {
  auto database = Database::Open(path, Database::Mode::kReadWrite);
  if (!database) return database.error();
  std::unique_ptr<Writer> writer(new Writer(std::move(*database), clock));
  Database& db = *writer->database_;
  // The page size holds for a new file only. Deleted content is not overwritten: everything here is the user's own telemetry.
  if (auto set = db.Execute("PRAGMA page_size=8192; PRAGMA secure_delete=OFF; PRAGMA cache_size=-32768; PRAGMA temp_store=MEMORY"); !set) return set.error();
  const auto version = db.Integer("PRAGMA user_version");
  if (!version) return Error{ErrorCode::kMalformed, path + " is not a store of azmon-local: " + version.error().detail};
  const auto tables = db.Integer("SELECT COUNT(*) FROM sqlite_schema");
  const auto application = db.Integer("PRAGMA application_id");
  if (!tables) return tables.error();
  if (!application) return application.error();
  if (*tables > 0 && *application != kApplicationId) {
    return Error{ErrorCode::kMalformed, path + " is a database of another program; choose another --location"};
  }
  if (*version > kSchemaVersion) {
    return Error{ErrorCode::kUnsupported, path + " was made by a newer azmon-local (schema " + std::to_string(*version) + ", this one knows " +
                                              std::to_string(kSchemaVersion) + "); choose another --location"};
  }
  if (auto set = db.Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864"); !set) {
    return set.error();
  }
  if (*tables == 0) {
    const std::string schema = std::string("BEGIN IMMEDIATE;") + kSchema + kSchemaOfVersion2 + "PRAGMA application_id=" + std::to_string(kApplicationId) +
                               ";PRAGMA user_version=" + std::to_string(kSchemaVersion) + ";COMMIT";
    if (auto made = db.Execute(schema.c_str()); !made) return made.error();
  } else if (*version < kSchemaVersion) {
    const std::string change =
        std::string("BEGIN IMMEDIATE;") + kSchemaOfVersion2 + "PRAGMA user_version=" + std::to_string(kSchemaVersion) + ";COMMIT";
    if (auto made = db.Execute(change.c_str()); !made) return made.error();
  }
  if (auto prepared = writer->Prepare(); !prepared) return prepared.error();
  if (auto loaded = writer->LoadTotals(); !loaded) return loaded.error();
  return writer;
}

Result<void> Writer::Prepare() {
  const std::string items_of = "SELECT " + std::string(kItemColumns) + " FROM items WHERE op=?1 ORDER BY seq";
  const std::pair<Statement*, std::string_view> statements[] = {
      {&insert_item_,
       "INSERT INTO items VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25,?26,?27,?28,?29)"},
      {&insert_batch_, "INSERT INTO batches VALUES(NULL,?1,?2,?3,?4,?5) RETURNING id"},
      {&replace_operation_, "REPLACE INTO operations VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)"},
      {&has_operation_, "SELECT 1 FROM operations WHERE op=?1"},
      {&items_of_operation_, items_of},
      {&replace_app_, "REPLACE INTO apps VALUES(?1,?2,?3)"},
      {&page_count_, "PRAGMA page_count"},
      {&free_pages_, "PRAGMA freelist_count"},
  };
  for (const auto& [statement, sql] : statements) {
    auto prepared = database_->Prepare(sql);
    if (!prepared) return prepared.error();
    *statement = std::move(*prepared);
  }
  const auto page_bytes = database_->Integer("PRAGMA page_size");
  if (!page_bytes) return page_bytes.error();
  page_bytes_ = *page_bytes;
  return {};
}

Result<void> Writer::LoadTotals() {
  auto apps = database_->Prepare("SELECT app,breeze,otlp FROM apps");
  if (!apps) return apps.error();
  for (;;) {
    const auto row = apps->Step();
    if (!row) return row.error();
    if (!*row) break;
    const auto breeze = static_cast<std::uint64_t>(apps->Integer(1));
    const auto otlp = static_cast<std::uint64_t>(apps->Integer(2));
    totals_.breeze += breeze;
    totals_.otlp += otlp;
    totals_.applications[std::string(apps->Text(0))] = {breeze, otlp};
  }
  const auto transactions = database_->Integer("SELECT COUNT(*) FROM operations");
  if (!transactions) return transactions.error();
  totals_.transactions = static_cast<std::uint64_t>(*transactions);
  const auto last = database_->Integer("SELECT MAX(seq) FROM items");
  if (!last) return last.error();
  totals_.last_seq = static_cast<std::uint64_t>(*last);
  return {};
}

Result<Operation> Writer::Load(std::string_view operation_id) {
  Operation operation;
  items_of_operation_.BindId(1, operation_id);
  Item item;
  for (;;) {
    const auto row = items_of_operation_.Step();
    if (!row) return row.error();
    if (!*row) break;
    ReadItem(items_of_operation_, item);
    operation.Add(item);
  }
  items_of_operation_.Reset();
  return operation;
}

Result<Writer::Known*> Writer::Find(const std::string& operation_id, Totals& totals) {
  if (const auto at = known_.find(operation_id); at != known_.end()) {
    recent_.splice(recent_.begin(), recent_, at->second.place);
    return &at->second;
  }
  has_operation_.BindId(1, operation_id);
  const auto is_old = has_operation_.Step();
  if (!is_old) return is_old.error();
  has_operation_.Reset();
  Operation operation;
  if (*is_old) {
    auto loaded = Load(operation_id);
    if (!loaded) return loaded.error();
    operation = std::move(*loaded);
  } else {
    ++totals.transactions;
  }
  known_items_ += operation.items();
  recent_.push_front(operation_id);
  return &known_.emplace(operation_id, Known{std::move(operation), recent_.begin()}).first->second;
}

Result<void> Writer::WriteSummary(const Operation& operation, std::string_view operation_id) {
  SummaryScratch scratch;
  const OperationSummary summary = operation.Summarise(operation_id);
  BindSummary(summary, scratch, replace_operation_);
  return replace_operation_.Run();
}

Result<void> Writer::WriteApplications(const Totals& totals) {
  for (const auto& [name, counts] : totals.applications) {
    const auto before = totals_.applications.find(name);
    if (before != totals_.applications.end() && before->second == counts) continue;
    replace_app_.BindText(1, name).Bind(2, static_cast<std::int64_t>(counts.first)).Bind(3, static_cast<std::int64_t>(counts.second));
    if (auto run = replace_app_.Run(); !run) return run.error();
  }
  return {};
}

Result<void> Writer::WriteBatch(PackedBatch& batch, std::vector<std::string>& touched, Totals& totals) {
  insert_batch_.Bind(1, static_cast<std::int64_t>(totals.last_seq + 1)).Bind(2, NowTicks(clock_)).Bind(3, static_cast<std::int64_t>(batch.kind));
  insert_batch_.Bind(4, static_cast<std::int64_t>(batch.bytes_plain)).BindBlob(5, batch.body);
  const auto inserted = insert_batch_.Step();
  if (!inserted) return inserted.error();
  const std::int64_t id = insert_batch_.Integer(0);
  insert_batch_.Reset();
  std::string scratch;
  for (Item& item : batch.items) {
    item.seq = ++totals.last_seq;
    BindItem(item, id, scratch, insert_item_);
    if (auto run = insert_item_.Run(); !run) return run.error();
    Count(item, totals);
    if (item.operation_id.empty()) continue;
    // An operation that was read back from the database has the item already; adding it a second time changes nothing.
    auto known = Find(item.operation_id, totals);
    if (!known) return known.error();
    const std::size_t before = (*known)->operation.items();
    (*known)->operation.Add(item);
    known_items_ += (*known)->operation.items() - before;
    touched.push_back(item.operation_id);
  }
  return {};
}

Result<void> Writer::Write(std::vector<PackedBatch*>& batches) {
  if (auto begun = database_->Execute("BEGIN IMMEDIATE"); !begun) return begun.error();
  Totals totals = totals_;
  std::vector<std::string> touched;
  for (PackedBatch* batch : batches) {
    if (auto written = WriteBatch(*batch, touched, totals); !written) return Rollback(written.error());
  }
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  for (const std::string& operation_id : touched) {
    if (auto written = WriteSummary(known_.at(operation_id).operation, operation_id); !written) return Rollback(written.error());
  }
  if (auto written = WriteApplications(totals); !written) return Rollback(written.error());
  if (auto committed = database_->Execute("COMMIT"); !committed) return Rollback(committed.error());
  totals_ = std::move(totals);
  ForgetSurplus();
  return {};
}

Result<void> Writer::Reset() {
  if (auto begun = database_->Execute("BEGIN IMMEDIATE"); !begun) return begun.error();
  if (auto done = database_->Execute("DELETE FROM items; DELETE FROM operations; DELETE FROM batches; DELETE FROM apps; COMMIT"); !done) {
    return Rollback(done.error());
  }
  ForgetAll();
  const std::uint64_t last_seq = totals_.last_seq;
  totals_ = Totals{};
  totals_.last_seq = last_seq;
  return {};
}

Result<std::uint64_t> Writer::Expire(std::optional<std::int64_t> older_than) {
  const auto first = database_->Integer("SELECT MIN(seq) FROM items");
  if (!first) return first.error();
  if (*first == 0) return std::uint64_t{0};
  // A small store is not emptied at one blow.
  const std::uint64_t portion = std::clamp<std::uint64_t>((totals_.breeze + totals_.otlp) / 20, 100, limits::kExpireItems);
  std::int64_t cutoff = *first + static_cast<std::int64_t>(portion);
  if (older_than) {
    // The first batch that stays; batches are in the order of their arrival, so the scan ends there.
    auto young = database_->Prepare("SELECT first_seq FROM batches WHERE received>=?1 ORDER BY id LIMIT 1");
    if (!young) return young.error();
    young->Bind(1, *older_than);
    const auto row = young->Step();
    if (!row) return row.error();
    if (*row) cutoff = std::min(cutoff, young->Integer(0));
  }
  if (cutoff <= *first) return std::uint64_t{0};
  if (auto begun = database_->Execute("BEGIN IMMEDIATE"); !begun) return begun.error();
  Totals totals = totals_;
  auto deleted = ExpireBefore(cutoff, totals);
  if (!deleted) return Rollback(deleted.error()).error();
  if (auto written = WriteApplications(totals); !written) return Rollback(written.error()).error();
  if (auto committed = database_->Execute("COMMIT"); !committed) return Rollback(committed.error()).error();
  totals_ = std::move(totals);
  return deleted;
}

Result<std::uint64_t> Writer::ExpireBefore(std::int64_t cutoff, Totals& totals) {
  const std::string before = " FROM items WHERE seq<" + std::to_string(cutoff);
  std::uint64_t deleted = 0;
  auto counts = database_->Prepare("SELECT app,source,COUNT(*)" + before + " GROUP BY 1,2");
  if (!counts) return counts.error();
  for (;;) {
    const auto row = counts->Step();
    if (!row) return row.error();
    if (!*row) break;
    const auto count = static_cast<std::uint64_t>(counts->Integer(2));
    const bool is_breeze = static_cast<Source>(counts->Integer(1)) == Source::kBreeze;
    deleted += count;
    (is_breeze ? totals.breeze : totals.otlp) -= count;
    auto at = totals.applications.find(counts->IsNull(0) ? kNoApplication : counts->Text(0));
    if (at == totals.applications.end()) at = totals.applications.find(kOtherApplications);
    if (at != totals.applications.end()) {
      auto& of = is_breeze ? at->second.first : at->second.second;
      of -= std::min(of, count);
    }
  }
  std::vector<std::string> operations;
  auto ids = database_->Prepare("SELECT DISTINCT op FROM items NOT INDEXED WHERE seq<" + std::to_string(cutoff) + " AND op IS NOT NULL");
  if (!ids) return ids.error();
  for (;;) {
    const auto row = ids->Step();
    if (!row) return row.error();
    if (!*row) break;
    operations.push_back(ids->Id(0));
  }
  if (auto done = database_->Execute(("DELETE" + before).c_str()); !done) return done.error();
  if (auto done = database_->Execute("DELETE FROM batches WHERE id<IFNULL((SELECT batch FROM items ORDER BY seq LIMIT 1),9223372036854775807)"); !done) {
    return done.error();
  }
  auto remove = database_->Prepare("DELETE FROM operations WHERE op=?1 AND last_seq<" + std::to_string(cutoff));
  if (!remove) return remove.error();
  for (const std::string& operation_id : operations) {
    if (const auto at = known_.find(operation_id); at != known_.end()) {
      known_items_ -= at->second.operation.items();
      recent_.erase(at->second.place);
      known_.erase(at);
    }
    remove->BindId(1, operation_id);
    if (auto run = remove->Run(); !run) return run.error();
    if (database_->Changes() > 0) {
      --totals.transactions;
      continue;
    }
    auto rest = Load(operation_id);
    if (!rest) return rest.error();
    if (auto written = WriteSummary(*rest, operation_id); !written) return written.error();
  }
  return deleted;
}

Result<std::uint64_t> Writer::BytesUsed() {
  std::int64_t pages = 0;
  for (const auto& [statement, sign] : {std::pair(&page_count_, 1), std::pair(&free_pages_, -1)}) {
    const auto row = statement->Step();
    if (!row) return row.error();
    if (*row) pages += sign * statement->Integer(0);
    statement->Reset();
  }
  return static_cast<std::uint64_t>(std::max<std::int64_t>(pages, 0) * page_bytes_);
}

void Writer::ForgetSurplus() {
  while (!recent_.empty() && (recent_.size() > limits::kKnownOperationsMax || known_items_ > limits::kKnownItemsMax)) {
    // The most recent one stays whatever its size: it is the one that grows now.
    if (recent_.size() == 1) break;
    const auto at = known_.find(recent_.back());
    known_items_ -= at->second.operation.items();
    known_.erase(at);
    recent_.pop_back();
  }
}

void Writer::ForgetAll() {
  known_.clear();
  recent_.clear();
  known_items_ = 0;
}

Result<void> Writer::Rollback(Error error) {
  // After a full disk SQLite may have rolled back by itself; then this fails and nothing is to do.
  (void)database_->Execute("ROLLBACK");
  for (Statement* statement : {&insert_item_, &insert_batch_, &replace_operation_, &has_operation_, &items_of_operation_, &replace_app_}) {
    statement->Reset();
  }
  ForgetAll();
  return error;
}

}  // namespace azmon::local
