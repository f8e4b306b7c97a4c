import { serializeErc6492Signature, type Hex } from 'viem';
import { describe, expect, it } from 'vitest';
import { classifySignature, MAX_SIGNATURE_TEXT } from '../../../src/crypto/signature-shape.ts';
import { recoverStrict } from '../../../src/crypto/verifier.ts';
import vectors from '../../vectors/countersign-v1.json';

const agent = vectors.keys.agent.address.toLowerCase() as Hex;
const digest = vectors.paid.payment.digest as Hex;
const ecdsa = vectors.paid.payment.signature as Hex;

describe('classifySignature', () => {
  it('classifies 65 bytes as ECDSA, and every other length as contract', () => {
    expect(classifySignature(ecdsa)).toEqual({ ok: true, value: 'ecdsa' });
    expect(classifySignature(`0x${'ab'.repeat(96)}`)).toEqual({ ok: true, value: 'contract' });
    expect(classifySignature('0x')).toEqual({ ok: true, value: 'contract' });
  });

  it.each([
    serializeErc6492Signature({ address: agent, data: '0x00', signature: ecdsa }),
    `0x${'6492'.repeat(16)}`,
    `0x00${'8010'.repeat(16)}`,
    // A signature of 65 bytes that ends in the magic suffix is a wrapper too.
    `0x${'11'.repeat(33)}${'6492'.repeat(16)}`,
  ])('refuses a counterfactual wrapper %#', (signature) => {
    expect(classifySignature(signature)).toMatchObject({
      error: { reason: 'counterfactual_signature' },
    });
    expect(recoverStrict(digest, signature)).toMatchObject({
      error: { reason: 'counterfactual_signature' },
    });
  });

  it('bounds the size exactly', () => {
    const most = `0x${'ab'.repeat((MAX_SIGNATURE_TEXT - 2) / 2)}`;
    expect(classifySignature(most)).toEqual({ ok: true, value: 'contract' });
    expect(classifySignature(`${most}ab`)).toMatchObject({
      error: { reason: 'signature_too_large' },
    });
  });
});
