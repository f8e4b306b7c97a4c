import { runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { Outcome } from '../../../../src/protocol/account/call.ts';
import type { CommandSigner } from '../../../../src/protocol/account/command.ts';
import {
  accountOf,
  callOf,
  entriesOf,
  factsOf,
  intentCallOf,
  randomHex,
  stubOf,
  success,
  tablesOf,
  topUp,
  trust,
} from '../../support.ts';
import { enrol, ownerWith, pass, putToSleep, restore } from '../../tree-support.ts';

afterEach(restore);

const OPERATOR: CommandSigner = { account: accountOf(`0x${'09'.repeat(20)}`), role: 'operator' };
const ownerBy = (payer: Hex): CommandSigner => ({ account: accountOf(payer), role: 'owner' });

const intent = () => ({
  ...{ fields: {}, signature: randomHex(65), digest: randomHex(32), attempt: randomHex(16) },
  validBefore: nowSeconds() + 60,
});
const erase = (payer: Hex, by = OPERATOR) =>
  stubOf(payer).apply({ kind: 'erase', by, intent: intent() });
const label = (payer: Hex, text: string) =>
  stubOf(payer).apply({ kind: 'label', label: text, by: OPERATOR, intent: intent() });

const SECRET = btoa('the private answer');
const answered: Outcome = {
  ...success,
  answer: { status: 200, headers: { 'content-type': 'text/plain' }, body: SECRET },
};

/** Makes a call whose answer is stored. */
const called = async (payer: Hex, made = intentCallOf(payer, { settlement: 'credit' })) => {
  const attempt = randomHex(16);
  await stubOf(payer).reserve(made, attempt, { facts: factsOf(1_000_000n) });
  await stubOf(payer).finish(made.id, attempt, answered);
  return made;
};

/** Every character on the rows of an object. */
const rowsOf = (payer: Hex): Promise<string> =>
  runInDurableObject(stubOf(payer), (_, { storage: { sql } }) =>
    [
      ...sql.exec<{ text: string }>('SELECT text FROM journal'),
      ...sql.exec<{ text: string }>('SELECT text FROM page'),
    ]
      .map(({ text }) => text)
      .join('\n'),
  );

const repeatOf = (made: ReturnType<typeof intentCallOf>) => ({ ...made, showsSecret: true });
const verdictOf = async (payer: Hex, made: ReturnType<typeof intentCallOf>) =>
  (await stubOf(payer).reserve(repeatOf(made), randomHex(16), {})).verdict;
const lookUp = async (payer: Hex, made: ReturnType<typeof intentCallOf>) => {
  const found = await stubOf(payer).lookUp({ account: accountOf(payer), call: made.id });
  return found.verdict === 'found' ? found.status : undefined;
};

describe('an erasure', () => {
  test('ends every stored answer and the label, says so in the log, and is done once', async () => {
    const payer = randomHex(20);
    await topUp(payer, 100_000n);
    await label(payer, 'Alice Example');
    const made = await called(payer);
    expect(await verdictOf(payer, made)).toBe('stored');
    expect(await lookUp(payer, made)).toHaveProperty('answer');

    expect(await erase(payer)).toMatchObject({ verdict: 'applied', changed: true });
    await putToSleep(payer);
    expect(await verdictOf(payer, made)).toBe('already_used');
    expect(await lookUp(payer, made)).not.toHaveProperty('answer');
    const standing = await stubOf(payer).standing({ account: accountOf(payer), by: OPERATOR });
    expect(standing).toMatchObject({ verdict: 'found' });
    expect(JSON.stringify(standing)).not.toContain('Alice');

    const entries = await entriesOf(payer);
    expect(entries.at(-1)).toMatchObject({
      type: 'account.erased',
      outcome: { label: true, until: expect.any(Number) as number },
      evidence: { role: 'operator' },
    });
    // The log stays, with the entry that set the label.
    expect(JSON.stringify(entries)).toContain('Alice Example');
    expect(await erase(payer)).toMatchObject({ verdict: 'applied', changed: false });
    expect(await entriesOf(payer)).toHaveLength(entries.length);
  });

  test('keeps the answers of later calls', async () => {
    const payer = randomHex(20);
    await topUp(payer, 100_000n);
    await erase(payer);
    pass(1);
    expect(await verdictOf(payer, await called(payer))).toBe('stored');
  });

  test('leaves no answer of a call on a row of the object once the call is forgotten', async () => {
    const payer = randomHex(20);
    await trust(payer, 100_000n, 10_000_000n);
    // Its payment stays open: the call is not forgotten.
    const open = await called(payer, callOf(payer, { binding: 'intent' }));
    await topUp(payer, 100_000n);
    const ended = await called(payer);
    expect((await rowsOf(payer)).split(SECRET)).toHaveLength(3);
    await erase(payer);
    // The answer of the ended call is in a page until it is forgotten.
    expect((await rowsOf(payer)).split(SECRET)).toHaveLength(2);
    expect(await lookUp(payer, open)).toMatchObject({ call: open.id, state: 'committed' });
    expect(await lookUp(payer, open)).not.toHaveProperty('answer');
    expect(await lookUp(payer, ended)).not.toHaveProperty('answer');
  });

  test('is a command of an operator, an ancestor or a root account, and writes nothing for a stranger', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    expect((await erase(agent, ownerBy(owner))).verdict).toBe('applied');
    const forbidden = { verdict: 'refused', fault: { reason: 'forbidden' } };
    expect(await erase(agent, ownerBy(agent))).toEqual(forbidden);
    expect(await erase(owner, ownerBy(agent))).toEqual(forbidden);
    const stranger = randomHex(20);
    expect(await erase(stranger, ownerBy(stranger))).toMatchObject({ verdict: 'refused' });
    expect(await erase(stranger)).toMatchObject({ verdict: 'applied', changed: false });
    expect(await tablesOf(stranger)).toEqual([]);
  });
});
