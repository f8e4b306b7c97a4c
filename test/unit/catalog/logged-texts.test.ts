import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openCatalogue } from '../../../src/catalog/live-catalogue.ts';
import { findTool } from '../../../src/catalog/route.ts';
import { termsOf } from '../../../src/catalog/terms.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { BUILT_IN_POLICY, type Policy, policyHash } from '../../../src/policy/policy.ts';
import type { ToolTerms } from '../../../src/protocol/tool-terms.ts';
import { documentOf, startOf } from './documents.ts';
import { watchedTools } from './watched.ts';

const START = startOf([documentOf('a'), documentOf('b')]);
const NOW = 1_800_000_000;

beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** The log of the gateway's account: the sets of texts that it has, and the terms that it received. */
const logOf = () => {
  const sets = new Set<Hex>();
  const terms = new Map<Hex, ToolTerms>();
  return { sets, terms, commands: 0, isDown: false };
};

/** An isolate that sells the deployed tools with the changes in `tools`. */
const isolate = (
  log = logOf(),
  {
    policy = BUILT_IN_POLICY,
    tools = watchedTools(),
  }: { policy?: Policy; tools?: ReturnType<typeof watchedTools> } = {},
) => {
  const behind: Promise<unknown>[] = [];
  const live = openCatalogue({
    read: async (since, texts) => ({
      ...(await tools.read(since)),
      hasTexts: texts !== undefined && log.sets.has(texts),
    }),
    writeTexts: async (set, sold) => {
      log.commands += 1;
      if (log.isDown) throw new Error('The object was reset.');
      for (const each of sold.map(termsOf)) log.terms.set(each.hash, each.document);
      log.sets.add(set);
      return true;
    },
    raise: async () => true,
    deployed: START,
    policy,
  });
  const textsAt = async (now: number, id = 'a') => {
    const sold = await live.current(now, (promise) => behind.push(promise));
    const found = findTool(sold.routes, 'GET', `/tools/${id}`);
    if (found.route !== 'tool') throw new Error(found.route);
    return { ...live.textsOf(found.tool), price: found.tool.price };
  };
  return {
    ...tools,
    log,
    live,
    textsAt,
    /** Reports an accepted call. */
    accepted: async (now: number): Promise<void> => {
      live.publish(now, (promise) => behind.push(promise));
      await Promise.all(behind.splice(0));
    },
  };
};

const KNOWN = { loggedPolicy: policyHash(BUILT_IN_POLICY) };

describe('the texts of a call', () => {
  it('are in full until the log of the gateway has them, and hashes from then on', async () => {
    const { textsAt, accepted, log } = isolate();
    const before = await textsAt(NOW);
    expect(before.terms?.document).toMatchObject({ tool: 'a', price: '1000' });
    expect(before).not.toHaveProperty('loggedPolicy');
    expect(log.commands).toBe(0);
    await accepted(NOW);
    const after = await textsAt(NOW + 1);
    expect(after).toEqual({ ...KNOWN, price: 1_000n, terms: { hash: before.terms?.hash } });
    expect(log.terms.get(after.terms?.hash ?? '0x')).toEqual(before.terms?.document);
  });

  it('are hashes from the first call on in an isolate that reads a log which has them', async () => {
    const { log, textsAt, accepted } = isolate();
    await textsAt(NOW);
    await accepted(NOW);
    const later = isolate(log);
    expect(await later.textsAt(NOW + 60)).toMatchObject(KNOWN);
    await later.accepted(NOW + 60);
    expect(log.commands).toBe(1);
  });

  it('are in full again after a deployment with another default policy', async () => {
    const { log, textsAt, accepted } = isolate();
    await textsAt(NOW);
    await accepted(NOW);
    const policy: Policy = { ...BUILT_IN_POLICY, perCall: 1n };
    const next = isolate(log, { policy });
    expect(await next.textsAt(NOW)).not.toHaveProperty('loggedPolicy');
    await next.accepted(NOW);
    expect(await next.textsAt(NOW)).toMatchObject({ loggedPolicy: policyHash(policy) });
  });

  it('are those of a tool that was put over a deployed one, until it is removed', async () => {
    const { put, remove, log, textsAt, accepted, live } = isolate();
    const deployed = await textsAt(NOW);
    await accepted(NOW);
    put(documentOf('a', { price: '$2' }));
    await live.fresh(NOW + 1);
    const shadowing = await textsAt(NOW + 1);
    expect(shadowing.terms?.document).toMatchObject({ price: '2000000' });
    expect(await textsAt(NOW + 1, 'b')).not.toHaveProperty('terms.document');
    await accepted(NOW + 31);
    expect(await textsAt(NOW + 31)).not.toHaveProperty('terms.document');
    // An operator removes the tool and adds it again with another price, while a call of the old one runs.
    remove('a');
    put(documentOf('a', { price: '$3' }));
    await live.fresh(NOW + 32);
    const again = await textsAt(NOW + 32);
    expect(again.terms?.document).toMatchObject({ price: '3000000' });
    await accepted(NOW + 62);
    const hashes = [deployed, shadowing, again].map(({ terms }) => terms?.hash ?? '0x');
    expect(hashes.map((hash) => log.terms.get(hash)?.price)).toEqual([
      ...['1000', '2000000', '3000000'],
    ]);
  });

  it('stay in full while the gateway account does not answer, which is asked twice a minute', async () => {
    const { log, textsAt, accepted } = isolate();
    log.isDown = true;
    for (const at of [0, 1, 2, 31]) {
      await textsAt(NOW + at);
      await accepted(NOW + at);
    }
    expect(log.commands).toBe(2);
    expect(await textsAt(NOW + 40)).toHaveProperty('terms.document');
    log.isDown = false;
    await accepted(NOW + 70);
    expect(await textsAt(NOW + 70)).not.toHaveProperty('terms.document');
  });

  it('leave out upstream and secrets', async () => {
    const { textsAt } = isolate();
    const { terms } = await textsAt(NOW);
    expect(Object.keys(terms?.document ?? {}).sort()).toEqual([
      ...['onSilence', 'params', 'price', 'pricing', 'requireBinding'],
      ...['settlement', 'timeoutSeconds', 'tool'],
    ]);
  });
});
