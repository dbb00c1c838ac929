// SPDX-License-Identifier: MIT
#include "local/store/sqlite.h"

#include <sqlite3.h>

#include <array>
#include <utility>

#include "base/text.h"

namespace azmon::local {
namespace {

/// Virtual machine steps between two looks at the clock: about 50 us of work.
constexpr int kProgressSteps = 20'000;

/// How long a statement waits for a lock that another connection holds for moments (a checkpoint that resets the log).
constexpr int kBusyMs = 5'000;

bool IsLowerHex(std::string_view text) {
  for (const char c : text) {
    if (!base::IsDigit(c) && (c < 'a' || c > 'f')) return false;
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<Database>> Database::Open(const std::string& path, Mode mode) {
  std::unique_ptr<Database> database(new Database);
  const int flags = (mode == Mode::kReadWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path.c_str(), &database->handle_, flags, nullptr) != SQLITE_OK) {
    return Error{ErrorCode::kUnavailable, "cannot open " + path + ": " +
                                              (database->handle_ != nullptr ? sqlite3_errmsg(database->handle_) : "out of memory")};
  }
  sqlite3_busy_timeout(database->handle_, kBusyMs);
  sqlite3_progress_handler(database->handle_, kProgressSteps, &Database::OnProgress, database.get());
  return database;
}

Database::~Database() { sqlite3_close_v2(handle_); }

int Database::OnProgress(void* self) {
  const auto deadline = static_cast<Database*>(self)->deadline_;
  return deadline != std::chrono::steady_clock::time_point::max() && std::chrono::steady_clock::now() > deadline ? 1 : 0;
}

Error Database::LastError(std::string_view what) const {
  ErrorCode code = ErrorCode::kInternal;
  switch (sqlite3_errcode(handle_) & 0xff) {
    case SQLITE_FULL: code = ErrorCode::kStorageFull; break;
    case SQLITE_INTERRUPT: code = ErrorCode::kTimeout; break;
    case SQLITE_IOERR: case SQLITE_BUSY: case SQLITE_LOCKED: case SQLITE_CANTOPEN: case SQLITE_READONLY: case SQLITE_NOMEM:
      code = ErrorCode::kUnavailable;
      break;
    case SQLITE_CORRUPT: case SQLITE_NOTADB: code = ErrorCode::kMalformed; break;
    default: break;
  }
  return Error{code, std::string(what) + ": " + sqlite3_errmsg(handle_), sqlite3_system_errno(handle_)};
}

std::int64_t Database::Changes() const { return sqlite3_changes64(handle_); }

Result<void> Database::Execute(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return LastError(sql);
  return {};
}

Result<Statement> Database::Prepare(std::string_view sql) {
  Statement statement;
  statement.database_ = this;
  if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement.handle_, nullptr) !=
      SQLITE_OK) {
    return LastError(sql);
  }
  return statement;
}

Result<std::int64_t> Database::Integer(std::string_view sql) {
  auto statement = Prepare(sql);
  if (!statement) return statement.error();
  const auto row = statement->Step();
  if (!row) return row.error();
  return *row ? statement->Integer(0) : 0;
}

Result<std::int64_t> Database::CheckpointPassive() {
  int in_log = 0;
  int copied = 0;
  const int code = sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, &in_log, &copied);
  if (code != SQLITE_OK && code != SQLITE_BUSY) return LastError("checkpoint");
  return std::int64_t{in_log} - copied;
}

Result<void> Database::CheckpointTruncate() {
  if (sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr) != SQLITE_OK) return LastError("checkpoint");
  return {};
}

Statement::Statement(Statement&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)), handle_(std::exchange(other.handle_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(database_, other.database_);
  std::swap(handle_, other.handle_);
  return *this;
}

Statement::~Statement() { sqlite3_finalize(handle_); }

Statement& Statement::Bind(int at, std::int64_t value) {
  sqlite3_bind_int64(handle_, at, value);
  return *this;
}

Statement& Statement::BindText(int at, std::string_view text) {
  if (text.empty()) sqlite3_bind_null(handle_, at);
  else sqlite3_bind_text64(handle_, at, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::BindBlob(int at, std::string_view bytes) {
  sqlite3_bind_blob64(handle_, at, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::BindId(int at, std::string_view id) {
  if ((id.size() != 16 && id.size() != 32) || !IsLowerHex(id)) return BindText(at, id);
  const auto bytes = base::ParseHex(id);
  sqlite3_bind_blob64(handle_, at, bytes->data(), bytes->size(), SQLITE_TRANSIENT);
  return *this;
}

Result<bool> Statement::Step() {
  switch (sqlite3_step(handle_)) {
    case SQLITE_ROW: return true;
    case SQLITE_DONE: return false;
    default: {
      Error error = database_->LastError("query");
      sqlite3_reset(handle_);
      return error;
    }
  }
}

Result<void> Statement::Run() {
  const auto row = Step();
  if (!row) return row.error();
  sqlite3_reset(handle_);
  return {};
}

void Statement::Reset() { sqlite3_reset(handle_); }

std::int64_t Statement::Integer(int column) const { return sqlite3_column_int64(handle_, column); }

bool Statement::IsNull(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }

bool Statement::IsBlob(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_BLOB; }

std::string_view Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  return text == nullptr ? std::string_view() : std::string_view(text, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column)));
}

std::string_view Statement::Blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  return bytes == nullptr ? std::string_view() : std::string_view(bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column)));
}

std::string Statement::Id(int column) const {
  if (sqlite3_column_type(handle_, column) == SQLITE_BLOB) return base::Hex(Blob(column));
  return std::string(Text(column));
}

}  // namespace azmon::local
