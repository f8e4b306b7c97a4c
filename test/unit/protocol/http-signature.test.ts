import { createSignature, verifySignature as verifyByPeer, webcrypto } from 'http-message-sig';
import { beforeAll, describe, expect, test } from 'vitest';
import { encodeBase64, encodeBase64Url, utf8 } from '../../../src/crypto/bytes.ts';
import { thumbprint } from '../../../src/crypto/thumbprint.ts';
import {
  type ReceivedRequest,
  type RequestKey,
  signatureBase,
  signedHeaders,
  type SignableRequest,
  verifySignature,
} from '../../../src/protocol/http-signature.ts';

const NOW = 1_795_737_600;
const COMPONENTS = ['@method', '@target-uri', 'content-digest', 'content-type'];
const COVERED = COMPONENTS.map((name) => `"${name}"`).join(' ');

/** The key from RFC 9421 §B.1.4. */
const RFC_KEY = {
  kty: 'OKP',
  crv: 'Ed25519',
  d: 'n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU',
  x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs',
};
const { d: _, ...RFC_PUBLIC } = RFC_KEY;

const request: SignableRequest = {
  method: 'POST',
  targetUri: `https://signer.example/rpc/eip155:8453:0x${'ab'.repeat(20)}`,
  contentType: 'application/json',
  body: utf8('{"hello": "world"}'),
};

let key: RequestKey;
let publicKey: CryptoKey;

beforeAll(async () => {
  key = {
    keyId: await thumbprint(RFC_KEY.x),
    privateKey: await crypto.subtle.importKey('jwk', RFC_KEY, 'Ed25519', false, ['sign']),
  };
  publicKey = await crypto.subtle.importKey('jwk', RFC_PUBLIC, 'Ed25519', false, ['verify']);
});

const keyOf = (keyId: string) => (keyId === key.keyId ? publicKey : undefined);

const received = async (
  changes: Readonly<Record<string, string | null>> = {},
  at = NOW,
): Promise<ReceivedRequest> => {
  const headers = new Headers(await signedHeaders(request, key, at));
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) headers.delete(name);
    else headers.set(name, value);
  }
  return { ...request, headers };
};

const outcome = async (signed: ReceivedRequest, now = NOW) => {
  const verified = await verifySignature(signed, { keyOf, now });
  return verified.ok ? 'accepted' : `${verified.error.kind} ${verified.error.field}`;
};

/** Signs the same request by hand with other parameters, so that only the verifier's own rules can reject it. */
const signedAs = async (
  parameters: string,
  base: (of: string) => string = baseOf,
): Promise<ReceivedRequest> => {
  const bytes = await crypto.subtle.sign('Ed25519', key.privateKey, utf8(base(parameters)));
  return await received({
    'signature-input': `sig=${parameters}`,
    signature: `sig=:${encodeBase64(new Uint8Array(bytes))}:`,
  });
};

const DIGEST = 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:';
const values = [request.method, request.targetUri, DIGEST, request.contentType];
const baseOf = (parameters: string): string =>
  signatureBase(
    COMPONENTS.map((name, at) => [name, values[at] ?? ''] as const),
    parameters,
  );

const NONCE = encodeBase64Url(new Uint8Array(16).fill(7));
const parametersWith = (changes: Readonly<Record<string, string | undefined>> = {}): string => {
  const parameters = {
    created: `${NOW}`,
    expires: `${NOW + 60}`,
    nonce: `"${NONCE}"`,
    keyid: `"${key.keyId}"`,
    tag: '"countersign-signer"',
    ...changes,
  };
  const named = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return `(${COVERED})${named.map(([name, value]) => `;${name}=${value}`).join('')}`;
};

