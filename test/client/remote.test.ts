import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex, type Hex } from 'viem';
import {
  HDKey,
  mnemonicToAccount,
  generateMnemonic,
  generatePrivateKey,
  privateKeyToAccount,
  english,
} from 'viem/accounts';
import { publicKeyToAddress } from 'viem/utils';
import { afterEach, describe, expect, it } from 'vitest';
import { type RunningServer, serveLoopback } from '../../dev/stack/loopback.ts';
import { createAgent, CountersignError, fleet, remoteAccount } from '../../src/client/index.ts';
import { startRpcSigner, type RpcSigner, type Twist } from './support/json-rpc-signer.ts';
import { base64Json } from '../support/payment-header.ts';
import { entry, required } from './support/offer.ts';

const key = generatePrivateKey();
const account = privateKeyToAccount(key);
const stranger = privateKeyToAccount(generatePrivateKey());

const servers: RunningServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map(async ({ stop }) => await stop()));
});

const service = async (twist?: Twist): Promise<RpcSigner> => {
  const signer = await startRpcSigner(account, twist);
  servers.push(signer);
  return signer;
};

/** Starts a server that sells for $0.001 and records the payments that it receives. */
const seller = async () => {
  const payments: { payload: { signature: string } }[] = [];
  const server = await serveLoopback({
    handler: (request) => {
      const proof = request.headers.get('PAYMENT-SIGNATURE');
      if (proof === null)
        return new Response('{}', {
          status: 402,
          headers: { 'PAYMENT-REQUIRED': base64Json(required([entry()])) },
        });
      payments.push(JSON.parse(Buffer.from(proof, 'base64').toString()) as (typeof payments)[0]);
      return new Response('sold');
    },
  });
  servers.push(server);
  return { ...server, payments };
};

const spend = { perCall: '$0.01', total: '$0.05' } as const;

/** Makes a paid call with an account whose key is in a signing service. */
const buyWith = async (url: string, headers: Record<string, string> = {}) => {
  const shop = await seller();
  const agent = createAgent({ account: await remoteAccount({ url, headers }), spend });
  const outcome = await agent.fetch(shop.url).then(
    ({ status }) => status,
    (error: unknown) => error,
  );
  return { outcome, shop, agent };
};

/** Replaces the last byte of a signature, `v`. */
const withV = (signature: unknown, v: (honest: number) => number): string => {
  const text = String(signature);
  const byte = v(Number.parseInt(text.slice(-2), 16));
  return text.slice(0, -2) + byte.toString(16).padStart(2, '0');
};

const signing =
  (change: (signature: unknown) => unknown): Twist =>
  async ({ method }, honest) =>
    method === 'eth_accounts' ? await honest() : change(await honest());

