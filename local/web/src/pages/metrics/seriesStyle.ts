// SPDX-License-Identifier: MIT
// How a series looks: a role has the colour that it has everywhere, other values take the palette in turn.
import type { CSSProperties } from "react";
import { kPalette } from "../../logic/colour";
import type { Line } from "../../logic/metrics";
import { roleStyle } from "../../parts/parts";

/** Neighbours of this order are easy to tell apart. */
const kOrder = [5, 1, 8, 0, 12, 6, 7, 2, 11, 4, 10, 3, 9, 13];
const kDashes = [undefined, "6 3", "2 3", "9 3 2 3"];

export function seriesStyle(line: Line, place: number, splitBy: string): CSSProperties {
  if (splitBy === "cloud_RoleName" && !line.isRest) return roleStyle(line.name === "(none)" ? "" : line.name);
  const { light, dark } = kPalette[kOrder[place % kOrder.length]!]!;
  return { "--role-light": light, "--role-dark": dark } as CSSProperties;
}

export const dashOf = (place: number): string | undefined => kDashes[place % kDashes.length];
