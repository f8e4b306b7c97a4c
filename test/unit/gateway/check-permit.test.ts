import { describe, expect, it } from 'vitest';
import type { Tool } from '../../../src/catalog/tool.ts';
import { checksummed } from '../../../src/crypto/address.ts';
import type { Meter } from '../../../src/protocol/meter/meter.ts';
import type { ReceivedRequest } from '../../../src/gateway/paid-request.ts';
import { readProof } from '../../../src/gateway/proof.ts';
import { checkPayment } from '../../../src/gateway/check.ts';
import { publicTool, requirementsOf } from '../../../src/gateway/public-tool.ts';
import { offerOf } from '../../../src/gateway/request-proof.ts';
import { paymentRequiredBody } from '../../../src/protocol/x402/offer.ts';
import { parseXPayment } from '../../../src/protocol/x402/payment-payload.ts';
import { BOUND_VALID_AFTER } from '../../../src/protocol/intent/binding.ts';
import { intentDigest } from '../../../src/protocol/intent/agent-intent.ts';
import { changed } from '../protocol/x402/fixture.ts';
import { type Outcome, see } from './payment-fixture.ts';
import {
  checkUpto,
  metered,
  MOST,
  payer,
  permitConfig,
  permitOf,
  SENDER,
} from './permit-fixture.ts';
import {
  addressOf,
  CHAIN_ID,
  intentFor,
  NOW,
  oldPaymentHeader,
  paying,
  paymentOf,
} from './signing.ts';

const config = permitConfig();
const PERMIT = 'PAYMENT-SIGNATURE.payload.permit2Authorization';
const INFO = 'PAYMENT-SIGNATURE.extensions.eip2612GasSponsoring.info';

const check = async (payload: unknown, observed: ReceivedRequest): Promise<Outcome> =>
  checkUpto(config, metered, payload, observed);

const faultOf = (outcome: Outcome) => {
  if (outcome.ok) return 'accepted';
  const { reason } = outcome.error;
  return 'field' in outcome.error ? `${reason} ${String(outcome.error.field)}` : reason;
};

describe('the offer', () => {
  it('lists `upto` before `exact`, for the first key of the relayer', () => {
    const offer = requirementsOf(config, metered);
    expect(offer.map(({ scheme }) => scheme)).toEqual(['upto', 'exact']);
    expect(offer[0]?.extra).toEqual({
      ...{ name: 'USDC', version: '2' },
      ...{ assetTransferMethod: 'permit2', facilitatorAddress: checksummed(SENDER) },
    });
  });

  it('has only `exact` for version 1, and accepts such a payment', async () => {
    const sold = publicTool(config, metered);
    const offer = offerOf(sold, 'https://gw.example/tools/translate', {});
    if (offer === undefined) throw new Error('a tool that is sold');
    const { accepts } = paymentRequiredBody(offer);
    expect(accepts.map(({ scheme }) => scheme)).toEqual(['exact']);
    const old = parseXPayment(oldPaymentHeader(await paymentOf())['X-PAYMENT']);
    if (!old.ok) throw new Error('is a payment');
    const outcome = checkPayment(config, metered, await see(), old.value, NOW);
    expect(outcome).toMatchObject({ ok: true, value: { execute: true, signedByKey: true } });
  });

  describe('of a tool that refuses `exact`', () => {
    const meter: Meter = {
      ...{ usage: { from: 'gateway' }, rates: { bytes: '$1 per 1000' }, exact: false },
      ...{ readOn: { seconds: 30, bytes: 1 }, idleSeconds: 30 },
    };
    const refusing: Tool = { ...metered, meter };

    it('lists `upto` only, and nothing for version 1', () => {
      expect(requirementsOf(config, refusing).map(({ scheme }) => scheme)).toEqual(['upto']);
      const offer = offerOf(publicTool(config, refusing), 'https://gw.example/tools/translate', {});
      expect(offer && paymentRequiredBody(offer).accepts).toEqual([]);
    });

    it('has no offer on a network without a sender of its transactions', () => {
      const without = { ...config, relayers: new Map() };
      expect(requirementsOf(without, { ...refusing })).toEqual([]);
    });

    it('accepts a permit, and neither form of an `exact` payment', async () => {
      const pay = (payload: unknown, observed: ReceivedRequest) =>
        checkUpto(config, refusing, payload, observed);
      expect(await pay(await permitOf(), await see())).toMatchObject({ ok: true });
      expect(faultOf(await pay(await paymentOf(), await see()))).toBe(
        'requirement_mismatch PAYMENT-SIGNATURE.accepted.scheme',
      );
      const old = parseXPayment(oldPaymentHeader(await paymentOf())['X-PAYMENT']);
      if (!old.ok) throw new Error('is a payment');
      const refused = checkPayment(config, refusing, await see(), old.value, NOW);
      expect(refused).toMatchObject({
        error: { reason: 'requirement_mismatch', field: 'X-PAYMENT.scheme', expected: 'upto' },
      });
    });
  });

  it('names the sender of a facilitator if the network has no relayer', () => {
    const [facilitator] = config.facilitators;
    if (facilitator === undefined) throw new Error('one facilitator');
    const uptoSender = addressOf('owner');
    const without = { ...config, relayers: new Map() };
    expect(requirementsOf(without, { ...metered }).map(({ scheme }) => scheme)).toEqual(['exact']);
    const named = { ...without, facilitators: [{ ...facilitator, uptoSender }] };
    const [first] = requirementsOf(named, { ...metered });
    expect(String(first?.extra['facilitatorAddress']).toLowerCase()).toBe(uptoSender);
  });

  it.each([{ pricing: 'exact' }, { settlement: 'credit' }] as const)(
    'has no `upto` for a tool with %o',
    (change) => {
      const [only, ...others] = requirementsOf(config, { ...metered, ...change });
      expect(only?.scheme).toBe('exact');
      expect(others).toEqual([]);
    },
  );
});

