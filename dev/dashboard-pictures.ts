/**
 * Draws the pictures of the dashboard in README.md: `node dev/dashboard-pictures.ts`. It starts a local stack, lets nine agents call tools
 * until some are denied, and photographs four pages. Needs Chromium (dev/browser.ts).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { privateKeyToAccount } from 'viem/accounts';
import { createAgent } from '../src/client/agent.ts';
import { createManagement } from '../src/client/management.ts';
import { CHROMIUM } from './browser.ts';
import { ROOT } from './root.ts';
import { people, type Person } from './stack/people.ts';
import { startStack } from './stack/stack.ts';

const SIZE = { width: 1280, height: 800 };
const NAMES = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', 'ivan'];
const WORDS = ['river', 'bank', 'edge', 'sea', 'otter', 'stone', 'light'];
/** A day's limit that the busier agents reach. */
const POLICY = {
  perCall: '10000u',
  exposure: '1000000u',
  rate: { limit: 1000, seconds: 1 },
  windows: [{ every: 'day', limit: '5000u' }],
};

const directory = mkdtempSync(join(tmpdir(), 'countersign-pictures-'));
const stack = await startStack({
  persistTo: directory,
  file: join(directory, 'stack.json'),
  variables: { DEFAULT_POLICY: JSON.stringify(POLICY) },
});
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
const { url } = stack.gateway;
const operator = createManagement({
  gateway: url,
  account: privateKeyToAccount(people.operator.privateKey),
});
const accountOf = ({ address }: Person): string =>
  `eip155:${stack.description.chainId}:${address.toLowerCase()}`;

/** Lets an agent call until it has made `calls`, denied ones included. @returns the id of its last paid call */
const work = async (agent: Person, name: string, calls: number): Promise<string> => {
  const { fetch } = createAgent({
    account: privateKeyToAccount(agent.privateKey),
    spend: { perCall: '$0.10', total: '$5' },
  });
  let paid = '';
  for (const word of WORDS.slice(0, calls)) {
    const answer = await fetch(`${url}/tools/lookup?word=${word}`);
    await answer.text();
    if (answer.ok) paid = answer.countersign.call ?? '';
  }
  await operator.call('accounts.put', {
    params: { account: accountOf(agent) },
    body: { label: name },
    ifNoneMatch: '*',
  });
  return paid;
};

const shoot = async (page: Page, name: string): Promise<void> => {
  const skeletons = page.locator('.skeleton');
  while ((await skeletons.count()) > 0) await page.waitForTimeout(100);
  await page.screenshot({
    path: join(ROOT, `docs/dashboard-${name}.png`),
    animations: 'disabled',
  });
};

try {
  const agents = [people.agent, ...people.agents];
  let paid = '';
  for (const [at, agent] of agents.entries()) {
    paid = (await work(agent, NAMES[at] ?? '', 2 + (at % 6))) || paid;
    console.log(`${NAMES[at] ?? ''} has made its calls`);
  }
  // Lists are some seconds behind the log of an account, and the transparency log signs a checkpoint every ten seconds.
  await new Promise((resolve) => setTimeout(resolve, 15_000));
  const last = agents.at(-1) ?? people.agent;
  for (const colorScheme of ['light', 'dark'] as const) {
    const context = await browser.newContext({ viewport: SIZE, colorScheme });
    const page = await context.newPage();
    await page.goto(`${url}/dashboard`);
    await page.getByRole('button', { name: 'Local operator' }).click();
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    await page.waitForLoadState('networkidle');
    if (colorScheme === 'light') {
      await shoot(page, 'overview');
      await page.goto(`${url}/dashboard/calls/${accountOf(last)}/${paid}`);
      await page.getByText('What happened').waitFor();
      await page.waitForLoadState('networkidle');
      await shoot(page, 'call');
    } else {
      await page.goto(`${url}/dashboard/agents/${accountOf(people.agents[4])}`);
      await page.getByText('spent').first().waitFor();
      await shoot(page, 'agent');
      await page.getByRole('link', { name: 'Audit' }).click();
      await page.getByRole('button', { name: 'Verify in this browser' }).click();
      await page.getByRole('cell', { name: 'Each denial was right' }).waitFor();
      await page.getByRole('heading', { name: 'Verify the log' }).scrollIntoViewIfNeeded();
      await shoot(page, 'audit');
    }
    await context.close();
  }
} finally {
  await browser.close();
  await stack.stop();
  rmSync(directory, { recursive: true, force: true });
}
