// SPDX-License-Identifier: MIT
import { useQuery } from "@tanstack/react-query";
import { readAnew, useOnChange } from "../app/hooks";
import { getStats } from "./client";

/** The counters are for reading, so once a second is enough. */
const kStatsPauseMs = 1000;

/** Counters and addresses of the server; follows what arrives. */
export function useStats() {
  const query = useQuery({ queryKey: ["stats"], queryFn: ({ signal }) => getStats(signal) });
  useOnChange(() => readAnew(query), true, kStatsPauseMs);
  return query;
}
