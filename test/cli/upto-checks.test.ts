import { afterEach, describe, expect, test } from 'vitest';
import { type RunningServer, serveLoopback } from '../../dev/stack/loopback.ts';
import { uptoChecks } from '../../src/cli/doctor/upto-checks.ts';
import type { Config } from '../../src/config/config.ts';
import { PERMIT2, UPTO_PROXY } from '../../src/protocol/x402/permit2.ts';

const ON = 'eip155:84532';
const SENDER = `0x${'fa'.repeat(20)}` as const;
const OTHER = `0x${'fb'.repeat(20)}` as const;

const servers: RunningServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map(async ({ stop }) => await stop()));
});

/** A node on which the contracts have code, and a facilitator with a fixed list. */
const serving = async (
  kinds: readonly object[] = [],
  empty: string = '',
  codeOfSender = '0x',
): Promise<string> => {
  const server = await serveLoopback({
    handler: async (request) => {
      if (request.method === 'GET') return Response.json({ kinds });
      const calls = (await request.json()) as { id: number; params: [string] }[];
      return Response.json(
        calls.map(({ id, params: [address] }) => ({
          ...{ jsonrpc: '2.0', id },
          result: address === SENDER ? codeOfSender : address === empty ? '0x' : '0x6080',
        })),
      );
    },
  });
  servers.push(server);
  return server.url;
};

const metered = { pricing: 'upto', settlement: 'deferred' };
const check = async (more: object, url: string) =>
  await uptoChecks(
    {
      ...{ tools: [metered], networks: [ON], rpcUrls: new Map([[ON, [url]]]) },
      ...{ relayers: new Map(), facilitators: [], ...more },
    } as unknown as Config,
    AbortSignal.timeout(5_000),
  );
const relayed = { relayers: new Map([[ON, { addresses: [SENDER], first: true }]]) };
const kind = (extra?: object) => ({
  ...{ x402Version: 2, scheme: 'upto', network: ON },
  ...(extra === undefined ? {} : { extra }),
});

describe('the check of upto', () => {
  test('has no result for a gateway without a tool that accepts it', async () => {
    const url = await serving();
    expect(await check({ tools: [{ pricing: 'exact', settlement: 'deferred' }] }, url)).toEqual([]);
    expect(await check({ tools: [{ pricing: 'upto', settlement: 'credit' }] }, url)).toEqual([]);
  });

  test('names the relayer that settles it', async () => {
    const [found] = await check(relayed, await serving());
    expect(found).toMatchObject({ name: 'upto', status: 'ok' });
    expect(JSON.stringify(found).toLowerCase()).toContain(SENDER);
  });

  test('warns if no account settles it', async () => {
    expect(await check({}, await serving())).toMatchObject([{ status: 'warn' }]);
  });

  test.each([PERMIT2, UPTO_PROXY])('fails where %s has no code', async (address) => {
    expect(await check(relayed, await serving([], address))).toMatchObject([{ status: 'fail' }]);
  });

  test.each([
    ['fail', '0x6080'],
    ['ok', `0xef0100${'aa'.repeat(20)}`],
  ])('is %s for a sender with the code %s', async (status, code) => {
    expect(await check(relayed, await serving([], '', code))).toMatchObject([{ status }]);
  });

  test.each([
    ['ok', [kind({ facilitatorAddress: SENDER })]],
    ['ok', [kind()]],
    ['fail', [kind({ facilitatorAddress: OTHER })]],
    ['fail', [{ ...kind(), scheme: 'exact' }]],
    ['fail', [{ ...kind(), network: 'eip155:8453' }]],
  ])('is %s for a facilitator that lists %j', async (status, kinds) => {
    const url = await serving(kinds);
    const facilitators = [{ url, uptoSender: SENDER }];
    expect(await check({ facilitators }, url)).toMatchObject([{ status }]);
  });
});
