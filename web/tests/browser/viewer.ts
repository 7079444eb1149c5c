/** Starts what a browser test needs: the built viewer on a free port, and Debian's Chromium. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BrowserContext, chromium } from "playwright-core";

const WEB = fileURLToPath(new URL("../..", import.meta.url));
const CHROMIUM = process.env.CRYPTOVIZ_CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise<void>((done) => server.close(() => done()));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export interface Viewer {
  url: string;
  stop(): Promise<void>;
}

/** `next start` on the build that stands in .next, asking the API at `apiUrl`. */
export async function startViewer(apiUrl: string): Promise<Viewer> {
  const port = await freePort();
  const child = spawn(
    process.execPath,
    ["node_modules/next/dist/bin/next", "start", "--hostname", "127.0.0.1", "--port", String(port)],
    {
      cwd: WEB,
      env: { ...process.env, NODE_ENV: "production", CRYPTOVIZ_API_URL: apiUrl, NEXT_TELEMETRY_DISABLED: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  await ready(child);
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () => ended(child),
  };
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((done, failed) => {
    let said = "";
    const read = (chunk: Buffer): void => {
      said += chunk.toString();
      if (said.includes("Ready in")) done();
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("exit", (code) => failed(new Error(`next start ended with ${code}:\n${said}`)));
  });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((done) => {
    child.removeAllListeners("exit");
    child.once("exit", () => done());
    child.kill("SIGTERM");
  });
}

export interface Browser {
  context: BrowserContext;
  close(): Promise<void>;
}

export async function startBrowser(): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), "cryptoviz-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    args: FLAGS,
    viewport: { width: 1440, height: 900 },
  });
  return {
    context,
    async close() {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}
