// SPDX-License-Identifier: MIT
import { readFileSync } from "node:fs";
import { webDarkTheme, webLightTheme } from "@fluentui/react-components";
import { describe, expect, test } from "vitest";
import { contrast, hashName, kPalette, roleColour } from "./colour";

const css = readFileSync(new URL("../styles/base.css", import.meta.url), "utf8");

/** The value of one of our variables, in the light or in the dark block of base.css. */
function variable(name: string, dark: boolean): string {
  const blocks = [...css.matchAll(/\{[^}]*\}/g)].map((match) => match[0]).filter((block) => block.includes(`${name}:`));
  const value = new RegExp(`${name}:\\s*(#[0-9a-f]{6})`).exec(blocks[dark ? 1 : 0] ?? "");
  if (value === null) throw new Error(`${name} not found`);
  return value[1]!;
}

const surfaces = {
  light: [webLightTheme.colorNeutralBackground1, webLightTheme.colorNeutralBackground1Hover, webLightTheme.colorNeutralBackground3, variable("--chosen", false), variable("--match", false)],
  dark: [variable("--page", true), variable("--hover", true), "#2d2d2d", variable("--chosen", true), variable("--match", true), webDarkTheme.colorNeutralBackground1],
};

describe("contrast", () => {
  test("of the formula", () => {
    expect(contrast("#000000", "#ffffff")).toBeCloseTo(21);
    expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
  });

  for (const theme of ["light", "dark"] as const) {
    for (const surface of surfaces[theme])
      test.each(kPalette.map((colour) => colour[theme]))(`a role's ${theme} colour %s stands out from ${surface} by 3:1`, (colour) =>
        expect(contrast(colour, surface)).toBeGreaterThanOrEqual(3),
      );
    for (const name of ["--bar-failed"])
      test.each(surfaces[theme])(`${name} stands out from %s by 3:1 in ${theme}`, (surface) =>
        expect(contrast(variable(name, theme === "dark"), surface)).toBeGreaterThanOrEqual(3),
      );
    for (const name of ["--failed-text", "--ok-text", "--warning-text", "--quiet"])
      test.each(surfaces[theme])(`text in ${name} is readable (4.5:1) on %s in ${theme}`, (surface) =>
        expect(contrast(variable(name, theme === "dark"), surface)).toBeGreaterThanOrEqual(4.5),
      );
  }
});

describe("roles", () => {
  test("the same name has the same colour in every session", () => {
    expect(hashName("checkout")).toBe(hashName("checkout"));
    expect(roleColour("checkout")).toEqual({ light: "#0f6cbd", dark: "#62abf5" });
  });
  test("the three services of this project differ", () => {
    expect(new Set(["checkout", "order-processor", "receipt"].map((role) => roleColour(role).light)).size).toBe(3);
  });
  test("names spread over the palette", () => {
    const used = new Set(Array.from({ length: 500 }, (_, at) => roleColour(`service-${at}`)));
    expect(used.size).toBe(kPalette.length);
  });
});
