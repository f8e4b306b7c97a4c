import { describe, expect, it } from 'vitest';
import { nowSeconds } from '../../conformance/support/payment.ts';
import { sendOffer, bound, entry, type Json, PAYEE, required, THIEF } from '../support/offer.ts';
import { PER_CALL, TOTAL, useStage } from '../support/victim.ts';

const stage = useStage();
const FAKE = '0x00000000000000000000000000000000000fa4e0';

describe('a price', () => {
  it('within the caps is paid', async () => {
    const { url } = await stage.seller([entry()]);
    const { agent, ledger } = stage.victim();
    const answer = await agent.fetch(url);
    expect([answer.status, await answer.text()]).toEqual([200, 'sold']);
    expect(ledger.transfers).toMatchObject([{ value: 1000n, to: PAYEE.toLowerCase() }]);
    expect(answer.countersign).toMatchObject({ paid: 'payment', version: 2, binding: 'none' });
    expect(agent.spending()).toMatchObject({ signed: 1000n, remaining: TOTAL - 1000n });
  });

  it.each([PER_CALL + 1n, 2n ** 64n, 2n ** 256n - 1n])(
    'of %i exceeds the cap per call',
    async (amount) => {
      const { url } = await stage.seller([entry({ amount: amount.toString() })]);
      const { agent, ledger } = stage.victim();
      const { code, offer, message } = await stage.refused(agent.fetch(url));
      expect([code, offer?.amount]).toEqual(['over_per_call', amount]);
      expect(message).toContain('$0.01');
      expect(ledger.signatures).toEqual([]);
    },
  );

  it('that rises with each call is paid up to the total and never beyond', async () => {
    let price = 1000n;
    const { url } = await stage.mallory(({ proof }, response) => {
      if (proof !== undefined) return void response.end('sold');
      price += 1000n;
      sendOffer(response, required([entry({ amount: price.toString() })]));
    });
    const { agent, ledger } = stage.victim();
    const codes: string[] = [];
    for (let call = 0; call < 12; call += 1)
      codes.push(
        await agent.fetch(url).then(
          () => 'sold',
          (error: { code: string }) => error.code,
        ),
      );
    // 2000 + 3000 + … + 9000 = 44000. 10000 does not fit into the total, and higher prices exceed the cap per call.
    expect(codes).toEqual([
      ...Array.from({ length: 8 }, () => 'sold'),
      'over_total',
      ...Array.from({ length: 3 }, () => 'over_per_call'),
    ]);
    expect(ledger.total()).toBe(44_000n);
  });

  it('stays within the total for fifty calls at once', async () => {
    const { url } = await stage.seller([entry({ amount: '4000' })]);
    const { agent, ledger } = stage.victim();
    const outcomes = await Promise.all(
      Array.from(
        { length: 50 },
        async (_, at) =>
          await agent.fetch(`${url}/${at}`).then(
            () => 'sold',
            (error: { code: string }) => error.code,
          ),
      ),
    );
    expect(outcomes.filter((each) => each === 'sold')).toHaveLength(12);
    expect(new Set(outcomes)).toEqual(new Set(['sold', 'over_total']));
    expect([ledger.total(), ledger.transfers.length]).toEqual([48_000n, 12]);
  });

  it('is not paid by an agent with caps of zero', async () => {
    const { url } = await stage.seller([entry({ amount: '1' })]);
    const { agent, ledger } = stage.victim({ spend: { perCall: 0n, total: 0n } });
    expect((await stage.refused(agent.fetch(url))).code).toBe('over_per_call');
    expect(ledger.signatures).toEqual([]);
  });
});

