import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { privateKeyToAccount } from 'viem/accounts';
import type { Signer } from '../../../../../src/client/signer.ts';
import type { Hex } from '../../../../../src/core/hex.ts';
import { actProblem } from '../../../../../src/dashboard/data/changes/act-problem.ts';
import { endAllSessions } from '../../../../../src/dashboard/data/session/end-all-sessions.ts';
import { endSession } from '../../../../../src/management/router.ts';
import type { SessionEnd } from '../../../../../src/protocol/account/session.ts';
import { MAX_SESSION } from '../../../../../src/protocol/intent/agent-session.ts';
import vectors from '../../../../vectors/countersign-v1.json';
import { useVectorsClock } from '../../../../support/vectors-clock.ts';
import { freshDatabase } from '../../../audit/database.ts';
import { KEY_ACCOUNT, network } from '../../../gateway/scripted.ts';
import { CHAIN_ID, NOW, vectorConfig } from '../../../gateway/signing.ts';
import { scriptedContext } from '../../../management/scripted-context.ts';

const ORIGIN = vectorConfig().audiences[0];
const owner = privateKeyToAccount(vectors.keys.owner.privateKey as Hex) as unknown as Signer;

beforeAll(freshDatabase);
useVectorsClock();
afterEach(() => {
  vi.unstubAllGlobals();
});

const sentTo = (answer: (request: Request) => Promise<Response>) => {
  const send = vi.fn<(url: string, init: RequestInit) => Promise<Response>>(async (url, init) =>
    answer(new Request(url, { method: init.method ?? '', headers: init.headers ?? {} })),
  );
  vi.stubGlobal('fetch', send);
  return send;
};

/** The text that the page shows after the wallet has signed. */
const shownAfter = async (signer = owner): Promise<string> =>
  endAllSessions({ signer, chainId: CHAIN_ID }, ORIGIN, NOW).then(
    () => 'done',
    async (thrown: unknown) => actProblem(thrown, 'Base Sepolia'),
  );

describe('signing out everywhere', () => {
  it('ends all sessions of the wallet at the gateway, with one request that only the wallet signed', async () => {
    const ended: SessionEnd[] = [];
    network(KEY_ACCOUNT);
    const { context } = await scriptedContext(vectorConfig(), {
      endSession: async (end) => {
        ended.push(end);
        return { verdict: 'ok' };
      },
    });
    const toChain = globalThis.fetch;
    const send = sentTo(async (request) => {
      vi.stubGlobal('fetch', toChain);
      expect(request.headers.has('agent-session')).toBe(false);
      return endSession(context, request);
    });
    expect(await shownAfter()).toBe('done');
    expect(send).toHaveBeenCalledTimes(1);
    expect(ended).toEqual([{ key: 'all', until: NOW + MAX_SESSION, isOperator: false }]);
  });

  it.each([
    ['the connection breaks', () => Promise.reject(new TypeError('Failed to fetch'))],
    ['a proxy answers', () => Promise.resolve(new Response('bad gateway', { status: 502 }))],
  ])('is sent once if %s, and says how to go on', async (_, answer) => {
    const send = sentTo(answer);
    expect(await shownAfter()).toBe(
      'The gateway did not answer, so it may have ended the sessions or not. If it has, this page asks you to sign in when it reads next. Check the connection, then try again.',
    );
    expect(send).toHaveBeenCalledTimes(1);
  });

  it('shows why the gateway refuses', async () => {
    const type = 'urn:countersign:problem:expired';
    sentTo(async () =>
      Response.json(
        { type, detail: 'The intent has expired.' },
        { status: 400, headers: { 'content-type': 'application/problem+json' } },
      ),
    );
    expect(await shownAfter()).toContain('The intent has expired.');
  });

  it('sends nothing if the wallet declines', async () => {
    const send = sentTo(() => Promise.reject(new Error('sent')));
    const signer: Signer = {
      address: owner.address,
      signTypedData: () => Promise.reject(Object.assign(new Error('No.'), { code: 4001 })),
    };
    expect(await shownAfter(signer)).toContain('The gateway did not receive this change.');
    expect(send).not.toHaveBeenCalled();
  });
});
