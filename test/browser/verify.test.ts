import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { type RunningServer, serveLoopback } from '../../dev/stack/loopback.ts';
import { endPages, sharedBrowser } from './browser.ts';

const LOGS = join(ROOT, 'test/vectors/audit-export/entries');
const log = readdirSync(LOGS)
  .map((name) => readFileSync(join(LOGS, name), 'utf8'))
  .toSorted((one, other) => other.length - one.length)[0] as string;

/** The files that the test serves: the published module, a page, and a log. */
const FILES: ReadonlyMap<string, readonly [type: string, text: string]> = new Map([
  ['/', ['text/html', '<!doctype html><title>verifier</title>']],
  ['/verify.js', ['text/javascript', readFileSync(join(ROOT, 'dist/verify/index.js'), 'utf8')]],
  ['/log.ndjson', ['application/x-ndjson', log]],
]);

let site: RunningServer;
let browser: Browser;
beforeAll(async () => {
  site = await serveLoopback({
    handler: (request) => {
      const [type, text] = FILES.get(new URL(request.url).pathname) ?? [];
      return type === undefined
        ? new Response(null, { status: 404 })
        : new Response(text ?? '', { headers: { 'Content-Type': type } });
    },
  });
  browser = await sharedBrowser();
});
afterAll(async () => {
  await endPages(browser, site.url);
  await site?.stop();
});

it('verifies signatures in a page, from the published module alone', async () => {
  const page = await browser.newPage();
  await page.goto(site.url);
  const report = await page.evaluate(`(async () => {
    const { verify } = await import('/verify.js');
    const bytes = new Uint8Array(await (await fetch('/log.ndjson')).arrayBuffer());
    const open = async function* () { yield bytes; };
    return await verify({ entries: [{ name: 'log.ndjson', open }] });
  })()`);
  const { checks } = report as {
    checks: readonly { check: string; verdict: string; checked: number }[];
  };
  const signatures = checks.find(({ check }) => check === 'signatures');
  expect(signatures?.verdict).toBe('proved');
  expect(signatures?.checked).toBeGreaterThan(3);
});
