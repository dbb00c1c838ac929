-- SPDX-License-Identifier: MIT
-- wrk script: POST /orders with a random orderId; prints one JSON line at the end.
local seed = tonumber(os.getenv("WRK_SEED") or "1")
function setup(thread) thread:set("tid", seed); seed = seed + 1 end
function init(args) math.randomseed(tid * 7919) end
function request()
  local body = string.format('{"orderId": %d}', math.random(1, 1000000000))
  return wrk.format("POST", "/orders", {["Content-Type"] = "application/json"}, body)
end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    'WRK {"requests":%d,"seconds":%.3f,"rps":%.1f,"p50_ms":%.3f,"p90_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,"non2xx":%d,"errors":%d}\n',
    summary.requests, summary.duration / 1e6, summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1000, latency:percentile(90) / 1000, latency:percentile(99) / 1000,
    latency.max / 1000, e.status, e.connect + e.read + e.write + e.timeout))
end
