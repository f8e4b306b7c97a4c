import { beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { remoteSigner } from '../../durable-objects/relayer/setup.ts';
import { rpcBatch } from '../../src/settlement/chain/json-rpc.ts';
import { dispatch } from '../../src/gateway/dispatch.ts';
import { postSettle, readSupported } from '../../src/settlement/backends/facilitator-api.ts';
import { send } from '../../src/webhooks/send.ts';
import { db } from './audit/database.ts';
import { AUDIENCE, configOf, toolOf } from './gateway/fixture.ts';
import { paymentNumber } from './settlement/scripted.ts';
import { receivedFor, signer } from './webhooks/world.ts';

/** A local server that answers every request below `/redirect/<key>` with 307, which asks the client to repeat the body at another URL. */
const receiver = inject('receiver');
let run = 0;
let key = '';
beforeEach(() => {
  run += 1;
  key = `redirects-${run}`;
});
const url = (): string => `${receiver}/redirect/${key}`;

/** Expects that the server received the request, and no request at the URL of the redirect. */
const wasNotFollowed = async (): Promise<void> => {
  expect(await receivedFor(key)).toHaveLength(1);
  expect(await receivedFor(`${key}-elsewhere`)).toEqual([]);
};

describe('a redirect is a failure of the call, and is not followed', () => {
  it.each(['GET', 'POST'])('by the dispatch of a %s to an upstream', async (method) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const tool = toolOf({ method: '*', path: '/echo/*', upstream: `/redirect/${key}` });
    const config = { ...configOf([tool]), upstreamUrl: receiver };
    const body = method === 'GET' ? undefined : Uint8Array.from(new TextEncoder().encode('secret'));
    const result = await dispatch(
      config,
      tool,
      {
        audience: AUDIENCE,
        tool: tool.id,
        method,
        target: '/echo/a',
        contentType: 'text/plain',
        payloadDigest: `0x${'00'.repeat(32)}`,
        body,
        request: `0x${'11'.repeat(32)}`,
      },
      {
        headers: new Headers(),
        assertion: 'the.jws.here',
        maxCharge: tool.price,
        service: undefined,
      },
    );
    expect(result).toEqual({ kind: 'failed', reason: 'redirect' });
    await wasNotFollowed();
    log.mockRestore();
  });

  it('by a webhook', async () => {
    const event = { id: 'msg_0x1', type: 'webhook.test', body: '{}' } as const;
    const deps = { db, signer: await signer(), receiptKey: '', reach: 'local_stack' } as const;
    const document = { url: url(), events: ['*' as const] };
    const sent = await send(deps, { scope: '*', id: 'ops', document }, event, 1);
    expect(sent).toMatchObject({ status: 307, fault: 'redirect' });
    await wasNotFollowed();
  });

  it('by the settlement of a payment at a facilitator', async () => {
    expect(
      await postSettle({ url: url(), headers: { authorization: 'secret' } }, paymentNumber(1)),
    ).toEqual({ kind: 'unreachable', why: 'redirect' });
    await wasNotFollowed();
  });

  it('by the list of a facilitator', async () => {
    expect(await readSupported(url(), { authorization: 'secret' })).toBeUndefined();
    await wasNotFollowed();
  });

  it('by an RPC endpoint', async () => {
    expect(await rpcBatch([url()], [{ method: 'eth_blockNumber', params: [] }])).toEqual({
      ok: false,
      error: { kind: 'redirect' },
    });
    await wasNotFollowed();
  });

  it('by the signer of a relayer', async () => {
    const address = `0x${'11'.repeat(20)}` as const;
    const unsigned = {
      chainId: 84_532,
      nonce: 0,
      to: address,
      gas: 1n,
      data: '0x',
      maxFeePerGas: 1n,
      maxPriorityFeePerGas: 1n,
    } as const;
    expect(await remoteSigner(url(), address)(unsigned)).toEqual({
      ok: false,
      error: 'signer_unreachable',
    });
    await wasNotFollowed();
  });
});

/** The text of every source file, by path. */
const sources = import.meta.glob(['../../src/**/*.ts', '../../durable-objects/**/*.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** The arguments of a call whose parentheses open before `from`. */
const argumentsAt = (text: string, from: number): string => {
  let depth = 1;
  let at = from;
  while (depth > 0 && at < text.length) {
    if (text[at] === '(') depth += 1;
    if (text[at] === ')') depth -= 1;
    at += 1;
  }
  return text.slice(from, at - 1);
};

describe('every fetch of the sources', () => {
  const isType = (given: string): boolean => /^\s*\w+\??: /.test(given);
  const calls = Object.entries(sources).flatMap(([path, text]) =>
    [...text.matchAll(/(?<![\w.]|async )(?:globalThis\.)?fetch(?:er)?\((?=[^)])/g)]
      .map((match) => ({
        path: path.replace('../../', ''),
        given: argumentsAt(text, match.index + match[0].length),
        text,
      }))
      .filter(({ given }) => !isType(given)),
  );

  it('sets redirect to manual, or passes on the choice of its caller', () => {
    const passingOn = [
      'durable-objects/audit-log/witnesses.ts',
      'src/cli/call/trace.ts',
      'src/cli/dev/test-call.ts',
      'src/cli/tail/feeds.ts',
      'src/client/mcp/paying-fetch.ts',
      'src/client/transport.ts',
      'src/dashboard/data/commands/send-command.ts',
      'src/dashboard/data/gateway/gateway.ts',
      'src/dashboard/payment/credit-terms.ts',
    ];
    expect(calls.length).toBeGreaterThan(8);
    const isManual = /redirect: 'manual'/;
    const others = calls.filter(
      ({ given, text }) =>
        !isManual.test(given) &&
        // `dispatch` builds its options once, for the internet and for bound Workers.
        !(
          given === 'url, init' && /const init: RequestInit = \{[^}]*redirect: 'manual'/.test(text)
        ),
    );
    expect([...new Set(others.map(({ path }) => path))].toSorted()).toEqual(passingOn);
  });
});
