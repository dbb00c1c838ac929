// SPDX-License-Identifier: MIT
// The tables, and how items and operations become rows. Private to `store`.
#pragma once

#include <string>
#include <string_view>

#include "local/model/item.h"
#include "local/store/operation.h"
#include "local/store/sqlite.h"

namespace azmon::local {

/// What PRAGMA user_version says; a newer one is refused, an older one brought up to this one.
inline constexpr std::int64_t kSchemaVersion = 2;
/// PRAGMA application_id: "azm1".
inline constexpr std::int64_t kApplicationId = 0x617A6D31;

extern const char* const kSchema;
/// What version 2 has that version 1 had not: applied to an old file, and to a new one after kSchema.
extern const char* const kSchemaOfVersion2;

/// The columns that ReadItem reads, in their order.
extern const std::string_view kItemColumns;
/// The columns that ReadSummary reads, in their order.
extern const std::string_view kOperationColumns;

/// Binds an item to "INSERT INTO items VALUES (?1 … ?29)".
void BindItem(const Item& item, std::int64_t batch, std::string& raw_scratch, Statement& statement);
void ReadItem(const Statement& row, Item& item);

/// Binds to "REPLACE INTO operations VALUES (?1 … ?13)". The scratch strings must live until the statement is reset.
struct SummaryScratch {
  std::string roles, applications;
};
void BindSummary(const OperationSummary& summary, SummaryScratch& scratch, Statement& statement);
void ReadSummary(const Statement& row, OperationSummary& summary);

/// A JSON array of strings, the form in which lists lie in a column, and its inverse for what it wrote itself.
void WriteList(const std::vector<std::string>& list, std::string& out);
std::vector<std::string> ReadList(std::string_view json);

RawParts ReadRawParts(std::string_view blob);

}  // namespace azmon::local
