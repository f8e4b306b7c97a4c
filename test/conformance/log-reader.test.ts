import type { Hex, LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Entry } from '../../src/protocol/entry.ts';
import type { AgentIntent } from '../../src/protocol/intent/agent-intent.ts';
import { bind, bound, callOf, windowFromNow } from './support/bound.ts';
import { accountOf, creditedAccount } from './support/credit.ts';
import { grantFor, registerWith, signUnchecked } from './support/grant.ts';
import { agentIntent, CHAIN, digestOf, retryKey, signPaidIntent } from './support/intent.ts';
import { lookUp } from './support/look-up.ts';
import { listAll } from './support/manage.ts';
import { base64Json } from '../support/payment-header.ts';
import { settled, transfersFrom, trustedAccount } from './support/payment.ts';
import { newTranscript, runsSince, type Transcript } from './support/transcript.ts';
import { type ToolCall, translate, useSharedWorld } from './support/world.ts';

// An ancestor, an auditor or an operator can read `call.accepted` with the intent, its nonce and the signature of the `Agent-Intent`, and
// the payment signature after settlement. None of these may return the stored answer (law 3).
const world = useSharedWorld();
let owner: LocalAccount;
/** Pays each call with an authorization. */
let payer: LocalAccount;
/** Pays from credit. */
let creditHolder: LocalAccount;

/** The agent consents to a grant, so that its owner may read its log. */
const consent = async (agent: LocalAccount): Promise<void> => {
  const body = await signUnchecked(owner, grantFor(world(), owner.address, agent.address));
  const answer = await registerWith(world(), agent, body);
  expect(answer.status, await answer.clone().text()).toBe(201);
};

beforeAll(async () => {
  owner = await creditedAccount(world(), { credit: 100_000n, balance: 0n });
  payer = await trustedAccount(world(), { reports: 4, balance: 1_000_000n });
  creditHolder = await creditedAccount(world(), { credit: 100_000n, balance: 0n });
  for (const agent of [payer, creditHolder]) await consent(agent);
});

type Evidence = {
  readonly intent: Readonly<Record<keyof AgentIntent, string>>;
  readonly intentSignature?: Hex;
  readonly authorization?: Readonly<Record<string, string>>;
  readonly signature?: Hex;
};

/** Reads an agent's call as its owner, once entries of these types are exported. Returns their merged evidence. */
const readLog = async (
  agent: LocalAccount,
  call: Hex,
  types: readonly string[],
): Promise<Evidence> => {
  let read: readonly Entry[] = [];
  await expect
    .poll(
      async () => {
        const params = { account: accountOf(agent.address) };
        const entries = await listAll<Entry>(world(), owner, 'account.entries', { params });
        read = entries.filter((entry) => entry.call === call);
        return read.map(({ type }) => type);
      },
      { timeout: 40_000, interval: 500 },
    )
    .toEqual(types);
  return Object.assign({}, ...read.map(({ evidence }) => evidence ?? {})) as Evidence;
};

const base64Url = (hex: string): string => Buffer.from(hex.slice(2), 'hex').toString('base64url');

const ANSWER = /bon matin/;

/** Sends every request that a log reader can build, with every retry key that the log lets it guess. */
const attack = async (
  transcript: Transcript,
  call: ToolCall,
  proof: Readonly<Record<string, string>>,
  { intent }: Evidence,
  id: Hex,
): Promise<void> => {
  const keys: readonly (readonly [string, string | undefined, number, string])[] = [
    ['no Agent-Retry-Key', undefined, 409, 'already-used'],
    ['the nonce as Agent-Retry-Key', base64Url(intent.nonce), 400, 'retry-key-mismatch'],
    ['the call id as Agent-Retry-Key', base64Url(id), 400, 'retry-key-mismatch'],
    ['zeros as Agent-Retry-Key', base64Url(`0x${'00'.repeat(32)}`), 400, 'retry-key-mismatch'],
  ];
  for (const [shown, key, status, kind] of keys) {
    const headers = { ...proof, ...(key === undefined ? {} : { 'Agent-Retry-Key': key }) };
    const answer = await world().send(call, headers);
    for (const name of ['PAYMENT-RESPONSE', 'Agent-Receipt'])
      expect(answer.headers.get(name), name).toBeNull();
    const answered = await transcript.step(`log reader: the logged proof again, ${shown}`, answer);
    expect([answered.status, answered.kind]).toEqual([status, kind]);
    expect(answered.text).not.toMatch(ANSWER);
  }
  const looked = await transcript.step(
    'log reader: GET /calls/:id, signed by its own key',
    await lookUp(world(), owner, id),
  );
  expect([looked.status, looked.kind]).toEqual([404, 'unknown-call']);
};

