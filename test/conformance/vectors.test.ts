import { describe, expect, it } from 'vitest';
import { freePort } from '../../dev/stack/loopback.ts';
import { intentFields } from '../../src/protocol/intent/agent-intent.ts';
import vectors from '../vectors/countersign-v1.json' with { type: 'json' };
import { bound, signBound } from './support/bound.ts';
import { agentIntent, sha256 } from './support/intent.ts';
import { changeOf, paidRequest, requests } from './support/mutation.ts';
import { base64Json } from '../support/payment-header.ts';
import { sign } from './support/payment.ts';
import { useWorld } from './support/world.ts';
import { describeBoundPayments } from './vectors/bound-payments.ts';
import { describeIntents } from './vectors/intents.ts';
import { freeRequest, paidMutations, SECOND, useProofs } from './vectors/proofs.ts';

/**
 * Tries every entry under `mustFail` of the vectors in real requests. The unchanged proofs come last and must still work after all
 * rejections.
 */
const port = await freePort();
// One gateway with two audiences: an intent for one of them is invalid at the other.
const world = useWorld({
  port,
  variables: { AUDIENCES: `http://127.0.0.1:${port},${SECOND}` },
});
const proofs = useProofs(world);
const { mustFail, paid } = vectors;

describe('the vectors', () => {
  it('are all tested, and their hashes follow from the same changes', () => {
    expect(paidMutations.map(({ name }) => name)).toEqual(
      Object.keys(mustFail.paidIntentMutations),
    );
    expect(sha256(paidRequest.body as string)).toBe(paid.intent.payloadDigest);
    for (const { name, call } of requests)
      if (name === 'body' || name === 'bodyReserialised')
        expect(sha256(call.body as string)).toBe(
          mustFail.paidIntentMutations[name].change.payloadDigest,
        );
  });
});

describeBoundPayments(world, proofs);
describeIntents(world, proofs);

describe('an unchanged proof', () => {
  it('works after all rejections, in each of the three forms', async () => {
    const before = await world().counts();
    const answer = await world().send(paidRequest, bound(proofs().good));
    const body = await answer.text();
    expect(answer.status, body).toBe(200);
    expect((await world().send(paidRequest, agentIntent(proofs().fromCredit))).status).toBe(200);
    expect((await world().send(freeRequest, agentIntent(proofs().free))).status).toBe(200);
    const after = await world().counts();
    expect([after.translate, after.whoami]).toEqual([before.translate + 2, before.whoami + 1]);
    // The secret published in the vectors returns the stored answer.
    const key = { 'Agent-Retry-Key': vectors.retry.header };
    const again = await world().send(paidRequest, { ...bound(proofs().good), ...key });
    expect([again.status, await again.text()]).toEqual([200, body]);
    for (const [signed, call] of [
      [proofs().fromCredit, paidRequest],
      [proofs().free, freeRequest],
    ] as const)
      expect((await world().send(call, { ...agentIntent(signed), ...key })).status).toBe(200);
    expect(await world().counts()).toEqual(after);
  });

  it.each(paidMutations.filter(({ signed }) => signed === undefined))(
    'works with another valid $name that is signed',
    async ({ name }) => {
      const other = { ...proofs().intent, ...changeOf(name) };
      const payment = await signBound(world(), proofs().account, paidRequest, other);
      expect(intentFields(payment.intent)).not.toEqual(intentFields(proofs().intent));
      expect((await world().send(paidRequest, bound(payment))).status).toBe(200);
    },
  );

  it('is not needed by vanilla payments, which work without an intent', async () => {
    const vanilla = await sign(world(), proofs().account, paidRequest);
    const answer = await world().send(paidRequest, {
      'PAYMENT-SIGNATURE': base64Json({ x402Version: 2, ...vanilla }),
    });
    expect(answer.status).toBe(200);
  });
});
