import { type CustomSource, toAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { agentKey, CountersignError, remoteAccount } from '../../../src/client/index.ts';
import { intentTypedData } from '../../../src/client/signer.ts';
import { utf8 } from '../../../src/crypto/bytes.ts';
import { nowSeconds } from '../../../src/core/clock.ts';
import { intentDigest } from '../../../src/protocol/intent/agent-intent.ts';
import { verifySignature } from '../../../src/protocol/http-signature.ts';
import { type SignerError, signerProblemType } from '../../../src/protocol/signer/rpc.ts';
import vectors from '../../vectors/countersign-v1.json';
import { intentOf } from '../protocol/intent/wire.ts';
import { account, AGENT, agentOf, offer, scripted, URL_OF_TOOL } from './server.ts';

const URL_OF_OWNER = `https://signer.example/rpc/eip155:84532:0x${'ab'.repeat(20)}`;
const data = intentTypedData(intentOf(vectors.unpaid.intent), 84532);
const key = await agentKey();
const publicKey = await crypto.subtle.importKey('jwk', { ...key.jwk }, 'Ed25519', false, [
  'verify',
]);

type Rpc = {
  readonly method: string;
  readonly params: readonly [string, string, { readonly intent: Record<string, string> }?];
};

const refusal = (error: SignerError, more: object = {}): Response =>
  Response.json(
    {
      jsonrpc: '2.0',
      id: 1,
      error: {
        code: 4001,
        message: 'no',
        data: {
          type: signerProblemType(error),
          title: 'No',
          detail: 'No.',
          hint: 'None.',
          ...more,
        },
      },
    },
    { status: 200 },
  );

/** A signer that accepts only requests of `key`, each nonce once, and signs everything. `steps` answer the first requests instead. */
const signer = (...steps: readonly (() => Response | Promise<Response>)[]) => {
  const asked: Rpc[] = [];
  const nonces = new Set<string>();
  let step = 0;
  const fetcher = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
    const body = new Uint8Array(init.body as Uint8Array<ArrayBuffer>);
    const verified = await verifySignature(
      {
        method: init.method ?? 'GET',
        targetUri: String(input),
        headers: new Headers(init.headers),
        body,
      },
      { keyOf: (id) => (id === key.keyId ? publicKey : undefined), now: nowSeconds() },
    );
    if (!verified.ok) return refusal('unauthenticated', { fault: verified.error.kind });
    if (nonces.has(verified.value.nonce)) return refusal('replayed');
    nonces.add(verified.value.nonce);
    const rpc = JSON.parse(new TextDecoder().decode(body)) as Rpc;
    if (rpc.method === 'eth_accounts') {
      return Response.json({ jsonrpc: '2.0', id: 1, result: [AGENT] });
    }
    asked.push(rpc);
    const scriptedAnswer = steps[step];
    step += 1;
    if (scriptedAnswer !== undefined) return await scriptedAnswer();
    const result = await account.signTypedData(JSON.parse(rpc.params[1]) as never);
    return Response.json({ jsonrpc: '2.0', id: 1, result });
  };
  return { asked, nonces, options: { url: URL_OF_OWNER, key, fetch: fetcher as typeof fetch } };
};

const unreachable = async (): Promise<Response> => await Promise.reject(new TypeError('down'));

