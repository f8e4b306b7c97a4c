import { CompactSign, createLocalJWKSet, importJWK, type JWK, jwtVerify, SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { encodeBase64Url, utf8 } from '../../../src/crypto/bytes.ts';
import { openSigner, type Signer } from '../../../src/crypto/signer.ts';
import {
  ASSERTION_LIFETIME,
  ASSERTION_TYPE,
  assertionClaims,
  RECEIPT_TYPE,
} from '../../../src/protocol/receipt.ts';

const NOW = 1_800_000_000;
const hash = (digit: string): `0x${string}` => `0x${digit.repeat(64)}`;
const agent = `eip155:84532:0x${'ab'.repeat(20)}` as const;

/** Claims in the form of a receipt. The signer does not depend on their names and values. */
const receipt = {
  iss: 'https://gateway.example',
  agent,
  tool: 'translate',
  call: hash('1'),
  request: hash('2'),
  charged: '20000',
  status: 200,
  response: hash('3'),
  iat: NOW,
};

const assertion = assertionClaims(
  {
    iss: 'https://gateway.example',
    aud: 'https://upstream.example',
    account: agent,
    call: hash('1'),
    tool: 'translate',
    digest: hash('6'),
    binding: 'none',
    max: 20_000n,
    jti: hash('7'),
  },
  NOW,
);

const newKey = async (): Promise<JsonWebKey> => {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const { kty, crv, x, d } = (await crypto.subtle.exportKey('jwk', pair.privateKey)) as JsonWebKey;
  return { kty, crv, x, d } as JsonWebKey;
};

const open = async (text: string): Promise<Signer> => {
  const opened = await openSigner(text);
  if (!opened.ok) throw new Error(opened.error.detail);
  return opened.value;
};

const keysOf = (signer: Signer) =>
  createLocalJWKSet({ keys: signer.jwks.keys.map((key) => ({ ...key })) });

/** Checks an assertion as an upstream does (docs/tools.md). */
const upstreamAccepts = async (token: string, signer: Signer, at: number, aud?: string) =>
  jwtVerify(token, keysOf(signer), {
    issuer: 'https://gateway.example',
    audience: aud ?? 'https://upstream.example',
    typ: ASSERTION_TYPE,
    algorithms: ['EdDSA'],
    currentDate: new Date(at * 1000),
  });

const swapClaims = (token: string, claims: object): string => {
  const [header, , signature] = token.split('.');
  const body = encodeBase64Url(utf8(JSON.stringify(claims)));
  return `${header}.${body}.${signature}`;
};

let jwk: JsonWebKey;
let signer: Signer;

beforeAll(async () => {
  jwk = await newKey();
  signer = await open(JSON.stringify(jwk));
});

describe('a receipt', () => {
  test('verifies with jose against the JWKS and contains its claims', async () => {
    const token = signer.sign(receipt, RECEIPT_TYPE);
    const { payload, protectedHeader } = await jwtVerify(token, keysOf(signer), {
      typ: RECEIPT_TYPE,
    });
    expect(payload).toEqual(receipt);
    expect(protectedHeader).toEqual({ alg: 'EdDSA', typ: RECEIPT_TYPE, kid: signer.kid });
  });

  test.each(Object.keys(receipt))('fails when %s is changed', async (claim) => {
    const token = signer.sign(receipt, RECEIPT_TYPE);
    const value = receipt[claim as keyof typeof receipt];
    const changed = { ...receipt, [claim]: typeof value === 'number' ? value + 1 : `${value}0` };
    await expect(jwtVerify(swapClaims(token, changed), keysOf(signer))).rejects.toThrow(
      'signature',
    );
    const { [claim as keyof typeof receipt]: _, ...without } = receipt;
    await expect(jwtVerify(swapClaims(token, without), keysOf(signer))).rejects.toThrow(
      'signature',
    );
  });

  test('does not pass as an assertion', async () => {
    const token = signer.sign({ ...receipt, aud: 'https://upstream.example' }, RECEIPT_TYPE);
    await expect(upstreamAccepts(token, signer, NOW)).rejects.toThrow('typ');
  });
});

describe('an assertion', () => {
  test('is accepted by its upstream, for a minute', async () => {
    const token = signer.sign(assertion, ASSERTION_TYPE);
    const { payload } = await upstreamAccepts(token, signer, NOW + ASSERTION_LIFETIME - 1);
    expect(payload).toEqual({ ...assertion, iat: NOW, exp: NOW + 60 });
    await expect(upstreamAccepts(token, signer, NOW + ASSERTION_LIFETIME)).rejects.toThrow('exp');
  });

  test('is refused by other upstreams, and when another key signed it', async () => {
    const token = signer.sign(assertion, ASSERTION_TYPE);
    await expect(upstreamAccepts(token, signer, NOW, 'https://other.example')).rejects.toThrow(
      'aud',
    );
    const stranger = await open(JSON.stringify(await newKey()));
    const forged = stranger.sign(assertion, ASSERTION_TYPE);
    await expect(upstreamAccepts(forged, signer, NOW)).rejects.toThrow('no applicable key');
    const renamed = await new SignJWT({ ...assertion })
      .setProtectedHeader({ alg: 'HS256', typ: ASSERTION_TYPE, kid: signer.kid })
      .sign(new TextEncoder().encode(signer.jwks.keys[0]?.x));
    await expect(upstreamAccepts(renamed, signer, NOW)).rejects.toThrow('alg');
  });
});

test('a statement has the bytes that jose makes with the same key', async () => {
  const header = { alg: 'EdDSA', typ: RECEIPT_TYPE, kid: signer.kid };
  const claims = { ...receipt, tool: 'Wörterbuch 🦀' };
  const theirs = await new CompactSign(utf8(JSON.stringify(claims)))
    .setProtectedHeader(header)
    .sign(await importJWK({ ...jwk, alg: 'EdDSA' } as JWK));
  expect(signer.sign(claims, RECEIPT_TYPE)).toBe(theirs);
});

describe('signBytes', () => {
  test('signs with the key of the JWKS', async () => {
    const text = Uint8Array.from(utf8('msg_1.1800000000.{}'));
    const signature = await signer.signBytes(text);
    const publicKey = await crypto.subtle.importKey(
      'jwk',
      signer.jwks.keys[0] as JsonWebKey,
      'Ed25519',
      false,
      ['verify'],
    );
    expect(await crypto.subtle.verify('Ed25519', publicKey, signature, text)).toBe(true);
  });

  test('rejects bytes that begin like a JWS', async () => {
    const token = signer.sign(receipt, RECEIPT_TYPE);
    const signed = Uint8Array.from(utf8(token.slice(0, token.lastIndexOf('.'))));
    await expect(signer.signBytes(signed)).rejects.toThrow('JWS');
  });
});

describe('the key', () => {
  test('has its RFC 7638 thumbprint as kid and is published without its private half', async () => {
    const { x } = jwk as { x: string };
    const members = utf8(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`);
    const thumbprint = new Uint8Array(await crypto.subtle.digest('SHA-256', members));
    const kid = encodeBase64Url(thumbprint);
    expect(signer.kid).toBe(kid);
    expect(signer.jwks).toEqual({
      keys: [{ kty: 'OKP', crv: 'Ed25519', x, kid, alg: 'EdDSA', use: 'sig' }],
    });
  });

  test('has the kid of RFC 8037 for its example key', async () => {
    const example = {
      kty: 'OKP',
      crv: 'Ed25519',
      d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
      x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
    };
    const { kid } = await open(JSON.stringify(example));
    expect(kid).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
  });

  test('is imported once, and again when it changes', async () => {
    const one = JSON.stringify(await newKey());
    const first = await open(one);
    expect(await open(one)).toBe(first);
    const second = await open(JSON.stringify(await newKey()));
    expect(second.kid).not.toBe(first.kid);
  });

  test.each([
    ['not JSON', () => 'hunter2'],
    ['no private half', () => JSON.stringify({ ...jwk, d: undefined })],
    ['a curve of another kind', () => JSON.stringify({ ...jwk, crv: 'X25519' })],
    ['a short private half', () => JSON.stringify({ ...jwk, d: 'AAAA' })],
    ['an unknown member', () => JSON.stringify({ ...jwk, password: 'x' })],
    [
      'the public half of another key',
      async () => JSON.stringify({ ...jwk, x: (await newKey()).x }),
    ],
  ])('is refused: %s', async (_, text) => {
    const opened = await openSigner(await text());
    expect(opened).toMatchObject({ ok: false, error: { kind: 'malformed_key' } });
    expect(JSON.stringify(opened)).not.toContain(jwk.d as string);
  });
});
