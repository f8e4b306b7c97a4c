import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base64Json } from '../../support/payment-header.ts';
import { sendOffer, bound, entry, type Json, required } from '../support/offer.ts';
import { PER_CALL, useStage } from '../support/victim.ts';

const stage = useStage();
const FAKE = '0x00000000000000000000000000000000000fa4e0';

/** Values that are malformed, or at a bound, for a field of an offer. */
const MALFORMED: readonly unknown[] = [
  undefined, null, true, false, 0, -1, 1.5, 1e21, '', ' 5 ', '5 ', '-5', '+5', '0x10', '1e3', '００５', '5.0', 'NaN', '\u0000',
  '1'.repeat(100), 'eip155:', 'eip155:0', 'eip155:84532 ', 'EIP155:84532', 'eip155:084532', '__proto__', 'constructor',
  FAKE, '0x036cbd53842c5426634e7929541ec2318f3dcf7', '0X036cbd53842c5426634e7929541ec2318f3dcf7e',
  [], {}, [[]], { toString: 'x' }, { valueOf: 1 }, [entry()], 'a'.repeat(5000), '\ud800',
]; // prettier-ignore

const PATHS: readonly (readonly (string | number)[])[] = [
  ['x402Version'], ['error'], ['resource'], ['resource', 'url'], ['accepts'], ['accepts', 0], ['extensions'],
  ...['scheme', 'network', 'amount', 'asset', 'payTo', 'maxTimeoutSeconds', 'extra'].map((name) => ['accepts', 0, name]),
  ['accepts', 0, 'extra', 'name'], ['accepts', 0, 'extra', 'version'], ['accepts', 0, 'extra', 'paymentFlow'],
  ['accepts', 0, 'extra', 'assetTransferMethod'], ['extensions', 'agent-intent'], ['extensions', 'agent-intent', 'info'],
  ...['version', 'audience', 'tool', 'binding'].map((name) => ['extensions', 'agent-intent', 'info', name]),
  ['extensions', 'payment-identifier'], ['extensions', 'payment-identifier', 'info'],
]; // prettier-ignore

/** A copy with one field changed; undefined removes it. */
const changed = (whole: unknown, path: readonly (string | number)[], value: unknown): unknown => {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  const copy = (Array.isArray(whole) ? [...whole] : { ...(whole as Json) }) as Record<
    string | number,
    unknown
  >;
  copy[name] = changed(copy[name], rest, value);
  return copy;
};

