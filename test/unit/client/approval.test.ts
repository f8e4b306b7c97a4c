import { afterEach, describe, expect, it, vi } from 'vitest';
import { type AgentOptions, ApprovalRequired, type SavedCall } from '../../../src/client/index.ts';
import { problem as realProblem } from '../../../src/protocol/problem/problem.ts';
import {
  agentOf,
  type Arrived,
  callOf,
  challenged,
  creditLeft,
  dropped,
  entry,
  binding,
  clientErrorOf,
  GATEWAY,
  HASH,
  NOW,
  offer,
  problem,
  scripted,
  serve,
  served,
  type Step,
  URL_OF_TOOL,
  USDC,
} from './server.ts';

afterEach(() => {
  vi.useRealTimers();
});

const parked: Step = () =>
  problem(
    403,
    'approval-required',
    { approval: `${GATEWAY}/calls/0x`, approval_state: 'waiting', expires_at: NOW + 600 },
    { 'Retry-After': '5' },
  );

type Script = ReturnType<typeof scripted>;

/** The two answers to a look-up of the first signed call: a challenge, then the state. */
const looked = (state: string, server: () => Script): readonly Step[] => [
  () => challenged(),
  () =>
    Response.json({
      call: callOf(signedIn(server())[0]),
      ...{ tool: 'translate', request: HASH, binding: 'intent', state: 'parked' },
      ...{ asset: USDC, price: '20000', charged: '0', paid_from: 'payment', payment: 'held' },
      ...{ accepted_at: NOW, entry: HASH, policy: HASH },
      approval: { state, until: NOW + 600 },
    }),
];

const isCall = ({ url }: Arrived): boolean => url === URL_OF_TOOL;
const signedIn = ({ arrived }: Script): readonly Arrived[] => arrived.filter(isCall).slice(1);

const scriptOf = (...steps: readonly (Step | string)[]): Script => {
  const server: Script = scripted(
    () => offer(),
    parked,
    ...steps.flatMap((step) => (typeof step === 'string' ? looked(step, () => server) : [step])),
  );
  return server;
};

const pendingOf = async (server: Script, more: Partial<AgentOptions> = {}) => {
  const agent = agentOf(server, more);
  const error = await clientErrorOf(agent.fetch(URL_OF_TOOL));
  if (!(error instanceof ApprovalRequired)) throw error;
  return { agent, error };
};

