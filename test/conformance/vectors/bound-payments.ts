import type { Hex } from 'viem';
import { describe, expect, it } from 'vitest';
import vectors from '../../vectors/countersign-v1.json' with { type: 'json' };
import { bound, boundField, boundTree, signBound } from '../support/bound.ts';
import { digestOf, paidIntentFor } from '../support/intent.ts';
import { type NamedField, changeOf, paidRequest, requests } from '../support/mutation.ts';
import { kindOf, type Problem } from '../support/offer.ts';
import { base64Json } from '../../support/payment-header.ts';
import { sign, trustedAccount, v1, v2 } from '../support/payment.ts';
import { changed, type HeaderLine, refusal } from '../support/refusal.ts';
import { lookup, type ToolCall, type World } from '../support/world.ts';
import { expectUnused, paidMutations, pathOf, type Proofs, PRICE, SECOND } from './proofs.ts';

const { mustFail } = vectors;

/** Bound payments with one change each. The gateway must reject each of them and use up no nonce or money. */
export const describeBoundPayments = (world: () => World, proofs: () => Proofs): void => {
  describe('a bound payment with another intent', () => {
    it.each(paidMutations)(
      'is rejected when an intent with another $name replaces the signed one',
      async ({ name, swapped }) => {
        if (name === 'chain') return;
        const other = { ...proofs().intent, ...changeOf(name) };
        const problem = await expectUnused(world(), proofs().good, async () =>
          refusal(world(), Object.entries(bound({ ...proofs().good, intent: other })), paidRequest),
        );
        expect(problem.field).toBe(pathOf(swapped, boundField));
      },
    );

    it.each(paidMutations.filter(({ signed }) => signed !== undefined))(
      'is rejected when an intent with another $name was signed',
      async ({ name, signed }) => {
        const other = { ...proofs().intent, ...changeOf(name) };
        const terms = name === 'chain' ? { nonce: digestOf(other, 8453) } : {};
        const payment = await signBound(world(), proofs().account, paidRequest, other, terms);
        const problem = await expectUnused(world(), payment, async () =>
          refusal(world(), Object.entries(bound(payment)), paidRequest),
        );
        expect(problem.field).toBe(pathOf(signed as NamedField, boundField));
      },
    );

    it('is rejected when it accepts an offer on another chain', async () => {
      const tree = changed(boundTree(proofs().good), 'accepted.network', 'eip155:8453');
      const problem = await expectUnused(world(), proofs().good, async () =>
        refusal(world(), [['PAYMENT-SIGNATURE', base64Json(tree)]], paidRequest),
      );
      expect(problem.field).toBe('PAYMENT-SIGNATURE.accepted.network');
    });
  });

  describe('a bound payment without its intent, or an intent without the mark', () => {
    const AUTHORIZATION = 'PAYMENT-SIGNATURE.payload.authorization';

    it('is rejected as published, in both versions of x402', async () => {
      const { accepted } = proofs().good;
      const unknown = mustFail.unmarkedPayments['1131378031'];
      for (const { authorization, signature } of [mustFail.strippedPayment, unknown]) {
        const payment = {
          accepted,
          payload: { authorization, signature: signature as Hex },
        };
        for (const headers of [v2(payment), v1(payment)]) {
          const problem = await refusal(world(), Object.entries(headers), paidRequest);
          expect(kindOf(problem)).toBe('binding-required');
        }
      }
    });

    it.each(Object.keys(mustFail.unmarkedPayments))(
      'is rejected with its intent when signed with validAfter %s',
      async (value) => {
        const validAfter = Number(value);
        const payment = await signBound(world(), proofs().account, paidRequest, proofs().intent, {
          validAfter,
        });
        const problem = await expectUnused(world(), payment, async () =>
          refusal(world(), Object.entries(bound(payment)), paidRequest),
        );
        expect([kindOf(problem), problem.field]).toEqual([
          'intent-mismatch',
          `${AUTHORIZATION}.validAfter`,
        ]);
      },
    );

    it.each([vectors.boundValidAfter, '1131378031', '1131378285'])(
      'is rejected without its intent when signed with validAfter %s',
      async (value) => {
        const validAfter = Number(value);
        const payment = await signBound(world(), proofs().account, paidRequest, proofs().intent, {
          validAfter,
        });
        for (const headers of [v2(payment), v1(payment)]) {
          const problem = await expectUnused(world(), payment, async () =>
            refusal(world(), Object.entries(headers), paidRequest),
          );
          expect(kindOf(problem)).toBe('binding-required');
        }
      },
    );

    it.each(['0', '1131378029', '1131378286'])(
      'is a vanilla payment with validAfter %s',
      async (value) => {
        // Use another payer: this payment settles in the background, and other tests count the transfers of `account`.
        const payer = await trustedAccount(world(), { reports: 1, balance: PRICE });
        const payment = await sign(world(), payer, paidRequest, { validAfter: Number(value) });
        expect((await world().send(paidRequest, v2(payment))).status).toBe(200);
      },
    );
  });

  describe('a bound payment with another request', () => {
    const send = async (call: ToolCall, more: readonly HeaderLine[] = []): Promise<Problem> =>
      await expectUnused(
        world(),
        proofs().good,
        async () =>
          await refusal(world(), [...Object.entries(bound(proofs().good)), ...more], call),
      );

    it.each(requests)('is rejected with another $name', async ({ call, field }) => {
      const problem = await send(call);
      expect([kindOf(problem), problem.field]).toEqual(['intent-mismatch', boundField(field)]);
    });

    it('is rejected by the accepted amount for a tool of another price', async () => {
      const problem = await send({ ...paidRequest, path: '/tools/enrich?formality=high' });
      expect(problem.field).toBe('PAYMENT-SIGNATURE.accepted.amount');
    });

    it('is rejected with another method', async () => {
      expect(await send({ ...paidRequest, method: 'PUT' })).toMatchObject({
        status: 405,
        field: 'method',
      });
    });

    it('is rejected under another audience of the same gateway', async () => {
      const problem = await send(paidRequest, [['Host', 'second.example']]);
      expect([kindOf(problem), problem.field, problem['expected']]).toEqual([
        'intent-mismatch',
        boundField('audience'),
        SECOND,
      ]);
    });

    it('is rejected for another tool of the same price', async () => {
      const payment = await signBound(
        world(),
        proofs().account,
        lookup,
        await paidIntentFor(world(), proofs().account.address, lookup),
      );
      const problem = await expectUnused(world(), payment, async () =>
        refusal(world(), Object.entries(bound(payment)), { path: '/tools/echo/x' }),
      );
      expect([kindOf(problem), problem.field]).toEqual(['intent-mismatch', boundField('tool')]);
    });

    it('is rejected when it pays another recipient', async () => {
      const to = mustFail.paidIntentMutations.recipient.change.payTo.toLowerCase() as Hex;
      const payment = await signBound(world(), proofs().account, paidRequest, proofs().intent, {
        to,
      });
      const problem = await expectUnused(world(), payment, async () =>
        refusal(world(), Object.entries(bound(payment)), paidRequest),
      );
      expect([kindOf(problem), problem.field]).toEqual([
        'recipient-mismatch',
        'PAYMENT-SIGNATURE.payload.authorization.to',
      ]);
    });

    it('is rejected when it pays more than the intent allows', async () => {
      const other = { ...proofs().intent, maxAmount: PRICE - 1n };
      const payment = await signBound(world(), proofs().account, paidRequest, other);
      const problem = await expectUnused(world(), payment, async () =>
        refusal(world(), Object.entries(bound(payment)), paidRequest),
      );
      expect([kindOf(problem), problem.field]).toEqual([
        'intent-mismatch',
        boundField('maxAmount'),
      ]);
    });
  });
};
