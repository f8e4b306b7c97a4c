import type { Hex } from 'viem';
import { describe, expect, it } from 'vitest';
import vectors from '../../vectors/countersign-v1.json' with { type: 'json' };
import { bound, boundTree } from '../support/bound.ts';
import { signFields, type SignedIntent } from '../support/intent.ts';
import { type NamedField, changeOf, type Mutation, paidRequest } from '../support/mutation.ts';
import { kindOf } from '../support/offer.ts';
import { base64Json } from '../../support/payment-header.ts';

import { changed, type Form, type HeaderLine, refusal, reshaped } from '../support/refusal.ts';
import type { ToolCall, World } from '../support/world.ts';
import {
  expectUnused,
  freeRequest,
  headerField,
  headerMutations,
  lines,
  pathOf,
  type Proofs,
  SIGNATURE,
} from './proofs.ts';

const { mustFail, paid, unpaid } = vectors;
const authority = paid.intent.authority as Hex;

/** Intents with one change each, and signatures and retry keys in forms that must fail, in every carrier. */
export const describeIntents = (world: () => World, proofs: () => Proofs): void => {
  describe.each([
    {
      carrier: 'paid from credit',
      signedOf: () => proofs().fromCredit,
      signer: () => proofs().creditHolder,
      call: paidRequest,
      mutations: headerMutations,
    },
    {
      carrier: 'for a free tool',
      signedOf: () => proofs().free,
      signer: () => proofs().account,
      call: freeRequest,
      // Only the signature covers this field in a free call, so the gateway names the signature.
      mutations: headerMutations.map((mutation): Mutation =>
        mutation.name === 'recipient'
          ? { ...mutation, swapped: SIGNATURE, signed: undefined }
          : mutation,
      ),
    },
  ])('an intent $carrier', ({ signedOf, signer, call, mutations }) => {
    /** Applies the mutation, with another value where the intent already has the mutated value. */
    const mutated = (mutation: Mutation): SignedIntent => {
      const signed = signedOf();
      if (mutation.name === 'chain') return { ...signed, chainId: 8453 };
      const change = changeOf(mutation.name);
      const zero = signed.intent.authority === `0x${'0'.repeat(64)}`;
      const other = mutation.name === 'authority' && zero ? { authority } : change;
      return { ...signed, intent: { ...signed.intent, ...other } };
    };

    it.each(mutations)(
      'is rejected when one with another $name replaces the signed one',
      async (mutation) => {
        const problem = await refusal(world(), lines(mutated(mutation)), call);
        expect(problem.field).toBe(pathOf(mutation.swapped, headerField));
      },
    );

    it.each(mutations.filter(({ signed }) => signed !== undefined))(
      'is rejected when it was signed with another $name',
      async (mutation) => {
        const other = mutated(mutation);
        const signed = await signFields(signer(), other.intent, other.chainId);
        const problem = await refusal(world(), lines(signed), call);
        expect(problem.field).toBe(pathOf(mutation.signed as NamedField, headerField));
      },
    );

    it('is rejected with another request', async () => {
      const { path } = call;
      const elsewhere = path.startsWith('/tools/whoami') ? '/tools/whoami?q=y' : `${path}&x=1`;
      const others: readonly (readonly [ToolCall, string, readonly HeaderLine[]])[] = [
        [{ ...call, path: elsewhere }, headerField('target'), []],
        [{ ...call, contentType: 'text/plain' }, headerField('contentType'), []],
        ...(call.body === undefined
          ? []
          : [
              [
                { ...call, body: `${String(call.body)}\n` },
                headerField('payloadDigest'),
                [],
              ] as const,
              [{ ...call, path: '/tools/report' }, headerField('tool'), []] as const,
            ]),
        [{ ...call, method: 'DELETE' }, 'method', []],
        [call, headerField('audience'), [['Host', 'second.example']]],
      ];
      for (const [other, field, more] of others)
        expect((await refusal(world(), [...lines(signedOf()), ...more], other)).field).toBe(field);
    });
  });

  describe('a signature in a form of the vectors', () => {
    const forms = Object.keys(mustFail.paymentSignatureEncodings) as Form[];

    it.each(forms)(
      '%s is rejected on a bound payment and on both kinds of intents',
      async (form) => {
        expect(reshaped(form, paid.payment.signature as Hex)).toBe(
          mustFail.paymentSignatureEncodings[form],
        );
        expect(reshaped(form, unpaid.signature as Hex)).toBe(
          mustFail.unpaidSignatureEncodings[form],
        );
        const { signature } = proofs().good.payload;
        const reshapedPayment = changed(
          boundTree(proofs().good),
          'payload.signature',
          reshaped(form, signature),
        );
        const tried = [
          await expectUnused(world(), proofs().good, async () =>
            refusal(world(), [['PAYMENT-SIGNATURE', base64Json(reshapedPayment)]], paidRequest),
          ),
          ...(await Promise.all(
            (
              [
                [proofs().fromCredit, paidRequest],
                [proofs().free, freeRequest],
              ] as const
            ).map(async ([signed, call]) =>
              refusal(
                world(),
                lines({ ...signed, signature: reshaped(form, signed.signature) }),
                call,
              ),
            ),
          )),
        ];
        expect(tried.map((problem) => [kindOf(problem), problem.field])).toEqual([
          ['invalid-signature', 'PAYMENT-SIGNATURE.payload.signature'],
          ['invalid-signature', 'Agent-Intent.signature'],
          ['invalid-signature', 'Agent-Intent.signature'],
        ]);
      },
    );
  });

  describe('a retry key of the vectors that must fail', () => {
    it.each(Object.entries(mustFail.retrySecrets))(
      '(%s) is rejected with a bound payment and with both kinds of intents',
      async (_, key) => {
        const carriers = [
          [Object.entries(bound(proofs().good)), paidRequest],
          [lines(proofs().fromCredit), paidRequest],
          [lines(proofs().free), freeRequest],
        ] as const;
        for (const [proof, call] of carriers) {
          const problem = await expectUnused(world(), proofs().good, async () =>
            refusal(world(), [...proof, ['Agent-Retry-Key', key]], call),
          );
          expect(problem).toMatchObject({ status: 400, field: 'Agent-Retry-Key' });
        }
      },
    );
  });
};
