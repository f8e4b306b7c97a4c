import { keccak256 } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { readSetup, remoteSigner } from '../../../durable-objects/relayer/setup.ts';
import type { UnsignedTransaction } from '../../../src/settlement/relayer/transaction.ts';
import { openBench, payersOf, relayFrom, alarmUntilIdle, settledCalls } from './support.ts';

const SIGNER = 'https://signer.test/';

afterEach(() => {
  vi.restoreAllMocks();
});

type SignRequest = Readonly<Record<string, string>>;

/** Scripts the signer's answers; the chain is real. @returns the requests that the signer received */
const standIn = (answer: (request: SignRequest) => Promise<unknown>): SignRequest[] => {
  const requests: SignRequest[] = [];
  const real = globalThis.fetch;
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    if (input !== SIGNER) return real(input, init);
    const [call] = JSON.parse(init?.body as string) as { method: string; params: [SignRequest] }[];
    if (call?.method !== 'eth_signTransaction') throw new Error('unexpected method');
    requests.push(call.params[0]);
    const result = await answer(call.params[0]);
    return Response.json(
      result === undefined
        ? [{ jsonrpc: '2.0', id: 0, error: { code: -32_000, message: 'denied' } }]
        : [{ jsonrpc: '2.0', id: 0, result }],
    );
  });
  return requests;
};

const signAs =
  (key: `0x${string}`, changes: Record<string, unknown> = {}) =>
  async (request: SignRequest) =>
    privateKeyToAccount(key).signTransaction({
      type: 'eip1559',
      chainId: Number(request['chainId']),
      nonce: Number(request['nonce']),
      to: request['to'] as `0x${string}`,
      data: request['data'] as `0x${string}`,
      gas: BigInt(request['gas'] ?? 0),
      maxFeePerGas: BigInt(request['maxFeePerGas'] ?? 0),
      maxPriorityFeePerGas: BigInt(request['maxPriorityFeePerGas'] ?? 0),
      ...changes,
    });

describe('a remote signer', () => {
  test.for(['the bytes', 'bytes and fields'] as const)(
    'that returns %s settles payments',
    async (form) => {
      const bench = await openBench();
      const requests = standIn(async (of) => {
        const raw = await signAs(bench.key)(of);
        return form === 'the bytes' ? raw : { raw, tx: { hash: keccak256(raw) } };
      });
      bench.setup = { sign: remoteSigner(SIGNER, bench.address) };
      const relays = await Promise.all(
        (await payersOf(bench.chain, 2)).map(async (payer) => relayFrom(payer)),
      );
      await bench.relay(relays);
      await alarmUntilIdle(bench);
      expect(settledCalls(bench)).toHaveLength(2);
      expect(requests).toMatchObject([{ from: bench.address, chainId: '0x14a34', value: '0x0' }]);
    },
  );

  test.for([
    ['signs for another receiver', { to: `0x${'ee'.repeat(20)}` }],
    ['signs for another nonce', { nonce: 9 }],
    ['adds value', { value: 1n }],
    ['signs another call', { data: '0x12345678' }],
    ['takes more gas', { gas: 29_000_000n }],
    ['offers more for gas', { maxFeePerGas: 10n ** 15n }],
    ['signs for another chain', { chainId: 1 }],
  ] as const)('that %s is refused: nothing is stored, nothing broadcast', async ([, changes]) => {
    const bench = await openBench();
    standIn(signAs(bench.key, changes));
    bench.setup = { sign: remoteSigner(SIGNER, bench.address) };
    const [payer] = await payersOf(bench.chain, 1);
    if (payer === undefined) throw new Error('no payer');
    const relay = await relayFrom(payer);
    await bench.relay([relay]);
    await bench.onAlarm();
    expect((await bench.stored()).flights).toEqual([]);
    expect((await bench.status()).lastError?.text).toBe('signer_lied');
    vi.restoreAllMocks();
    // Once the signer is honest, the relayer sends the waiting payment.
    standIn(signAs(bench.key));
    await alarmUntilIdle(bench);
    expect(settledCalls(bench)).toEqual([relay.call]);
  });

  const unsigned: UnsignedTransaction = {
    chainId: 84532,
    nonce: 0,
    to: `0x${'cc'.repeat(20)}`,
    data: '0x12',
    gas: 230_000n,
    maxFeePerGas: 2n,
    maxPriorityFeePerGas: 1n,
  };
  const key = generatePrivateKey();
  const address = privateKeyToAccount(key).address.toLowerCase() as `0x${string}`;

  test('that signs with another key, rejects, or answers nonsense has an error of its own for each', async () => {
    const sign = remoteSigner(SIGNER, address);
    standIn(signAs(generatePrivateKey()));
    expect(await sign(unsigned)).toEqual({ ok: false, error: 'signer_lied' });
    vi.restoreAllMocks();
    standIn(async () => undefined);
    expect(await sign(unsigned)).toEqual({ ok: false, error: 'signer_refused' });
    for (const nonsense of ['0x', 'yes', { raw: 7 }, null]) {
      vi.restoreAllMocks();
      standIn(async () => nonsense);
      expect(await sign(unsigned)).toEqual({ ok: false, error: 'signer_lied' });
    }
    vi.restoreAllMocks();
    vi.spyOn(globalThis, 'fetch').mockRejectedValue(new Error('down'));
    expect(await sign(unsigned)).toEqual({ ok: false, error: 'signer_unreachable' });
  });
});

