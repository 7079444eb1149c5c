/** The committed types are those of the committed OpenAPI document. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const WEB = fileURLToPath(new URL("../..", import.meta.url));

test("lib/api/schema.d.ts is what npm run api:types makes", { timeout: 30_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "cryptoviz-types-"));
  try {
    const made = join(folder, "schema.d.ts");
    const tool = join(WEB, "node_modules/openapi-typescript/bin/cli.js");
    execFileSync(process.execPath, [tool, "../api/openapi.json", "--output", made], { cwd: WEB, stdio: "pipe" });
    expect(readFileSync(join(WEB, "lib/api/schema.d.ts"), "utf8")).toBe(readFileSync(made, "utf8"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
