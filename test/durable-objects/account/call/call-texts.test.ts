import { afterEach, describe, expect, test } from 'vitest';
import { textHash } from '../../../../src/audit/verify/logged-text.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { BUILT_IN_POLICY, parseDefaultPolicy, policyHash } from '../../../../src/policy/policy.ts';
import type { Call } from '../../../../src/protocol/account/call.ts';
import type { Entry, Json } from '../../../../src/protocol/entry.ts';
import { termsHash, type ToolTerms } from '../../../../src/protocol/tool-terms.ts';
import { env } from 'cloudflare:workers';
import { entriesOf, randomHex, topUp } from '../../support.ts';
import { callOnce, enrol, ownerWith, restore, setPolicy } from '../../tree-support.ts';

afterEach(restore);

const document: ToolTerms = {
  tool: 'lookup',
  price: '1000',
  pricing: 'exact',
  settlement: 'credit',
  onSilence: 'release',
  timeoutSeconds: 10,
  requireBinding: 'none',
  params: {},
};
const hash = termsHash(document);

/** The default policy that the accounts of the tests run with. */
const standard = (() => {
  const text = env.DEFAULT_POLICY.trim();
  const parsed = parseDefaultPolicy(text === '' ? {} : JSON.parse(text));
  return parsed.ok ? parsed.value : BUILT_IN_POLICY;
})();

/** Makes one call, and returns the account's entries about it. */
const called = async (payer: Hex, { price = 1_000n, ...changes }: Partial<Call>) => {
  const call = randomHex(32);
  await callOnce(payer, price, { id: call, ...changes });
  return (await entriesOf(payer)).filter((entry: Entry) => entry.call === call);
};

const evidenceOf = async (payer: Hex, changes: Partial<Call>) =>
  (await called(payer, changes))[0]?.evidence;

const payerWithCredit = async (): Promise<Hex> => {
  const payer = randomHex(20);
  await topUp(payer, 1_000_000n);
  return payer;
};

describe('the entry of a call', () => {
  test('has the texts that the log of the gateway may lack, and only the hashes of others', async () => {
    const payer = await payerWithCredit();
    const unknown = await evidenceOf(payer, { terms: { hash, document } });
    expect(unknown).toMatchObject({ terms: hash, document });
    expect(textHash(unknown?.['policy'] as Json)).toBe(policyHash(standard));

    const known = { terms: { hash }, loggedPolicy: policyHash(standard) };
    const evidence = await evidenceOf(payer, known);
    expect(evidence).toMatchObject({ terms: hash });
    expect(evidence).not.toHaveProperty('document');
    expect(evidence).not.toHaveProperty('policy');
  });

  test('has its own default policy if the Worker of another deployment published another one', async () => {
    const payer = await payerWithCredit();
    const other = policyHash({ ...standard, perCall: 1n });
    const evidence = await evidenceOf(payer, { terms: { hash }, loggedPolicy: other });
    expect(textHash(evidence?.['policy'] as Json)).toBe(policyHash(standard));
  });

  test('has no default policy if the policy of an operator replaces it', async () => {
    const payer = await payerWithCredit();
    await setPolicy(payer, { perCall: '$5' });
    expect(await evidenceOf(payer, { terms: { hash } })).not.toHaveProperty('policy');
  });

  test('has the default policy next to policies of an owner and a grant', async () => {
    const owner = await ownerWith(1_000_000n, { perCall: '$5' });
    const agent = randomHex(20);
    await enrol(owner, agent);
    const evidence = await evidenceOf(agent, { terms: { hash, document } });
    const policies = evidence?.['policies'] as readonly { kind: string; hash: Hex }[];
    expect(policies.map(({ kind }) => kind)).toEqual(['default', 'grant', 'operator']);
    expect(textHash(evidence?.['policy'] as Json)).toBe(policies[0]?.hash);
    // Logs already contain the other texts: this account's log has the grant, and the log of the account for which the policy was set has
    // the policy.
    const own = await entriesOf(agent);
    expect(own.find(({ type }) => type === 'grant.taken')?.evidence?.['grant']).toBe(
      policies[1]?.hash,
    );
    const above = await entriesOf(owner);
    const texts = above.flatMap((entry) => entry.evidence?.['policy'] ?? []);
    expect(texts.map(textHash)).toContain(policies[2]?.hash);
  });

  test('has them when it denies, too', async () => {
    const payer = await payerWithCredit();
    const [denied] = await called(payer, {
      terms: { hash, document },
      price: 8_000_000_000n,
    });
    expect(denied).toMatchObject({ type: 'call.denied', evidence: { terms: hash, document } });
    expect(textHash(denied?.evidence?.['policy'] as Json)).toBe(policyHash(standard));
  });
});
