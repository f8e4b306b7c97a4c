import type { ServerResponse } from 'node:http';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  sendBoundOffer,
  honestClaims,
  type Keys,
  newKeys,
  signReceipt,
} from '../support/false-gateway.ts';
import type { Received } from '../support/mallory.ts';
import { base64Json } from '../../support/payment-header.ts';
import { type Json } from '../support/offer.ts';
import { useStage } from '../support/victim.ts';

const stage = useStage();
const GOODS = '{"answer":42}';
const OTHER = `0x${'cd'.repeat(32)}`;

let keys: Keys;
let others: Keys;
beforeAll(async () => {
  keys = await newKeys();
  others = await newKeys();
});

/** Writes to the answer for as long as the client reads. */
const pour = (response: ServerResponse): void => {
  const more = (): void => {
    while (!response.destroyed && response.write('9'.repeat(65_536))) void 0;
  };
  response.on('drain', more);
  more();
};

type Forge = (claims: Json, received: Received) => Promise<string> | string;

/** Starts a gateway that publishes its keys with `jwks` and sends each receipt as `forge` changes it. */
const gateway = async (
  forge: Forge,
  jwks: (response: ServerResponse) => void = (response) =>
    void response.end(JSON.stringify(keys.set)),
) =>
  await stage.mallory(async (received, response) => {
    if (received.path === '/.well-known/jwks.json') return jwks(response);
    // The key set redirects here.
    if (received.path === '/keys') return void response.end(JSON.stringify(keys.set));
    if (received.proof === undefined) return sendBoundOffer(received, response);
    const claims = await honestClaims(`http://${received.headers.host ?? ''}`, received, GOODS);
    response.setHeader('Agent-Receipt', await forge(claims, received));
    response.end(GOODS);
  });

const buy = async (url: string) => {
  const { agent, ledger } = stage.victim();
  const answer = await agent.fetch(`${url}/thing?a=1`, {
    method: 'POST',
    body: '{}',
    headers: { 'Content-Type': 'application/json' },
  });
  // The call is paid, so the caller gets the answer even if its receipt does not verify.
  expect([answer.status, await answer.text(), ledger.transfers.length]).toEqual([200, GOODS, 1]);
  expect(agent.spending().signed).toBe(1000n);
  return answer.countersign;
};

const whyNot = async (url: string): Promise<string> => {
  const { receipt } = await buy(url);
  expect(receipt).toMatchObject({ verified: false });
  return receipt?.verified === false ? receipt.why : '';
};

