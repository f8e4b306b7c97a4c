import type { CallRecord } from '../../../durable-objects/account/call/call-record.ts';
import { settlementMessage } from '../../../durable-objects/account/call/settlement-message.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { readSettlementMessage } from '../../../src/settlement/read-message.ts';
import { messageFor, NOW, paymentNumber } from './scripted.ts';
import { expect, test } from 'vitest';

const payment = paymentNumber(1);
const good = messageFor(payment);

test('reads a settle message as a payment and its expected transfer', () => {
  expect(readSettlementMessage(JSON.parse(JSON.stringify(good)))).toEqual({
    ok: true,
    value: {
      kind: 'settle',
      account: good.account,
      call: good.call,
      network: 'eip155:84532',
      payment,
      acceptedAt: NOW,
      deliveries: 0,
      transfer: {
        token: payment.token.address,
        payer: payment.authorization.from,
        payTo: payment.authorization.to,
        value: 1_000n,
        nonce: payment.authorization.nonce,
        validBefore: payment.authorization.validBefore,
        sinceBlock: 100,
      },
    },
  });
});

test('rejects a message without the time of acceptance', () => {
  const { acceptedAt: _, ...without } = good;
  expect(readSettlementMessage(without)).toEqual({ ok: false, error: 'acceptedAt' });
});

test('reads the message that an account writes', () => {
  const { authorization: fields, signature, ...rest } = payment;
  const record = {
    id: fields.nonce,
    payment: 'queued',
    held: { ...rest, authorization: fields, signature },
    sinceBlock: 100,
    acceptedAt: 1_790_000_000,
  } as unknown as CallRecord;
  const sent = settlementMessage(good.account as AccountId, record);
  expect(readSettlementMessage(JSON.parse(JSON.stringify(sent)))).toMatchObject({
    ok: true,
    value: { kind: 'settle', payment, acceptedAt: 1_790_000_000 },
  });
});

test('reads a look message without signature, and no payment to present', () => {
  const { signature: _, ...without } = messageFor(payment, { kind: 'look' });
  const read = readSettlementMessage(without);
  expect(read).toMatchObject({ ok: true, value: { kind: 'look' } });
  expect(read.ok && 'payment' in read.value).toBe(false);
});

const { authorization, token } = good;
test.each<[string, unknown]>([
  ['v', { ...good, v: 2 }],
  ['kind', { ...good, kind: 'pay' }],
  ['account', { ...good, account: 'eip155:84532:0xABC' }],
  ['account', { ...good, account: `eip155:84532:${'0x' + 'AA'.repeat(20)}` }],
  ['call', { ...good, call: '0x12' }],
  ['signature', { ...good, signature: '0x' }],
  ['signature', { ...good, signature: `0x${'11'.repeat(4_097)}` }],
  ['signature', { ...good, signature: undefined }],
  ['sinceBlock', { ...good, sinceBlock: -1 }],
  ['sinceBlock', { ...good, sinceBlock: 1.5 }],
  ['acceptedAt', { ...good, acceptedAt: '1790000000' }],
  ['acceptedAt', { ...good, acceptedAt: -1 }],
  ['maxTimeoutSeconds', { ...good, maxTimeoutSeconds: '60' }],
  ['token.network', { ...good, token: { ...token, network: 'eip155:0' } }],
  ['token.address', { ...good, token: { ...token, address: '0x' } }],
  ['token.name', { ...good, token: { ...token, name: '' } }],
  ['authorization.value', { ...good, authorization: { ...authorization, value: '-1' } }],
  ['authorization.value', { ...good, authorization: { ...authorization, value: '01' } }],
  ['authorization.value', { ...good, authorization: { ...authorization, value: 1_000 } }],
  [
    'authorization.validBefore',
    { ...good, authorization: { ...authorization, validBefore: '1e9' } },
  ],
  ['authorization.nonce', { ...good, authorization: { ...authorization, nonce: '0x1' } }],
  ['authorization', { ...good, authorization: { ...authorization, extra: 1 } }],
  ['message', { ...good, extra: 1 }],
  ['message', null],
  ['message', 'text'],
  ['message', [good]],
])('rejects a wrong %s', (path, body) => {
  expect(readSettlementMessage(body)).toEqual({ ok: false, error: path });
});

const permit = {
  facilitator: `0x${'fa'.repeat(20)}`,
  approval: { nonce: '0', deadline: '7', signature: `0x${'44'.repeat(65)}` },
} as const;

test('reads a permit with its approval and charge, and expects the charge from its sender', () => {
  const message = { ...good, permit, charge: '7' };
  expect(readSettlementMessage(JSON.parse(JSON.stringify(message)))).toMatchObject({
    ok: true,
    value: {
      payment: { permit, charge: 7n, authorization: { value: 1_000n } },
      transfer: { value: 7n, facilitator: permit.facilitator },
    },
  });
  expect(readSettlementMessage({ ...good, permit })).toMatchObject({
    ok: true,
    value: { transfer: { value: 1_000n } },
  });
});

test.each([
  ['a charge of nothing', { permit, charge: '0' }, 'charge'],
  ['a charge above the maximum', { permit, charge: '1001' }, 'charge'],
  ['a charge of an authorization', { charge: '7' }, 'charge'],
  ['a permit without a sender', { permit: { approval: permit.approval } }, 'permit.facilitator'],
  ['an unknown member of a permit', { permit: { ...permit, more: 1 } }, 'permit'],
])('rejects %s', (_, change, error) => {
  expect(readSettlementMessage({ ...good, ...change })).toEqual({ ok: false, error });
});
