import { describe, expect, test } from 'vitest';
import type { AgentResponse } from '../../../../src/client/call-report.ts';
import type { ResumeOptions } from '../../../../src/client/pending-approval.ts';
import type { SavedCall } from '../../../../src/client/saved-call.ts';
import type { ParkedCall } from '../../../../src/cli/mcp/parked-calls.ts';
import { openWaiting } from '../../../../src/cli/mcp/waiting.ts';

const call = `0x${'ab'.repeat(32)}` as const;
const parked: ParkedCall = {
  ...{
    tool: 'report',
    origin: 'https://gw.example',
    payer: `0x${'01'.repeat(20)}`,
    price: '$0.05',
  },
  saved: { call, expiresAt: 1_800_000_000 } as unknown as SavedCall,
};

/** The gateway that the bridge polls after each pause. A user approves the call later. */
const world = () => {
  const stored = new Map<string, ParkedCall>();
  const state = { approved: false, asked: 0 };
  const resume = async ({ pause, signal }: ResumeOptions): Promise<AgentResponse> => {
    for (;;) {
      state.asked += 1;
      if (state.approved) break;
      // The client's pauses have grown to this length.
      await pause?.(30_000, signal);
    }
    return Response.json({ result: { content: [{ type: 'text', text: 'ran' }] } }) as AgentResponse;
  };
  const ended = new AbortController();
  const waiting = openWaiting({
    calls: {
      find: async (id) => stored.get(id),
      all: async () => [...stored.values()],
      keep: async (one) => void stored.set(one.saved.call, one),
      drop: async (id) => void stored.delete(id),
    },
    agent: { resume: async (_, options = {}) => await resume(options) },
    ...{ waitMs: 50, signal: ended.signal },
  });
  return { state, resume, waiting, ended };
};

const waiter = { signal: new AbortController().signal, progress: async () => undefined };

describe('a call that a person approved between two requests of the host', () => {
  test('returns its answer at once, however long the pauses have grown', async () => {
    const { state, resume, waiting, ended } = world();
    const first = await waiting.park(parked, resume, waiter);
    expect(JSON.stringify(first.content)).toContain('waits for a person');
    // The call stays stored, so another bridge can continue it after this one has ended.
    expect(await waiting.all()).toEqual([parked]);
    // The bridge polled at most twice: at the start, and when the host began to wait.
    expect(state.asked).toBeLessThanOrEqual(2);
    state.approved = true;
    const second = await waiting.again(call, waiter);
    expect(second?.content).toEqual([{ type: 'text', text: 'ran' }]);
    expect(await waiting.again(call, waiter)).toBeUndefined();
    ended.abort();
  });

  test('is asked about seldom while no host waits', async () => {
    const { state, resume, waiting, ended } = world();
    await waiting.park(parked, resume, waiter);
    const asked = state.asked;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(state.asked).toBe(asked);
    ended.abort();
  });
});
