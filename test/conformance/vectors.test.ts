import type { Hex, LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../dev/stack/ports.ts';
import { signDelegation } from '../../src/client/index.ts';
import { type AgentIntent, intentFields } from '../../src/protocol/intent/agent-intent.ts';
import vectors from '../vectors/countersign-v1.json' with { type: 'json' };
import { type Bound, bound, boundField, boundTree, signBound } from './support/bound.ts';
import { creditedAccount } from './support/credit.ts';
import { grantFor, hashOf, registerWith } from './support/grant.ts';
import {
  agentIntent,
  CHAIN,
  digestOf,
  intentFor,
  paidIntentFor,
  sha256,
  signFields,
  type SignedIntent,
} from './support/intent.ts';
import {
  type NamedField,
  changeOf,
  type Mutation,
  mutationsOf,
  paidRequest,
  requests,
} from './support/mutation.ts';
import { kindOf, type Problem } from './support/offer.ts';
import {
  encode,
  fundedAccount,
  isUsed,
  sign,
  transfersFrom,
  trustedAccount,
  v1,
  v2,
} from './support/payment.ts';
import { changed, type Form, type HeaderLine, refusal, reshaped } from './support/refusal.ts';
import { lookup, type ToolCall, useWorld } from './support/world.ts';

const PRICE = 20_000n;
const SECOND = 'http://second.example';
const port = await freePort();
// Two audiences of one gateway: an intent for one of them is invalid for the other.
const world = useWorld({
  port,
  variables: { AUDIENCES: `http://127.0.0.1:${port},${SECOND}` },
});

const { mustFail, paid, unpaid } = vectors;
const authority = paid.intent.authority as Hex;
const nonce = paid.intent.nonce as Hex;

let account: LocalAccount;
let creditHolder: LocalAccount;
/** The vectors' paid intent, for this gateway and the current time. The nonce is theirs; `authority` is a grant of the agent. */
let intent: AgentIntent;
let good: Bound;
/** The same intent, paid from credit. */
let fromCredit: SignedIntent;
/** The vectors' unpaid intent, for a free tool of this gateway. */
let free: SignedIntent;
const freeRequest: ToolCall = { path: '/tools/whoami?q=x' };

/** Grants to an agent, which consents. Returns the hash. */
const grantedTo = async (owner: LocalAccount, agent: LocalAccount): Promise<Hex> => {
  const grant = grantFor(world(), owner.address, agent.address);
  const answer = await registerWith(world(), agent, await signDelegation(owner, CHAIN, grant));
  expect(answer.status, await answer.text()).toBe(201);
  return hashOf(grant);
};

beforeAll(async () => {
  account = await trustedAccount(world(), { reports: 4, balance: 1_000_000n });
  creditHolder = await creditedAccount(world(), { credit: 5n * PRICE, balance: 1_000_000n });
  const now = BigInt(Math.floor(Date.now() / 1000));
  const window = { validAfter: now - 10n, validBefore: now + 280n };
  const owner = await fundedAccount(world(), 1_000n);
  const fields = { nonce, ...window };
  intent = await paidIntentFor(world(), account.address, paidRequest, {
    ...fields,
    authority: await grantedTo(owner, account),
  });
  good = await signBound(world(), account, paidRequest, intent);
  const theirs = await paidIntentFor(world(), creditHolder.address, paidRequest, {
    ...fields,
    authority: await grantedTo(owner, creditHolder),
  });
  fromCredit = await signFields(creditHolder, theirs);
  free = await signFields(
    account,
    intentFor(world(), account.address, freeRequest, { nonce, ...window }),
  );
});

const text = (named: NamedField, root: (field: string) => string): string =>
  'path' in named ? named.path : root(named.field);

/** Path of an intent's field in the header `Agent-Intent`. */
const headerField = (field: string): string => `Agent-Intent.intent.${field}`;
const lines = (signed: SignedIntent): readonly HeaderLine[] => Object.entries(agentIntent(signed));

/** Expects that the attempt uses up nothing: no run (`refusal` counts), no transfer, no nonce. */
const untouched = async (payment: Bound, attempt: () => Promise<Problem>): Promise<Problem> => {
  const transfers = await transfersFrom(world(), account.address);
  const problem = await attempt();
  expect(await transfersFrom(world(), account.address)).toEqual(transfers);
  expect(await isUsed(world(), payment)).toBe(false);
  return problem;
};

const NONCE = { path: 'PAYMENT-SIGNATURE.payload.authorization.nonce' };
const SIGNATURE = { path: 'Agent-Intent.signature' };
const CHAIN_ID = { path: 'Agent-Intent.chainId' };
const paidMutations = mutationsOf(NONCE, NONCE);
const headerMutations = mutationsOf(SIGNATURE, CHAIN_ID);

describe('the vectors', () => {
  it('are all tested, and their hashes follow from the same changes', () => {
    expect(paidMutations.map(({ name }) => name)).toEqual(
      Object.keys(mustFail.paidIntentMutations),
    );
    expect(sha256(paidRequest.body as string)).toBe(paid.intent.payloadDigest);
    for (const { name, call } of requests)
      if (name === 'body' || name === 'bodyReserialised')
        expect(sha256(call.body as string)).toBe(
          mustFail.paidIntentMutations[name].change.payloadDigest,
        );
  });
});

describe('a bound payment with another intent', () => {
  it.each(paidMutations)(
    'is rejected when an intent with another $name replaces the signed one',
    async ({ name, swapped }) => {
      if (name === 'chain') return;
      const other = { ...intent, ...changeOf(name) };
      const problem = await untouched(good, async () =>
        refusal(world(), Object.entries(bound({ ...good, intent: other })), paidRequest),
      );
      expect(problem.field).toBe(text(swapped, boundField));
    },
  );

  it.each(paidMutations.filter(({ signed }) => signed !== undefined))(
    'is rejected when an intent with another $name was signed',
    async ({ name, signed }) => {
      const other = { ...intent, ...changeOf(name) };
      const terms = name === 'chain' ? { nonce: digestOf(other, 8453) } : {};
      const payment = await signBound(world(), account, paidRequest, other, terms);
      const problem = await untouched(payment, async () =>
        refusal(world(), Object.entries(bound(payment)), paidRequest),
      );
      expect(problem.field).toBe(text(signed as NamedField, boundField));
    },
  );

  it('is rejected when it accepts an offer on another chain', async () => {
    const tree = changed(boundTree(good), 'accepted.network', 'eip155:8453');
    const problem = await untouched(good, async () =>
      refusal(world(), [['PAYMENT-SIGNATURE', encode(tree)]], paidRequest),
    );
    expect(problem.field).toBe('PAYMENT-SIGNATURE.accepted.network');
  });
});

describe('a bound payment without its intent, or an intent without the mark', () => {
  const AUTHORIZATION = 'PAYMENT-SIGNATURE.payload.authorization';

  it('is rejected as published, in both versions of x402', async () => {
    const { accepted } = good;
    const unknown = mustFail.unmarkedPayments['1131378031'];
    for (const { authorization, signature } of [mustFail.strippedPayment, unknown]) {
      const payment = {
        accepted,
        payload: { authorization, signature: signature as Hex },
      };
      for (const headers of [v2(payment), v1(payment)]) {
        const problem = await refusal(world(), Object.entries(headers), paidRequest);
        expect(kindOf(problem)).toBe('binding-required');
      }
    }
  });

  it.each(Object.keys(mustFail.unmarkedPayments))(
    'is rejected with its intent when signed with validAfter %s',
    async (value) => {
      const validAfter = Number(value);
      const payment = await signBound(world(), account, paidRequest, intent, { validAfter });
      const problem = await untouched(payment, async () =>
        refusal(world(), Object.entries(bound(payment)), paidRequest),
      );
      expect([kindOf(problem), problem.field]).toEqual([
        'intent-mismatch',
        `${AUTHORIZATION}.validAfter`,
      ]);
    },
  );

  it.each([vectors.boundValidAfter, '1131378031', '1131378285'])(
    'is rejected without its intent when signed with validAfter %s',
    async (value) => {
      const validAfter = Number(value);
      const payment = await signBound(world(), account, paidRequest, intent, { validAfter });
      for (const headers of [v2(payment), v1(payment)]) {
        const problem = await untouched(payment, async () =>
          refusal(world(), Object.entries(headers), paidRequest),
        );
        expect(kindOf(problem)).toBe('binding-required');
      }
    },
  );

  it.each(['0', '1131378029', '1131378286'])(
    'is a vanilla payment with validAfter %s',
    async (value) => {
      // Another payer: this payment settles in the background, and other tests count the transfers of `account`.
      const payer = await trustedAccount(world(), { reports: 1, balance: PRICE });
      const payment = await sign(world(), payer, paidRequest, { validAfter: Number(value) });
      expect((await world().send(paidRequest, v2(payment))).status).toBe(200);
    },
  );
});

describe('a bound payment with another request', () => {
  const send = async (call: ToolCall, more: readonly HeaderLine[] = []): Promise<Problem> =>
    await untouched(
      good,
      async () => await refusal(world(), [...Object.entries(bound(good)), ...more], call),
    );

  it.each(requests)('is rejected with another $name', async ({ call, field }) => {
    const problem = await send(call);
    expect([kindOf(problem), problem.field]).toEqual(['intent-mismatch', boundField(field)]);
  });

  it('is rejected by the accepted amount for a tool of another price', async () => {
    const problem = await send({ ...paidRequest, path: '/tools/enrich?formality=high' });
    expect(problem.field).toBe('PAYMENT-SIGNATURE.accepted.amount');
  });

  it('is rejected with another method', async () => {
    expect(await send({ ...paidRequest, method: 'PUT' })).toMatchObject({
      status: 405,
      field: 'method',
    });
  });

  it('is rejected under another audience of the same gateway', async () => {
    const problem = await send(paidRequest, [['Host', 'second.example']]);
    expect([kindOf(problem), problem.field, problem['expected']]).toEqual([
      'intent-mismatch',
      boundField('audience'),
      SECOND,
    ]);
  });

  it('is rejected for another tool of the same price', async () => {
    const payment = await signBound(
      world(),
      account,
      lookup,
      await paidIntentFor(world(), account.address, lookup),
    );
    const problem = await untouched(payment, async () =>
      refusal(world(), Object.entries(bound(payment)), { path: '/tools/echo/x' }),
    );
    expect([kindOf(problem), problem.field]).toEqual(['intent-mismatch', boundField('tool')]);
  });

  it('is rejected when it pays another recipient', async () => {
    const to = mustFail.paidIntentMutations.recipient.change.payTo.toLowerCase() as Hex;
    const payment = await signBound(world(), account, paidRequest, intent, { to });
    const problem = await untouched(payment, async () =>
      refusal(world(), Object.entries(bound(payment)), paidRequest),
    );
    expect([kindOf(problem), problem.field]).toEqual([
      'recipient-mismatch',
      'PAYMENT-SIGNATURE.payload.authorization.to',
    ]);
  });

  it('is rejected when it pays more than the intent allows', async () => {
    const other = { ...intent, maxAmount: PRICE - 1n };
    const payment = await signBound(world(), account, paidRequest, other);
    const problem = await untouched(payment, async () =>
      refusal(world(), Object.entries(bound(payment)), paidRequest),
    );
    expect([kindOf(problem), problem.field]).toEqual(['intent-mismatch', boundField('maxAmount')]);
  });
});

describe.each([
  {
    carrier: 'paid from credit',
    signedOf: () => fromCredit,
    signer: () => creditHolder,
    call: paidRequest,
    mutations: headerMutations,
  },
  {
    carrier: 'for a free tool',
    signedOf: () => free,
    signer: () => account,
    call: freeRequest,
    // A free call has no such fields: only the signature covers them.
    mutations: headerMutations.map((mutation): Mutation =>
      mutation.name === 'recipient'
        ? { ...mutation, swapped: SIGNATURE, signed: undefined }
        : mutation,
    ),
  },
])('an intent $carrier', ({ signedOf, signer, call, mutations }) => {
  /** The mutation, or another value where the request has the mutated value already. */
  const mutated = (mutation: Mutation): SignedIntent => {
    const signed = signedOf();
    if (mutation.name === 'chain') return { ...signed, chainId: 8453 };
    const change = changeOf(mutation.name);
    const zero = signed.intent.authority === `0x${'0'.repeat(64)}`;
    const other = mutation.name === 'authority' && zero ? { authority } : change;
    return { ...signed, intent: { ...signed.intent, ...other } };
  };

  it.each(mutations)(
    'is rejected when one with another $name replaces the signed one',
    async (mutation) => {
      const problem = await refusal(world(), lines(mutated(mutation)), call);
      expect(problem.field).toBe(text(mutation.swapped, headerField));
    },
  );

  it.each(mutations.filter(({ signed }) => signed !== undefined))(
    'is rejected when it was signed with another $name',
    async (mutation) => {
      const other = mutated(mutation);
      const signed = await signFields(signer(), other.intent, other.chainId);
      const problem = await refusal(world(), lines(signed), call);
      expect(problem.field).toBe(text(mutation.signed as NamedField, headerField));
    },
  );

  it('is rejected with another request', async () => {
    const { path } = call;
    const elsewhere = path.startsWith('/tools/whoami') ? '/tools/whoami?q=y' : `${path}&x=1`;
    const others: readonly (readonly [ToolCall, string, readonly HeaderLine[]])[] = [
      [{ ...call, path: elsewhere }, headerField('target'), []],
      [{ ...call, contentType: 'text/plain' }, headerField('contentType'), []],
      ...(call.body === undefined
        ? []
        : [
            [
              { ...call, body: `${String(call.body)}\n` },
              headerField('payloadDigest'),
              [],
            ] as const,
            [{ ...call, path: '/tools/report' }, headerField('tool'), []] as const,
          ]),
      [{ ...call, method: 'DELETE' }, 'method', []],
      [call, headerField('audience'), [['Host', 'second.example']]],
    ];
    for (const [other, field, more] of others)
      expect((await refusal(world(), [...lines(signedOf()), ...more], other)).field).toBe(field);
  });
});

describe('a signature in a form of the vectors', () => {
  const forms = Object.keys(mustFail.paymentSignatureEncodings) as Form[];

  it.each(forms)('%s is rejected on a bound payment and on both kinds of intents', async (form) => {
    expect(reshaped(form, paid.payment.signature as Hex)).toBe(
      mustFail.paymentSignatureEncodings[form],
    );
    expect(reshaped(form, unpaid.signature as Hex)).toBe(mustFail.unpaidSignatureEncodings[form]);
    const { signature } = good.payload;
    const reshapedPayment = changed(
      boundTree(good),
      'payload.signature',
      reshaped(form, signature),
    );
    const tried = [
      await untouched(good, async () =>
        refusal(world(), [['PAYMENT-SIGNATURE', encode(reshapedPayment)]], paidRequest),
      ),
      ...(await Promise.all(
        (
          [
            [fromCredit, paidRequest],
            [free, freeRequest],
          ] as const
        ).map(async ([signed, call]) =>
          refusal(world(), lines({ ...signed, signature: reshaped(form, signed.signature) }), call),
        ),
      )),
    ];
    expect(tried.map((problem) => [kindOf(problem), problem.field])).toEqual([
      ['invalid-signature', 'PAYMENT-SIGNATURE.payload.signature'],
      ['invalid-signature', 'Agent-Intent.signature'],
      ['invalid-signature', 'Agent-Intent.signature'],
    ]);
  });
});

describe('a retry key of the vectors that must fail', () => {
  it.each(Object.entries(mustFail.retrySecrets))(
    '(%s) is rejected with a bound payment and with both kinds of intents',
    async (_, key) => {
      const carriers = [
        [Object.entries(bound(good)), paidRequest],
        [lines(fromCredit), paidRequest],
        [lines(free), freeRequest],
      ] as const;
      for (const [proof, call] of carriers) {
        const problem = await untouched(good, async () =>
          refusal(world(), [...proof, ['Agent-Retry-Key', key]], call),
        );
        expect(problem).toMatchObject({ status: 400, field: 'Agent-Retry-Key' });
      }
    },
  );
});

describe('an unchanged proof', () => {
  it('works after all rejections, in each of the three forms', async () => {
    const before = await world().counts();
    const answer = await world().send(paidRequest, bound(good));
    const body = await answer.text();
    expect(answer.status, body).toBe(200);
    expect((await world().send(paidRequest, agentIntent(fromCredit))).status).toBe(200);
    expect((await world().send(freeRequest, agentIntent(free))).status).toBe(200);
    const after = await world().counts();
    expect([after.translate, after.whoami]).toEqual([before.translate + 2, before.whoami + 1]);
    // The published secret gets the stored answer.
    const key = { 'Agent-Retry-Key': vectors.retry.header };
    const again = await world().send(paidRequest, { ...bound(good), ...key });
    expect([again.status, await again.text()]).toEqual([200, body]);
    for (const [signed, call] of [
      [fromCredit, paidRequest],
      [free, freeRequest],
    ] as const)
      expect((await world().send(call, { ...agentIntent(signed), ...key })).status).toBe(200);
    expect(await world().counts()).toEqual(after);
  });

  it.each(paidMutations.filter(({ signed }) => signed === undefined))(
    'works with another valid $name that is signed',
    async ({ name }) => {
      const other = { ...intent, ...changeOf(name) };
      const payment = await signBound(world(), account, paidRequest, other);
      expect(intentFields(payment.intent)).not.toEqual(intentFields(intent));
      expect((await world().send(paidRequest, bound(payment))).status).toBe(200);
    },
  );

  it('is not needed by vanilla payments, which work without an intent', async () => {
    const vanilla = await sign(world(), account, paidRequest);
    const answer = await world().send(paidRequest, {
      'PAYMENT-SIGNATURE': encode({ x402Version: 2, ...vanilla }),
    });
    expect(answer.status).toBe(200);
  });
});