describe.concurrent('an account at a Countersign signer', () => {
  it('signs each request with the key of the agent', async () => {
    const { options, asked, nonces } = signer();
    const remote = await remoteAccount(options);
    expect(remote.address).toBe(AGENT);
    expect(await remote.signTypedData(data)).toBe(vectors.unpaid.signature);
    expect(asked[0]?.params).toHaveLength(2);
    expect(nonces.size).toBe(2);
  });

  it('is opened with a stored private JWK', async () => {
    const pair = (await crypto.subtle.generateKey('Ed25519', true, [
      'sign',
      'verify',
    ])) as CryptoKeyPair;
    const exported: unknown = await crypto.subtle.exportKey('jwk', pair.privateKey);
    const { kty, crv, x, d } = exported as Record<string, string>;
    const stored = JSON.parse(JSON.stringify({ kty, crv, x, d })) as object;
    expect((await agentKey(stored)).jwk).toEqual({ kty, crv, x });
    const { options } = signer();
    await expect(remoteAccount({ ...options, key: stored })).rejects.toMatchObject({
      code: 'signer_refused',
      problem: { fault: 'unknown_key' },
    });
  });

  it('hands over the intent with the payment that is bound to it', async () => {
    const { options, asked } = signer();
    const server = scripted(
      () => offer(),
      () => new Response('ok'),
    );
    const remote = await remoteAccount(options);
    const answer = await agentOf(server, { account: remote }).fetch(URL_OF_TOOL);
    expect(answer.countersign).toMatchObject({ paid: 'payment', binding: 'intent' });
    const [, text, context] = asked[0]?.params ?? [];
    const { primaryType, message } = JSON.parse(text ?? '') as {
      primaryType: string;
      message: { nonce: string };
    };
    expect(primaryType).toBe('TransferWithAuthorization');
    expect(intentDigest(intentOf(context?.intent as never), 84532)).toBe(message.nonce);
  });

  it('repeats the same typed data under new nonces until the signer answers', async () => {
    const { options, asked, nonces } = signer(
      unreachable,
      () => new Response('<html>', { status: 502 }),
      () => refusal('storage-unavailable', { retry_after: 1 }),
    );
    const remote = await remoteAccount(options);
    expect(await remote.signTypedData(data)).toBe(vectors.unpaid.signature);
    expect(asked).toHaveLength(4);
    expect(new Set(asked.map((rpc) => JSON.stringify(rpc))).size).toBe(1);
    expect(nonces.size).toBe(5);
  });

  it('gives up after four attempts without an answer', async () => {
    const { options, asked } = signer(unreachable, unreachable, unreachable, unreachable);
    const remote = await remoteAccount(options);
    await expect(remote.signTypedData(data)).rejects.toMatchObject({ code: 'signer_failed' });
    expect(asked).toHaveLength(4);
  });

  it('leaves a long wait to its caller', async () => {
    const { options, asked } = signer(() => refusal('too-many-requests', { retry_after: 60 }));
    const remote = await remoteAccount(options);
    await expect(remote.signTypedData(data)).rejects.toMatchObject({
      code: 'signer_refused',
      problem: { retry_after: 60 },
    });
    expect(asked).toHaveLength(1);
  });

  it('names the rule that refused, what was signed for and when it resets, and spends no budget', async () => {
    const limit = {
      rule: 'window:day',
      limit: '5000000',
      spent: '4990000',
      remaining: '10000',
      resets_at: 1_795_824_000,
    };
    const { options, asked } = signer(() =>
      refusal('denied', { detail: 'The daily limit is reached.', rule: 'window:day', limit }),
    );
    const server = scripted(() => offer());
    const remote = await remoteAccount(options);
    const agent = agentOf(server, { account: remote });
    const error: unknown = await agent.fetch(URL_OF_TOOL).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CountersignError);
    expect(error).toMatchObject({
      code: 'signer_refused',
      message:
        'The signer refused: The daily limit is reached. window:day: $4.99 of $5.00 signed for, $0.01 remaining; it resets at 2026-11-28T00:00:00.000Z.',
      problem: { rule: 'window:day', limit },
    });
    expect(asked).toHaveLength(1);
    expect(agent.spending().signed).toBe(0n);
  });

  it.each(['sign', 'signMessage', 'signTransaction', 'signAuthorization'] as const)(
    'rejects %s with what to use instead',
    async (method) => {
      const remote = await remoteAccount(signer().options);
      await expect(remote[method]()).rejects.toThrow('only typed data (signTypedData)');
    },
  );

  it('works as an account of viem', async () => {
    const { address, ...rest } = await remoteAccount(signer().options);
    const source: CustomSource = { address, ...rest } as never;
    const wallet = toAccount(source);
    expect(wallet).toMatchObject({ address, type: 'local' });
    expect(await wallet.signTypedData(data as never)).toBe(vectors.unpaid.signature);
  });

  it.each(['not a url', `${URL_OF_OWNER}#part`])('is not opened at %s', async (url) => {
    await expect(remoteAccount({ ...signer().options, url })).rejects.toMatchObject({
      code: 'options_invalid',
    });
  });
});

describe('agentKey', () => {
  it('makes a key whose private half cannot be exported, and that survives a structured clone', async () => {
    const made = await agentKey();
    await expect(crypto.subtle.exportKey('jwk', made.privateKey)).rejects.toThrow(/extractable/);
    expect(Object.keys(made.jwk)).toEqual(['kty', 'crv', 'x']);
    expect(made.keyId).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(made.keyId).not.toBe(key.keyId);
    expect(await crypto.subtle.sign('Ed25519', made.privateKey, utf8('a'))).toHaveProperty(
      'byteLength',
      64,
    );
  });

  it.each<[string, object]>([
    ['public', { ...key.jwk }],
    ['of another type', { kty: 'EC', crv: 'P-256', x: key.jwk.x, d: key.jwk.x }],
    ['with an x of another key', { ...key.jwk, d: 'n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU' }],
    ['with a short d', { ...key.jwk, d: 'AAAA' }],
  ])('rejects a key %s without repeating it', async (_name, stored) => {
    const error: unknown = await agentKey(stored).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'options_invalid' });
    expect(String((error as Error).stack)).not.toContain('n4Ni');
  });
});
