// SPDX-License-Identifier: MIT
// The few calls of SQLite that the store needs, with its errors as Result.
//
// Private to `store`. A Database is used by one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace azmon::local {

class Statement;

class Database {
 public:
  enum class Mode : std::uint8_t { kReadWrite, kReadOnly };

  /// @return kUnavailable the file cannot be opened or made
  static Result<std::unique_ptr<Database>> Open(const std::string& path, Mode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Runs statements that return nothing.
  Result<void> Execute(const char* sql);
  Result<Statement> Prepare(std::string_view sql);
  /// The first column of the first row; 0 if there is none.
  Result<std::int64_t> Integer(std::string_view sql);

  /// Statements that run later than this fail with kTimeout.
  void SetDeadline(std::chrono::steady_clock::time_point deadline) { deadline_ = deadline; }

  /// Copies what no reader needs from the log into the file, as far as it goes without waiting.
  /// @return frames in the log that were not copied yet
  Result<std::int64_t> CheckpointPassive();
  /// Copies everything and empties the log; waits for readers.
  Result<void> CheckpointTruncate();

  /// The last failure, with a code by its kind: kStorageFull, kTimeout, kUnavailable (I/O, busy), kMalformed (the file is damaged).
  Error LastError(std::string_view what) const;
  std::int64_t Changes() const;

 private:
  Database() = default;
  friend class Statement;
  static int OnProgress(void* self);

  sqlite3* handle_ = nullptr;
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();
};

/// A prepared statement. Parameters count from 1, columns from 0.
class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  Statement& Bind(int at, std::int64_t value);
  /// The text must stay until the statement is reset. Empty text is NULL.
  Statement& BindText(int at, std::string_view text);
  Statement& BindBlob(int at, std::string_view bytes);
  /// Lower-case hexadecimal text as its bytes, other text as itself: ids take half the room and come back as they were.
  Statement& BindId(int at, std::string_view id);

  /// @return whether there is a row
  Result<bool> Step();
  /// Runs to the end and resets.
  Result<void> Run();
  void Reset();

  std::int64_t Integer(int column) const;
  bool IsNull(int column) const;
  bool IsBlob(int column) const;
  /// Valid until the next Step or Reset.
  std::string_view Text(int column) const;
  std::string_view Blob(int column) const;
  std::string Id(int column) const;

 private:
  friend class Database;
  Database* database_ = nullptr;
  sqlite3_stmt* handle_ = nullptr;
};

}  // namespace azmon::local