describe('a signature of the profile', () => {
  test('reproduces the Ed25519 example of RFC 9421 §B.2.6', async () => {
    const parameters =
      '("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"';
    const base = signatureBase(
      [
        ['date', 'Tue, 20 Apr 2021 02:07:55 GMT'],
        ['@method', 'POST'],
        ['@path', '/foo'],
        ['@authority', 'example.com'],
        ['content-type', 'application/json'],
        ['content-length', '18'],
      ],
      parameters,
    );
    const signature = await crypto.subtle.sign('Ed25519', key.privateKey, utf8(base));
    expect(encodeBase64(new Uint8Array(signature))).toBe(
      'wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==',
    );
  });

  test('covers the base that docs/signer.md shows', async () => {
    const parameters = parametersWith();
    expect(baseOf(parameters)).toBe(
      [
        '"@method": POST',
        `"@target-uri": ${request.targetUri}`,
        `"content-digest": ${DIGEST}`,
        '"content-type": application/json',
        `"@signature-params": ${parameters}`,
      ].join('\n'),
    );
    expect(await outcome(await signedAs(parameters))).toBe('accepted');
  });

  test('verifies, and names key, nonce, its time and the time until which the nonce must be remembered', async () => {
    const signed = await received();
    expect(signed.headers.get('content-digest')).toBe(DIGEST);
    const verified = await verifySignature(signed, { keyOf, now: NOW });
    expect(verified).toEqual({
      ok: true,
      value: {
        keyId: key.keyId,
        nonce: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
        created: NOW,
        until: NOW + 90,
      },
    });
    expect(await outcome(signed, NOW + 89)).toBe('accepted');
    expect(await outcome(signed, NOW + 90)).toBe('untimely expires');
  });

  test('has a new nonce each time', async () => {
    const inputs = [await received(), await received()].map(({ headers }) =>
      headers.get('signature-input'),
    );
    expect(new Set(inputs).size).toBe(2);
  });

  test('verifies at http-message-sig, and its signatures verify here', async () => {
    const signed = await received();
    const message = new Request(request.targetUri, {
      method: 'POST',
      headers: signed.headers,
      body: request.body,
    });
    const policy = {
      algorithms: ['ed25519'],
      requiredComponents: COMPONENTS,
      requiredParameters: ['created', 'expires', 'nonce', 'keyid', 'tag'],
      maxAge: 60,
      now: NOW,
    };
    await expect(
      verifyByPeer(message, { policy, resolveVerifier: () => webcrypto.verifier(publicKey) }),
    ).resolves.toMatchObject({ parameters: { keyid: key.keyId } });

    const fields = await createSignature(message, {
      label: 'agent',
      components: COMPONENTS,
      parameters: {
        tag: 'countersign-signer',
        created: NOW,
        expires: NOW + 30,
        keyid: key.keyId,
        nonce: NONCE,
      },
      signer: webcrypto.signer(key.privateKey),
    });
    const theirs = { 'signature-input': fields.signatureInput, signature: fields.signature };
    expect(await outcome(await received(theirs))).toBe('accepted');
  });
});

