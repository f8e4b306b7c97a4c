import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { AgentHooks } from '../../../src/client/index.ts';
import { startMallory } from '../support/mallory.ts';
import { base64Json } from '../../support/payment-header.ts';
import { sendOffer, bound, entry, problem, required } from '../support/offer.ts';
import { useStage } from '../support/victim.ts';

const stage = useStage();

type Bad = (response: ServerResponse) => void;

/** Starts a server that offers a tool and answers every signed request with `bad`. */
const cheat = async (bad: Bad) =>
  await stage.mallory(({ proof }, response) => {
    if (proof === undefined) sendOffer(response, required());
    else bad(response);
  });

describe('a redirect', () => {
  const to =
    (location: string, status: number): Bad =>
    (response) => {
      response.writeHead(status, { Location: location }).end();
    };

  it.each([301, 302, 303, 307, 308])(
    'with %i takes no signature to another origin',
    async (status) => {
      const thief = await stage.mallory((_, response) => void response.end('thanks'));
      const { url, proofs } = await cheat(to(`${thief.url}/here`, status));
      const { agent, ledger } = stage.victim();
      const { code, call } = await stage.refused(
        agent.fetch(url, { method: 'POST', body: 'secret plans', redirect: 'follow' }),
      );
      expect([code, call]).toEqual(['redirected', ledger.transfers[0]?.nonce]);
      expect([thief.received, proofs().length, ledger.transfers.length]).toEqual([[], 1, 1]);
    },
  );

  it.each([301, 302, 307, 308])('with %i takes no signature to the same origin', async (status) => {
    const { url, received } = await cheat(to('/elsewhere', status));
    const { agent } = stage.victim();
    expect((await stage.refused(agent.fetch(url))).code).toBe('redirected');
    expect(received.map(({ path }) => path)).toEqual(['/', '/']);
  });

  it.each([301, 302, 307, 308])(
    'with %i before the offer: its target is not paid',
    async (status) => {
      const thief = await cheat((response) => void response.end('thanks'));
      for (const location of [thief.url, '/paid']) {
        const { url, proofs } = await stage.mallory(({ path }, response) => {
          if (path === '/paid') sendOffer(response, required());
          else to(location, status)(response);
        });
        const { agent, ledger } = stage.victim();
        const { code, response } = await stage.refused(agent.fetch(`${url}/first`));
        expect([
          code,
          response?.url.startsWith(location === '/paid' ? `${url}/paid` : location),
        ]).toEqual(['redirected', true]);
        expect([ledger.signatures, proofs(), thief.proofs()]).toEqual([[], [], []]);
      }
    },
  );

  it('before a 401: no intent is signed for its target', async () => {
    const thief = await stage.mallory((_, response) => {
      const audience = thief.url;
      response
        .writeHead(401, {
          'WWW-Authenticate': `AgentIntent error="intent_required", audience="${audience}", chains="eip155:84532", max_validity="300", tool="thing"`,
        })
        .end();
    });
    const { url } = await stage.mallory((_, response) => to(thief.url, 302)(response));
    const { agent, ledger } = stage.victim();
    expect((await stage.refused(agent.fetch(url))).code).toBe('redirected');
    expect([ledger.signatures, thief.proofs()]).toEqual([[], []]);
  });
});

