// SPDX-License-Identifier: MIT
// Find inside a transaction. Works on the data, not on the page: rows out of view are not in the document.
import type { Item } from "../api/types";
import type { TraceModel } from "./tree";

const texts = new WeakMap<Item, string>();

function searchText(item: Item): string {
  let text = texts.get(item);
  if (text === undefined) {
    const parts: unknown[] = [];
    for (const [name, value] of Object.entries(item)) {
      if (name === "operation_Id" || value === null || value === undefined) continue;
      if (typeof value === "object") {
        for (const [key, inner] of Object.entries(value)) parts.push(key, typeof inner === "object" ? JSON.stringify(inner) : inner);
      } else {
        parts.push(value);
      }
    }
    text = parts.join("\n").toLowerCase();
    texts.set(item, text);
  }
  return text;
}

/** Places of the rows that contain the text, any case, in order. Empty text matches nothing. */
export function findRows(model: TraceModel, query: string): number[] {
  const wanted = query.trim().toLowerCase();
  if (wanted === "") return [];
  return model.rows.filter((row) => row.received.some((item) => searchText(item).includes(wanted))).map((row) => row.index);
}

/** The next of `places` after `current`, going round at the end; null if there is none.
 * @param direction 1 forwards, -1 backwards */
export function nextPlace(places: readonly number[], current: number, direction: 1 | -1): number | null {
  if (places.length === 0) return null;
  if (direction === 1) return places.find((place) => place > current) ?? places[0]!;
  return places.findLast((place) => place < current) ?? places.at(-1)!;
}
