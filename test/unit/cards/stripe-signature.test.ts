import { expect, it } from 'vitest';
import { signStripeEvent } from '../../../dev/cards/fake-issuer.ts';
import { TOLERANCE, verifyStripeSignature } from '../../../src/cards/stripe-signature.ts';

const SECRET = 'whsec_test';
const NOW = 1_795_737_600;
const BODY = '{"id":"evt_1"}';
const verify = (header: string | null, body = BODY, secret = SECRET, now = NOW) =>
  verifyStripeSignature(header, body, secret, now);
const signed = (at = NOW, secret = SECRET) => signStripeEvent(BODY, secret, at);

it('accepts the signature of this body and secret', async () => {
  expect(await verify(await signed())).toBe(true);
});

it('agrees with a signature that openssl made', async () => {
  // printf '1795737600.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
  const mac = '78f2ba113e9b593f3a0a5369a8218eb1b46bdd062b297fcae0c7d6c274f1425e';
  expect(await verify(`t=${NOW},v1=${mac}`)).toBe(true);
});

it('accepts one of several signatures, while the secret is rolled', async () => {
  const header = await signed();
  expect(await verify(header.replace(',v1=', `,v1=${'0'.repeat(64)},v1=`))).toBe(true);
});

it('rejects a changed body, another secret and another time', async () => {
  const header = await signed();
  expect(await verify(header, `${BODY} `)).toBe(false);
  expect(await verify(header, BODY, 'whsec_other')).toBe(false);
  expect(await verify(header.replace(String(NOW), String(NOW + 1)))).toBe(false);
});

it('rejects a signature outside the tolerance, before and after', async () => {
  for (const at of [NOW - TOLERANCE, NOW + TOLERANCE]) {
    expect(await verify(await signed(at))).toBe(true);
  }
  for (const at of [NOW - TOLERANCE - 1, NOW + TOLERANCE + 1]) {
    expect(await verify(await signed(at))).toBe(false);
  }
});

it('accepts no scheme but v1, and no header that two readers could read differently', async () => {
  const header = await signed();
  const mac = /v1=([0-9a-f]{64})/.exec(header)?.[1] ?? '';
  const headers = [
    null,
    '',
    `v1=${mac}`,
    `t=${NOW}`,
    `t=${NOW},v0=${mac}`,
    `t=${NOW},t=${NOW},v1=${mac}`,
    `t=0${NOW},v1=${mac}`,
    `t=${NOW},v1=${mac.toUpperCase()}`,
    `t=${NOW},v1=${mac.slice(2)}`,
    `${header},${'x'.repeat(1_100)}`,
  ];
  for (const each of headers) expect(await verify(each), String(each)).toBe(false);
});
