// SPDX-License-Identifier: MIT
// Longest values that Application Insights keeps, contract 3.10 and 2.2. In UTF-16 units unless the name says bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace azmon::envelope::field_limits {

inline constexpr std::size_t kId = 512;
inline constexpr std::size_t kName = 1024;
inline constexpr std::size_t kCode = 1024;
inline constexpr std::size_t kTypeTargetSource = 1024;
inline constexpr std::size_t kData = 8192;
inline constexpr std::size_t kUrl = 2048;
inline constexpr std::size_t kMessage = 32768;
inline constexpr std::size_t kRunLocation = 1024;
inline constexpr std::size_t kAvailabilityMessage = 8192;
inline constexpr std::size_t kExceptionType = 1024;
inline constexpr std::size_t kExceptionText = 32768;  ///< message and stack
inline constexpr std::size_t kProblemId = 1024;
inline constexpr std::size_t kFrames = 100;  ///< entries of parsedStack
inline constexpr std::size_t kFrameText = 1024;
inline constexpr std::size_t kEventName = 512;
inline constexpr std::size_t kMetricName = 1024;
inline constexpr std::size_t kMetricNamespace = 256;
inline constexpr std::size_t kMeasurementKey = 150;
inline constexpr std::size_t kPropertyKey = 150;
inline constexpr std::size_t kPropertyBytes = 8192;
inline constexpr std::size_t kLongPropertyBytes = 262144;  ///< GenAI content

/// Items of one record. An empty event of a span takes two bytes and makes an item of hundreds, so a record of a megabyte could make
/// gigabytes. Above the SDK's limits of 128 events of a span and 2,000 points of a metric.
inline constexpr std::uint32_t kRecordItems = 2048;
/// Links in the property `_MS.links`; 107 would fill kPropertyBytes. Contract 3.8, Δ23.
inline constexpr std::size_t kLinks = 100;
/// Count of a metric point: the service keeps an int32. Contract 5, Δ29.
inline constexpr unsigned kMetricCount = 2147483647;

// Tags
inline constexpr std::size_t kTagSdkVersion = 64;
inline constexpr std::size_t kTagRole = 256;  ///< role and instance
inline constexpr std::size_t kTagApplicationVersion = 1024;
inline constexpr std::size_t kTagDeviceId = 1024;
inline constexpr std::size_t kTagDeviceModel = 256;  ///< model and manufacturer
inline constexpr std::size_t kTagOperationName = 1024;
inline constexpr std::size_t kTagSyntheticSource = 1024;
inline constexpr std::size_t kTagIp = 46;
inline constexpr std::size_t kTagUserId = 128;
inline constexpr std::size_t kTagAuthUserId = 1024;
inline constexpr std::size_t kTagAccountId = 1024;
inline constexpr std::size_t kTagSessionId = 64;

}  // namespace azmon::envelope::field_limits
