import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { makeFleet } from '../../dev/scale/fleet.ts';
import { signIn } from '../../dev/scale/measure-pages.ts';
import { addressesOf, type Who } from '../../dev/scale/page-addresses.ts';
import { type Visit, visit } from '../../dev/scale/visit.ts';
import { exported } from '../../dev/scale/world.ts';
import { openOperator } from '../../dev/stack/sell-tools.ts';
import { nth } from '../scale/fill.ts';
import { useBrowserStack } from './browser-stack.ts';
import { MOST } from './page-costs.ts';

/** Users do not notice a smaller layout shift (https://web.dev/articles/cls). */
const MOST_SHIFT = 0.1;

const local = useBrowserStack(() => ({
  entry: join(import.meta.dirname, '../scale/counting-worker.ts'),
  shield: 100_000,
}));

/** Statements without those for the tag of a list. `test/unit/management/unless-unchanged.test.ts` counts these. */
const statementsOf = ({ statements }: Visit): number =>
  statements.filter(({ sql }) => !sql.includes('log_tag')).length;

const isMore = (page: string, seen: Visit): boolean => {
  const [mostRequests, mostStatements] = MOST[page] ?? [0, 0];
  return seen.requests > mostRequests || statementsOf(seen) > mostStatements;
};

it('reads each page with no more requests and statements than before, and by indexes', async () => {
  const { stack, browser } = local;
  const { url } = stack.gateway;
  const operator = openOperator(stack.gateway);
  const fleet = await makeFleet(url, operator, { named: 1, offered: 2 });
  await exported(operator, fleet.owner);
  await exported(operator, fleet.agent);
  const pages: Readonly<Record<Who, Page>> = {
    operator: (await signIn(browser, url, 'operator')).page,
    owner: (await signIn(browser, url, 'owner')).page,
  };
  const dearer: string[] = [];
  const shifting: unknown[] = [];
  for (const { who, path, address } of addressesOf({ ...fleet, busiest: nth(1) })) {
    // An evicted account requests a second signature, so only the second visit is counted.
    const cold = await visit(pages[who], url, address);
    const seen = await visit(pages[who], url, address);
    const page = `${who} ${path}`;
    for (const { shift, moved } of [cold, seen]) {
      if (shift >= MOST_SHIFT) shifting.push({ page, shift, moved });
    }
    if (isMore(page, seen)) dearer.push(`'${page}': [${seen.requests}, ${statementsOf(seen)}],`);
    const scans = seen.statements.flatMap((statement) => statement.scans);
    expect({ page, scans, problems: seen.problems }).toEqual({ page, scans: [], problems: [] });
  }
  expect(dearer).toEqual([]);
  expect(shifting).toEqual([]);
}, 300_000);