describe('a malformed offer', () => {
  it.each(PATHS.map((path) => [path.join('.'), path] as const))(
    'with a changed %s costs at most the cap',
    async (_, path) => {
      let offer: unknown;
      const { url } = await stage.mallory(({ proof }, response) => {
        if (proof === undefined) sendOffer(response, offer as Json);
        else response.end('sold');
      });
      const info = { required: false };
      const whole = required([entry()], {
        extensions: { ...bound(url), 'payment-identifier': { info } },
      });
      for (const value of MALFORMED) {
        offer = changed(whole, path, value);
        const { agent, ledger } = stage.victim({ spend: { perCall: 1000n, total: 1000n } });
        const outcome = await agent.fetch(url).then(
          ({ countersign }) => countersign.paid,
          (error: unknown) => error,
        );
        if (outcome instanceof Error) {
          await stage.refused(Promise.reject(outcome));
          expect(ledger.signatures).toEqual([]);
        } else {
          expect(outcome).toBe('payment');
          expect(ledger.transfers).toMatchObject([
            { chainId: 84532, token: '0x036cbd53842c5426634e7929541ec2318f3dcf7e', name: 'USDC' },
          ]);
          expect(ledger.total()).toBeLessThanOrEqual(1000n);
        }
      }
    },
  );

  it('with a malformed encoding is rejected', async () => {
    let header = '';
    const { url, proofs } = await stage.mallory((_, response) => {
      response.writeHead(402, { 'PAYMENT-REQUIRED': header }).end('{}');
    });
    const { agent, ledger } = stage.victim();
    const whole = base64Json(required());
    const headers = [
      '', ' ', '=', '====', 'null', base64Json(null), base64Json([]), base64Json('x'), base64Json(1), base64Json({}),
      whole.slice(0, -5), `${whole}!`, `${whole}, ${whole}`, `${whole}${whole}`, whole.slice(1),
      Buffer.from('{"x402Version":2').toString('base64'),
      Buffer.from([0xff, 0xfe, 0x7b]).toString('base64'),
      Buffer.from('['.repeat(9000)).toString('base64'),
      base64Json(required([], {})),
      base64Json(required(Array.from({ length: 33 }, () => ({})))),
    ]; // prettier-ignore
    for (header of headers) {
      const { code } = await stage.refused(agent.fetch(url));
      expect([header, code]).toEqual([header, 'offer_malformed']);
    }
    expect([ledger.signatures, proofs()]).toEqual([[], []]);
  });

  it('with random changes costs at most the cap', async () => {
    let header = '';
    const { url } = await stage.mallory(({ proof }, response) => {
      if (proof === undefined) response.writeHead(402, { 'PAYMENT-REQUIRED': header }).end('{}');
      else response.end('sold');
    });
    const whole = JSON.stringify(required([entry()], { extensions: bound(url) }));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(whole.length),
        fc.string({ maxLength: 12 }),
        fc.nat(20),
        async (at, text, cut) => {
          header = Buffer.from(whole.slice(0, at) + text + whole.slice(at + cut)).toString(
            'base64',
          );
          const { agent, ledger } = stage.victim();
          const outcome = await agent.fetch(url).then(
            ({ countersign }) => countersign.paid,
            (error: unknown) => error,
          );
          if (outcome instanceof Error) await stage.refused(Promise.reject(outcome));
          expect(ledger.total()).toBeLessThanOrEqual(PER_CALL);
        },
      ),
      { numRuns: 500, seed: 3 },
    );
  });
});

describe('a 402 of version 1', () => {
  const old = (changes: Json = {}): Json => {
    const { amount, ...kept } = entry(changes);
    return { ...kept, network: 'base-sepolia', maxAmountRequired: amount, ...changes };
  };
  const oldSeller = async (body: string) =>
    await stage.mallory(({ proof }, response) => {
      if (proof === undefined)
        response.writeHead(402, { 'Content-Type': 'application/json' }).end(body);
      else response.end('sold');
    });

  it('is paid within the caps', async () => {
    const { url, received } = await oldSeller(JSON.stringify({ x402Version: 1, accepts: [old()] }));
    const { agent } = stage.victim();
    expect((await agent.fetch(url)).countersign).toMatchObject({ paid: 'payment', version: 1 });
    expect(received[1]?.headers['x-payment']).toBeDefined();
  });

  it.each<[string, string, string]>([
    ['above the cap', JSON.stringify({ x402Version: 1, accepts: [old({ amount: '10001' })] }), 'over_per_call'],
    ['of an unknown network', JSON.stringify({ x402Version: 1, accepts: [old({ network: 'base-seppolia' })] }), 'network_unsupported'],
    ['of version 2 in the body', JSON.stringify({ x402Version: 2, accepts: [entry()] }), 'offer_malformed'],
    ['that is not JSON', '{"x402Version":1,', 'offer_missing'],
    ['that is an HTML page', '<html>402</html>', 'offer_missing'],
    ['that is empty', '', 'offer_missing'],
    ['of a megabyte', JSON.stringify({ x402Version: 1, accepts: [old()], pad: 'x'.repeat(1024 * 1024) }), 'offer_missing'],
    ['nested 20,000 deep', `{"x402Version":1,"accepts":[${'['.repeat(20_000)}${']'.repeat(20_000)}]}`, 'offer_missing'],
  ])('%s is not paid', async (_, body, code) => {
    const { url } = await oldSeller(body);
    const { agent, ledger } = stage.victim();
    expect((await stage.refused(agent.fetch(url))).code).toBe(code);
    expect(ledger.signatures).toEqual([]);
  });
}); // prettier-ignore