describe('a signature is refused', () => {
  const elsewhere = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';

  test.each<[string, Partial<SignableRequest>, string]>([
    ['method', { method: 'PUT' }, 'invalid_signature signature'],
    [
      'origin',
      { targetUri: request.targetUri.replace('signer', 'other') },
      'invalid_signature signature',
    ],
    [
      'owner in its URL',
      { targetUri: request.targetUri.replaceAll('ab', 'cd') },
      'invalid_signature signature',
    ],
    ['query', { targetUri: `${request.targetUri}?` }, 'invalid_signature signature'],
    ['body', { body: utf8('{"hello": "World"}') }, 'digest_mismatch content-digest'],
  ])('with another %s', async (_name, change, refused) => {
    expect(await outcome({ ...(await received()), ...change })).toBe(refused);
  });

  test.each<[string, Readonly<Record<string, string | null>>, string]>([
    ['another content type', { 'content-type': 'text/plain' }, 'invalid_signature signature'],
    ['no content type', { 'content-type': null }, 'missing content-type'],
    ['no digest', { 'content-digest': null }, 'digest_mismatch content-digest'],
    [
      'a second digest',
      { 'content-digest': `${DIGEST}, sha-512=:AA==:` },
      'digest_mismatch content-digest',
    ],
    ['no signature', { signature: null }, 'missing signature'],
    ['no input', { 'signature-input': null }, 'missing signature-input'],
    ['a short signature', { signature: 'sig=:AAAA:' }, 'malformed signature'],
    [
      'a signature under another label',
      { signature: `b=:${'A'.repeat(86)}==:` },
      'malformed signature',
    ],
    [
      'an all-zero signature',
      { signature: `sig=:${'A'.repeat(86)}==:` },
      'invalid_signature signature',
    ],
    [
      'an endless input',
      { 'signature-input': `sig=("${'a'.repeat(2000)}")` },
      'malformed signature-input',
    ],
  ])('with %s', async (_name, changes, refused) => {
    expect(await outcome(await received(changes))).toBe(refused);
  });

  test.each<[string, Readonly<Record<string, string | undefined>>, string]>([
    [
      'created in the future',
      { created: `${NOW + 31}`, expires: `${NOW + 60}` },
      'untimely created',
    ],
    ['a fraction of a second', { created: `${NOW}.5` }, 'malformed created'],
    ['a lifetime over 60 s', { expires: `${NOW + 61}` }, 'malformed expires'],
    ['no lifetime', { expires: `${NOW}` }, 'malformed expires'],
    ['another tag', { tag: '"web-bot-auth"' }, 'malformed tag'],
    ['a token as tag', { tag: 'countersign-signer' }, 'malformed tag'],
    ['an unknown key', { keyid: `"${elsewhere}"` }, 'unknown_key keyid'],
    ['a key id of another form', { keyid: '"agent-7"' }, 'malformed keyid'],
    ['a short nonce', { nonce: '"AAAA"' }, 'malformed nonce'],
    ['alg added', { alg: '"ed25519"' }, 'malformed signature-input'],
    ['an unknown parameter', { purpose: '"any"' }, 'malformed signature-input'],
    ['created missing', { created: undefined }, 'malformed signature-input'],
    ['expires missing', { expires: undefined }, 'malformed signature-input'],
    ['the nonce missing', { nonce: undefined }, 'malformed signature-input'],
    ['the key id missing', { keyid: undefined }, 'malformed signature-input'],
    ['the tag missing', { tag: undefined }, 'malformed signature-input'],
  ])('with %s, although the key signed it so', async (_name, changes, refused) => {
    expect(await outcome(await signedAs(parametersWith(changes)))).toBe(refused);
  });

  test.each<[string, string]>([
    ['an extra component', `(${COVERED} "date")`],
    ['a component missing', '("@method" "@target-uri" "content-digest")'],
    ['components in another order', '("@target-uri" "@method" "content-digest" "content-type")'],
    ['a component twice', `(${COVERED} "@method")`],
    ['a parameter on a component', '("@method" "@target-uri" "content-digest" "content-type";sf)'],
    ['no components', '()'],
  ])('with %s', async (_name, list) => {
    const parameters = parametersWith().replace(`(${COVERED})`, list);
    expect(await outcome(await signedAs(parameters))).toBe('malformed signature-input');
  });

  test.each<[string, (input: string, signature: string) => readonly [string, string]]>([
    ['a second label', (input, signature) => [`${input}, b=()`, `${signature}, b=:AAAA:`]],
    ['its label twice', (input, signature) => [`sig=(), ${input}`, signature]],
    ['a space more', (input, signature) => [input.replace(';', '; '), signature]],
    [
      'a time written as a decimal',
      (input, signature) => [input.replace(`${NOW};`, `${NOW}.0;`), signature],
    ],
    ['a parameter on its bytes', (input, signature) => [input, `${signature};a`]],
  ])('with %s', async (_name, change) => {
    const { headers } = await received();
    const [input, signature] = change(
      headers.get('signature-input') ?? '',
      headers.get('signature') ?? '',
    );
    const refused = await outcome(await received({ 'signature-input': input, signature }));
    expect(refused).toMatch(/^malformed signature/);
  });

  test.each(['created', 'expires', 'nonce', 'keyid'])(
    'after %s changed on the way',
    async (parameter) => {
      const { headers } = await signedAs(parametersWith());
      const input = headers.get('signature-input') ?? '';
      const by = {
        created: input.replace(`${NOW};`, `${NOW - 1};`).replace(`${NOW + 60}`, `${NOW + 59}`),
        expires: input.replace(`${NOW + 60}`, `${NOW + 59}`),
        nonce: input.replace(NONCE, encodeBase64Url(new Uint8Array(16).fill(8))),
        keyid: input.replace(key.keyId, elsewhere),
      }[parameter];
      headers.set('signature-input', by ?? '');
      const verified = await verifySignature(
        { ...request, headers },
        { keyOf: () => publicKey, now: NOW },
      );
      expect(verified).toMatchObject({ ok: false, error: { kind: 'invalid_signature' } });
    },
  );

  test('whose created is more than 30 s ahead of the clock, and accepted below', async () => {
    expect(await outcome(await received({}, NOW + 30))).toBe('accepted');
    expect(await outcome(await received({}, NOW + 31))).toBe('untimely created');
  });

  test('of another key', async () => {
    const pair = (await crypto.subtle.generateKey('Ed25519', false, [
      'sign',
      'verify',
    ])) as CryptoKeyPair;
    const headers = new Headers(
      await signedHeaders(request, { ...key, privateKey: pair.privateKey }, NOW),
    );
    expect(await outcome({ ...request, headers })).toBe('invalid_signature signature');
  });
});