describe('a remote account', () => {
  it('pays without its key in this process', async () => {
    const { url, calls } = await service();
    const { outcome, shop } = await buyWith(url, { Authorization: 'Bearer of-good-news' });
    expect(outcome).toBe(200);
    expect(shop.payments).toHaveLength(1);
    expect(calls.map(({ method }) => method)).toEqual(['eth_accounts', 'eth_signTypedData_v4']);
    expect(calls.map(({ headers }) => headers.get('authorization'))).toEqual([
      'Bearer of-good-news',
      'Bearer of-good-news',
    ]);
    const [address, text] = calls[1]?.params ?? [];
    expect(String(address).toLowerCase()).toBe(account.address.toLowerCase());
    expect(JSON.parse(String(text))).toMatchObject({
      primaryType: 'TransferWithAuthorization',
      domain: { name: 'USDC', version: '2', chainId: 84532 },
      message: { value: '1000', from: account.address.toLowerCase() },
    });
  });

  it.each<[string, Twist]>([
    ['v 0 and 1', signing((signature) => withV(signature, (v) => v - 27))],
    ['capitals', signing((signature) => `0x${String(signature).slice(2).toUpperCase()}`)],
  ])(
    'is accepted with %s in signatures, and the client sends the canonical form',
    async (_, twist) => {
      const { url } = await service(twist);
      for (let at = 0; at < 4; at += 1) {
        const { outcome, shop } = await buyWith(url);
        expect(outcome).toBe(200);
        expect(shop.payments[0]?.payload.signature).toMatch(/^0x[0-9a-f]{128}(1b|1c)$/);
      }
    },
  );

  it('signs typed data as viem does', async () => {
    const { url, calls } = await service();
    const signer = await remoteAccount({ url, address: account.address });
    const message = { n: 2n ** 200n, text: 'ä"\\' };
    const data = {
      domain: { name: 'x', version: '1', chainId: 1 },
      types: {
        EIP712Domain: [
          { name: 'name', type: 'string' },
          { name: 'version', type: 'string' },
          { name: 'chainId', type: 'uint256' },
        ],
        Thing: [
          { name: 'n', type: 'uint256' },
          { name: 'text', type: 'string' },
        ],
      },
      primaryType: 'Thing',
      message,
    } as const;
    expect(await signer.signTypedData(data)).toBe(await account.signTypedData(data as never));
    // The address is an option here, so the client does not request it from the service.
    expect(calls.map(({ method }) => method)).toEqual(['eth_signTypedData_v4']);
  });

  it.each<[string, Twist]>([
    ['signs with another key', async ({ method, params }, honest) =>
      method === 'eth_accounts' ? await honest() : await stranger.signTypedData(JSON.parse(String(params[1])) as never)],
    ['signs another amount', async ({ method, params }, honest) => {
      if (method === 'eth_accounts') return await honest();
      const data = JSON.parse(String(params[1])) as { message: object };
      return await account.signTypedData({ ...data, message: { ...data.message, value: '999999' } } as never);
    }],
    ['signs in the high half', signing((signature) => {
      const n = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
      const text = String(signature);
      const s = (n - BigInt(`0x${text.slice(66, 130)}`)).toString(16).padStart(64, '0');
      return withV(text.slice(0, 66) + s + text.slice(130), (v) => 55 - v);
    })],
    ['signs in 64 bytes', signing((signature) => String(signature).slice(0, 130))],
    ['signs in 66 bytes', signing((signature) => `${String(signature)}00`)],
    ['signs with v 29', signing((signature) => withV(signature, () => 29))],
    ['signs zeros', signing(() => `0x${'00'.repeat(65)}`)],
    ['returns a text', signing(() => 'yes')],
    ['returns null', signing(() => null)],
    ['returns an object', signing((signature) => ({ signature }))],
    ['returns a megabyte', signing(() => `0x${'11'.repeat(1024 * 1024)}`)],
    ['returns no JSON', async ({ method }, honest) => method === 'eth_accounts' ? await honest() : new Response('<html>')],
    ['returns an array', async ({ method }, honest) => method === 'eth_accounts' ? await honest() : Response.json([1])],
    ['fails', async ({ method }, honest) => {
      if (method === 'eth_accounts') return await honest();
      throw new Error(`no: ${key}`);
    }],
    ['redirects', async ({ method }, honest) => method === 'eth_accounts' ? await honest() : new Response(null, { status: 307, headers: { Location: 'http://127.0.0.1:1/' } })],
    ['redirects, with a valid signature', async ({ method }, honest) => {
      const result = await honest();
      if (method === 'eth_accounts') return result;
      const headers = { Location: 'http://127.0.0.1:1/' };
      return new Response(JSON.stringify({ jsonrpc: '2.0', id: 1, result }), { status: 307, headers });
    }],
    ['is down', async ({ method }, honest) => method === 'eth_accounts' ? await honest() : new Response('down', { status: 502 })],
  ])('sends no payment and counts nothing when its service %s', async (_, twist) => {
    const { url } = await service(twist);
    const { outcome, shop, agent } = await buyWith(url);
    expect(outcome).toBeInstanceOf(CountersignError);
    expect(outcome).toMatchObject({ code: 'signer_failed' });
    expect(String((outcome as Error).stack)).not.toContain(key.slice(2));
    expect([shop.payments, agent.spending().signed]).toEqual([[], 0n]);
  }); // prettier-ignore

  it.each<[string, unknown]>([
    ['no accounts', []],
    ['a text instead of a list', 'yes'],
    ['a number instead of a text', [7]],
  ])('cannot be created when the service returns %s', async (_, accounts) => {
    const { url } = await service(() => accounts);
    await expect(remoteAccount({ url })).rejects.toMatchObject({ code: 'signer_failed' });
  });

  it('cannot be created without a valid address', async () => {
    const { url } = await service(() => ['0x12']);
    await expect(remoteAccount({ url })).rejects.toMatchObject({ code: 'options_invalid' });
    await expect(remoteAccount({ url, address: 'me' })).rejects.toMatchObject({
      code: 'options_invalid',
    });
  });

  it('waits for a slow service, at most as long as the caller', async () => {
    const { url } = await service(async (_, honest) => {
      await new Promise((resolve) => setTimeout(resolve, 600));
      return await honest();
    });
    const shop = await seller();
    const agent = createAgent({ account: await remoteAccount({ url }), spend });
    expect((await agent.fetch(shop.url)).status).toBe(200);
    await expect(agent.fetch(shop.url, { signal: AbortSignal.timeout(100) })).rejects.toMatchObject(
      { name: 'TimeoutError' },
    );
    expect(shop.payments).toHaveLength(1);
    expect(agent.spending().signed).toBe(1000n);
  });

  it('reports an unreachable service without its URL, which may contain a key', async () => {
    const url = `http://127.0.0.1:1/v2/${'s3cret'.repeat(4)}`;
    const error: unknown = await remoteAccount({ url }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'signer_failed' });
    expect(`${String((error as Error).stack)}${String((error as Error).cause)}`).not.toContain(
      's3cret',
    );
  });

  it('of a contract may return any signature, because only the chain can verify it', async () => {
    const { url } = await service(signing(() => `0x${'ab'.repeat(100)}`));
    const signer = await remoteAccount({ url, contract: true });
    const types = { EIP712Domain: [], Thing: [] };
    const data = {
      domain: { name: '', version: '', chainId: 1 },
      types,
      primaryType: 'Thing',
      message: {},
    };
    expect(await signer.signTypedData(data)).toBe(`0x${'ab'.repeat(100)}`);
  });
});

