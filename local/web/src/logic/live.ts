// SPDX-License-Identifier: MIT
// The last minute of all servers as one line a measure. Pure.
import type { LivePoint, LiveServer } from "../api/types";

/** What one server is known by; it may have come up to three ways. */
const serverKey = (server: LiveServer) => JSON.stringify([server.role, server.instance]);

/** Each server once. Its own Live Metrics know also what sampling leaves out; of two exports one is enough. */
export function bestServers(servers: readonly LiveServer[]): LiveServer[] {
  const order = { live: 0, breeze: 1, otlp: 2 };
  const best = new Map<string, LiveServer>();
  for (const server of servers) {
    const known = best.get(serverKey(server));
    if (known === undefined || order[server.source] < order[known.source]) best.set(serverKey(server), server);
  }
  return [...best.values()].sort((a, b) => (a.role < b.role ? -1 : a.role > b.role ? 1 : a.instance < b.instance ? -1 : 1));
}

export type Measure = "requests" | "requestsFailed" | "requestMs" | "dependencies" | "dependenciesFailed" | "dependencyMs" | "exceptions" | "cpu" | "memory";

const kWeights: Partial<Record<Measure, keyof LivePoint>> = { requestMs: "requests", dependencyMs: "dependencies" };

/** The newest seconds are left out: what ended in them may still be on its way. */
export const kSettleSeconds = 2;

/** One value a second, oldest first; null where no server has one. Counts and memory are added up, durations are means of
 * all calls, processor time is the mean of the servers. */
export function lineOf(servers: readonly LiveServer[], measure: Measure, seconds: number): (number | null)[] {
  const line: (number | null)[] = [];
  for (let ago = seconds - 1; ago >= kSettleSeconds; ago--) {
    let sum = 0;
    let weight = 0;
    let seen = 0;
    for (const server of servers) {
      const point = server.points.find((candidate) => candidate.ago === ago);
      const value = point?.[measure];
      if (point === undefined || value === undefined) continue;
      const by = kWeights[measure];
      const share = by === undefined ? 1 : (point[by] as number);
      sum += value * share;
      weight += share;
      seen++;
    }
    const isMean = kWeights[measure] !== undefined || measure === "cpu";
    line.push(seen === 0 ? null : isMean ? (weight > 0 ? sum / weight : null) : sum);
  }
  return line;
}

/** Servers whose items are counted send nothing in a quiet second: that is a zero. Those that post leave gaps. */
export function withZeros(line: readonly (number | null)[], servers: readonly LiveServer[]): (number | null)[] {
  const isCounted = servers.some((server) => server.source !== "live");
  return isCounted ? line.map((value) => value ?? 0) : [...line];
}

/** The newest value, looking back over a gap of a few seconds. */
export function newest(line: readonly (number | null)[]): number | null {
  for (let at = line.length - 1; at >= Math.max(0, line.length - 4); at--) if (line[at] !== null) return line[at]!;
  return null;
}
