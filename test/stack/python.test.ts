import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { type Stack, startStack } from '../../dev/stack/stack.ts';
import { workerOf } from '../support/built-worker.ts';

const AGENT = join(ROOT, 'examples/other-language/agent.py');
const VECTORS = join(ROOT, 'test/vectors/countersign-v1.json');
const missing = spawnSync('python3', ['--version']).status !== 0;
const why = missing
  ? ' (skipped: there is no python3 here; on Debian, apt-get install python3)'
  : '';

/** Runs the Python agent. `-B` prevents compiled files. @returns exit code and output */
const python = async (
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly text: string }> =>
  await new Promise((resolve) => {
    const child = execFile(
      'python3',
      ['-B', AGENT, ...words],
      { env: { ...process.env, ...environment } },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, text: stdout + stderr }),
    );
  });

describe.skipIf(missing)(`an agent written in Python from docs/wire-format.md${why}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  describe('with the vectors', () => {
    it('computes every hash and signature, and rejects the vectors that must fail', async () => {
      const { code, text } = await python(['--vectors', VECTORS]);
      expect(text).toMatch(/^\d{2,} matched, 0 different$/m);
      expect(text).not.toContain('WRONG');
      expect(code).toBe(0);
    });

    it('detects a change of each vector', async () => {
      const results =
        /"(domainSeparator|Agent[A-Za-z]+|intentHash|digest|signature|hash)": "0x[^"]*/g;
      const changed = join(directory, 'changed.json');
      // Changes the fourth digit, which is within a signature's r.
      const altered = readFileSync(VECTORS, 'utf8').replace(results, (text) =>
        text.replace(/(0x...)(.)/, (_, before, digit) => before + (digit === '0' ? '1' : '0')),
      );
      writeFileSync(changed, altered);
      const { code, text } = await python(['--vectors', changed]);
      expect(code).toBe(1);
      expect(text.match(/^ {2}WRONG .*(?: hash| digest| signature|Separator)$/gm)).toHaveLength(37);
      expect(text.match(/^ {2}ok .*(?: hash| digest| signature|Separator)$/gm)).toEqual([
        '  ok    paid nonce is the intent hash',
        '  ok    paid request digest',
        '  ok    unpaid request digest',
        '  ok    Ed25519 signature',
      ]);
    });
  });

  describe('with a gateway', () => {
    let stack: Stack;
    beforeAll(async () => {
      stack = await startStack({
        persistTo: directory,
        file: join(directory, 'stack.json'),
        ...workerOf({}),
      });
    });
    afterAll(async () => await stack?.stop());

    it('pays for a call with a bound payment, looks it up, makes a free call, and verifies the receipts', async () => {
      const { gateway, agent } = stack.description;
      const { code, text } = await python(['--gateway', gateway], { AGENT_KEY: agent.privateKey });
      expect(text).toMatch(/^paid, bound: 200 \{/m);
      expect(text).toMatch(/receipt verified: charged 1000,/);
      expect(text).toMatch(/^ {2}repeated with its retry key: the same answer$/m);
      expect(text).toMatch(/payment settled: 0x[0-9a-f]{64}/);
      expect(text).toMatch(/^looked up: committed, charged 1000, binding intent$/m);
      expect(text).toMatch(/^free, signed: 200 \{/m);
      expect(text).toMatch(/receipt verified: charged 0,/);
      expect(text).toContain(agent.address.toLowerCase());
      expect(code).toBe(0);
      expect(stack.upstream.counts()).toMatchObject({ lookup: 1, whoami: 1 });
    });

    it('does not sign for another origin than the called one', async () => {
      const { gateway, agent } = stack.description;
      const { code, text } = await python(
        ['--gateway', gateway.replace('127.0.0.1', 'localhost')],
        { AGENT_KEY: agent.privateKey },
      );
      expect(text).toContain('requests a signature for');
      expect(code).toBe(1);
      expect(stack.upstream.counts()).toMatchObject({ lookup: 1, whoami: 1 });
    });
  });
});
