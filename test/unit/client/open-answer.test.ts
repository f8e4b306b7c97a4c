import { describe, expect, it } from 'vitest';
import { AnswerBrokenOff, CountersignError } from '../../../src/client/index.ts';
import { utf8 } from '../../../src/crypto/bytes.ts';
import {
  agentOf,
  type Arrived,
  binding,
  callOf,
  claimsFor,
  creditLeft,
  entry,
  GATEWAY,
  HASH,
  lookedUp,
  offer,
  receiptOf,
  rejectionOf,
  scripted,
  type Step,
  URL_OF_TOOL,
} from './server.ts';

const TEXT = 'data: bon\n\ndata: jour\n\n';
const USAGE = { input_tokens: 7 };
const METERED = { charged: '300', usage: USAGE, end: 'complete' };

const eventOf = (token: string): string => `event: countersign-receipt\ndata: ${token}\n\n`;

/** A body of these chunks that closes, breaks, or stays silent. */
const bodyOf = (
  chunks: readonly string[],
  end: 'closed' | 'broken' | 'silent' = 'closed',
  onCancel: () => void = () => undefined,
) => {
  const rest = [...chunks];
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const chunk = rest.shift();
      if (chunk !== undefined) controller.enqueue(utf8(chunk));
      else if (end === 'closed') controller.close();
      else if (end === 'broken') controller.error(new TypeError('terminated'));
      else await new Promise(() => undefined);
    },
    cancel: onCancel,
  });
};

const EVENTS = { 'content-type': 'text/event-stream' };

