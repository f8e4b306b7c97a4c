import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFixture } from './support/mcp-fixture/server.ts';
import { startSigningProxy } from './support/mcp-fixture/signing-proxy.ts';
import { writeSoldTools } from './support/mcp-fixture/sold.ts';
import { fundedAccount } from './support/payment.ts';
import { useWorld } from './support/world.ts';

const fixture = await startFixture();
const url = `${fixture.url}/mcp`;
const world = useWorld({
  toolsFile: await writeSoldTools(url, '$0'),
  variables: { MCP_PASSTHROUGH: url },
});

let proxy: Awaited<ReturnType<typeof startSigningProxy>>;
beforeAll(async () => {
  proxy = await startSigningProxy(world(), await fundedAccount(world(), 1_000_000n));
});
afterAll(async () => {
  await proxy.stop();
  await fixture.stop();
});

const SUITE = join(
  dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json')),
  'dist/index.js',
);

type Report = {
  readonly code: number | null;
  /** The required scenarios of a revision, and which of them passed. */
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  readonly output: string;
};

/** Runs the official suite against the gateway. Its exit code reflects only the required scenarios. */
const runSuite = async (revision: string): Promise<Report> => {
  const words = [SUITE, 'server', '--url', `${proxy.url}/mcp`, '--requirements', revision];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const [, summary = '', unscored = ''] =
    /=== SUMMARY ===\n(.*?)(?:\nNot scored for [^\n]*\n(.*))?$/s.exec(output) ?? [];
  const extra = new Set([...unscored.matchAll(/^ +[✓✗] (\S+)/gm)].map(([, name]) => name));
  const marked = (mark: string) =>
    [...summary.matchAll(new RegExp(`^${mark} ([^:\\n]+):`, 'gm'))]
      .map(([, name = '']) => name)
      .filter((name) => !extra.has(name));
  return { code, passed: marked('✓'), failed: marked('✗'), output };
};

describe('the conformance suite of MCP, through the gateway to a remote server', () => {
  it('passes all 37 scenarios of revision 2026-07-28', async () => {
    const { code, passed, failed, output } = await runSuite('2026-07-28');
    expect(failed, output).toEqual([]);
    expect([passed.length, code]).toEqual([37, 0]);
  });

  it('passes 26 of 30 scenarios of revision 2025-11-25: the others need a session', async () => {
    const { passed, failed, output } = await runSuite('2025-11-25');
    // These scenarios send requests from the server to the client. A gateway without sessions cannot.
    expect(failed, output).toEqual([
      ...['tools-call-sampling', 'tools-call-elicitation'],
      ...['elicitation-sep1034-defaults', 'elicitation-sep1330-enums'],
    ]);
    expect(passed).toHaveLength(26);
  });
});
