import { decodeProtectedHeader, exportJWK, exportPKCS8, generateKeyPair, jwtVerify } from 'jose';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { decodeBase64Url, encodeBase64 } from '../../../../src/crypto/bytes.ts';
import { openCdpTokens } from '../../../../src/settlement/backends/cdp-token.ts';
import {
  backendsAt,
  facilitatorAt,
  NOW,
  paymentNumber,
  standingClock,
  TOKEN,
} from '../scripted.ts';
import { answerHosts } from '../scripted-chain.ts';

const ID = 'organizations/one/apiKeys/two';
const URL_OF_IT = 'https://api.cdp.test/platform/v2/x402/settle';

const bytes = (text = ''): readonly number[] => [...(decodeBase64Url(text) ?? [])];

/** An Ed25519 key in the portal's format: base64 of seed and public key. */
const ed25519 = async () => {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const jwk = (await crypto.subtle.exportKey('jwk', pair.privateKey)) as JsonWebKey;
  return {
    secret: encodeBase64(Uint8Array.from([...bytes(jwk.d), ...bytes(jwk.x)])),
    publicKey: pair.publicKey,
  };
};
const es256 = async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  return { secret: await exportPKCS8(privateKey), publicKey };
};
/** An ECDSA key in the format of the portal and of `openssl ecparam -genkey`: an ECPrivateKey with curve and public key. */
const sec1 = async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const { d, x, y } = await exportJWK(privateKey);
  const head = [0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20];
  const curve = [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
  const point = [0xa1, 0x44, 0x03, 0x42, 0x00, 0x04, ...bytes(x), ...bytes(y)];
  const body = encodeBase64(Uint8Array.from([...head, ...bytes(d), ...curve, ...point]));
  const lines = body.match(/.{1,64}/g) ?? [];
  const secret = ['-----BEGIN EC PRIVATE KEY-----', ...lines, '-----END EC PRIVATE KEY-----', ''];
  return { secret: secret.join('\n'), publicKey };
};

const tokenOf = async (secret: string, now = NOW): Promise<string> => {
  const opened = await openCdpTokens({ id: ID, secret });
  if (!opened.ok) throw new Error(opened.error);
  return opened.value.token('POST', URL_OF_IT, now);
};
const verified = async (token: string, key: CryptoKey, now = NOW) =>
  jwtVerify(token, key, { currentDate: new Date(now * 1_000), issuer: 'cdp', subject: ID });

