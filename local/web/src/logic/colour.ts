// SPDX-License-Identifier: MIT
// A role's colour: always the same for the same name, in every session. Two roles may share a colour; the name stands
// beside it everywhere. colour.test.ts checks each entry for 3:1 against every surface it is drawn on.

export interface RoleColour {
  readonly light: string;
  readonly dark: string;
}

export const kPalette: readonly RoleColour[] = [
  { light: "#b3267c", dark: "#f28ac4" },
  { light: "#b4460f", dark: "#f4a071" },
  { light: "#3a55c9", dark: "#95a8fa" },
  { light: "#59468f", dark: "#b3a4e6" },
  { light: "#5b7a00", dark: "#a8cf3d" },
  { light: "#0f6cbd", dark: "#62abf5" },
  { light: "#8a6100", dark: "#e6bd4f" },
  { light: "#0b7a75", dark: "#4cc9c0" },
  { light: "#1d7f3c", dark: "#63cf86" },
  { light: "#6b6300", dark: "#cfc04a" },
  { light: "#007390", dark: "#5cc6e6" },
  { light: "#84542f", dark: "#d8ab84" },
  { light: "#7b3fb5", dark: "#c59bf0" },
  { light: "#4a6c5e", dark: "#9cc4b1" },
];

/** FNV-1a over UTF-16 units, with a last mix because the low bits alone are used. */
export function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 15)) >>> 0;
}

export function roleColour(role: string): RoleColour {
  return kPalette[hashName(role) % kPalette.length]!;
}

/** WCAG 2 contrast of two #rrggbb colours, 1…21. */
export function contrast(first: string, second: string): number {
  const [high, low] = [luminance(first), luminance(second)].sort((a, b) => b - a) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function luminance(hex: string): number {
  const channel = (at: number) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}