describe('a permit', () => {
  it('is a payment of the maximum, and its nonce is the call id', async () => {
    const nonce = `0x${'00'.repeat(31)}07` as const;
    const outcome = await check(await permitOf({ nonce }), await see());
    expect(outcome).toMatchObject({
      ok: true,
      value: {
        ...{ kind: 'payment', call: nonce, binding: 'none', price: MOST, execute: true },
        ...{ payer: payer.address.toLowerCase(), signedByKey: true, validBefore: NOW + 3_600 },
        payment: { permit: { facilitator: SENDER }, authorization: { value: MOST } },
      },
    });
  });

  it('accepts `exact` as well', async () => {
    expect(await check(await paymentOf(), await see())).toMatchObject({ ok: true });
  });

  it.each([
    ['spender', `malformed_field ${PERMIT}.spender`],
    ['permitted.token', `malformed_field ${PERMIT}.permitted.token`],
    ['witness.to', `recipient_mismatch ${PERMIT}.witness.to`],
    ['witness.facilitator', `requirement_mismatch ${PERMIT}.witness.facilitator`],
    ['from', 'accepted'],
  ])('with another %s is refused: %s', async (path, fault) => {
    const at = ['payload', 'permit2Authorization', ...path.split('.')];
    const outcome = await check(changed(await permitOf(), at, addressOf('owner')), await see());
    // Another payer's signature could be that of its contract, which only the chain can tell.
    expect(faultOf(outcome)).toBe(fault);
    if (outcome.ok) expect(outcome.value.signedByKey).toBe(false);
  });

  it.each([
    [{ to: addressOf('owner') }, `recipient_mismatch ${PERMIT}.witness.to`],
    [{ facilitator: addressOf('owner') }, `requirement_mismatch ${PERMIT}.witness.facilitator`],
    [{ value: MOST - 1n }, `value_mismatch ${PERMIT}.permitted.amount`],
    [{ value: MOST + 1n }, `value_mismatch ${PERMIT}.permitted.amount`],
    [{ validAfter: BigInt(NOW) }, `not_yet_valid ${PERMIT}.witness.validAfter`],
    [{ validAfter: BigInt(NOW - 1) }, 'accepted'],
    [{ deadline: BigInt(NOW + 3_661) }, `valid_too_long ${PERMIT}.deadline`],
    [{ deadline: BigInt(NOW + 3_660) }, 'accepted'],
    [
      { validAfter: BOUND_VALID_AFTER },
      'binding_required PAYMENT-SIGNATURE.extensions.agent-intent.info.intent',
    ],
    [{ validAfter: BOUND_VALID_AFTER + 1n }, `binding_required ${PERMIT}.witness.validAfter`],
  ])('signed with %o: %s', async (terms, fault) => {
    expect(faultOf(await check(await permitOf(terms), await see()))).toBe(fault);
  });

  it('looks its call up after its deadline, and executes nothing', async () => {
    const late = await permitOf({ deadline: BigInt(NOW + 6), approvedUntil: BigInt(NOW + 6) });
    expect(await check(late, await see())).toMatchObject({ ok: true, value: { execute: false } });
    const soon = await permitOf({ deadline: BigInt(NOW + 7) });
    expect(await check(soon, await see())).toMatchObject({ ok: true, value: { execute: true } });
  });

  it('of x402 version 1 does not exist', async () => {
    const { payload } = await permitOf();
    const old = { x402Version: 1, scheme: 'upto', network: 'base-sepolia', payload };
    const read = readProof(new Headers({ 'X-PAYMENT': btoa(JSON.stringify(old)) }));
    expect(read).toMatchObject({ ok: false, error: { reason: 'unsupported_scheme' } });
  });

  it.each(['amount', 'payTo', 'asset', 'maxTimeoutSeconds'])(
    'for another %s than the offer is refused',
    async (field) => {
      const other =
        field === 'maxTimeoutSeconds' ? 7 : field === 'amount' ? '7' : addressOf('owner');
      const payload = changed(await permitOf(), ['accepted', field], other);
      const outcome = faultOf(await check(payload, await see()));
      expect(outcome).toBe(
        field === 'asset'
          ? `malformed_field ${PERMIT}.permitted.token`
          : `requirement_mismatch PAYMENT-SIGNATURE.accepted.${field}`,
      );
    },
  );
});

