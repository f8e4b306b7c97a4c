import { beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { encodeBase64Url, hexOf, utf8 } from '../../../src/crypto/bytes.ts';
import { endSession, manage, showSession } from '../../../src/management/router.ts';
import { signedHeaders } from '../../../src/protocol/http-signature.ts';
import {
  type AgentSession,
  encodeAgentSession,
  type SignedSession,
} from '../../../src/protocol/intent/agent-session.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';
import { freshDatabase } from '../audit/database.ts';
import { governed, KEY_ACCOUNT, network, type Node } from '../gateway/scripted.ts';
import { addressOf, NOW, signSession, vectorConfig } from '../gateway/signing.ts';
import { accountOf, scriptedContext } from './scripted-context.ts';

const config: Config = vectorConfig();
const ORIGIN = config.audiences[0];
const OWN = accountOf('owner');

beforeAll(freshDatabase);
useVectorsClock();

type Pair = { readonly privateKey: CryptoKey; readonly raw: Uint8Array; readonly keyId: string };

const newKey = async (): Promise<Pair> => {
  const pair = (await crypto.subtle.generateKey('Ed25519', false, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const raw = new Uint8Array((await crypto.subtle.exportKey('raw', pair.publicKey)) as ArrayBuffer);
  const jwk = new TextEncoder().encode(
    `{"crv":"Ed25519","kty":"OKP","x":"${encodeBase64Url(raw)}"}`,
  );
  const keyId = encodeBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', jwk)));
  return { privateKey: pair.privateKey, raw, keyId };
};

const sessionOf = (key: Pair, changes: Partial<AgentSession> = {}): AgentSession => ({
  account: addressOf('owner'),
  audience: ORIGIN,
  scope: 'read',
  key: hexOf(key.raw),
  validAfter: BigInt(NOW - 60),
  validBefore: BigInt(NOW + 3_600),
  ...changes,
});

type Parts = {
  readonly method?: string;
  readonly path?: string;
  /** The path that the key signs, if it differs from the path of the request. */
  readonly signedPath?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signed?: SignedSession;
  readonly tag?: 'countersign-signer';
  readonly at?: number;
};

const requestBy = async (key: Pair, parts: Parts = {}): Promise<Request> => {
  const { method = 'GET', path = `/accounts/${OWN}`, signedPath = path, body = '' } = parts;
  const signable = {
    method,
    targetUri: ORIGIN + signedPath,
    contentType: 'application/json',
    body: utf8(body),
  };
  return new Request(ORIGIN + path, {
    method,
    headers: {
      'Agent-Session': encodeAgentSession(parts.signed ?? (await signSession(sessionOf(key)))),
      ...(await signedHeaders(signable, key, parts.at ?? NOW, parts.tag ?? 'countersign-session')),
      ...parts.headers,
    },
    ...(body === '' ? {} : { body }),
  });
};

type Script = Parameters<typeof scriptedContext>[1];

const answerTo = async (
  request: Request,
  script: Script = {},
  using = manage,
  node: Node = KEY_ACCOUNT,
  configured: Config = config,
) => {
  const { rpc } = network(node);
  const { context, asked, relation } = await scriptedContext(configured, {
    relation: async () => ({ verdict: 'found', relation: 'self', hasParent: false, exists: true }),
    standing: async () => ({ verdict: 'unavailable' }),
    apply: async () => governed(),
    ...script,
  });
  const answer = await using(context, request);
  const { type = '', field } =
    answer.status === 204 ? {} : await answer.json<{ type?: string; field?: string }>();
  const reason = type.replace('urn:countersign:problem:', '');
  return { status: answer.status, reason, field, asked, relation, rpc };
};

/** The answer after authorisation: the handler ran and found the scripted account unavailable. */
const READ = { status: 503, reason: 'storage-unavailable' };

describe('a request of a session', () => {
  it('reads what its wallet may read', async () => {
    const key = await newKey();
    const answer = await answerTo(await requestBy(key));
    expect(answer).toMatchObject(READ);
    expect(answer.relation).toEqual([{ of: OWN, by: OWN }]);
  });

  it('asks no chain about a wallet that signed with its key (law 13)', async () => {
    expect((await answerTo(await requestBy(await newKey()))).rpc).toEqual([]);
  });

  it('asks the contract of a wallet once a minute', async () => {
    const key = await newKey();
    const signed = await signSession(sessionOf(key), 'agent');
    const accepting = {
      ...{ ...KEY_ACCOUNT, eth_getCode: '0x60', eth_call: `0x1626ba7e${'0'.repeat(56)}` },
    };
    const read = async () => answerTo(await requestBy(key, { signed }), {}, manage, accepting);
    const first = await read();
    expect(first).toMatchObject(READ);
    expect(first.rpc).toContain('eth_call');
    const second = await read();
    expect(second).toMatchObject({ ...READ, rpc: [] });
  });

  it('changes nothing', async () => {
    const key = await newKey();
    const body = JSON.stringify({ status: 'paused' });
    const path = `/accounts/${OWN}/status`;
    const answer = await answerTo(await requestBy(key, { method: 'PUT', path, body }));
    expect(answer).toMatchObject({ status: 403, reason: 'session-reads', asked: [] });
  });

  it.each([
    ['repeat', 409, 'session-repeat'],
    ['again', 409, 'session-repeat'],
    ['ended', 401, 'session-ended'],
    ['unavailable', 503, 'storage-unavailable'],
  ] as const)('is refused if the account says %s', async (verdict, status, reason) => {
    const answer = await answerTo(await requestBy(await newKey()), {
      admitSession: async () => ({ verdict }),
      standing: async () => {
        throw new Error('read');
      },
    });
    expect(answer).toMatchObject({ status, reason, asked: [] });
  });

  it.each<[string, (key: Pair) => Promise<Parts>, number, string]>([
    [
      'signed for another path',
      async () => ({ signedPath: '/accounts/other' }),
      401,
      'invalid-session',
    ],
    [
      'signed for another purpose',
      async () => ({ tag: 'countersign-signer' }),
      401,
      'invalid-session',
    ],
    ['signed two minutes ago', async () => ({ at: NOW - 120 }), 401, 'invalid-session'],
    [
      'whose content type was changed',
      async () => ({ headers: { 'content-type': 'text/plain' } }),
      401,
      'invalid-session',
    ],
    [
      'for another origin',
      async (key) => ({
        signed: await signSession(sessionOf(key, { audience: 'https://evil.example' })),
      }),
      401,
      'invalid-session',
    ],
    [
      'on a chain that the gateway does not serve',
      async (key) => ({ signed: await signSession(sessionOf(key), 'owner', 1) }),
      401,
      'invalid-session',
    ],
    [
      'of an expired session',
      async (key) => ({ signed: await signSession(sessionOf(key, { validBefore: BigInt(NOW) })) }),
      401,
      'session-ended',
    ],
    [
      'of a session longer than eight hours',
      async (key) => ({
        signed: await signSession(sessionOf(key, { validBefore: BigInt(NOW + 30_000) })),
      }),
      401,
      'invalid-session',
    ],
    [
      'of a session that another wallet signed',
      async (key) => ({ signed: await signSession(sessionOf(key), 'agent') }),
      400,
      'invalid-signature',
    ],
    [
      'of a session for another key',
      async () => ({ signed: await signSession(sessionOf(await newKey())) }),
      401,
      'invalid-session',
    ],
  ])('is refused: %s', async (_, parts, status, reason) => {
    const key = await newKey();
    const answer = await answerTo(await requestBy(key, await parts(key)));
    expect(answer).toMatchObject({ status, reason, asked: [] });
  });

  it('has no role where its wallet has none', async () => {
    const answer = await answerTo(await requestBy(await newKey()), {
      relation: async () => ({ verdict: 'found', relation: 'none', hasParent: true, exists: true }),
    });
    expect(answer).toMatchObject({ status: 404, reason: 'unknown-account', asked: [] });
  });
});

describe('the session of an operator', () => {
  it('reads what operators read until its wallet is removed from OPERATORS', async () => {
    network(KEY_ACCOUNT);
    const key = await newKey();
    const signed = await signSession(sessionOf(key));
    const readBy = async (operators: Config['operators']) => {
      const { context } = await scriptedContext({ ...config, operators });
      const answer = await manage(
        context,
        await requestBy(key, { path: '/admin/settings', signed }),
      );
      await answer.body?.cancel();
      return answer.status;
    };
    expect(await readBy([addressOf('owner')])).toBe(200);
    expect(await readBy([addressOf('agent')])).toBe(403);
  });
});

describe('GET /session', () => {
  const path = '/session';

  it.each([
    ['an operator', [addressOf('owner')], true],
    ['no operator', [addressOf('agent')], false],
  ])('shows that its wallet is %s', async (_, operators, isOperator) => {
    network(KEY_ACCOUNT);
    const { context } = await scriptedContext({ ...config, operators });
    const answer = await showSession(context, await requestBy(await newKey(), { path }));
    expect([answer.status, answer.headers.get('Cache-Control')]).toEqual([
      200,
      'private, no-store',
    ]);
    expect(await answer.json()).toEqual({
      ...{ account: OWN, is_operator: isOperator, valid_until: NOW + 3_600 },
    });
  });

  it.each([
    ['repeat', 409, 'session-repeat'],
    ['ended', 401, 'session-ended'],
  ] as const)('is refused if the account says %s', async (verdict, status, reason) => {
    const request = await requestBy(await newKey(), { path });
    const script = { admitSession: async () => ({ verdict }) } as const;
    expect(await answerTo(request, script, showSession)).toMatchObject({ status, reason });
  });

  it('is refused without a session', async () => {
    const answer = await answerTo(new Request(ORIGIN + path), {}, showSession);
    expect(answer).toMatchObject({ status: 400, asked: [] });
  });

  it('is refused if another wallet signed the session', async () => {
    const key = await newKey();
    const signed = await signSession(sessionOf(key), 'agent');
    const answer = await answerTo(await requestBy(key, { path, signed }), {}, showSession);
    expect(answer).toMatchObject({ status: 400, reason: 'invalid-signature' });
  });
});

describe('DELETE /session', () => {
  it('ends the session that signed it', async () => {
    const key = await newKey();
    const ended: unknown[] = [];
    const request = await requestBy(key, { method: 'DELETE', path: '/session' });
    const answer = await answerTo(
      request,
      {
        endSession: async (end) => {
          ended.push(end);
          return { verdict: 'ok' };
        },
      },
      endSession,
    );
    expect(answer.status).toBe(204);
    expect(ended).toEqual([{ key: hexOf(key.raw), until: NOW + 3_600, isOperator: false }]);
  });

  /** Ends a session that only a contract can have signed. */
  const endByContract = async (network: string, node: Node) => {
    const key = await newKey();
    const signed = await signSession(sessionOf(key), 'agent');
    const ended: boolean[] = [];
    const answer = await answerTo(
      await requestBy(key, { method: 'DELETE', path: '/session', signed }),
      {
        endSession: async ({ isOperator }) => {
          ended.push(isOperator);
          return { verdict: 'ok' };
        },
      },
      endSession,
      node,
      {
        ...config,
        operators: [addressOf('owner')],
        networks: [network as Config['networks'][0], ...config.networks],
      },
    );
    return { status: answer.status, ended };
  };
  const contract = {
    ...{ ...KEY_ACCOUNT, eth_getCode: '0x60', eth_call: `0x1626ba7e${'0'.repeat(56)}` },
  };

  it("stores nothing for a contract at an operator's address on another network than the first", async () => {
    const first = await endByContract(config.networks[0], contract);
    expect(first).toEqual({ status: 204, ended: [true] });
    const other = await endByContract('eip155:1', contract);
    expect(other).toEqual({ status: 204, ended: [false] });
  });

  it('ends nothing where an address without code answers as a contract would', async () => {
    const answer = await endByContract(config.networks[0], { ...contract, eth_getCode: '0x' });
    expect(answer).toEqual({ status: 400, ended: [] });
  });

  it('ends nothing without a proof', async () => {
    const request = new Request(`${ORIGIN}/session`, { method: 'DELETE' });
    expect((await answerTo(request, {}, endSession)).status).toBe(401);
  });
});
