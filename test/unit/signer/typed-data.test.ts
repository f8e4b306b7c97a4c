import { hashTypedData } from 'viem';
import { describe, expect, it } from 'vitest';
import { readSigningRequest } from '../../../src/signer/signing-request.ts';
import { readTypedData } from '../../../src/signer/typed-data.ts';
import {
  AGENT,
  approvalData,
  intent,
  intentData,
  intentParams,
  paymentData,
  paymentOf,
  paymentParams,
  permitData,
  STRANGER,
  TRANSFER_FIELDS,
  USDC,
  withIntent,
} from './fixture.ts';

const digestByViem = (data: unknown) => hashTypedData(data as Parameters<typeof hashTypedData>[0]);
const ruleOf = (data: unknown) => {
  const read = readTypedData(data);
  return read.ok || read.error.fault !== 'unsupported' ? undefined : read.error.rule;
};
const fieldOf = (data: unknown) => {
  const read = readTypedData(data);
  return read.ok || read.error.fault !== 'malformed' ? undefined : read.error.field;
};
const payment = paymentData(paymentOf(intent));

describe('a request for a signature', () => {
  it('is hashed as viem hashes the same typed data', () => {
    for (const params of [
      intentParams(intent),
      paymentParams(intent),
      withIntent(intent, permitData(intent)),
      withIntent(intent, approvalData(intent)),
    ]) {
      const read = readSigningRequest(params);
      expect(read.ok && read.value.digest).toBe(digestByViem(params[1]));
    }
  });

  it('may hold the typed data as text', () => {
    const read = readSigningRequest([AGENT, JSON.stringify(intentData(intent))]);
    expect(read.ok && read.value.digest).toBe(digestByViem(intentData(intent)));
  });

  it('names the intent of a payment and nothing else', () => {
    const [address, data, third] = paymentParams(intent);
    const refused = (...params: readonly unknown[]) => {
      const read = readSigningRequest(params);
      return read.ok ? undefined : read.error;
    };
    expect(refused(address, data)).toMatchObject({ field: 'params[2]' });
    expect(refused(address, data, { ...(third as object), more: 1 })).toMatchObject({
      field: 'params[2]',
    });
    expect(refused(address, data, { intent: { agent: AGENT } })).toMatchObject({
      fault: 'malformed',
    });
    expect(refused(address, intentData(intent), third)).toMatchObject({ field: 'params[2]' });
  });
});