describe('a 402', () => {
  it('to a signed call ends it: the client never signs the same call again', async () => {
    const { url, proofs } = await stage.mallory((_, response) => {
      sendOffer(response, required([entry()], { error: 'pay more' }));
    });
    const { agent, ledger } = stage.victim();
    const { code, message, call } = await stage.refused(agent.fetch(url));
    expect([code, call]).toEqual(['payment_refused', ledger.transfers[0]?.nonce]);
    expect(message).toContain('pay more');
    expect([proofs().length, ledger.transfers.length]).toEqual([1, 1]);
  });

  it('that repeats the signature as its reason does not bring it into an error', async () => {
    const { url } = await stage.mallory(({ proof }, response) => {
      const text = Buffer.from(proof ?? '', 'base64').toString();
      const [signature = 'none'] = /0x[0-9a-f]{130}/.exec(text) ?? [];
      sendOffer(response, required([entry()], { error: `no: ${signature}` }));
    });
    const { agent } = stage.victim();
    const { code, message } = await stage.refused(agent.fetch(url));
    expect([code, message]).toMatchObject(['payment_refused', expect.stringContaining('no: ')]);
  });

  it('to every call costs one signature a call, and each counts', async () => {
    const { url } = await stage.mallory((_, response) =>
      sendOffer(response, required([entry({ amount: '9000' })])),
    );
    const { agent, ledger } = stage.victim();
    const codes: string[] = [];
    for (let call = 0; call < 8; call += 1)
      codes.push((await stage.refused(agent.fetch(url))).code);
    expect(codes).toEqual([
      ...Array.from({ length: 5 }, () => 'payment_refused'),
      ...Array.from({ length: 3 }, () => 'over_total'),
    ]);
    expect([ledger.total(), agent.spending().remaining]).toEqual([45_000n, 5_000n]);
  });

  it('after a success starts a new call at a new price', async () => {
    const { url, proofs } = await stage.mallory(({ proof }, response, at) => {
      if (proof !== undefined && at <= 2) response.end('sold');
      else sendOffer(response, required([entry({ amount: at > 2 ? '10000' : '1000' })]));
    });
    const { agent, ledger } = stage.victim();
    expect((await agent.fetch(url)).status).toBe(200);
    expect((await stage.refused(agent.fetch(url))).code).toBe('payment_refused');
    expect(ledger.transfers.map(({ value }) => value)).toEqual([1000n, 10_000n]);
    expect(new Set(proofs()).size).toBe(2);
  });

  it('with different prices in header and body is paid by its header', async () => {
    const { url } = await stage.mallory(({ proof }, response) => {
      if (proof !== undefined) return void response.end('sold');
      response
        .writeHead(402, {
          'PAYMENT-REQUIRED': base64Json(required([entry({ amount: '5' })])),
          'Content-Type': 'application/json',
        })
        .end(
          JSON.stringify({ x402Version: 1, accepts: [{ ...entry(), maxAmountRequired: '9999' }] }),
        );
    });
    const { agent, ledger } = stage.victim();
    await agent.fetch(url);
    expect(ledger.total()).toBe(5n);
  });

  it('with a header of 17 KiB is not read', async () => {
    const { url, proofs } = await stage.mallory((_, response) =>
      sendOffer(response, required([entry()], { pad: 'x'.repeat(13_000) })),
    );
    const { agent } = stage.victim();
    const { code } = await stage.refused(agent.fetch(url));
    expect(['offer_malformed', 'unreachable']).toContain(code);
    expect(proofs()).toEqual([]);
  });
});

/** Ways in which a server can withhold its answer. */
const SILENCES: readonly (readonly [string, Bad])[] = [
  ['closes the connection', (response) => response.destroy()],
  ['never answers', () => undefined],
  ['does not speak HTTP', (response) => void response.socket?.end('SMTP?\r\n\r\n')],
  ['returns 503 with no delay', (response) => void response.writeHead(503, { 'Retry-After': '0' }).end()],
  ['returns 503 with a delay of thirty years', (response) => void response.writeHead(503, { 'Retry-After': '999999999' }).end()],
  ['returns 503 with a delay of a thousand years', (response) => void response.writeHead(503, { 'Retry-After': '31536000000' }).end()],
  ['returns 503 with a malformed delay', (response) => void response.writeHead(503, { 'Retry-After': '-1, soon' }).end()],
  ['returns 409 with no delay', (response) => void response.writeHead(409, { 'Retry-After': '0' }).end()],
]; // prettier-ignore

describe('a server that does not answer', () => {
  it.each(SILENCES)(
    'gets the same signature again for a limited time, and no other: it %s',
    async (_, bad) => {
      const { url, proofs } = await stage.mallory(({ proof }, response) => {
        // The proof expires soon, so that an endless wait would fail the test.
        if (proof === undefined) sendOffer(response, required([entry({ maxTimeoutSeconds: 25 })]));
        else bad(response);
      });
      let waited = 0;
      const onRetry: AgentHooks['onRetry'] = ({ waitMs }) => {
        waited += waitMs;
      };
      const { agent, ledger } = stage.victim({
        ...{ timeoutSeconds: 12, retries: 2 },
        hooks: { onRetry },
      });
      const { code, call } = await stage.refused(agent.fetch(url));
      expect([code, call]).toEqual(['answer_lost', ledger.transfers[0]?.nonce]);
      expect(waited).toBeLessThan(25_000);
      expect(ledger.transfers).toHaveLength(1);
      expect(proofs().length).toBeLessThanOrEqual(3);
      expect(new Set(proofs()).size).toBe(1);
      // The call may have run and settled, so its amount counts.
      expect(agent.spending().signed).toBe(1000n);
    },
  );

  it('to an unsigned request causes an error that states that nothing was signed', async () => {
    for (const [, bad] of SILENCES.slice(0, 2)) {
      const { url } = await stage.mallory((_, response) => bad(response));
      const { agent, ledger } = stage.victim({ timeoutSeconds: 1 });
      const { code, hint } = await stage.refused(agent.fetch(url));
      expect([code, ledger.signatures]).toEqual(['unreachable', []]);
      expect(hint).toContain('signed no payment');
    }
  });

  it('is waited for no longer than the caller wants', async () => {
    const caller = new AbortController();
    const { url, proofs } = await cheat((response) => {
      response.writeHead(503, { 'Retry-After': '9' }).end();
      setTimeout(() => caller.abort(new Error('enough')), 400);
    });
    const { agent } = stage.victim();
    const call = agent.fetch(url, { signal: caller.signal });
    await expect(call).rejects.toThrow('enough');
    expect(proofs()).toHaveLength(1);
  });
});

