// SPDX-License-Identifier: MIT
// Answers of the API in their common form. Private to `api`.
#pragma once

#include <string>

#include "base/result.h"
#include "net/http.h"

namespace azmon::local {

/// A problem document with the status that the error means; 503 tells when to come again.
net::Response ProblemAnswer(const Error& error);

/// 200 with a JSON body that nobody may keep.
net::Response JsonAnswer(std::string body);

}  // namespace azmon::local