describe('settings', () => {
  const key = generatePrivateKey();
  const { address } = privateKeyToAccount(key);
  const network = 'eip155:84532';
  const name = `${network}:${address.toLowerCase()}`;
  const good = {
    RELAYERS: JSON.stringify({ [network]: { addresses: [address] } }),
    RELAYER_KEY: key,
    PAY_TO: JSON.stringify({ 'eip155:8453': address, [network]: `0x${'bb'.repeat(20)}` }),
    RPC_URLS: JSON.stringify({ [network]: ['https://node.test'] }),
    CONFIRMATIONS: ' 3 ',
  };

  test('open the relayer of its network', () => {
    const setup = readSetup(good, name);
    expect(setup).toMatchObject({
      ok: true,
      value: {
        network,
        chainId: 84532,
        address: address.toLowerCase(),
        payees: [`0x${'bb'.repeat(20)}`],
        urls: ['https://node.test'],
        confirmations: 3,
        batch: 100,
        wait: 2,
        gateway: `eip155:8453:${address.toLowerCase()}`,
      },
    });
  });

  test.for([
    ['there are no relayers', { RELAYERS: '' }, 'RELAYERS', 'absent'],
    [
      'there is none on this network',
      { RELAYERS: JSON.stringify({ 'eip155:8453': { addresses: [address] } }) },
      'RELAYERS',
      'absent',
    ],
    ['they are not JSON', { RELAYERS: '{' }, 'RELAYERS', 'malformed'],
    [
      'the key is of another address',
      { RELAYER_KEY: generatePrivateKey() },
      'RELAYER_KEY',
      'malformed',
    ],
    ['there is no key', { RELAYER_KEY: '' }, 'RELAYER_KEY', 'malformed'],
    ['the key is not a key', { RELAYER_KEY: `0x${'ff'.repeat(32)}` }, 'RELAYER_KEY', 'malformed'],
    [
      'there is no receiver on this network',
      { PAY_TO: JSON.stringify({ 'eip155:8453': address }) },
      'PAY_TO',
      'malformed',
    ],
    [
      'there is no node',
      { RPC_URLS: JSON.stringify({ 'eip155:8453': ['https://node.test'] }) },
      'RPC_URLS',
      'malformed',
    ],
    ['there are no confirmations', { CONFIRMATIONS: '0' }, 'CONFIRMATIONS', 'malformed'],
  ] as const)('make none where %s, and the fault names no value', ([, changes, variable, kind]) => {
    const setup = readSetup({ ...good, ...changes }, name);
    expect(setup).toEqual({ ok: false, error: { variable, kind } });
  });

  test('open none if no configured key names the object', () => {
    expect(readSetup(good, `eip155:1337:${address.toLowerCase()}`).ok).toBe(false);
    expect(readSetup(good, network).ok).toBe(false);
    expect(readSetup(good, `${network}:0x${'bb'.repeat(20)}`).ok).toBe(false);
    expect(readSetup(good, 'nonsense').ok).toBe(false);
    expect(readSetup(good, undefined).ok).toBe(false);
  });
});
