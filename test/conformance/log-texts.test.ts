import { expect, it } from 'vitest';
import { textHash } from '../../src/audit/verify/logged-text.ts';
import type { Hex } from '../../src/core/hex.ts';
import { parseAmount } from '../../src/protocol/amount.ts';
import type { Entry, Json } from '../../src/protocol/entry.ts';
import { accountOf } from './support/credit.ts';
import { pay, trustedAccount } from './support/payment.ts';
import { lookup, type ToolCall, translate, useWorld } from './support/world.ts';

// A verifier of an export needs the text behind every hash that an entry names (law 11, docs/wire-format.md §15).
const world = useWorld();

type Call = Entry & { readonly evidence: { readonly [key: string]: Json } };

const callsIn = (entries: readonly Entry[]): readonly Call[] =>
  entries.filter(
    (entry): entry is Call =>
      /^call\.(accepted|denied|parked)$/.test(entry.type) && entry.evidence !== undefined,
  );

/** The hashes of policies and terms that an entry of a call names. */
const namedBy = ({ policy, evidence }: Call): readonly Hex[] => {
  const policies = evidence['policies'] as readonly { readonly hash: Hex }[] | undefined;
  const terms = evidence['terms'] as Hex | undefined;
  return [...(policies?.map(({ hash }) => hash) ?? [policy]), terms].filter(
    (hash) => hash !== undefined,
  );
};

const textsIn = (entries: readonly Entry[]): ReadonlyMap<Hex, Json> =>
  new Map(
    entries
      .flatMap(({ evidence = {} }) => [evidence['document'], evidence['policy']])
      .flatMap((text) => (text === undefined ? [] : [[textHash(text), text]])),
  );

it('every text that entries name is in a log, and the terms have the price that each call paid', async () => {
  const payer = await trustedAccount(world(), { reports: 1, balance: 1_000_000n });
  const gateway = accountOf(world().stack.description.payTo);
  const expectPaid = async (call: ToolCall): Promise<void> =>
    expect((await pay(world(), payer, call)).status).toBe(200);
  for (const call of [lookup, translate]) await expectPaid(call);
  await expect
    .poll(async () => (await world().audit.entries(gateway)).map(({ type }) => type), {
      timeout: 40_000,
      interval: 500,
    })
    .toContain('tool.listed');
  // The texts are in the log of the gateway's account now, so later calls need not repeat them.
  await expectPaid(lookup);
  let own: readonly Entry[] = [];
  let published: readonly Entry[] = [];
  await expect
    .poll(
      async () => {
        own = await world().audit.entries(accountOf(payer.address));
        published = await world().audit.entries(gateway);
        const texts = new Map([...textsIn(own), ...textsIn(published)]);
        const missing = callsIn(own)
          .flatMap(namedBy)
          .filter((hash) => !texts.has(hash));
        return { calls: callsIn(own).length, missing };
      },
      { timeout: 40_000, interval: 500 },
    )
    .toEqual({ calls: 4, missing: [] });
  const listed = textsIn(published);
  expect(new Set(published.map(({ outcome }) => outcome?.['hash'])).size).toBe(published.length);
  const all = new Map([...listed, ...textsIn(own)]);
  for (const call of callsIn(own)) {
    for (const hash of namedBy(call)) expect(all.has(hash), `${call.type} ${hash}`).toBe(true);
    const terms = all.get(call.evidence['terms'] as Hex) as { readonly price: string };
    expect(parseAmount(call.amounts?.['price'] ?? '')).toBe(parseAmount(terms.price));
  }
  // Later calls name the texts by hash alone, because the gateway's log has them.
  const last = callsIn(own).at(-1);
  expect(last?.evidence).not.toHaveProperty('document');
  expect(namedBy(last as Call).every((hash) => listed.has(hash))).toBe(true);
});
