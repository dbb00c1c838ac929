// SPDX-License-Identifier: MIT
// What the checks of run.mjs stand on: arguments, one browser, one line a check, axe.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Longest wait for anything the page has to show; the machine may be busy with other tests. */
export const kWaitMs = 15_000;

export function readArguments() {
  const { values } = parseArgs({
    options: {
      base: { type: "string" },
      out: { type: "string" },
      seed: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      number: { type: "string" },
      only: { type: "string" },
    },
  });
  if (values.base === undefined || values.out === undefined) {
    console.error("usage: node e2e/run.mjs --base URL --out DIR [--seed] [--keep] [--number N] [--only NAME]\n  --seed  send orders first, made from a random number that is printed; --number repeats it\n  --keep  leave the store as it is: no check that resets it\n  --only  run the checks whose name contains NAME");
    process.exit(2);
  }
  mkdirSync(values.out, { recursive: true });
  return { ...values, base: values.base.replace(/\/+$/, "") };
}

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic", "--no-first-run", "--disable-component-update", "--disable-sync"],
  });
}

export class Suite {
  passed = 0;
  failed = 0;
  /** Errors of the pages' consoles, with CSP violations among them. */
  consoleErrors = [];

  constructor(browser, options) {
    this.browser = browser;
    this.options = options;
  }

  /** Opens a page in a context of its own. */
  async page(path, { theme = "light", width = 1440, height = 900, ...more } = {}) {
    const context = await this.browser.newContext({
      viewport: { width, height },
      colorScheme: theme,
      locale: "en-GB",
      timezoneId: "UTC",
      permissions: ["clipboard-read", "clipboard-write"],
      ...more,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(kWaitMs);
    page.allowErrors = false;
    page.on("console", (message) => {
      if (message.type() === "error" && !page.allowErrors) this.consoleErrors.push(`${path}: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.consoleErrors.push(`${path}: ${error}`));
    await page.goto(`${this.options.base}${path}`);
    return page;
  }

  /** Runs one check in a page; the page is closed whatever happens. */
  async check(name, path, settings, body) {
    if (this.options.only !== undefined && !name.includes(this.options.only)) return;
    let page;
    try {
      page = await this.page(path, settings);
      this.report(name, null, await body(page));
    } catch (error) {
      await page?.screenshot({ path: join(this.options.out, `failed-${name}.png`) }).catch(() => {});
      this.report(name, error);
    } finally {
      await page?.context().close();
    }
  }

  report(name, error, detail) {
    if (error === null) {
      this.passed++;
      console.log(`ok ${name}${detail === undefined ? "" : ` (${detail})`}`);
    } else {
      this.failed++;
      console.log(`FAIL ${name} ${String(error?.message ?? error).split("\n").slice(0, 3).join(" | ")}`);
    }
  }

  async screenshot(page, name) {
    await page.screenshot({ path: join(this.options.out, `${name}.png`), animations: "disabled" });
  }

  finish() {
    console.log(`${this.passed} passed, ${this.failed} failed`);
    return this.failed === 0 ? 0 : 1;
  }
}

export function assert(condition, message) {
  if (!condition) throw new Error(message);
}

export function assertEqual(actual, expected, what) {
  const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== e) throw new Error(`${what}: ${a} instead of ${e}`);
}

/** Waits until `probe` gives something true and returns it. */
export async function until(probe, what, ms = kWaitMs) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Runs axe over the page; throws if it finds anything.
 *
 * An open menu is Fluent's: it hangs at the end of the body, outside of the landmarks, and has focusable sentinels that
 * pass the focus on at once. With `menu` these two are not counted. */
export async function axe(page, { menu = false } = {}) {
  // Evaluated by the debugger, so the page's security policy stays as it is.
  await page.evaluate(axeSource);
  const violations = await page.evaluate(async (menuOpen) => {
    const context = menuOpen ? { include: [["html"]], exclude: [["[data-tabster-dummy]"]] } : document;
    const rules = menuOpen ? { region: { enabled: false } } : {};
    const result = await globalThis.axe.run(context, { resultTypes: ["violations"], rules });
    return result.violations.map((violation) => `${violation.id}: ${violation.nodes.slice(0, 3).map((node) => `${node.target.join(" ")} ${node.any[0]?.message ?? ""}`).join("; ")}`);
  }, menu);
  assert(violations.length === 0, violations.join(" || "));
}
