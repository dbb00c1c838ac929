// SPDX-License-Identifier: MIT
// Last step of the build: makes dist/ ready to be put into a program.
//
//   third-party.txt   licences of what ended up in the page
//   *.gz              beside every file that gains by it. No brotli: browsers offer it over https only
//   manifest.json     {"files":[{"path","type","bytes","gzipBytes"|null,"immutable"}]}, sorted by path, itself not listed
//
// Equal sources give equal bytes: no times, no machine paths.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const web = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(web, "dist");

const kTypes = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};

function walk(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? walk(path) : [path];
  });
}

/** The npm packages whose files are in the source maps of the chunks. */
function bundledPackages(maps) {
  const names = new Set();
  for (const map of maps) {
    for (const source of JSON.parse(readFileSync(map, "utf8")).sources) {
      const match = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(source);
      if (match) names.add(match[1]);
    }
  }
  return [...names].sort();
}

function licenceText(name) {
  const folder = join(web, "node_modules", name);
  const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? readFileSync(join(folder, file), "utf8").trim() : `Licence: ${about.license}`;
  return { title: `${name} ${about.version} (${about.license})`, text };
}

const maps = walk(dist).filter((path) => path.endsWith(".map"));
const byText = new Map();
for (const name of bundledPackages(maps)) {
  const { title, text } = licenceText(name);
  byText.set(text, [...(byText.get(text) ?? []), title]);
}
if (byText.size === 0) throw new Error("no npm package found in the source maps: the list of licences would be empty");
const rule = `\n\n${"-".repeat(80)}\n\n`;
writeFileSync(
  join(dist, "third-party.txt"),
  [`The page of azmon-local contains these packages.`, ...[...byText].map(([text, titles]) => `${titles.join("\n")}\n\n${text}`)].join(rule) + "\n",
);
for (const map of maps) rmSync(map);

const files = walk(dist)
  .filter((path) => !path.endsWith(".gz") && path !== join(dist, "manifest.json"))
  .map((path) => {
    const type = kTypes[extname(path)];
    if (type === undefined) throw new Error(`no content type known for ${relative(dist, path)}`);
    const packed = gzipSync(readFileSync(path), { level: 9 });
    const bytes = statSync(path).size;
    const gains = packed.length < bytes * 0.95;
    if (gains) writeFileSync(`${path}.gz`, packed);
    const name = relative(dist, path).split(sep).join("/");
    return { path: name, type, bytes, gzipBytes: gains ? packed.length : null, immutable: name.startsWith("assets/") };
  })
  .sort((a, b) => (a.path < b.path ? -1 : 1));
writeFileSync(join(dist, "manifest.json"), `${JSON.stringify({ files }, null, 1)}\n`);

const total = files.reduce((sum, file) => sum + (file.gzipBytes ?? file.bytes), 0);
for (const file of files) console.log(`${String(file.gzipBytes ?? file.bytes).padStart(8)} ${file.path}`);
console.log(`${String(total).padStart(8)} bytes in all, compressed`);