describe('an entry of an offer', () => {
  it.each<[string, Json, string]>([
    ['a payee that is not allowed', { payTo: THIEF }, 'payee_not_allowed'],
    ['a token that claims to be USDC', { asset: FAKE }, 'asset_not_allowed'],
    ['the token of another chain', { network: 'eip155:8453' }, 'asset_not_allowed'],
    ['a chain without a known token', { network: 'eip155:31337' }, 'network_unsupported'],
    [
      'a chain that is not EVM',
      { network: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp' },
      'network_unsupported',
    ],
    ['another name of the token', { extra: { name: 'USD Coin', version: '2' } }, 'token_mismatch'],
    ['another version of the token', { extra: { name: 'USDC', version: '1' } }, 'token_mismatch'],
    ['another scheme', { scheme: 'subscription' }, 'scheme_unsupported'],
    [
      'Permit2',
      { extra: { name: 'USDC', version: '2', assetTransferMethod: 'permit2' } },
      'flow_unsupported',
    ],
    [
      'an unknown flow',
      { extra: { name: 'USDC', version: '2', paymentFlow: 'drain' } },
      'flow_unsupported',
    ],
  ])('is rejected for %s', async (_, changes, code) => {
    const { url } = await stage.seller([entry(changes)]);
    const { agent, ledger } = stage.victim({
      spend: { perCall: PER_CALL, total: TOTAL, payees: [PAYEE] },
    });
    expect((await stage.refused(agent.fetch(url))).code).toBe(code);
    expect(ledger.signatures).toEqual([]);
  });

  it('is skipped for an acceptable one', async () => {
    const { url } = await stage.seller([
      entry({ payTo: THIEF }),
      entry({ amount: '99999999' }),
      entry({ scheme: 'upto' }),
      entry({ amount: '700' }),
      entry({ amount: '1' }),
    ]);
    const { agent, ledger } = stage.victim({
      spend: { perCall: PER_CALL, total: TOTAL, payees: [PAYEE] },
    });
    expect((await agent.fetch(url)).status).toBe(200);
    expect(ledger.transfers.map(({ value }) => value)).toEqual([700n]);
  });

  it('is rejected for an asset that the agent does not allow', async () => {
    const base = entry({
      network: 'eip155:8453',
      asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913',
      extra: { name: 'USD Coin', version: '2' },
    });
    const { url } = await stage.seller([base]);
    const { agent, ledger } = stage.victim({
      spend: {
        perCall: PER_CALL,
        total: TOTAL,
        assets: ['eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e'],
      },
    });
    expect((await stage.refused(agent.fetch(url))).code).toBe('asset_not_allowed');
    expect(ledger.signatures).toEqual([]);
  });
});

describe('a signed payment', () => {
  it.each([1, 60, 300, 3600, 315_360_000, Number.MAX_SAFE_INTEGER])(
    'is valid for at most an hour with maxTimeoutSeconds %i, in the domain of our own table',
    async (maxTimeoutSeconds) => {
      const { url } = await stage.seller([entry({ maxTimeoutSeconds, extra: null })]);
      const { agent, ledger } = stage.victim();
      const before = nowSeconds();
      await agent.fetch(url);
      const after = nowSeconds();
      const [signed] = ledger.transfers;
      expect(signed).toMatchObject({
        chainId: 84532,
        name: 'USDC',
        version: '2',
        token: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
        validAfter: 0n,
      });
      const signedAt = Number(signed?.validBefore) - Math.min(maxTimeoutSeconds, 3600);
      expect(signedAt).toBeGreaterThanOrEqual(before);
      expect(signedAt).toBeLessThanOrEqual(after);
    },
  );

  it('has a new nonce each time', async () => {
    const { url } = await stage.seller([entry()]);
    const { agent, ledger } = stage.victim();
    for (let call = 0; call < 10; call += 1) await agent.fetch(url);
    expect(new Set(ledger.transfers.map(({ nonce }) => nonce)).size).toBe(10);
  });
});

describe('an audience', () => {
  it.each(['https://bank.example', 'http://127.0.0.1', 'http://localhost:1', 'null', ''])(
    'of %j is rejected, because it is not the called server',
    async (audience) => {
      const { url, proofs } = await stage.seller([entry()], { extensions: bound(audience) });
      const { agent, ledger } = stage.victim();
      const { code, message } = await stage.refused(agent.fetch(url));
      expect(code).toBe('audience_mismatch');
      expect(message).toContain(audience);
      expect([ledger.signatures, proofs()]).toEqual([[], []]);
    },
  );

  it('of another server is signed for when the options allow it', async () => {
    const { url } = await stage.seller([entry()], { extensions: bound('https://bank.example') });
    const { agent } = stage.victim({
      audiences: { [new URL(url).origin]: 'https://bank.example' },
    });
    expect((await agent.fetch(url)).countersign.binding).toBe('intent');
  });

  it.each<[string, Json]>([
    ['another version', { version: 2 }],
    ['another binding', { binding: 'permit2-nonce' }],
    ['a tool that is not a text', { tool: ['thing'] }],
  ])('with %s is not bound to, and the payment stays vanilla', async (_, changes) => {
    const { url, proofs } = await stage.mallory(({ proof, headers }, response) => {
      if (proof === undefined)
        sendOffer(
          response,
          required([entry()], { extensions: bound(`http://${headers.host}`, changes) }),
        );
      else response.end('sold');
    });
    const { agent, ledger } = stage.victim();
    const answer = await agent.fetch(url);
    expect(answer.countersign).toMatchObject({ paid: 'payment', binding: 'none' });
    expect([ledger.transfers.length, ledger.intents.length, proofs().length]).toEqual([1, 0, 1]);
  });
});