/** The uncompressed public key, from which the address derives. */
const publicKeyOf = ({ publicKey }: HDKey): Hex =>
  bytesToHex(secp256k1.Point.fromBytes(publicKey ?? new Uint8Array()).toBytes(false));

describe('a fleet', () => {
  const mnemonic = generateMnemonic(english);

  it.each([
    [0, 0],
    [0, 1],
    [7, 0],
    [7, 41],
    [2 ** 31 - 1, 2 ** 31 - 1],
  ])('of organisation %i derives agent %i on the path that wallets use', (organisation, index) => {
    const path = `m/44'/60'/${organisation}'/0'/${index}'` as const;
    const { address } = fleet(mnemonic, { organisation }).agent(index);
    expect(address).toBe(mnemonicToAccount(mnemonic, { path }).address);
  });

  it('uses organisation 0 by default', () => {
    expect(fleet(mnemonic).agent(3).address).toBe(
      fleet(mnemonic, { organisation: 0 }).agent(3).address,
    );
  });

  it('has a different account for each agent', () => {
    const addresses = Array.from({ length: 20 }, (_, at) => fleet(mnemonic).agent(at).address);
    expect(new Set(addresses).size).toBe(20);
  });

  it('has no extended public key from which an agent could be derived', () => {
    const root = mnemonicToAccount(mnemonic).getHdKey();
    const target = fleet(mnemonic).agent(5).address;
    for (const level of ['m', "m/44'", "m/44'/60'", "m/44'/60'/0'", "m/44'/60'/0'/0'"]) {
      const open = HDKey.fromExtendedKey(root.derive(level).publicExtendedKey);
      // A hardened child needs the private key, which an xpub does not contain. The non-hardened child is another account.
      expect(() => open.derive("m/5'")).toThrow(/hardened/i);
      const near = publicKeyToAddress(publicKeyOf(open.deriveChild(5)));
      expect(near).not.toBe(target);
    }
  });

  it.each([-1, 0.5, 2 ** 31, Number.NaN, Number.POSITIVE_INFINITY])(
    'rejects the agent index %d',
    (index) => {
      expect(() => fleet(mnemonic).agent(index)).toThrow(CountersignError);
      expect(() => fleet(mnemonic, { organisation: index })).toThrow(CountersignError);
    },
  );

  it('does not show its mnemonic in an error', () => {
    const wrong = `${mnemonic} ${'zebra '.repeat(2)}`.trim();
    const text = (() => {
      try {
        return String(fleet(wrong).agent(0).address);
      } catch (error) {
        return String((error as Error).stack);
      }
    })();
    expect(text).not.toContain(mnemonic);
  });
});