describe('a receipt', () => {
  it('that is honest verifies', async () => {
    const { url } = await gateway(async (claims) => await signReceipt(keys, claims));
    const report = await buy(url);
    expect(report).toMatchObject({ binding: 'intent', charged: 1000n });
    expect(report.receipt).toMatchObject({ verified: true, claims: { iss: url, charged: '1000' } });
  });

  it.each<[string, Json, RegExp]>([
    ['of another issuer', { iss: 'https://bank.example' }, /another iss/],
    ['for another agent', { agent: `eip155:84532:0x${'11'.repeat(20)}` }, /another agent/],
    ['for the agent on another chain', { agent: 'eip155:8453:0x' }, /another agent/],
    ['for another tool', { tool: 'else' }, /another tool/],
    ['for another call', { call: OTHER }, /another call/],
    ['for another request', { request: OTHER }, /another request/],
    ['for another asset', { asset: 'eip155:8453/erc20:0x' }, /another asset/],
    ['of another binding', { binding: 'none' }, /another binding/],
    ['that charged more than was signed', { charged: '1001' }, /more than the agent signed for/],
    ['that charged a malformed amount', { charged: '-1' }, /charged/],
    ['that charged a number', { charged: 1000 }, /charged/],
    ['for another answer', { response: OTHER }, /another answer/],
    ['for another status', { status: 500 }, /another status/],
    ['for no answer', { response: 'none' }, /answer/],
    ['without a policy', { policy: undefined }, /policy/],
    ['without an entry', { entry: undefined }, /entry/],
  ])('%s does not verify', async (_, changes, why) => {
    const { url } = await gateway(
      async (claims) => await signReceipt(keys, { ...claims, ...changes }),
    );
    expect(await whyNot(url)).toMatch(why);
  });

  it.each<[string, Forge]>([
    ['of another key with the same name', async (claims) => await signReceipt(others, claims)],
    ['of an unpublished key', async (claims) => await signReceipt({ ...keys, kid: 'k2' }, claims)],
    ['with its own key in the header', async (claims) => await signReceipt({ ...others, kid: 'k3' }, claims, { jwk: others.set.keys[0] })],
    ['of another type', async (claims) => await signReceipt(keys, claims, { typ: 'agent-assertion+jwt' })],
    ['without a type', async (claims) => await signReceipt(keys, claims, { typ: undefined })],
    ['without a signature', (claims) => {
      const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
      return `${part({ alg: 'none', typ: 'agent-receipt+jwt', kid: 'k1' })}.${part(claims)}.`;
    }],
    ['changed after signing', async (claims) => {
      const [head, , signature] = (await signReceipt(keys, claims)).split('.');
      const body = Buffer.from(JSON.stringify({ ...claims, charged: '1' })).toString('base64url');
      return `${head}.${body}.${signature}`;
    }],
    ['that is cut off', async (claims) => (await signReceipt(keys, claims)).slice(0, -3)],
    ['of garbage', () => 'not.a.receipt'],
    ['that is empty', () => ''],
    ['of dots', () => '....'],
    ['of 9 KiB', async (claims) => await signReceipt(keys, { ...claims, pad: 'x'.repeat(9000) })],
  ])('%s does not verify', async (_, forge) => {
    const { url } = await gateway(forge);
    expect(await whyNot(url)).not.toBe('');
  }); // prettier-ignore

  it('of one call does not verify for the next', async () => {
    let first: string | undefined;
    const { url } = await gateway(async (claims) => (first ??= await signReceipt(keys, claims)));
    const { agent } = stage.victim();
    const verified: (boolean | undefined)[] = [];
    for (let at = 0; at < 2; at += 1)
      verified.push((await agent.fetch(url)).countersign.receipt?.verified);
    expect(verified).toEqual([true, false]);
  });

  it('that charged less sets the reported charge', async () => {
    const { url } = await gateway(
      async (claims) => await signReceipt(keys, { ...claims, charged: '400' }),
    );
    expect(await buy(url)).toMatchObject({ charged: 400n });
  });

  it('outweighs a false PAYMENT-RESPONSE', async () => {
    const { url } = await stage.mallory(async (received, response) => {
      if (received.path === '/.well-known/jwks.json')
        return void response.end(JSON.stringify(keys.set));
      if (received.proof === undefined) return sendBoundOffer(received, response);
      const claims = await honestClaims(`http://${received.headers.host ?? ''}`, received, GOODS);
      response.setHeader('Agent-Receipt', await signReceipt(keys, claims));
      response.setHeader(
        'PAYMENT-RESPONSE',
        base64Json({ success: true, transaction: '', amount: '1', network: 'eip155:84532' }),
      );
      response.end(GOODS);
    });
    expect((await buy(url)).charged).toBe(1000n);
  });
});