describe('typed data that the signer never signs', () => {
  it.each([
    ['Permit', 'permit'],
    ['PermitTransferFrom', 'permit'],
    ['PermitSingle', 'permit'],
    ['PermitBatchWitnessTransferFrom', 'permit'],
    ['AgentDelegation', 'grant'],
    ['AgentRevocation', 'grant'],
    ['ReceiveWithAuthorization', 'primary_type'],
    ['CancelAuthorization', 'primary_type'],
    ['Order', 'primary_type'],
    ['toString', 'primary_type'],
  ])('refuses %s by the name %s', (primaryType, rule) => {
    expect(ruleOf({ ...payment, primaryType })).toBe(rule);
  });

  it('refuses domains of other contracts, tokens, names and chains', () => {
    const on = (domain: object) => ruleOf({ ...payment, domain: { ...payment.domain, ...domain } });
    expect(on({ verifyingContract: STRANGER })).toBe('domain');
    expect(on({ name: 'USD Coin' })).toBe('domain');
    expect(on({ version: '1' })).toBe('domain');
    expect(on({ chainId: 7 })).toBe('chain');
    expect(on({ chainId: 8453 })).toBe('domain');
    expect(on({ salt: `0x${'00'.repeat(32)}` })).toBe('domain');
    expect(
      ruleOf({ ...intentData(intent), domain: { name: 'Countersign', version: '2', chainId: 1 } }),
    ).toBe('domain');
  });

  it('refuses types that differ from its own, in any order or letter', () => {
    const types = (own: unknown, more: object = {}) =>
      ruleOf({ ...payment, types: { TransferWithAuthorization: own, ...more } });
    expect(types(TRANSFER_FIELDS)).toBeUndefined();
    expect(types(TRANSFER_FIELDS.toReversed())).toBe('types');
    expect(types(TRANSFER_FIELDS.slice(1))).toBe('types');
    expect(types(TRANSFER_FIELDS, { Permit: [] })).toBe('types');
    expect(types(TRANSFER_FIELDS, { EIP712Domain: [] })).toBe('types');
    expect(
      types([
        ...TRANSFER_FIELDS.slice(0, 2),
        { name: 'value', type: 'uint128' },
        ...TRANSFER_FIELDS.slice(3),
      ]),
    ).toBe('types');
    expect(ruleOf({ ...payment, types: {} })).toBe('types');
  });

  it.each(['0x10', '01', '-1', '1.0', '1e3', ' 1', 1])('refuses the number %s', (value) => {
    expect(fieldOf({ ...payment, message: { ...payment.message, value } })).toBe(
      'typedData.message.value',
    );
  });

  it('refuses unknown members and addresses with a bad checksum', () => {
    expect(fieldOf({ ...payment, message: { ...payment.message, memo: '' } })).toBe(
      'typedData.message.memo',
    );
    expect(fieldOf({ ...payment, memo: '' })).toBe('typedData.memo');
    const to = '0x036CBD53842c5426634e7929541ec2318f3dcf7e';
    expect(to.toLowerCase()).toBe(USDC);
    expect(fieldOf({ ...payment, message: { ...payment.message, to } })).toBe(
      'typedData.message.to',
    );
  });

  it('refuses a permit in another domain, or for another spender, token or no facilitator', () => {
    const data = permitData(intent);
    const on = (domain: object) => ruleOf({ ...data, domain: { ...data.domain, ...domain } });
    expect(on({})).toBeUndefined();
    expect(on({ verifyingContract: STRANGER })).toBe('domain');
    expect(on({ name: 'Permit3' })).toBe('domain');
    expect(on({ version: '1' })).toBe('domain');
    expect(on({ chainId: 7 })).toBe('chain');
    const of = (more: object) => ruleOf({ ...data, message: { ...data.message, ...more } });
    const { witness, permitted } = data.message;
    expect(of({ spender: STRANGER })).toBe('permit');
    expect(of({ permitted: { ...permitted, token: STRANGER } })).toBe('permit');
    expect(of({ witness: { ...witness, facilitator: `0x${'00'.repeat(20)}` } })).toBe('permit');
  });

  it('refuses a permit whose structs differ from its own, or lack one', () => {
    const data = permitData(intent);
    const { Witness, TokenPermissions, ...own } = data.types;
    const types = (given: object) => ruleOf({ ...data, types: given });
    const { EIP712Domain: _, ...bare } = data.types;
    expect(types(bare)).toBeUndefined();
    expect(types({ ...own, TokenPermissions })).toBe('permit');
    expect(types({ ...own, TokenPermissions, Witness: Witness.toReversed() })).toBe('permit');
    expect(types({ ...data.types, toString: [] })).toBe('permit');
    expect(fieldOf({ ...data, message: { ...data.message, memo: '' } })).toBe(
      'typedData.message.memo',
    );
  });

  it('refuses an allowance for another spender than Permit2, or of another token', () => {
    const data = approvalData(intent);
    expect(ruleOf(data)).toBeUndefined();
    expect(ruleOf({ ...data, message: { ...data.message, spender: STRANGER } })).toBe('permit');
    const domain = { ...data.domain, verifyingContract: STRANGER };
    expect(ruleOf({ ...data, domain })).toBe('domain');
  });

  it('refuses text with a key that appears twice', () => {
    expect(fieldOf(`{"primaryType":"AgentIntent",${JSON.stringify(payment).slice(1)}`)).toBe(
      'typedData',
    );
  });
});
