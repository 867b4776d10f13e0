// Makes ../static from src and the packages in the lock file. `node build.mjs [FOLDER]`, after `npm ci`.

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2] ?? join(here, "..", "static");
mkdirSync(target, { recursive: true });

const result = await build({
  absWorkingDir: here,
  entryPoints: ["src/main.js"],
  outfile: join(target, "app.js"),
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  legalComments: "none", // licences.txt has them all
  metafile: true,
});
await build({ absWorkingDir: here, entryPoints: ["src/app.css"], outfile: join(target, "app.css"), minify: true });
for (const name of ["index.html", "icon.svg"]) cpSync(join(here, "src", name), join(target, name));

const packages = new Set(
  Object.keys(result.metafile.inputs)
    .map((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1])
    .filter(Boolean),
);
const texts = [...packages].sort().map((name) => {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = ["LICENSE", "LICENSE.md", "LICENCE"].map((one) => join(folder, one)).find(existsSync);
  return `${name} ${version} (${license})\n\n${file ? readFileSync(file, "utf8").trim() : "no licence file"}\n`;
});
writeFileSync(join(target, "licences.txt"), texts.join(`\n${"-".repeat(80)}\n\n`));

// What the bundle was made of: a test compares it with what is there.
const hash = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");
const sources = ["build.mjs", "package.json", "package-lock.json", ...readdirSync(join(here, "src")).sort().map((name) => `src/${name}`)];
const made = ["app.css", "app.js", "icon.svg", "index.html", "licences.txt"];
const record = {
  sources: Object.fromEntries(sources.map((name) => [name, hash(join(here, name))])),
  made: Object.fromEntries(made.map((name) => [name, hash(join(target, name))])),
};
writeFileSync(join(target, "made.json"), `${JSON.stringify(record, null, 2)}\n`);