describe('a token', () => {
  test.each([
    ['EdDSA', ed25519],
    ['ES256', es256],
  ])('%s: names key, endpoint and expiry as the platform requires', async (alg, make) => {
    const { secret, publicKey } = await make();
    const { payload, protectedHeader } = await verified(await tokenOf(secret), publicKey);
    expect(payload).toEqual({
      sub: ID,
      iss: 'cdp',
      uris: ['POST api.cdp.test/platform/v2/x402/settle'],
      iat: NOW,
      nbf: NOW,
      exp: NOW + 120,
    });
    expect(protectedHeader).toEqual({
      alg,
      kid: ID,
      typ: 'JWT',
      nonce: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
  });

  test('is valid for two minutes', async () => {
    const { secret, publicKey } = await ed25519();
    const token = await tokenOf(secret);
    await verified(token, publicKey, NOW + 119);
    await expect(verified(token, publicKey, NOW + 121)).rejects.toThrow(/exp/);
  });

  test('is different each time', async () => {
    const { secret } = await ed25519();
    const nonces = [await tokenOf(secret), await tokenOf(secret)].map(
      (token) => decodeProtectedHeader(token)['nonce'],
    );
    expect(nonces[0]).not.toBe(nonces[1]);
  });

  test('is signed by a key in SEC 1, and in one line with \\n for line breaks', async () => {
    const { secret: pem, publicKey } = await sec1();
    for (const secret of [pem, pem.replaceAll('\n', '\\n')]) {
      await verified(await tokenOf(secret), publicKey);
    }
  });
});

test.each([
  ['nothing', ''],
  ['text', 'hunter2'],
  ['32 bytes', encodeBase64(new Uint8Array(32))],
  ['an empty PEM', '-----BEGIN PRIVATE KEY-----\nhunter2=\n-----END PRIVATE KEY-----'],
  ['a PEM that does not end', '-----BEGIN PRIVATE KEY-----\naGk='],
  ['a public key', '-----BEGIN PUBLIC KEY-----\naGk=\n-----END PUBLIC KEY-----'],
])('rejects %s, and the error repeats nothing of it', async (_, secret) => {
  const opened = await openCdpTokens({ id: ID, secret });
  expect(opened).toEqual({
    ok: false,
    error: 'is neither 64 bytes in base64 nor a P-256 private key in PEM',
  });
});

describe('a facilitator with "auth": "cdp"', () => {
  const FACILITATOR = 'https://api.cdp.test/platform/v2/x402';
  const payment = paymentNumber(1);
  const presentable = {
    account: `eip155:84532:${payment.authorization.from}`,
    call: payment.authorization.nonce,
    payment,
    sinceBlock: 100,
  } as const;
  const clock = standingClock();
  const patience = {
    waitMs: 0,
    startBy: clock.now() + 10_000,
    endBy: clock.now() + 40_000,
    source: 'queue',
  } as const;
  const settings = (secret: string) => ({ cdpKey: { id: ID, secret } });
  const opened = (secret: string) =>
    backendsAt(
      [facilitatorAt(FACILITATOR, { auth: 'cdp' }), 'https://second.test'],
      { clock },
      settings(secret),
    );

  afterEach(() => {
    vi.restoreAllMocks();
  });

  test('is authorized by a token for exactly that request', async () => {
    const { secret, publicKey } = await ed25519();
    const transaction = `0x${'aa'.repeat(32)}`;
    const uris: unknown[] = [];
    /** Verifies as the platform does: signature, times, issuer, and that the token belongs to this request. */
    answerHosts({
      'api.cdp.test': async (body, path, headers) => {
        const token = headers.get('authorization')?.replace(/^Bearer /, '') ?? '';
        const { payload } = await verified(token, publicKey);
        uris.push(payload['uris']);
        const method = body === undefined ? 'GET' : 'POST';
        const wanted = `${method} api.cdp.test${path}`;
        if (!(payload['uris'] as string[]).includes(wanted)) {
          return new Response('unauthorized', { status: 401 });
        }
        return path.endsWith('/supported')
          ? Response.json({ kinds: [{ x402Version: 2, scheme: 'exact', network: TOKEN.network }] })
          : Response.json({ success: true, transaction });
      },
      'second.test': () => new Response('', { status: 404 }),
    });
    const backends = opened(secret);
    await backends.refresh(TOKEN.network);
    const [backend] = backends.for(TOKEN.network);
    expect(backend?.name).toBe('api.cdp.test');
    expect(await backend?.present([presentable], patience)).toEqual([
      { kind: 'claimed_success', transaction },
    ]);
    expect(uris).toEqual([
      ['GET api.cdp.test/platform/v2/x402/supported'],
      ['POST api.cdp.test/platform/v2/x402/settle'],
    ]);
  });

  test('gets no request if the secret cannot be read, which is logged once and counts as a fault', async () => {
    const fetched = answerHosts({});
    const said = vi.spyOn(console, 'error').mockReturnValue();
    const backends = opened('hunter2');
    const [backend] = backends.for(TOKEN.network);
    for (let at = 0; at < 3; at += 1) {
      expect(await backend?.present([presentable], patience)).toEqual([
        { kind: 'unreachable', why: 'credential' },
      ]);
    }
    expect(fetched).not.toHaveBeenCalled();
    expect(said).toHaveBeenCalledTimes(1);
    expect(JSON.stringify(said.mock.calls)).not.toContain('hunter2');
    expect(backends.for(TOKEN.network).map(({ name }) => name)).toEqual(['second.test']);
  });
});