/** Expects the stored answer for the agent: with its retry key, and without it for a fresh signature. */
const recover = async (
  transcript: Transcript,
  agent: LocalAccount,
  call: ToolCall,
  proof: Readonly<Record<string, string>>,
  key: Readonly<Record<string, string>>,
  id: Hex,
): Promise<void> => {
  const again = await transcript.step(
    'agent: the same request with Agent-Retry-Key',
    await world().send(call, { ...proof, ...key }),
  );
  expect([again.status, again.kind]).toEqual([200, 'answer of the tool']);
  expect(again.text).toMatch(ANSWER);
  const looked = await transcript.step(
    'agent that lost its secret: GET /calls/:id with a fresh signature',
    await lookUp(world(), agent, id),
  );
  expect(looked.status).toBe(200);
  const { answer } = JSON.parse(looked.text) as { readonly answer: { readonly body: string } };
  expect(Buffer.from(answer.body, 'base64').toString()).toBe(again.text);
};

describe('a log reader', () => {
  it('gets no answer with the intent and the signature of a settled payment', async () => {
    const transcript = newTranscript(
      'Log reader against the answer of a bound payment (translate)',
    );
    const before = await world().counts();
    const payment = await bind(world(), payer, translate);
    const id = callOf(payment);
    const first = await transcript.step(
      'agent: POST /tools/translate, payment bound to it',
      await world().send(translate, bound(payment)),
    );
    expect([first.status, first.kind]).toEqual([200, 'answer of the tool']);
    await settled(world(), payment);
    const types = ['call.accepted', 'call.finished', 'payment.settled'];
    const logged = await readLog(payer, id, types);
    // The log contains everything that the agent sent except the retry key.
    expect(logged).toMatchObject(payment.payload);
    expect(logged.intent.nonce).toBe(payment.intent.nonce);
    expect(JSON.stringify(logged)).not.toContain(retryKey(payment.intent)['Agent-Retry-Key']);
    const { authorization, signature, intent } = logged;
    const proof = {
      'PAYMENT-SIGNATURE': base64Json({
        x402Version: 2,
        accepted: payment.accepted,
        payload: { authorization, signature },
        extensions: { 'agent-intent': { info: { intent } } },
      }),
    };
    await attack(transcript, translate, proof, logged, id);
    await recover(transcript, payer, translate, bound(payment), retryKey(payment.intent), id);
    const ran = await runsSince(world(), before);
    transcript.print(ran, await transfersFrom(world(), payer.address));
    expect(ran).toEqual({ translate: 1 });
  });

  it('gets no answer with an Agent-Intent that is still valid', async () => {
    const transcript = newTranscript(
      'Log reader against the answer of an Agent-Intent (translate, from credit)',
    );
    const before = await world().counts();
    const { validBefore } = windowFromNow(0, 280);
    const signed = await signPaidIntent(world(), creditHolder, translate, { validBefore });
    const id = digestOf(signed.intent);
    const first = await transcript.step(
      'agent: POST /tools/translate, Agent-Intent',
      await world().send(translate, agentIntent(signed)),
    );
    expect([first.status, first.kind]).toEqual([200, 'answer of the tool']);
    const logged = await readLog(creditHolder, id, ['call.accepted', 'call.finished']);
    expect(logged.intentSignature).toBe(signed.signature);
    const header = { v: 1, chainId: String(CHAIN), intent: logged.intent };
    const json = JSON.stringify({ ...header, signature: logged.intentSignature });
    const proof = { 'Agent-Intent': Buffer.from(json).toString('base64url') };
    await attack(transcript, translate, proof, logged, id);
    await recover(
      transcript,
      creditHolder,
      translate,
      agentIntent(signed),
      retryKey(signed.intent),
      id,
    );
    const ran = await runsSince(world(), before);
    transcript.print(ran, []);
    expect(ran).toEqual({ translate: 1 });
  });
});
