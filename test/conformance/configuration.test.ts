import { beforeAll, describe, expect, it } from 'vitest';
import { newReceiptKey } from '../../src/cli/init/files.ts';
import { app } from '../support/deployed.ts';
import { readProblem } from './support/offer.ts';

const ADDRESS = `0x${'11'.repeat(20)}`;
let valid: Readonly<Record<string, string>>;
beforeAll(async () => {
  valid = {
    AUDIENCES: 'https://gateway.example',
    PAY_TO: JSON.stringify({ 'eip155:84532': ADDRESS }),
    RPC_URLS: JSON.stringify({ 'eip155:84532': ['https://rpc.example'] }),
    FACILITATORS: JSON.stringify([{ url: 'https://facilitator.example' }]),
    UPSTREAM_URL: 'https://upstream.example',
    PAUSED: 'false',
    DEFAULT_POLICY: '',
    CONFIRMATIONS: '1',
    RECEIPT_KEY: await newReceiptKey(),
  };
});

/** A database that has only the jurisdiction of the first start. */
const AUDIT_DB = {
  prepare: () => ({
    first: async () => 'none',
    bind: () => ({ all: async () => ({ results: [] }) }),
  }),
};

/**
 * Sends a request to a gateway with these variables. It has no other bindings: a gateway must read no binding before its variables
 * are valid.
 */
const request = async (
  changes: Readonly<Record<string, string | undefined>>,
  path: string,
): Promise<Response> =>
  await app.fetch(
    new Request(`https://gateway.example${path}`, { headers: { 'PAYMENT-SIGNATURE': 'e30=' } }),
    { ...valid, ...changes, AUDIT_DB } as unknown as Env,
    { waitUntil: () => undefined } as unknown as ExecutionContext,
  );

const CALL = '/tools/lookup?word=river';

describe('a gateway', () => {
  it('with valid variables processes the payment', async () => {
    expect((await request({}, CALL)).status).toBe(400);
    expect((await request({}, '/healthz')).status).toBe(200);
  });

  it.each<[string, readonly (string | undefined)[]]>([
    [
      'AUDIENCES',
      [
        undefined,
        '',
        'gateway.example',
        'https://gateway.example/',
        'https://gateway.example,,',
        'https://G.example',
      ],
    ],
    [
      'PAY_TO',
      [
        undefined,
        '',
        '{}',
        '[]',
        'x',
        ADDRESS,
        `{"eip155:84532":"0x${'0'.repeat(40)}"}`,
        `{"base":"${ADDRESS}"}`,
        '{"eip155:84532":1}',
      ],
    ],
    [
      'RPC_URLS',
      [
        undefined,
        '',
        '{}',
        '[]',
        'x',
        '{"eip155:84532":[]}',
        '{"eip155:84532":"https://rpc.example"}',
        '{"eip155:1":["https://rpc.example"]}',
      ],
    ],
    [
      'FACILITATORS',
      [
        undefined,
        '',
        '[]',
        '{}',
        'x',
        '["https://facilitator.example"]',
        '[{"url":"ftp://f.example"}]',
        '[{"url":"https://f.example","key":"x"}]',
      ],
    ],
    ['FACILITATES', ['{}', '[]', 'x', `{"eip155:84532":["0x${'22'.repeat(20)}"]}`]],
    ['UPSTREAM_URL', [undefined, '', 'upstream', 'https://upstream.example/path']],
    ['TRACE_URL', ['x', 'https://traces.example/', 'http://traces.example/{trace}']],
    ['PAUSED', ['yes', 'TRUE', '1']],
    ['DEFAULT_POLICY', ['{', '{}', '{"perCall":"1"}', '[]']],
    ['CONFIRMATIONS', ['-1', '1.5', 'x']],
    ['RECEIPT_KEY', [undefined, '', '{}', 'x', '{"kty":"OKP","crv":"Ed25519","x":"AA"}']],
  ])(
    'with an invalid %s returns 503 that names it and nothing of its value',
    async (name, values) => {
      for (const value of values)
        for (const path of [CALL, '/healthz']) {
          const answer = await request({ [name]: value }, path);
          expect(answer.status, `${name}=${value} ${path}`).toBe(503);
          const problem = await readProblem(answer);
          expect(problem.type).toBe('urn:countersign:problem:misconfigured');
          const faults = problem['faults'] as readonly { readonly name: string }[];
          expect(new Set(faults.map((fault) => fault.name)), `${name}=${value}`).toEqual(
            new Set([name]),
          );
          expect(problem.detail).toContain(name);
        }
    },
  );

  it('names all invalid variables at once', async () => {
    const problem = await readProblem(
      await request({ AUDIENCES: '', PAY_TO: '', RPC_URLS: '', FACILITATORS: '' }, CALL),
    );
    const faults = problem['faults'] as readonly { readonly name: string }[];
    expect(faults.map(({ name }) => name)).toEqual([
      'AUDIENCES',
      'PAY_TO',
      'RPC_URLS',
      'FACILITATORS',
    ]);
  });

  it('that is paused returns 503 for calls and reports it on /healthz', async () => {
    const answer = await request({ PAUSED: 'true' }, CALL);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('Retry-After')).toMatch(/^\d+$/);
    expect((await readProblem(answer)).type).toBe('urn:countersign:problem:paused');
    const ready = await request({ PAUSED: 'true' }, '/readyz');
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'paused' }]);
    expect(await (await request({ PAUSED: 'true' }, '/healthz')).json()).toEqual({
      status: 'paused',
    });
  });
});
