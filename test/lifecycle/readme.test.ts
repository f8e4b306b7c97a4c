import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { type Stack, startStack } from '../../dev/stack/stack.ts';
import { createAgent } from '../../src/client/index.ts';
import { BUILT_IN_POLICY, parsePolicy } from '../../src/policy/policy.ts';
import { untilDayLasts } from '../support/day.ts';

const page = (name: string): string => readFileSync(join(ROOT, name), 'utf8');
const README = page('README.md');
const USUAL_ORIGIN = 'http://127.0.0.1:8787';

/** Code blocks of one language on a page, in order. */
const blocks = (language: string, text = README): readonly string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(
    ([, block = '']) => block,
  );

/** Runs a text as a module of this project. Returns the module's output. */
const runModule = async (
  type: string,
  text: string,
  environment: Readonly<Record<string, string>>,
) => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [`--input-type=${type}`, '--eval', text],
    { cwd: ROOT, env: { ...process.env, ...environment } },
  );
  return stdout;
};

describe('README and docs', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ persistTo: directory, file: join(directory, '.dev/stack.json') });
  });
  afterAll(async () => {
    await stack?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('have quickstarts of at most twelve lines, and at most 400 other words in README', () => {
    const code = /^```[a-z]*\n(.*?)^```/gms;
    for (const [, block = ''] of README.matchAll(code))
      expect(block.trim().split('\n').length, block).toBeLessThanOrEqual(12);
    const prose = README.replaceAll(code, '').replaceAll(/\]\([^)]*\)/g, ']');
    expect(prose.split(/\s+/).length).toBeLessThanOrEqual(400);
  });

  it("have an agent's example that pays and verifies its receipt", async () => {
    const [example = ''] = blocks('ts');
    const printed = await runModule(
      'module-typescript',
      example.replaceAll(USUAL_ORIGIN, stack.gateway.url),
      { AGENT_KEY: stack.description.agent.privateKey },
    );
    expect(printed).toMatch(/^200 \{/);
    expect(printed).toContain('charged: 1000n');
    expect(printed).toContain('verified: true');
    for (const member of /countersign\); \/\/ (.*)$/m.exec(example)?.[1]?.split(', ') ?? ['none'])
      expect(printed).toContain(`${/^[a-z]+/.exec(member)?.[0]}:`);
    expect(stack.upstream.counts().lookup).toBe(1);
  });

  it('have a fleet story that works and a log that verifies', async () => {
    // The story uses up a daily limit, so the day must not end meanwhile.
    await untilDayLasts(120_000);
    const story = blocks('sh').find((block) => block.includes('fleet new')) ?? '';
    const audit = blocks('sh').find((block) => block.includes('audit verify')) ?? '';
    // Make the decisions once `tail` follows the accounts. `tail`, the report and the log then get the denial, which the account writes
    // within ten seconds. The first entries of an account may reach the log later than those of others, so wait for all four. Background
    // commands would outlive the script.
    const script = `
      trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
      eventually() { for _ in $(seq 120); do "$@" && return; sleep 0.5; done; echo "never: $*" >&2; exit 1; }
      reports_all() { countersign spend --by tool | grep -qE '0\\.003 +3 +1 '; }
      proves() { rm -rf audit; countersign audit export --fleet -o audit >exported && grep -q 'of 4 accounts' exported && curl -fsS ${USUAL_ORIGIN}/log/keys >log-keys && countersign audit verify audit --log-key log-keys >verified; }
      ${story.replace(/tail &.*\n/, 'tail >decisions 2>notes &\neventually grep -q watching notes\n')}
      eventually grep -q denied decisions; kill %1; cat decisions
      eventually reports_all; countersign spend --by tool
      eventually proves; rm -rf audit
      set -e
      ${audit}`
      .replaceAll('$PWD/node_modules', join(ROOT, 'node_modules'))
      .replaceAll('examples/', join(ROOT, 'examples/'))
      .replaceAll(USUAL_ORIGIN, stack.gateway.url);
    const running = promisify(execFile)('bash', ['-c', script], {
      cwd: directory,
      env: { ...process.env, COUNTERSIGN_HOME: join(directory, 'home') },
    });
    // The story asks for a password once.
    running.child.stdin?.end('of this test\n');
    const { stdout, stderr } = await running.catch((failure: unknown) => {
      // The verifiers say on stdout what they found.
      if (failure instanceof Error && 'stdout' in failure) failure.message += failure.stdout;
      throw failure;
    });
    expect(stderr.match(/^200 · paid \$0\.001 .* from credit/gm)).toHaveLength(3);
    expect(stderr).toMatch(/rule +window\n +limit +\$0\.002/);
    expect(stdout).toMatch(/team\/alice +lookup +denied +window/);
    expect(stdout).toMatch(/1 grant of team\/carol revoked/);
    const spent = [...stdout.matchAll(/^lookup +\$(\S+) +(\d) /gm)].map((row) => row.slice(1));
    // The story's own report may miss calls.
    for (const [charged, calls] of spent) expect(Number(charged)).toBe(Number(calls) / 1000);
    expect(spent.at(-1)).toEqual(['0.003', '3']);
    // Both verifiers must report each check.
    for (const check of ['signatures', 'limits', 'denials', 'payments'])
      expect(stdout.match(new RegExp(`^ *${check} +(?:proved|bounded)`, 'gm')), check).toHaveLength(
        2,
      );
  }, 400_000);

  it("have an upstream's check that accepts a real assertion for its own body only", async () => {
    const account = privateKeyToAccount(stack.description.agent.privateKey);
    const agent = createAgent({ account, spend: { perCall: '$0.01', total: '$0.01' } });
    const url = stack.description.tools.find(({ id }) => id === 'echo')?.url ?? '';
    const answer = await agent.fetch(`${url}x`, { method: 'POST', body: '{"a":1}' });
    const { headers: seen } = (await answer.json()) as { headers: Record<string, string> };
    const [example = ''] = blocks('js', page('docs/tools.md'));
    const check = async (body: string): Promise<string> =>
      await runModule(
        'module',
        `${example}
        const { ASSERTION, BODY } = process.env;
        const verified = verifiedCall(ASSERTION, Buffer.from(BODY));
        console.log(await verified.then(({ account }) => account, ({ message }) => message));`
          .replaceAll('https://gateway.example', stack.gateway.url)
          .replaceAll('https://api.example', stack.upstream.url),
        { ASSERTION: seen['x-agent-assertion'] ?? '', BODY: body },
      );
    expect(await check('{"a":1}')).toBe(`eip155:84532:${account.address.toLowerCase()}\n`);
    expect(await check('{"a":2}')).toBe('asserted for another body\n');
  });

  it('have commands that return the documented status', async () => {
    const commands = [
      ...page('docs/local-stack.md').matchAll(/^curl (?:-i )?'([^']+)'(?: +# (\d{3}))?/gm),
    ];
    expect(commands).toHaveLength(4);
    for (const [, url = '', status = '200'] of commands)
      expect((await fetch(url.replace(USUAL_ORIGIN, stack.gateway.url))).status).toBe(
        Number(status),
      );
  });

  it('list the demo tools with their prices', () => {
    const rows = [
      ...page('docs/local-stack.md').matchAll(
        /^\| `([a-z]+)` \| .*? \| (\$[0-9.]+|free) \| ([a-z]+) \|/gm,
      ),
    ];
    expect(rows.map(([, id, price, settlement]) => `${id} ${price} ${settlement}`)).toEqual(
      stack.description.tools.map(
        ({ id, price, settlement }) => `${id} ${price === '$0' ? 'free' : price} ${settlement}`,
      ),
    );
  });

  it('show the default policy', () => {
    const [example = ''] = blocks('json', page('docs/policy.md'));
    const parsed = parsePolicy(JSON.parse(example));
    expect(parsed.ok && { ...parsed.value, windows: [] }).toEqual(BUILT_IN_POLICY);
  });

  it('have a picture of the current demo', () => {
    const picture = page('docs/demo.svg');
    const story = page('dev/demo/story.ts');
    const titles = [...story.matchAll(/narrator\.step\(\s*'([^']+)'/g)].map(([, title]) => title);
    const drawn = [...picture.matchAll(/>\d+\. ([^<]*)</g)].map(([, title]) => title);
    expect(drawn, 'node dev/picture.ts draws it again').toEqual(titles);
    expect(picture).toContain('All checks passed');
  });
});