describe('an answer', () => {
  it('without end is streamed until the caller cancels', async () => {
    const { url } = await cheat((response) => {
      const drip = setInterval(() => response.write('drop '), 5);
      response.on('close', () => clearInterval(drip));
    });
    const { agent } = stage.victim();
    const answer = await agent.fetch(url);
    const reader = answer.body?.getReader();
    expect((await reader?.read())?.value?.byteLength).toBeGreaterThan(0);
    await reader?.cancel();
  });

  it('with a false PAYMENT-RESPONSE does not change what counts', async () => {
    const { url } = await cheat((response) => {
      const paymentResponse = { success: true, transaction: `0x${'11'.repeat(32)}`, network: 'eip155:1', amount: '999999999', payer: '0x0' };
      response.writeHead(200, { 'PAYMENT-RESPONSE': base64Json(paymentResponse) }).end('sold');
    });
    const { agent } = stage.victim();
    const { countersign } = await agent.fetch(url);
    expect(countersign.charged).toBeLessThanOrEqual(1000n);
    expect(countersign.receipt).toBeUndefined();
    expect(agent.spending()).toMatchObject({ signed: 1000n, remaining: 49_000n });
    expect(agent.spending().charged).toBeLessThanOrEqual(1000n);
  });

  it.each(['%%%', base64Json(null), base64Json({ success: 'yes' }), base64Json([]), 'a'.repeat(8000), ''])(
    'with the PAYMENT-RESPONSE %j still reaches the caller',
    async (header) => {
      const { url } = await cheat((response) => void response.writeHead(200, { 'PAYMENT-RESPONSE': header, 'RateLimit': '"credit";r=oops', 'RateLimit-Policy': ';;' }).end('sold'));
      const { agent } = stage.victim();
      const answer = await agent.fetch(url);
      expect([answer.status, await answer.text(), answer.countersign.limits]).toEqual([200, 'sold', []]);
    },
  );

  it.each([400, 403, 404, 409, 418, 429, 500, 502])('of %i reaches the caller and is not paid again', async (status) => {
    const { url, proofs } = await cheat((response) => problem(response, status, 'denied', { rule: 'window', hint: 'come back' }));
    const { agent, ledger } = stage.victim();
    const answer = await agent.fetch(url);
    expect([answer.status, answer.countersign.problem]).toMatchObject([status, { rule: 'window', hint: 'come back' }]);
    expect([proofs().length, ledger.transfers.length]).toEqual([1, 1]);
  });

  it('of "already used" every time causes no second payment', async () => {
    const { url, received } = await stage.mallory(({ proof, path, headers }, response) => {
      if (path.startsWith('/calls/')) problem(response, 404, 'unknown-call');
      else if (proof === undefined) sendOffer(response, required([entry()], { extensions: bound(`http://${headers.host}`) }));
      else problem(response, 409, 'already-used');
    });
    const { agent, ledger } = stage.victim({ retries: 1 });
    const outcome = await agent.fetch(url).then(({ status }) => status, (error: { code: string }) => error.code);
    expect([409, 'answer_lost', 'unknown_call']).toContain(outcome);
    expect(ledger.transfers).toHaveLength(1);
    expect(received.length).toBeLessThanOrEqual(6);
  });

  it('of a gigabyte to a look-up is not read', async () => {
    const { url } = await stage.mallory((_, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      const pour = (): void => {
        while (!response.destroyed && response.write('9'.repeat(65_536))) void 0;
      };
      response.on('drain', pour);
      pour();
    });
    const { agent } = stage.victim({ timeoutSeconds: 5 });
    const { code } = await stage.refused(agent.look(url, `0x${'11'.repeat(32)}`));
    expect(['look_failed', 'unknown_call']).toContain(code);
  });
}); // prettier-ignore

describe('the headers of a request', () => {
  it('reach the server that the caller named, without a proof', async () => {
    const seen = await startMallory((_, response) => void response.end('free'));
    try {
      const { agent } = stage.victim();
      const answer = await agent.fetch(seen.url, { headers: { 'X-Mine': 'kept' } });
      expect([answer.status, answer.countersign.paid]).toEqual([200, 'none']);
      const [sent] = seen.received;
      expect(sent?.headers['x-mine']).toBe('kept');
      expect(sent?.proof).toBeUndefined();
    } finally {
      await seen.stop();
    }
  });

  it.each(['PAYMENT-SIGNATURE', 'X-PAYMENT', 'Agent-Intent'])('may not contain %s from the caller', async (name) => {
    const { url, received } = await cheat((response) => void response.end());
    const { agent } = stage.victim();
    expect((await stage.refused(agent.fetch(url, { headers: { [name]: 'x' } }))).code).toBe('header_reserved');
    expect(received).toEqual([]);
  });
}); // prettier-ignore