describe('an answer with an honest receipt', () => {
  /** Sends an honest receipt, then calls `body`; `at` counts from 1. */
  const receiptGateway = async (body: (response: ServerResponse, at: number) => void) => {
    let at = 0;
    return await stage.mallory(async (received, response) => {
      if (received.path === '/.well-known/jwks.json') {
        response.end(JSON.stringify(keys.set));
        return;
      }
      if (received.proof === undefined) return sendBoundOffer(received, response);
      const claims = await honestClaims(`http://${received.headers.host ?? ''}`, received, GOODS);
      response.setHeader('Agent-Receipt', await signReceipt(keys, claims));
      at += 1;
      body(response, at);
    });
  };

  it('that breaks off is requested again with the same signature', async () => {
    const { url, proofs } = await receiptGateway((response, at) => {
      if (at > 1) {
        response.end(GOODS);
        return;
      }
      response.writeHead(200, { 'Content-Length': '100' }).write('{"ans');
      setTimeout(() => response.destroy(), 20);
    });
    const { agent } = stage.victim();
    const answer = await agent.fetch(url);
    expect([await answer.text(), answer.countersign.attempts]).toEqual([GOODS, 2]);
    expect(answer.countersign.receipt).toMatchObject({ verified: true });
    expect([proofs().length, new Set(proofs()).size]).toEqual([2, 1]);
  });

  it('that never ends is given up in time as a lost answer', async () => {
    const { url, proofs } = await receiptGateway((response) => {
      const drip = setInterval(() => response.write('drop '), 10);
      response.on('close', () => clearInterval(drip));
    });
    const { agent, ledger } = stage.victim({ timeoutSeconds: 12, retries: 1 });
    expect((await stage.refused(agent.fetch(url))).code).toBe('answer_lost');
    expect([ledger.transfers.length, new Set(proofs()).size]).toEqual([1, 1]);
  });

  it('of a gigabyte is streamed, and its digest stays unverified', async () => {
    const { url } = await receiptGateway((response) => pour(response));
    const { agent } = stage.victim();
    const answer = await agent.fetch(url);
    expect(answer.countersign.receipt).toMatchObject({
      verified: false,
      why: expect.stringContaining('longer') as string,
    });
    await answer.body?.cancel();
  });
});

/** Invalid key sets. */
const KEY_SETS: readonly (readonly [string, (response: ServerResponse) => void])[] = [
  ['never come', () => undefined],
  ['are a gigabyte', (response) => pour(response)],
  ['are a megabyte', (response) => void response.end(JSON.stringify({ ...keys.set, pad: 'x'.repeat(1024 * 1024) }))],
  ['are garbage', (response) => void response.end('{"keys":[{"kty":')],
  ['are not a set', (response) => void response.end('null')],
  ['are five hundred', (response) => void response.end(JSON.stringify({ keys: Array.from({ length: 500 }, () => keys.set.keys[0]) }))],
  ['are redirected', (response) => void response.writeHead(302, { Location: '/keys' }).end()],
  ['return 404', (response) => void response.writeHead(404).end(JSON.stringify(keys.set))],
  ['have another type', (response) => void response.end(JSON.stringify({ keys: [{ kty: 'oct', k: 'AAAA', kid: 'k1' }, { kty: 'OKP', crv: 'Ed25519', x: '!', kid: 'k1' }] }))],
  ['break off', (response) => { response.write('{"keys":['); setTimeout(() => response.destroy(), 10); }],
]; // prettier-ignore

describe('a receipt of a gateway whose keys', () => {
  it.each(KEY_SETS)('%s does not verify, and the caller still gets the answer', async (_, jwks) => {
    const { url } = await gateway(async (claims) => await signReceipt(keys, claims), jwks);
    expect(await whyNot(url)).toContain('key');
  });

  it('were rotated verifies with the new ones', async () => {
    const next = await newKeys('k9');
    let now = keys;
    const { url, received } = await gateway(
      async (claims) => await signReceipt(now, claims),
      (response) => void response.end(JSON.stringify(now.set)),
    );
    const { agent } = stage.victim();
    const verified: (boolean | undefined)[] = [];
    for (now of [keys, keys, next, next])
      verified.push((await agent.fetch(url)).countersign.receipt?.verified);
    expect(verified).toEqual([true, true, true, true]);
    expect(received.filter(({ path }) => path.endsWith('jwks.json'))).toHaveLength(2);
  });
});
