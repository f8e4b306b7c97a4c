import { remoteAccount } from '../../../src/client/index.ts';
import { digestOf, intentTypedData, transferTypedData } from '../../../src/client/signer.ts';
import { bytesOf, hexOf } from '../../../src/crypto/bytes.ts';
import { tokenOf } from '../../../src/protocol/x402/networks.ts';
import {
  account,
  AGENT,
  agentOf,
  BASE_SEPOLIA,
  type Hex,
  offer,
  scripted,
  URL_OF_TOOL,
} from './server.ts';
import { intentOf } from '../protocol/intent/wire.ts';
import vectors from '../../vectors/countersign-v1.json';
import { hashTypedData } from 'viem';
import { describe, expect, it } from 'vitest';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const intent = intentTypedData(intentOf(vectors.unpaid.intent), 84532);

describe('typed data', () => {
  it('hashes like the published vectors and viem', () => {
    expect(digestOf(intent)).toBe(vectors.unpaid.intentHash);
    expect(hashTypedData(intent as never)).toBe(vectors.unpaid.intentHash);
    const token = tokenOf(BASE_SEPOLIA);
    if (token === undefined) throw new Error('no token');
    const { from, to, value, validAfter, validBefore, nonce } = vectors.paid.payment.authorization;
    const transfer = transferTypedData(token, {
      from: from.toLowerCase() as Hex,
      to: to.toLowerCase() as Hex,
      value: BigInt(value),
      validAfter: BigInt(validAfter),
      validBefore: BigInt(validBefore),
      nonce: nonce as Hex,
    });
    expect(digestOf(transfer)).toBe(vectors.paid.payment.digest);
    expect(hashTypedData(transfer as never)).toBe(vectors.paid.payment.digest);
  });
});

type Rpc = { readonly method: string; readonly params: readonly string[] };

/** A signing service that passes each signature through `change`, with a record of its requests. */
const service = (change: (signature: Hex) => unknown = (signature) => signature) => {
  const asked: (Rpc & { readonly headers: Headers; readonly redirect: string | undefined })[] = [];
  const fetcher = async (_: unknown, init: RequestInit = {}): Promise<Response> => {
    const rpc = JSON.parse(init.body as string) as Rpc;
    asked.push({ ...rpc, headers: new Headers(init.headers), redirect: init.redirect });
    if (rpc.method === 'eth_accounts') {
      return Response.json({ jsonrpc: '2.0', id: 1, result: [account.address] });
    }
    const data = JSON.parse(rpc.params[1] ?? '') as never;
    const result = change(await account.signTypedData(data));
    return Response.json({ jsonrpc: '2.0', id: 1, result });
  };
  return { fetch: fetcher as typeof globalThis.fetch, asked, url: 'https://signer.example/key' };
};

describe('remoteAccount', () => {
  it('requests the account, then signs typed data as JSON text', async () => {
    const { asked, ...options } = service();
    const remote = await remoteAccount({ ...options, headers: { authorization: 'mine' } });
    expect(remote.address).toBe(AGENT);
    expect(await remote.signTypedData(intent)).toBe(vectors.unpaid.signature);
    expect(asked.map(({ method }) => method)).toEqual(['eth_accounts', 'eth_signTypedData_v4']);
    expect(asked[1]?.params[0]).toBe(AGENT);
    expect(asked[1]?.headers.get('authorization')).toBe('mine');
    expect(asked[1]?.redirect).toBe('manual');
    const sent = JSON.parse(asked[1]?.params[1] ?? '') as { message: { maxAmount: unknown } };
    expect(sent.message.maxAmount).toBe('0');
  });

  it('pays as the account of an agent', async () => {
    const server = scripted(
      () => offer(),
      () => new Response('ok'),
    );
    const remote = await remoteAccount(service());
    const answer = await agentOf(server, { account: remote }).fetch(URL_OF_TOOL);
    expect(answer.countersign.paid).toBe('payment');
  });

  it('converts a recovery byte of 0 or 1 to 27 or 28', async () => {
    const old = (signature: Hex): Hex =>
      `${signature.slice(0, -2)}${signature.endsWith('1b') ? '00' : '01'}` as Hex;
    const remote = await remoteAccount({ ...service(old), address: account.address });
    expect(await remote.signTypedData(intent)).toBe(vectors.unpaid.signature);
  });

  const highS = (signature: Hex): Hex => {
    const bytes = bytesOf(signature);
    const s = ORDER - BigInt(hexOf(bytes.subarray(32, 64)));
    const flipped = signature.endsWith('1b') ? '1c' : '1b';
    return `${signature.slice(0, 66)}${s.toString(16).padStart(64, '0')}${flipped}` as Hex;
  };
  it.each([
    ['of another key', () => vectors.delegation.signature],
    ['over something else', () => vectors.paid.payment.signature],
    ['with a high s', highS],
    ['of 64 bytes', (signature: Hex) => signature.slice(0, -2)],
    ['that is no hex', () => 'signed'],
    ['that is no text', () => ({ r: 1 })],
    ['that is huge', () => `0x${'00'.repeat(9000)}`],
  ])('rejects a signature %s', async (_, change) => {
    const remote = await remoteAccount({ ...service(change), address: AGENT });
    await expect(remote.signTypedData(intent)).rejects.toMatchObject({ code: 'signer_failed' });
  });

  it('does not check signatures of a contract account', async () => {
    const options = { ...service(() => '0xabcd'), address: AGENT, contract: true };
    const remote = await remoteAccount(options);
    expect(await remote.signTypedData(intent)).toBe('0xabcd');
  });

  it('never reveals the address of its service', async () => {
    const url = 'https://signer.example/v2/secret-key';
    const down = async (): Promise<Response> =>
      await Promise.reject(new TypeError(`cannot reach ${url}`));
    const refusing = async (): Promise<Response> =>
      await Promise.resolve(
        Response.json({ jsonrpc: '2.0', id: 1, error: { code: -32000, message: url } }),
      );
    for (const fetcher of [down, refusing]) {
      const error = await remoteAccount({ url, fetch: fetcher }).catch((cause: unknown) => cause);
      expect(error).toMatchObject({ code: 'signer_failed' });
      expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain('secret-key');
      expect((error as Error).cause).toBeUndefined();
    }
  });
});
