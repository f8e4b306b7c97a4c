import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { freePort, portAnswers } from '../../dev/stack/loopback.ts';

/** A Worker that verifies the log in the body of a request with the published library. */
const WORKER = `import { verify } from './index.js';
export default {
  fetch: async (request) => {
    const bytes = new Uint8Array(await request.arrayBuffer());
    const open = async function* () { yield bytes; };
    return Response.json(await verify({ entries: [{ name: 'log.ndjson', open }] }));
  },
};
`;

const LOGS = join(ROOT, 'test/vectors/audit-export/entries');
const log = readdirSync(LOGS)
  .map((name) => readFileSync(join(LOGS, name), 'utf8'))
  .toSorted((one, other) => other.length - one.length)[0] as string;

const directory = mkdtempSync(join(tmpdir(), 'countersign-verifier-'));
let workerd: ChildProcess;
let url: string;

/** Starts the runtime alone, without flags: the library must need no modules of Node. */
beforeAll(async () => {
  cpSync(join(ROOT, 'dist/verify/worker'), directory, { recursive: true });
  writeFileSync(join(directory, 'main.js'), WORKER);
  const names = readdirSync(directory).toSorted((one) => (one === 'main.js' ? -1 : 1));
  const modules = names.map(
    (name) =>
      `(name = "${name}", ${name.endsWith('.wasm') ? 'wasm' : 'esModule'} = embed "${name}")`,
  );
  const port = await freePort();
  writeFileSync(
    join(directory, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (compatibilityDate = "2026-06-01", modules = [${modules.join(', ')}]))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`,
  );
  const { default: binary } = createRequire(import.meta.url)('workerd') as {
    readonly default: string;
  };
  workerd = spawn(binary, ['serve', 'config.capnp'], { cwd: directory, stdio: 'ignore' });
  url = `http://127.0.0.1:${port}`;
  await vi.waitUntil(() => portAnswers(port), { timeout: 60_000 });
});

afterAll(() => {
  workerd?.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

type Report = {
  readonly checks: readonly {
    readonly check: string;
    readonly verdict: string;
    readonly checked: number;
  }[];
};

it('verifies signatures in a Worker without modules of Node', async () => {
  const report = async (body: string): Promise<Report> =>
    (await (await fetch(url, { method: 'POST', body })).json()) as Report;
  const { checks } = await report(log);
  const signatures = checks.find(({ check }) => check === 'signatures');
  expect(signatures?.verdict).toBe('proved');
  expect(signatures?.checked).toBeGreaterThan(3);
  expect(await report(log.replace('"price":"', '"price":"1'))).toMatchObject({ verdict: 'BROKEN' });
});