describe('a bound permit', () => {
  const bound = async (change = {}) => {
    const observed = await see();
    const intent = intentFor(observed, paying(MOST));
    return { observed, intent, payload: await permitOf({ intent, ...change }) };
  };

  it('has the digest of its intent as nonce and call id', async () => {
    const { observed, intent, payload } = await bound();
    expect(await check(payload, observed)).toMatchObject({
      ok: true,
      value: { binding: 'intent', call: intentDigest(intent, CHAIN_ID) },
    });
  });

  it('is refused for another request, without its mark, with another nonce, and stripped', async () => {
    const { observed, payload } = await bound();
    const elsewhere = await see({ body: '{"text":"other"}' });
    expect(faultOf(await check(payload, elsewhere))).toMatch(/^intent_mismatch .*payloadDigest$/);
    const unmarked = await bound({ validAfter: 0n });
    expect(faultOf(await check(unmarked.payload, observed))).toBe(
      `intent_mismatch ${PERMIT}.witness.validAfter`,
    );
    const other = await bound({ nonce: `0x${'77'.repeat(32)}` });
    expect(faultOf(await check(other.payload, observed))).toBe(`intent_mismatch ${PERMIT}.nonce`);
    const { extensions: _, ...stripped } = payload;
    expect(faultOf(await check(stripped, observed))).toMatch(/^binding_required/);
  });
});

describe('an approval', () => {
  const approved = async () => permitOf({ approvedUntil: BigInt(NOW + 3_600) });

  it('is kept with the permit', async () => {
    const outcome = await check(await approved(), await see());
    expect(outcome).toMatchObject({
      ok: true,
      value: { payment: { permit: { approval: { nonce: '0', deadline: `${NOW + 3_600}` } } } },
    });
  });

  it('is absent if the client only echoes the offer', async () => {
    const echoed = {
      ...(await permitOf()),
      extensions: { eip2612GasSponsoring: { info: { version: '1' } } },
    };
    const outcome = await check(echoed, await see());
    expect(outcome).toMatchObject({ ok: true });
    if (outcome.ok) expect(outcome.value.payment?.permit).toEqual({ facilitator: SENDER });
  });

  it.each([
    ['from', addressOf('owner'), `malformed_field ${INFO}.from`],
    ['asset', addressOf('owner'), `malformed_field ${INFO}.asset`],
    ['spender', addressOf('owner'), `malformed_field ${INFO}.spender`],
    ['amount', '20001', `malformed_field ${INFO}.amount`],
    ['nonce', '1', `requirement_mismatch ${INFO}.signature`],
    ['deadline', `${NOW + 3_599}`, `requirement_mismatch ${INFO}.signature`],
    ['deadline', `${NOW + 6}`, `requirement_mismatch ${INFO}.deadline`],
    ['signature', undefined, `malformed_field ${INFO}.signature`],
    ['signature', `0x${'11'.repeat(64)}`, `requirement_mismatch ${INFO}.signature`],
  ])('with another %s (%s) is refused: %s', async (field, value, fault) => {
    const at = ['extensions', 'eip2612GasSponsoring', 'info', field];
    expect(faultOf(await check(changed(await approved(), at, value), await see()))).toBe(fault);
  });
});