type Script = {
  /** Changes the claims of the receipt; undefined: the gateway sends no receipt. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  readonly token?: (token: string) => string;
  readonly text?: string;
  readonly behind?: string;
  readonly end?: 'closed' | 'broken' | 'silent';
  readonly headers?: Readonly<Record<string, string>>;
  readonly onCancel?: () => void;
};

/** Streams an answer and its receipt. */
const streamed =
  ({ claims, token = (same) => same, text = TEXT, behind = '', ...more }: Script): Step =>
  async (arrived) => {
    const receipt =
      claims &&
      eventOf(token(await receiptOf(await claimsFor(arrived, callOf(arrived), TEXT, claims))));
    const chunks = [text.slice(0, 5), text.slice(5), receipt ?? '', behind].filter(Boolean);
    return new Response(bodyOf(chunks, more.end, more.onCancel), {
      headers: { ...EVENTS, ...more.headers },
    });
  };

/** Answers the look-up of a call with a receipt of these claims. */
const lookUpOf = async (
  arrived: Arrived | undefined,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Response> => {
  if (arrived === undefined) throw new Error('no call');
  const answer = await lookedUp(arrived, { answer: null });
  const claims = await claimsFor(arrived, callOf(arrived), TEXT, { ...METERED, ...more });
  return new Response(answer.body, { headers: { 'Agent-Receipt': await receiptOf(claims) } });
};

const credit = () =>
  offer([entry()], {
    ...binding(),
    'agent-credit': { info: { version: 1, topUp: `${GATEWAY}/credits`, required: true } },
  });

const served = (script: Script, offered: Step = () => offer()) => {
  const server = scripted(offered, streamed(script), async () => lookUpOf(server.arrived[1]));
  return { server, agent: agentOf(server) };
};

describe('an answer that streams', () => {
  it('requests its receipt as its last event, and removes the event from what the caller reads', async () => {
    const { server, agent } = served({ claims: METERED });
    const answer = await agent.fetch(URL_OF_TOOL);
    expect(server.arrived.map(({ headers }) => headers.get('Agent-Receipt'))).toEqual([
      null,
      'stream',
    ]);
    expect(answer.countersign.charged).toBe(20_000n);
    expect(await answer.text()).toBe(TEXT);
    expect(await answer.countersign.final).toMatchObject({
      call: answer.countersign.call,
      charged: 300n,
      usage: USAGE,
      end: 'complete',
      receipt: { verified: true },
    });
    // The authorization of the payment can still be settled whole.
    expect(agent.spending()).toMatchObject({ signed: 20_000n, charged: 300n });
    expect(server.arrived).toHaveLength(2);
  });

  it('arrives event by event, before it has ended', async () => {
    const { agent } = served({ end: 'silent' });
    const reader = (await agent.fetch(URL_OF_TOOL)).body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe(TEXT.slice(0, 5));
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe(TEXT.slice(5));
  });

  it('can be cloned, and both copies lack the event', async () => {
    const { agent } = served({ claims: METERED });
    const answer = await agent.fetch(URL_OF_TOOL);
    const copy = answer.clone();
    expect(await Promise.all([answer.text(), copy.text()])).toEqual([TEXT, TEXT]);
    expect(await answer.countersign.final).toMatchObject({ charged: 300n });
  });

  it('can be read as JSON and into the buffers of the caller', async () => {
    const json = served({ text: '{"a":1}', headers: { 'content-type': 'application/json' } });
    expect(await (await json.agent.fetch(URL_OF_TOOL)).json()).toEqual({ a: 1 });
    const { agent } = served({ claims: METERED });
    const reader = (await agent.fetch(URL_OF_TOOL)).body?.getReader({ mode: 'byob' });
    let text = '';
    for (let read = await reader?.read(new Uint8Array(4)); read?.done === false;) {
      text += new TextDecoder().decode(read.value);
      read = await reader?.read(new Uint8Array(4));
    }
    expect(text).toBe(TEXT);
  });

  it('from credit counts as its maximum while it is open, and as its charge afterwards', async () => {
    const { agent } = served({ claims: METERED, headers: creditLeft(30_000n) }, credit);
    const answer = await agent.fetch(URL_OF_TOOL);
    expect(agent.spending()).toMatchObject({ signed: 20_000n, charged: 20_000n });
    await answer.text();
    expect(agent.spending()).toMatchObject({ signed: 300n, charged: 300n });
  });

  it('is looked up once if it brings no receipt, when the program reads `final`', async () => {
    const { server, agent } = served({}, credit);
    const answer = await agent.fetch(URL_OF_TOOL);
    expect(await answer.text()).toBe(TEXT);
    expect(agent.spending()).toMatchObject({ signed: 20_000n, charged: 20_000n });
    const { final } = answer.countersign;
    expect(answer.countersign.final).toBe(final);
    expect(await final).toMatchObject({ charged: 300n, receipt: { verified: true } });
    expect(agent.spending()).toMatchObject({ signed: 300n, charged: 300n });
    expect(server.arrived).toHaveLength(3);
  });

  it('is looked up after the caller has cancelled it: hanging up is no discount', async () => {
    let isCancelled = false;
    const onCancel = () => {
      isCancelled = true;
    };
    const { agent } = served({ end: 'silent', onCancel }, credit);
    const answer = await agent.fetch(URL_OF_TOOL);
    const reader = answer.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    expect(isCancelled).toBe(true);
    expect(await answer.countersign.final).toMatchObject({ charged: 300n });
  });
});

describe('an answer that breaks off', () => {
  it('rejects where the caller reads it, and `final` looks the charge up', async () => {
    const { agent } = served({ end: 'broken' }, credit);
    const answer = await agent.fetch(URL_OF_TOOL);
    const error = await rejectionOf(answer.text());
    if (!(error instanceof AnswerBrokenOff)) throw new Error(String(error));
    expect(error).toMatchObject({
      code: 'answer_broken_off',
      call: answer.countersign.call,
      charged: undefined,
      atMost: 20_000n,
    });
    expect(`${error.message} ${error.hint}`).not.toMatch(/again later|try again/i);
    expect(agent.spending().signed).toBe(20_000n);
    expect(await error.final).toMatchObject({ charged: 300n });
    expect(agent.spending().signed).toBe(300n);
  });

  it('states the charge of the receipt that came before the break', async () => {
    const { server, agent } = served({
      claims: { ...METERED, end: 'truncated' },
      end: 'broken',
    });
    const error = await rejectionOf((await agent.fetch(URL_OF_TOOL)).text());
    expect(error).toMatchObject({ code: 'answer_broken_off', charged: 300n });
    expect(server.arrived).toHaveLength(2);
  });

  it('rejects too if only its receipt states that the tool broke off', async () => {
    const { agent } = served({ claims: { ...METERED, end: 'truncated' } });
    const error = await rejectionOf((await agent.fetch(URL_OF_TOOL)).text());
    expect(error).toMatchObject({ code: 'answer_broken_off', charged: 300n });
  });

  it('rejects with the same error if it is not an event stream', async () => {
    const headers = { 'content-type': 'application/json' };
    const { agent } = served({ end: 'broken', headers });
    expect(await rejectionOf((await agent.fetch(URL_OF_TOOL)).json())).toMatchObject({
      code: 'answer_broken_off',
    });
  });

  it('rejects with the reason of the caller who aborted it', async () => {
    const { agent } = served({ end: 'broken' });
    const stop = new AbortController();
    const answer = await agent.fetch(URL_OF_TOOL, { signal: stop.signal });
    stop.abort(new Error('enough'));
    expect(await rejectionOf(answer.text())).not.toBeInstanceOf(CountersignError);
  });
});

describe('a hostile gateway', () => {
  it.each<[string, Script]>([
    [
      'a receipt without a valid signature',
      { claims: METERED, token: (same) => `${same.slice(0, -4)}AAAA` },
    ],
    [
      'a receipt of another key',
      { claims: METERED, token: (same) => `e30${same.slice(same.indexOf('.'))}` },
    ],
    ['a receipt of another call', { claims: { ...METERED, call: HASH } }],
    ['a receipt of another account', { claims: { ...METERED, agent: 'eip155:84532:0x00' } }],
    ['a receipt of another answer', { claims: { ...METERED, response: HASH } }],
    ['a receipt above the maximum', { claims: { ...METERED, charged: '20001' } }],
  ])('gets no budget back for %s', async (_, script) => {
    const { agent } = served(script, credit);
    const answer = await agent.fetch(URL_OF_TOOL);
    expect(await answer.text()).toBe(TEXT);
    expect(agent.spending()).toMatchObject({ signed: 20_000n, charged: 20_000n });
    // The look-up of an honest gateway still settles the charge.
    expect(await answer.countersign.final).toMatchObject({ charged: 300n });
  });

  it('gets no budget back for a receipt that other bytes follow, which the agent passes on', async () => {
    const { agent } = served({ claims: METERED, behind: 'data: more\n\n' }, credit);
    const text = await (await agent.fetch(URL_OF_TOOL)).text();
    expect(text.startsWith(`${TEXT}event: countersign-receipt`)).toBe(true);
    expect(text.endsWith('data: more\n\n')).toBe(true);
    expect(agent.spending().signed).toBe(20_000n);
  });

  it('gets no budget back for a charge that only the beginning of the answer states', async () => {
    const headers = {
      'PAYMENT-RESPONSE': btoa(JSON.stringify({ success: true, amount: '0' })),
    };
    const { agent } = served({ headers, end: 'silent' }, credit);
    await agent.fetch(URL_OF_TOOL);
    expect(agent.spending().signed).toBe(20_000n);
  });

  it.each([
    ['whose receipt is of another call', { call: HASH }, /another call/],
    ['whose receipt is above the maximum', { charged: '20001' }, /more than/],
    ['whose receipt is of other bytes', { response: HASH }, /another answer/],
  ])('gets no budget back for a look-up %s, and `final` rejects', async (_, claims, message) => {
    const server = scripted(credit, streamed({}), async () => lookUpOf(server.arrived[1], claims));
    const agent = agentOf(server);
    const answer = await agent.fetch(URL_OF_TOOL);
    await answer.text();
    expect(await rejectionOf(answer.countersign.final)).toMatchObject({
      code: 'look_failed',
      message: expect.stringMatching(message),
      call: answer.countersign.call,
    });
    expect(agent.spending()).toMatchObject({ signed: 20_000n, charged: 20_000n });
  });

  it('cannot lower the counted amount of a payment below what it authorizes', async () => {
    const { agent } = served({ claims: { ...METERED, charged: '0' } });
    await (await agent.fetch(URL_OF_TOOL)).text();
    expect(agent.spending()).toMatchObject({ signed: 20_000n, charged: 0n });
  });
});