describe('a call that a person must approve', () => {
  it('rejects with what is needed to go on, and its signed amount counts once', async () => {
    const server = scriptOf('approved', serve);
    const { agent, error } = await pendingOf(server);
    expect(error).toMatchObject({
      code: 'approval_required',
      call: callOf(signedIn(server)[0]),
      approval: { url: `${GATEWAY}/calls/0x`, expiresAt: NOW + 600 },
    });
    expect(agent.spending().signed).toBe(20_000n);
    const answer = await error.approval.resume();
    expect(await answer.text()).toBe('bonjour');
    expect(answer.countersign).toMatchObject({ charged: 20_000n });
    expect(agent.spending()).toMatchObject({ signed: 20_000n, charged: 20_000n });
  });

  it('is announced to the hook onApproval once, whose exception changes nothing', async () => {
    const server = scriptOf('approved', serve);
    const waiting: unknown[] = [];
    const onApproval = (call: unknown) => {
      waiting.push(call);
      throw new Error('hook');
    };
    const agent = agentOf(server, { approval: 'wait', hooks: { onApproval } });
    expect((await agent.fetch(URL_OF_TOOL)).status).toBe(200);
    expect(waiting).toEqual([
      { call: callOf(signedIn(server)[0]), url: `${GATEWAY}/calls/0x`, expiresAt: NOW + 600 },
    ]);
  });

  it('is repeated with the same proof, its retry key and nothing newly signed', async () => {
    const server = scriptOf('approved', serve);
    const { error } = await pendingOf(server);
    await error.approval.resume();
    const [first, second, ...others] = signedIn(server);
    expect(others).toEqual([]);
    expect(first?.headers.has('Agent-Retry-Key')).toBe(false);
    expect(second?.headers.has('Agent-Retry-Key')).toBe(true);
    expect(second?.headers.get('PAYMENT-SIGNATURE')).toBe(first?.headers.get('PAYMENT-SIGNATURE'));
  });

  it('is repeated once, however often it is resumed', async () => {
    const server = scriptOf('approved', serve);
    const { error } = await pendingOf(server);
    const [one, other] = await Promise.all([error.approval.resume(), error.approval.resume()]);
    expect(one).toBe(other);
    expect(await error.approval.resume()).toBe(one);
    expect(signedIn(server)).toHaveLength(2);
  });

  it('waits for the decision, asking less often each time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const server = scriptOf('waiting', 'waiting', 'approved', serve);
    const answer = agentOf(server, { approval: 'wait' }).fetch(URL_OF_TOOL);
    await vi.advanceTimersByTimeAsync(1_900);
    expect(server.arrived).toHaveLength(4);
    await vi.advanceTimersByTimeAsync(200);
    expect(server.arrived).toHaveLength(6);
    await vi.advanceTimersByTimeAsync(3_000);
    expect((await answer).status).toBe(200);
  });

  it('asks again after an answer that was lost, and sends nothing more', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const server = scriptOf(() => new Response(null, { status: 500 }), 'approved', serve);
    const answer = agentOf(server, { approval: 'wait' }).fetch(URL_OF_TOOL);
    await vi.advanceTimersByTimeAsync(2_100);
    expect((await answer).status).toBe(200);
    expect(signedIn(server)).toHaveLength(2);
  });

  it.each([
    ['refused', 'approval_refused'],
    ['expired', 'approval_expired'],
  ])('that is %s rejects with %s, and a payment stays counted', async (state, code) => {
    const server = scriptOf(state);
    const agent = agentOf(server, { approval: 'wait' });
    expect(await clientErrorOf(agent.fetch(URL_OF_TOOL))).toMatchObject({ code });
    expect(agent.spending()).toMatchObject({ signed: 20_000n, charged: 0n });
  });

  it('from credit that is refused counts nothing', async () => {
    const server: Script = scripted(
      () =>
        offer([entry()], {
          ...binding(),
          'agent-credit': { info: { version: 1, topUp: `${GATEWAY}/credits`, required: true } },
        }),
      parked,
      ...looked('refused', () => server),
    );
    const agent = agentOf(server, { approval: 'wait' });
    expect((await clientErrorOf(agent.fetch(URL_OF_TOOL))).code).toBe('approval_refused');
    expect(agent.spending()).toMatchObject({ signed: 0n, charged: 0n });
  });

  it('from credit that is approved counts what it charged, once', async () => {
    const server: Script = scripted(
      () =>
        offer([entry()], {
          ...binding(),
          'agent-credit': { info: { version: 1, topUp: `${GATEWAY}/credits`, required: true } },
        }),
      parked,
      ...looked('approved', () => server),
      async (arrived) => await served(arrived, callOf(arrived), {}, creditLeft(5n)),
    );
    const agent = agentOf(server, { approval: 'wait' });
    expect((await agent.fetch(URL_OF_TOOL)).countersign.charged).toBe(20_000n);
    expect(agent.spending()).toMatchObject({ signed: 20_000n, charged: 20_000n });
  });

  it('stops waiting when its caller aborts, and can be resumed', async () => {
    const server = scriptOf('approved', serve);
    const { error } = await pendingOf(server);
    const reason = new Error('enough');
    await expect(error.approval.resume({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(signedIn(server)).toHaveLength(1);
    expect((await error.approval.resume()).status).toBe(200);
  });

  const paused: Step = async () => await realProblem({ reason: 'paused' });

  it.each([
    ['a lost answer and a 503 that is final', [dropped, paused]],
    ['a 503 that is final', [paused]],
    ['a 402', [() => offer()]],
  ] as const)('is looked up, and lost, after a repeat with %s', async (_, steps) => {
    const server = scriptOf('approved', ...steps, () => problem(404, 'unknown-call'));
    const { agent, error } = await pendingOf(server);
    const lost = await clientErrorOf(error.approval.resume());
    expect(lost).toMatchObject({ code: 'answer_lost', call: callOf(signedIn(server)[0]) });
    expect(server.arrived.at(-1)?.url).toContain('/calls/');
    expect(agent.spending()).toMatchObject({ signed: 20_000n });
  });

  it('is continued by another agent from what it saved, which counts it once', async () => {
    const server = scriptOf('approved', serve);
    const { error } = await pendingOf(server);
    const saved = JSON.parse(JSON.stringify(error.approval.save())) as SavedCall;
    const other = agentOf(server);
    const answer = await other.resume(saved);
    expect(await answer.text()).toBe('bonjour');
    expect(answer.countersign).toMatchObject({ charged: 20_000n, receipt: { verified: true } });
    expect(other.spending()).toMatchObject({ signed: 20_000n, charged: 20_000n });
    const [first, second] = signedIn(server);
    expect(second?.headers.get('PAYMENT-SIGNATURE')).toBe(first?.headers.get('PAYMENT-SIGNATURE'));
    expect(second?.headers.has('Agent-Retry-Key')).toBe(true);
  });

  it('is not continued beyond the total of the other agent, or from anything else', async () => {
    const server = scriptOf('approved', serve);
    const { error } = await pendingOf(server);
    const spend = { perCall: '$0.01', total: '$0.01' };
    const poor = agentOf(server, { spend }).resume(error.approval.save());
    expect(await clientErrorOf(poor)).toMatchObject({ code: 'over_total' });
    const forged = agentOf(server).resume({ ...error.approval.save(), call: 'x' as never });
    expect(await clientErrorOf(forged)).toMatchObject({ code: 'options_invalid' });
    expect(signedIn(server)).toHaveLength(1);
  });

  it('waits for an hour at most, whatever the server states', async () => {
    const server: Script = scripted(
      () => offer(),
      () => problem(403, 'approval-required', { expires_at: NOW + 10_000_000 }),
    );
    const { error } = await pendingOf(server);
    expect(error.approval.expiresAt).toBe(NOW + 3_600);
  });

  it('rejects another value of the option', () => {
    expect(() => agentOf(scripted(), { approval: 'ask' as never })).toThrow(/approval must be/);
  });
});
